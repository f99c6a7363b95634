"""`subtract`: what was merged is taken out again, exactly, and nothing else is."""

import json
import shutil
from functools import cache

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import normstat
from normstat.contents import MOST_ENTRIES
from normstat.spec.files import dumps
from tests.test_merge import NUMBERS, SAMPLES

PHOTOS, ODD = SAMPLES / "photos", SAMPLES / "odd"


def compute_all(**options):
    sources = {name: PHOTOS / name for name in ("coast", "forest", "night")} | {"odd": ODD}
    return {name: normstat.compute(source, **options) for name, source in sources.items()}


@pytest.fixture(scope="module")
def specs():
    return compute_all()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"covariance": True},
        {"ddof": 1},
        {"weighting": "image", "std": "mean-of-images"},
        {"percentiles": ["50"], "mode": "l"},
    ],
    ids=str,
)
@pytest.mark.parametrize("gone", ["coast", "odd"])
def test_part_is_taken_out_byte_for_byte(options, gone):
    specs = compute_all(**options)
    whole = normstat.merge(*specs.values())
    rest = [spec for name, spec in specs.items() if name != gone]
    assert dumps(normstat.subtract(whole, specs[gone])) == dumps(normstat.merge(*rest))
    assert dumps(normstat.subtract(whole, normstat.merge(*rest))) == dumps(specs[gone])


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_any_order_of_taking_out_gives_what_is_left(specs, data):
    order = data.draw(st.permutations(list(specs)))
    whole = normstat.merge(*specs.values())
    for name in order[:-1]:
        whole = normstat.subtract(whole, specs[name])
    assert dumps(whole) == dumps(specs[order[-1]])


@cache
def shards_of(of):
    return [normstat.compute(ODD, shard=f"{number}/{of}") for number in range(1, of + 1)]


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_shards_are_taken_out_byte_for_byte(data):
    of = data.draw(st.sampled_from([2, 5, 60]))
    shards = shards_of(of)
    gone = data.draw(st.sets(st.integers(0, of - 1), min_size=1, max_size=of - 1))
    left = [shard for number, shard in enumerate(shards) if number not in gone]
    # The single run is as good as the merged one: the cut depends on the listing alone.
    found = normstat.subtract(normstat.compute(ODD), normstat.merge(*(shards[n] for n in gone)))
    assert dumps(found) == dumps(normstat.merge(*left))


def test_command_and_library_give_the_same_bytes(run, tmp_path, specs):
    normstat.save(specs["coast"], tmp_path / "coast.json")
    normstat.save(specs["odd"], tmp_path / "odd.json")
    assert run("merge", "coast.json", "odd.json", "-q", "-o", "all.json").code == 0
    code, out, err = run("subtract", "all.json", "odd.json", "-o", "rest.json")
    assert (code, err) == (0, "wrote rest.json\n")
    assert "10, a census (RGB 10)" in out
    assert (tmp_path / "rest.json").read_bytes() == (tmp_path / "coast.json").read_bytes()
    printed = run("subtract", "all.json", "coast.json", "-o", "-").out
    assert printed == (tmp_path / "odd.json").read_text()


def test_folder_of_a_dataset_is_taken_out_and_named(run, tmp_path, specs):
    shutil.copytree(PHOTOS, tmp_path / "data" / "new")
    shutil.copytree(ODD, tmp_path / "data" / "old")
    run("compute", "data", "-q", "-o", "all.json")
    run("compute", "data/old", "-q", "-o", "old.json")
    run("compute", "data/new", "-q", "-o", "new.json")
    assert run("subtract", "all.json", "old.json", "-q").code == 0
    found, new, old, everything = (
        normstat.load(tmp_path / f"{name}.json") for name in ("normstat", "new", "old", "all")
    )
    for field in NUMBERS:
        assert getattr(found, field) == getattr(new, field), field
    assert found.skipped == []
    assert found.dataset.digest == everything.dataset.digest
    [hole] = found.dataset.without
    assert (hole.roots, hole.digest) == (["data/old"], old.dataset.digest)
    assert (hole.images, hole.skipped) == (old.counts.images, len(old.skipped))
    assert found.estimator.images_listed == new.dataset.files
    assert f"data/old: {old.counts.images} images of {old.dataset.files} files" in run("show").out
    assert run("validate").code == 0
    assert run("validate", "normstat.json", "data").code == 0
    code, _, err = run("validate", "normstat.json", "data", "--deep")
    assert code == 3
    assert "what was taken out (data/old)" in err


