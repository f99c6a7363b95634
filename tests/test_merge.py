"""`merge`: specs add up to what one run over everything gives."""

import json
import shutil
from contextlib import nullcontext
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from PIL import Image

import normstat
from normstat import validation
from normstat.sources import list_files
from normstat.spec.files import dumps

SAMPLES = Path(__file__).parents[1] / "sample_data"
PHOTOS, ODD = SAMPLES / "photos", SAMPLES / "odd"
FOLDERS = ("coast", "forest", "night")


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Gray, colour, transparent and 16-bit images of many sizes, and files that are none."""
    folder, rng = tmp_path_factory.mktemp("mixed"), np.random.default_rng(0)
    for number in range(6):
        side = 2 + 3 * number
        gray = rng.integers(0, 256, (side, 4), dtype=np.uint8)
        Image.fromarray(gray).save(folder / f"{number}-gray.png")
        Image.fromarray(np.stack([gray, 255 - gray, gray // 2], 2)).save(folder / f"{number}.png")
        Image.fromarray(gray.astype(np.uint16) * 251).save(folder / f"{number}-wide.png")
        Image.fromarray(np.stack([gray] * 4, 2)).save(folder / f"{number}-alpha.png")
        (folder / f"{number}-broken.png").write_text("not an image")
    (folder / "gone.png").symlink_to("nowhere")
    # Names that print in another order than they sort in.
    for name in ("a\x01.png", "a!.png", "a01.png", "a1.png"):
        (folder / name).write_text("not an image")
    return folder


OPTIONS = [
    {},
    {"covariance": True},
    {"weighting": "image"},
    {"std": "mean-of-images"},
    {"std": "rms-of-images", "weighting": "image"},
    {"ddof": 1, "covariance": True},
    {"ddof": 1, "std": "mean-of-images"},
    {"mode": "l"},
    {"mode": "rgb", "alpha": "mask"},
    {"recipe": "imagenet"},
    {"percentiles": ["50", "50.0", "1"]},
    {"percentiles": []},
    {"exclude": ["*wide*"]},
    {"include": ["*wide*"]},
    {"include": ["*gray*"], "covariance": True},
]


@pytest.mark.parametrize("of", [3, 40])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_all_shards_give_the_bytes_of_the_single_run(mixed, options, of):
    shards = [normstat.compute(mixed, shard=f"{n}/{of}", **options) for n in range(1, of + 1)]
    assert dumps(normstat.merge(*shards)) == dumps(normstat.compute(mixed, **options))


@pytest.mark.parametrize(("suffix", "of"), [("json", 16), ("yaml", 3)])
def test_all_shards_by_command_are_the_single_run(run, tmp_path, suffix, of):
    run("compute", PHOTOS, ODD, "-q", "-o", f"single.{suffix}")
    for number in range(1, of + 1):
        run("compute", PHOTOS, ODD, "-q", "--shard", f"{number}/{of}", "-o", f"{number}.{suffix}")
    names = [f"{number}.{suffix}" for number in range(of, 0, -1)]
    code, out, err = run("merge", *names, "-o", f"merged.{suffix}")
    assert (code, err) == (0, f"wrote merged.{suffix}\n")
    assert "missing" not in out
    merged, single = (tmp_path / f"{name}.{suffix}" for name in ("merged", "single"))
    assert merged.read_bytes() == single.read_bytes()


def test_more_shards_than_images_work_end_to_end(run, tmp_path):
    (tmp_path / "set").mkdir()
    for number in range(10):
        Image.new("L", (3, 3), number).save(tmp_path / "set" / f"{number}.png")
    for number in range(1, 17):
        assert run("compute", "set", "-q", "--shard", f"{number}/16").code == 0
    names = sorted(path.name for path in tmp_path.glob("normstat-*-of-16.json"))
    assert len(names) == 16
    assert run("merge", *names, "-q") == (0, "", "")
    run("compute", "set", "-q", "-o", "single.json")
    assert (tmp_path / "normstat.json").read_bytes() == (tmp_path / "single.json").read_bytes()


def test_shards_without_any_image_together_are_an_error(run, tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.png").write_text("not an image")
    for number in (1, 2):
        assert run("compute", "set", "-q", "--shard", f"{number}/2").code == 0
    code, _, err = run("merge", "normstat-1-of-2.json", "normstat-2-of-2.json")
    assert code == 3
    assert "there is no image in it, only 1 skipped files" in err
    assert not (tmp_path / "normstat.json").exists()


@pytest.fixture(scope="module")
def thirds():
    return [normstat.compute(PHOTOS, ODD, shard=f"{number}/3") for number in (1, 2, 3)]


def test_some_shards_say_which_and_what_is_missing(run, tmp_path, thirds):
    normstat.save(normstat.merge(thirds[2], thirds[0]), tmp_path / "normstat.json")
    spec = normstat.load(tmp_path / "normstat.json")
    assert (spec.estimator.coverage, spec.estimator.shards.parts) == ("shards", [1, 3])
    assert spec.dataset == thirds[0].dataset
    assert "1, 3 of 3, of 48 images; missing: 2" in run("show").out
    assert run("validate").code == 0
    assert run("validate", "normstat.json", PHOTOS, ODD, "--deep").code == 0


@pytest.fixture(scope="module")
def specs(thirds):
    folders = [normstat.compute(PHOTOS / name) for name in FOLDERS]
    odd = [normstat.compute(ODD, shard=f"{number}/2") for number in (1, 2)]
    return [*folders, *odd]


def grouped(specs, data):
    """Merge in any order and grouping."""
    specs = list(data.draw(st.permutations(specs)))
    while len(specs) > 1:
        size = data.draw(st.integers(2, len(specs)))
        specs = [*specs[size:], normstat.merge(*specs[:size])]
        specs = list(data.draw(st.permutations(specs)))
    return specs[0]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_order_and_any_grouping_give_the_same_bytes(specs, data):
    assert dumps(grouped(specs, data)) == dumps(normstat.merge(*specs))


NUMBERS = (
    "channels", "mean", "std", "max_pixel_value", "confidence", "alternatives", "min", "max",
    "percentiles", "covariance", "histogram", "counts", "state",
)  # fmt: skip


def test_different_datasets_have_the_numbers_of_all_images_together(specs):
    merged = normstat.merge(*specs)
    together = normstat.compute(PHOTOS, ODD)
    for field in NUMBERS:
        assert getattr(merged, field) == getattr(together, field), field
    dataset = merged.dataset
    assert (dataset.files, dataset.bytes) == (together.dataset.files, together.dataset.bytes)
    assert sorted(dataset.roots) == sorted(
        str(path) for path in (ODD, *map(PHOTOS.joinpath, FOLDERS))
    )
    odd = together.counts.images - 30
    assert [part.images for part in dataset.parts] == [odd, 10, 10, 10]
    assert merged.estimator.coverage == "census"


def test_mean_and_std_are_those_of_numpy_over_all_pixels(specs):
    merged = normstat.merge(specs[0], specs[2])
    pixels = [
        np.asarray(Image.open(path)).reshape(-1, 3) / 255
        for name in ("coast", "night")
        for path in (PHOTOS / name).iterdir()
    ]
    pixels = np.concatenate(pixels)
    assert merged.mean == pytest.approx(pixels.mean(axis=0), rel=1e-12)
    assert merged.std == pytest.approx(pixels.std(axis=0), rel=1e-12)


def test_merged_spec_fits_the_schema_is_valid_and_is_shown(run, tmp_path, specs):
    normstat.save(normstat.merge(*specs), tmp_path / "normstat.json")
    schema = json.loads(run("schema").out)
    jsonschema.validate(json.loads((tmp_path / "normstat.json").read_text()), schema)
    assert run("validate").code == 0
    out = run("show").out
    assert f"{PHOTOS / 'night'}: 10 images of 10 files" in out.replace("\n            ", "")
    assert run("compare", "normstat.json", PHOTOS).code == 0


def test_one_spec_merges_to_itself(specs, thirds):
    for spec in (specs[0], thirds[1], normstat.merge(*specs)):
        assert dumps(normstat.merge(spec)) == dumps(spec)


def test_command_and_library_give_the_same_bytes(run, tmp_path, specs):
    for number, spec in enumerate(specs[:2]):
        normstat.save(spec, tmp_path / f"{number}.json")
    expected = dumps(normstat.merge(tmp_path / "0.json", specs[1]))
    assert run("merge", "0.json", "1.json", "-o", "-") == (0, expected, "")


def test_selections_that_differ_are_kept_with_their_parts():
    a = normstat.compute(PHOTOS / "coast", exclude=["*-01*"])
    b = normstat.compute(PHOTOS / "night")
    dataset = normstat.merge(a, b).dataset
    assert dataset.selected is None
    assert [part.selected.exclude for part in dataset.parts] == [["*-01*"], []]


POLICIES = [
    ("pipeline.resize", {"resize": 32}),
    ("pipeline.crop", {"crop": 20}),
    ("pipeline.mode", {"mode": "l"}),
    ("pipeline.alpha", {"alpha": "white"}),
    ("pipeline.interpolation", {"interpolation": "box"}),
    ("pipeline.max_pixels", {"max_pixels": 10**6}),
    ("estimator.weighting", {"weighting": "image"}),
    ("estimator.std", {"std": "rms-of-images"}),
    ("estimator.ddof", {"ddof": 1}),
    ("percentiles", {"percentiles": ["50"]}),
    ("covariance", {"covariance": True}),
    ("estimator.level (--confidence)", {"confidence": 0.9}),
]


@pytest.mark.parametrize(("field", "options"), POLICIES, ids=[field for field, _ in POLICIES])
def test_other_policy_is_refused_with_field_and_both_values(run, tmp_path, specs, field, options):
    normstat.save(specs[0], tmp_path / "a.json")
    normstat.save(normstat.compute(PHOTOS / "night", **options), tmp_path / "b.json")
    for command in ("merge", "subtract"):
        code, out, err = run(command, "a.json", "b.json")
        assert (code, out) == (3, "")
        assert f"{field} differs: a.json has" in err
        assert "b.json has" in err
    assert not (tmp_path / "normstat.json").exists()


def test_another_level_is_refused_where_no_image_shows_it(specs):
    empty = normstat.compute(PHOTOS / FOLDERS[1], confidence=0.9, shard="20/20")
    assert empty.confidence is None
    words = r"estimator\.level \(--confidence\) differs: .* 0\.95, .* 0\.9\."
    with pytest.raises(normstat.SpecError, match=words):
        normstat.merge(specs[0], empty)


@pytest.mark.parametrize("of", [6, 20])
def test_shards_in_any_order_keep_the_level_though_one_image_has_none(of):
    options = {"confidence": 0.99, "group_by": "regex:-([01])"}
    single = normstat.compute(PHOTOS / "coast", **options)
    parts = [f"{number}/{of}" for number in range(1, of + 1)]
    shards = [normstat.compute(PHOTOS / "coast", shard=part, **options) for part in parts]
    images = {shard.counts.images for shard in shards}
    assert images == {1, 2} if of == 6 else {0, 1}
    for first in range(of):
        merged = normstat.merge(*shards[first:], *shards[:first])
        assert dumps(merged) == dumps(single)
        assert merged.confidence.level == 0.99
    assert [normstat.validate(spec) for spec in (single, shards[-1])] == [[], []]


def test_shards_of_floats_fit_to_those_without_any_image(tmp_path):
    paths = [tmp_path / f"{number}.npy" for number in range(3)]
    for number, path in enumerate(paths):
        np.save(path, np.random.default_rng(number).random((9, 9, 3), np.float32))
    shards = [normstat.compute(*paths, shard=f"{number}/5") for number in range(1, 6)]
    assert {shard.counts.images for shard in shards} == {0, 1}
    single = dumps(normstat.compute(*paths))
    assert dumps(normstat.merge(*shards)) == dumps(normstat.merge(*shards[::-1])) == single
    assert dumps(normstat.merge(*shards[1:], shards[0])) == single


@pytest.mark.parametrize("options", [{}, {"covariance": True}], ids=str)
def test_parts_with_other_channels_missing_add_up_and_are_taken_out(tmp_path, options):
    """The channel with most pixels of the whole is not that of each part."""
    rng, missing = np.random.default_rng(0), {"a": 0, "b": 1, "c": 2}
    options |= {"nodata": 0}
    for name, channel in missing.items():
        (tmp_path / name).mkdir()
        for number in range(3):
            codes = rng.integers(1, 256, (3 + number, 3, 3), dtype=np.uint8)
            codes[: channel + 1, number, channel] = 0
            codes[1, 1, 2 - number] = 0
            Image.fromarray(codes).save(tmp_path / name / f"{name}{number}.png")
    a, b, c = (normstat.compute(tmp_path / name, **options) for name in missing)
    whole = normstat.merge(a, b, c)
    assert whole.counts.pixels < sum(each.counts.pixels for each in (a, b, c))
    assert normstat.validate(whole) == []
    assert dumps(normstat.merge(normstat.merge(c, a), b)) == dumps(whole)
    assert dumps(normstat.subtract(whole, b)) == dumps(normstat.merge(a, c))
    assert dumps(normstat.subtract(normstat.subtract(whole, c), a)) == dumps(b)
    first, *rest = [normstat.compute(tmp_path / "b", shard=f"{n}/3", **options) for n in (1, 2, 3)]
    assert dumps(normstat.merge(first, *rest)) == dumps(b)
    assert dumps(normstat.merge(normstat.merge(*rest), a, first, c)) == dumps(whole)
    assert dumps(normstat.subtract(b, first)) == dumps(normstat.merge(*rest))


def test_the_usual_level_is_not_written(specs):
    assert "level" not in json.loads(dumps(specs[0]))["estimator"]


def tampered(path, change):
    raw = json.loads(path.read_text())
    change(raw)
    path.write_text(json.dumps(raw))


@pytest.mark.parametrize(
    ("shards", "message"),
    [
        (["1/3", "1/3"], "shard 1 of 3 is in a.json and in b.json"),
        (["1/3", "1/4"], "estimator.shards.of differs: a.json has 3, b.json has 4"),
        ([None, "1/3"], "dataset.digest is the same in a.json and b.json"),
        ([None, None], "dataset.digest is the same in a.json and b.json"),
    ],
)
def test_images_that_would_count_twice_are_refused(run, tmp_path, shards, message):
    for name, shard in zip("ab", shards, strict=True):
        normstat.save(normstat.compute(PHOTOS, shard=shard), tmp_path / f"{name}.json")
    code, _, err = run("merge", "a.json", "b.json")
    assert code == 3
    assert message in err


def test_shards_of_another_listing_are_refused(run, tmp_path):
    shutil.copytree(PHOTOS, tmp_path / "set")
    run("compute", "set", "-q", "--shard", "1/2")
    (tmp_path / "set" / "coast" / "coast-01.jpg").unlink()
    run("compute", "set", "-q", "--shard", "2/2")
    code, _, err = run("merge", "normstat-1-of-2.json", "normstat-2-of-2.json")
    assert code == 3
    assert "dataset.digest differs" in err
    assert "30 files" in err
    assert "29 files" in err


def test_shards_that_were_selected_otherwise_are_refused(tmp_path):
    parts = [
        normstat.compute(PHOTOS, shard=f"{number}/2", exclude=exclude)
        for number, exclude in ((1, []), (2, ["nothing"]))
    ]
    with pytest.raises(normstat.SpecError, match=r"dataset\.selected\.exclude"):
        normstat.merge(*parts)


def test_shards_seen_from_different_places_are_one_dataset(run, tmp_path):
    for number, place in ((1, "here"), (2, "there")):
        shutil.copytree(PHOTOS, tmp_path / place)
        run("compute", place, "-q", "--shard", f"{number}/2")
    assert run("merge", "normstat-1-of-2.json", "normstat-2-of-2.json", "-q").code == 0
    spec = normstat.load(tmp_path / "normstat.json")
    assert (spec.estimator.coverage, spec.dataset.roots) == ("census", ["here", "there"])


@pytest.mark.parametrize("order", [("night", "all"), ("all", "night")])
def test_folder_of_a_dataset_is_not_counted_twice(tmp_path, order):
    made = {"night": normstat.compute(PHOTOS / "night"), "all": normstat.compute(PHOTOS)}
    with pytest.raises(normstat.SpecError, match=r"dataset\.contents: all files of"):
        normstat.merge(*(made[name] for name in order))


def test_dataset_that_grew_is_not_counted_twice(run, tmp_path):
    shutil.copytree(PHOTOS, tmp_path / "set")
    run("compute", "set", "-q", "-o", "before.json")
    shutil.copy(PHOTOS / "coast" / "coast-01.jpg", tmp_path / "set" / "new.jpg")
    run("compute", "set", "-q", "-o", "after.json")
    code, _, err = run("merge", "before.json", "after.json")
    assert code == 3
    assert "would count twice" in err


def test_limited_spec_is_refused(run, tmp_path, specs):
    normstat.save(specs[0], tmp_path / "a.json")
    run("compute", PHOTOS / "night", "-q", "--limit", "3", "-o", "b.json")
    for arguments in (["merge", "a.json", "b.json"], ["subtract", "a.json", "b.json"]):
        code, _, err = run(*arguments)
        assert code == 3
        assert "b.json: estimator.coverage is 'first': 3 of 10 images were read" in err


def test_spec_whose_numbers_do_not_follow_is_refused(run, tmp_path, specs):
    for name, spec in zip("ab", specs[:2], strict=True):
        normstat.save(spec, tmp_path / f"{name}.json")
    tampered(tmp_path / "b.json", lambda raw: raw["counts"].update(images=11))
    code, _, err = run("merge", "a.json", "b.json")
    assert code == 3
    assert "b.json: counts.images: 11" in err


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda raw: raw["dataset"].update(files=1), "dataset.files"),
        (lambda raw: raw["dataset"].update(roots=["x"]), "dataset.roots"),
        (lambda raw: raw["dataset"].update(digest="sha256:" + "0" * 64), "dataset.digest"),
        (lambda raw: raw["dataset"]["parts"].pop(), "dataset"),
        (lambda raw: raw["dataset"]["parts"].reverse(), "dataset.parts"),
        (lambda raw: raw["dataset"]["parts"][0].update(images=9), "counts.images"),
        (lambda raw: raw["dataset"]["parts"][0].update(skipped=9), "counts.skipped"),
        (lambda raw: raw["dataset"]["parts"][0].update(checksum=9), "state: "),
        (lambda raw: raw["estimator"].update(images_listed=9), "estimator.images_listed"),
        (lambda raw: raw["dataset"]["parts"][0].update(colour=9), "dataset.parts"),
    ],
)
def test_merged_spec_that_contradicts_its_parts_is_invalid(run, tmp_path, specs, change, path):
    normstat.save(normstat.merge(*specs), tmp_path / "normstat.json")
    tampered(tmp_path / "normstat.json", change)
    code, _, err = run("validate")
    assert code == 1
    assert path in err


def test_other_versions_are_merged_with_a_warning_and_recorded(run, tmp_path, thirds):
    for number, version in ((0, "9.9.0"), (1, "10.0.0"), (2, "9.9.0")):
        normstat.save(thirds[number], tmp_path / f"{number}.json")
        tampered(
            tmp_path / f"{number}.json", lambda raw, v=version: raw["software"].update(pillow=v)
        )
    code, _, err = run("merge", "0.json", "1.json", "2.json")
    assert code == 0
    assert "Warning: not all was made with the same software (pillow 9.9.0, 10.0.0)" in err
    spec = normstat.load(tmp_path / "normstat.json")
    assert spec.software["pillow"] == "9.9.0, 10.0.0"
    assert run("validate").code == 0
    with pytest.warns(normstat.DifferentSoftwareWarning):
        normstat.merge(tmp_path / "0.json", tmp_path / "1.json")
    assert (
        run("merge", "0.json", "1.json", "2.json", "-q", env={"PYTHONWARNINGS": "error"}).err == ""
    )


def test_stamp_is_only_there_when_asked_for(run, tmp_path, specs):
    normstat.save(replace(specs[0], stamp=None), tmp_path / "a.json")
    assert json.loads(run("merge", "a.json", "-o", "-").out)["stamp"] is None
    assert json.loads(run("merge", "a.json", "-o", "-", "--stamp").out)["stamp"]["host"]


@pytest.mark.parametrize("command", ["merge", "subtract"])
def test_file_that_is_read_is_not_replaced_unless_forced(run, tmp_path, specs, command):
    merged = normstat.merge(*specs[:2])
    normstat.save(merged, tmp_path / "normstat.json")
    normstat.save(specs[1] if command == "subtract" else specs[2], tmp_path / "b.json")
    (tmp_path / "link.json").symlink_to("normstat.json")
    before = (tmp_path / "normstat.json").read_bytes()
    for arguments in (["normstat.json", "b.json"], ["link.json", "b.json"]):
        code, _, err = run(command, *arguments)
        assert code == 3
        assert "would be replaced" in err
    assert (tmp_path / "normstat.json").read_bytes() == before
    assert run(command, "normstat.json", "b.json", "-q", "--force").code == 0
    assert (tmp_path / "normstat.json").read_bytes() != before


@pytest.mark.parametrize("command", [["merge"], ["subtract"], ["subtract", "a.json"]])
def test_missing_argument_is_wrong_usage(run, command):
    assert run(*command).code == 2


def test_merging_nothing_is_wrong_usage():
    with pytest.raises(normstat.UsageError, match="at least one"):
        normstat.merge()


@pytest.mark.parametrize("content", [None, "", "{}", '{"normstat_spec": 1}'])
def test_file_that_is_no_spec_is_named(run, tmp_path, specs, content):
    normstat.save(specs[0], tmp_path / "a.json")
    if content is not None:
        (tmp_path / "b.json").write_text(content)
    code, _, err = run("merge", "a.json", "b.json")
    assert code == 3
    assert "b.json" in err
    assert "Traceback" not in err


def test_preset_is_no_dataset(run, tmp_path, specs):
    normstat.save(specs[0], tmp_path / "a.json")
    raw = {"normstat_spec": 1, "channels": ["L"], "mean": [0.5], "std": [0.5], "max_pixel_value": 1}
    (tmp_path / "b.json").write_text(json.dumps(raw))
    code, _, err = run("merge", "a.json", "b.json")
    assert code == 3
    assert "without the statistics of a dataset" in err


@pytest.fixture
def parts(run, tmp_path, specs):
    """A merged spec beside copies of two of its folders."""
    for name in ("coast", "night"):
        shutil.copytree(PHOTOS / name, tmp_path / name)
        run("compute", name, "-q", "-o", f"{name}.json")
    run("merge", "coast.json", "night.json", "-q")
    return tmp_path


def test_parts_are_validated_by_their_folders(run, parts):
    code, out, err = run("validate", "normstat.json", "night")
    assert (code, err) == (0, "")
    assert "it describes night; not looked at: coast" in out
    assert run("validate", "normstat.json", "night", "coast", "--deep").code == 0


def test_part_that_changed_is_stale(run, parts):
    (parts / "night" / "night-03.jpg").unlink()
    code, _, err = run("validate", "normstat.json", "coast", "night")
    assert code == 1
    assert "- night-03.jpg" in err.splitlines()


def test_folder_that_was_not_merged_says_what_was(run, parts):
    code, _, err = run("validate", "normstat.json", PHOTOS / "forest")
    assert code == 3
    assert "none of the 2 datasets that were merged: coast, night" in err


@pytest.mark.parametrize(
    ("sources", "listings", "error"),
    [
        (["night"], [["night"]], None),
        (["night", "coast"], [["night"], ["coast"]], None),
        # What is no dataset alone may be one together with the others.
        (["night", "."], [["night"], ["."], ["night", "."]], "is none of the 2 datasets"),
    ],
)
def test_each_source_is_listed_once(parts, monkeypatch, sources, listings, error):
    monkeypatch.chdir(parts)
    listed = []

    def counted(names, *arguments, **options):
        listed.append(names)
        return list_files(names, *arguments, **options)

    monkeypatch.setattr(validation, "list_files", counted)
    with pytest.raises(normstat.NormstatError, match=error) if error else nullcontext():
        assert validation.check(normstat.load("normstat.json"), *sources).holds
    assert listed == listings


def test_one_dataset_in_two_places_is_checked_in_both_but_not_counted_twice(run, parts):
    shutil.copytree(parts / "night", parts / "copy")
    assert run("validate", "normstat.json", "night", "copy").code == 0
    code, _, err = run("validate", "normstat.json", "night", "copy", "coast", "--deep")
    assert code == 3
    assert "one place of each dataset is enough" in err


def test_measuring_again_needs_all_parts(run, parts):
    code, _, err = run("validate", "normstat.json", "night", "--deep")
    assert code == 3
    assert "all that was merged is needed: coast" in err


def test_other_pixels_in_a_part_are_found_by_looking_deep(run, parts):
    path = parts / "coast" / "coast-01.jpg"
    path.write_bytes(path.read_bytes()[:-20] + bytes(20))
    assert run("validate", "normstat.json", "coast", "night").code == 0
    code, _, err = run("validate", "normstat.json", "coast", "night", "--deep")
    assert code == 1
    assert "now it is" in err