def test_hole_stays_through_merging_and_subtracting(specs):
    whole = normstat.compute(PHOTOS)
    rest = normstat.subtract(whole, specs["night"])
    both = normstat.merge(rest, specs["odd"])
    assert dumps(normstat.subtract(both, specs["odd"])) == dumps(rest)
    assert dumps(normstat.subtract(both, rest)) == dumps(specs["odd"])
    again = normstat.merge(rest, specs["night"])
    assert again.state == whole.state
    assert dumps(normstat.subtract(again, specs["night"])) == dumps(rest)
    twice = normstat.subtract(rest, specs["coast"])
    other = normstat.subtract(normstat.subtract(whole, specs["coast"]), specs["night"])
    assert dumps(twice) == dumps(other)
    assert twice.state == specs["forest"].state


def test_folder_of_a_merged_dataset_is_taken_from_that_one(specs):
    both = normstat.merge(normstat.compute(PHOTOS), specs["odd"])
    found = normstat.subtract(both, specs["night"])
    rest = normstat.subtract(normstat.compute(PHOTOS), specs["night"])
    assert dumps(found) == dumps(normstat.merge(rest, specs["odd"]))


def test_skipped_files_are_found_under_the_names_of_the_whole(specs):
    whole = normstat.compute(PHOTOS, ODD)  # its names start with the folders
    found = normstat.subtract(whole, specs["odd"])
    assert found.skipped == []
    assert found.state == normstat.compute(PHOTOS).state


def make_many(folder, count):
    folder.mkdir(parents=True)
    for number in range(count):
        Image.new("L", (1, 1), number % 256).save(folder / f"{number}.pgm")


def test_folder_of_a_dataset_too_large_to_tell_each_file(run, tmp_path):
    make_many(tmp_path / "data" / "a", MOST_ENTRIES)
    make_many(tmp_path / "data" / "b", 20)
    (tmp_path / "data" / "b" / "broken.png").write_text("not an image")
    for name, folder in (("all", "data"), ("a", "data/a"), ("b", "data/b")):
        assert run("compute", folder, "-q", "-o", f"{name}.json").code == 0
    assert run("subtract", "all.json", "b.json", "-q").code == 0
    found, a = (normstat.load(tmp_path / f"{name}.json") for name in ("normstat", "a"))
    assert (found.state, found.skipped) == (a.state, [])


REFUSALS = [
    ("night", "night", "nothing is left"),
    ("night", "coast", "dataset.contents: the files of"),
    ("coast+odd", "night", "dataset.contents: the files of"),
    ("coast+odd", "night+odd", "dataset.parts: whole.json does not record all"),
    ("photos", "odd", "dataset.contents: the files of"),
    ("photos-night", "night", "dataset.without: it has been taken out before"),
    ("photos-night", "photos", "counts.images: would be below zero"),
    ("photos", "photos-night", "counts.images differs: 30 of these files there, 20 here"),
    ("photos 1/3", "photos 2/3", "estimator.shards.parts: it has no 2"),
    ("photos 1/3", "photos", "estimator.shards.parts: it has no 2-3"),
    ("photos 1/3", "photos 1/2", "estimator.shards.of differs: whole.json has 3, part.json has 2"),
    ("photos 1/3", "photos 1/3", "nothing is left"),
]


def made(text):
    """The spec that a text such as "photos-night" stands for."""
    if "+" in text:
        return normstat.merge(*map(made, text.split("+")))
    if "-" in text:
        return normstat.subtract(*map(made, text.split("-")))
    name, _, shard = text.partition(" ")
    folder = {"photos": PHOTOS, "odd": ODD}.get(name, PHOTOS / name)
    return normstat.compute(folder, shard=shard or None)


@pytest.mark.parametrize(("whole", "part", "message"), REFUSALS)
def test_what_is_not_contained_is_refused(run, tmp_path, whole, part, message):
    normstat.save(made(whole), tmp_path / "whole.json")
    normstat.save(made(part), tmp_path / "part.json")
    code, out, err = run("subtract", "whole.json", "part.json")
    assert (code, out) == (3, "")
    assert message in err
    assert not (tmp_path / "normstat.json").exists()


def test_dataset_of_the_same_names_with_other_pixels_is_refused(run, tmp_path, specs):
    """Sizes agree and so do names: only the exact state tells."""
    for folder, value in (("a", 10), ("b", 200)):
        (tmp_path / folder).mkdir()
        Image.new("L", (4, 4), value).save(tmp_path / folder / "1.pgm")
        run("compute", folder, "-q", "-o", f"{folder}.json")
    normstat.save(specs["odd"], tmp_path / "odd.json")
    run("merge", "a.json", "odd.json", "-q", "-o", "all.json")
    code, _, err = run("subtract", "all.json", "b.json")
    assert code == 3
    assert "b.json is not contained in all.json: state: other images under the same names" in err


@pytest.fixture
def whole_and_real(run, tmp_path):
    """Specs of float images of whole numbers and of others, and of both, by groups too."""
    for name, step in (("whole", 1), ("real", 0.5), ("other", 0.25)):
        (tmp_path / name / name).mkdir(parents=True)
        for number in range(2):
            values = np.arange(-8, 8, dtype=np.float32).reshape(4, 4) * step * (number + 1)
            tifffile.imwrite(tmp_path / name / name / f"{name}{number}.tif", values)
    return tmp_path


@pytest.mark.parametrize("options", [{}, {"group_by": "parent"}, {"covariance": True}], ids=str)
def test_floats_are_taken_out_byte_for_byte_where_none_are_left(whole_and_real, options):
    whole, real = (normstat.compute(whole_and_real / each, **options) for each in ("whole", "real"))
    assert (len(whole.percentiles), real.percentiles) == (9, {})
    both = normstat.merge(whole, real)
    assert dumps(normstat.subtract(both, real)) == dumps(whole)
    assert dumps(normstat.subtract(both, whole)) == dumps(real)


@pytest.mark.parametrize("group_by", [None, "parent"])
def test_floats_beside_others_are_said_to_be_inseparable(run, whole_and_real, group_by):
    specs = {
        each: normstat.compute(whole_and_real / each, group_by=group_by)
        for each in ("real", "other")
    }
    normstat.save(normstat.merge(*specs.values()), whole_and_real / "both.json")
    normstat.save(specs["real"], whole_and_real / "real.json")
    code, out, err = run("subtract", "both.json", "real.json")
    assert (code, out) == (3, "")
    assert "real.json cannot be subtracted from both.json: state.kinds.gray-float.limits: " in err
    assert "not contained" not in err
    assert not (whole_and_real / "normstat.json").exists()


def test_part_whose_images_are_all_there_is(run, tmp_path):
    (tmp_path / "data" / "only").mkdir(parents=True)
    Image.new("L", (4, 4), 9).save(tmp_path / "data" / "only" / "1.png")
    (tmp_path / "data" / "broken.png").write_text("not an image")
    run("compute", "data", "-q", "-o", "all.json")
    run("compute", "data/only", "-q", "-o", "only.json")
    code, _, err = run("subtract", "all.json", "only.json")
    assert code == 3
    assert "there is no image in it, only 1 skipped files" in err


def test_versions_of_what_is_left_are_those_that_made_it(run, tmp_path, specs):
    for name in ("coast", "night"):
        normstat.save(specs[name], tmp_path / f"{name}.json")
    raw = json.loads((tmp_path / "night.json").read_text())
    raw["software"]["pillow"] = "9.9.0"
    (tmp_path / "night.json").write_text(json.dumps(raw))
    assert "Warning" in run("merge", "coast.json", "night.json", "-o", "all.json").err
    assert run("subtract", "all.json", "night.json", "-q").code == 0
    assert (tmp_path / "normstat.json").read_bytes() == (tmp_path / "coast.json").read_bytes()


def test_stamp_is_only_there_when_asked_for(run, tmp_path, specs):
    normstat.save(normstat.merge(specs["coast"], specs["odd"]), tmp_path / "all.json")
    normstat.save(specs["odd"], tmp_path / "odd.json")
    assert json.loads(run("subtract", "all.json", "odd.json", "-o", "-").out)["stamp"] is None
    stamp = json.loads(run("subtract", "all.json", "odd.json", "-o", "-", "--stamp").out)["stamp"]
    assert stamp["host"]
