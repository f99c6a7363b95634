"""Groups: every one is exact, and their sum is the whole."""

import json
import re
import tarfile
from itertools import pairwise
from pathlib import Path
from typing import get_type_hints

import jsonschema
import msgspec
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace
from PIL import Image
from rich.console import Console

import normstat
from normstat import grouping, reading
from normstat.assemble import assemble
from normstat.comparison import Candidate
from normstat.comparison import compare as compare_pair
from normstat.consistency import validate
from normstat.grouping import parsed
from normstat.ranking import ranked
from normstat.reports.groups_text import groups_text
from normstat.sources.base import Listing
from normstat.spec.dataset import Dataset
from normstat.spec.files import dumps, file_and_group
from normstat.spec.model import GROUPED, Estimator, Group, Spec
from normstat.spec.pipeline import Pipeline
from normstat.statistics import (
    Block,
    Collector,
    Facts,
    State,
    counted,
    kind_of,
    summarize,
)
from normstat.validation import check
from tests.conftest import ENGINES_AND_JOBS

SAMPLES = Path(__file__).parents[1] / "sample_data"
PHOTOS, ODD = SAMPLES / "photos", SAMPLES / "odd"


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Gray, colour, transparent and 16-bit images in folders, and files that are none."""
    folder, rng = tmp_path_factory.mktemp("mixed"), np.random.default_rng(0)
    for number in range(5):
        gray = rng.integers(0, 256, (3 + number, 4), dtype=np.uint8)
        images = {
            "train/gray": gray,
            "train/colour": np.stack([gray, 255 - gray, gray // 2], 2),
            "val/gray": gray // 3,
            "val/wide": gray.astype(np.uint16) * 251,
            "test": np.stack([gray // 4] * 4, 2),
        }
        for name, codes in images.items():
            (folder / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(codes).save(folder / name / f"{number}.png")
    Image.fromarray(gray).save(folder / "loose.png")
    (folder / "val" / "broken.png").write_text("not an image")
    return folder


def states(spec):
    return {
        group.name: State.from_text(msgspec.to_builtins(group.state), ddof=spec.estimator.ddof)
        for group in spec.groups
    }


def written(folder, name, text):
    (folder / name).write_text(text)
    return folder / name


# --- rules ---

NAMES = ["loose.png", "train/cat/1.png", "train/dog/left_2.png", "val/cat/right_10.png"]


@pytest.mark.parametrize(
    ("rule", "sizes"),
    [
        ("parent", {".": 1, "train/cat": 1, "train/dog": 1, "val/cat": 1}),
        ("top", {".": 1, "train": 2, "val": 1}),
        (r"regex:\d+", {"1": 1, "2": 1, "10": 1}),  # the whole match, in natural order
        (r"regex:(left|right)_\d", {"left": 1, "right": 1}),
        (r"regex:(train|val)/(?P<pet>\w+)", {"cat": 2, "dog": 1}),
        ("regex:a:b|cat", {"cat": 2}),
    ],
)
def test_rule_gives_each_name_its_group(rule, sizes):
    found = parsed(rule).over(Listing([], names=NAMES))
    assert found.sizes() == sizes
    assert list(found.sizes()) == list(sizes)
    assert len(found.missing) == len(NAMES) - sum(sizes.values())
    for name in sizes:
        assert all(found.numbers[row] >= 0 for row in found.rows(name))
        assert len(found.rows(name)) == sizes[name]


@pytest.mark.parametrize(
    ("name", "parent", "top"),
    [
        ("./train/1.png", "train", "train"),
        ("/data/train/1.png", "/data/train", "data"),
        ("s3://bucket/train/1.png", "bucket/train", "bucket"),
    ],
)
def test_folders_of_a_name_do_not_include_how_it_is_reached(name, parent, top):
    assert (parsed("parent").group(name), parsed("top").group(name)) == (parent, top)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("parents", "did you mean 'parent'"),
        ("class", "parent, top, regex:PATTERN, csv:FILE:COLUMN"),
        ("parent:x", "too long"),
        ("regex", "incomplete"),
        ("regex:", "incomplete"),
        ("regex:(", "not a regular expression"),
        ("csv:labels.csv", "names no column"),
        ("csv::label", "names no column"),
        ("csv:labels.xlsx:label", "is no table"),
        ("regex:nowhere", "none of 30 images is in a group; the first, coast/coast-01.jpg"),
    ],
)
def test_rule_that_makes_no_sense_is_a_usage_error(rule, message):
    with pytest.raises(normstat.UsageError, match=message.replace("(", r"\(")):
        normstat.compute(PHOTOS, group_by=rule)


def test_a_name_of_each_image_is_no_group(monkeypatch):
    monkeypatch.setattr(grouping, "MOST_GROUPS", 29)
    with pytest.raises(normstat.UsageError, match="30 groups of 30 images"):
        normstat.compute(PHOTOS, group_by=r"regex:\w+-\d+")


def test_groups_that_print_alike_are_refused(tmp_path):
    for name in ("a\nb", "a\\nb"):
        (tmp_path / name).mkdir()
        Image.new("L", (2, 2), 9).save(tmp_path / name / "1.png")
    with pytest.raises(normstat.UsageError, match="two groups are printed as"):
        normstat.compute(tmp_path, group_by="parent")


# --- tables ---

TABLE = "file,split,note\ncoast/coast-01.jpg,train,x\nnight/night-01.jpg,val,y\n"
LINES = """{"f": "coast/coast-01.jpg", "split": "train"}

{"split": "val", "f": "night/night-01.jpg"}
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.csv", TABLE),
        ("t.tsv", TABLE.replace(",", "\t")),
        ("t.csv", "﻿split,path\r\ntrain,./coast/coast-01.jpg\r\nval,night/night-01.jpg\r\n"),
        ("t.csv", TABLE.replace("coast/c", f"{PHOTOS}/coast/c")),
        ("t.jsonl", LINES),
    ],
)  # fmt: skip
def test_table_gives_each_image_its_group(tmp_path, name, text):
    table = written(tmp_path, name, text)
    spec = normstat.compute(PHOTOS, group_by=f"csv:{table}:split")
    assert spec.dataset.groups == {"train": 1, "val": 1}
    assert spec.group("val").mean == normstat.compute(PHOTOS / "night" / "night-01.jpg").mean


def test_what_a_table_does_not_say_is_skipped_by_name(tmp_path):
    rows = ["path,who", "coast/coast-01.jpg,a", "coast/coast-02.jpg,", "gone.jpg,b",
            "coast/coast-03.jpg,a", "coast/coast-03.jpg,b", "coast/coast-04.jpg,b",
            "coast/coast-04.jpg,b", "coast/coast-05.jpg"]  # fmt: skip
    table = written(tmp_path, "t.csv", "\n".join(rows))
    spec = normstat.compute(PHOTOS, group_by=f"csv:{table}:who", include=["coast"])
    assert {group.name: group.counts.images for group in spec.groups} == {"a": 1, "b": 1}
    reasons = {each.name.removeprefix("coast/coast-"): each.reason for each in spec.skipped}
    assert len(reasons) == 8
    assert reasons["02.jpg"] == f"in no group: it has no who in {table}"
    assert reasons["05.jpg"] == reasons["02.jpg"]
    assert reasons["03.jpg"] == f"in no group: {table} has it twice, with other who"
    assert reasons["06.jpg"] == f"in no group: it is not in {table}"
    assert spec.counts.skipped == 8


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,class\n", "has no row below its heading"),
        ("path,clas\ncoast/coast-01.jpg,a\n", "did you mean 'clas'"),
        ("path,class\nelsewhere.jpg,a\n", "no column has the names of the images, such as coast"),
        ("a,b,class\ncoast/coast-01.jpg,coast/coast-02.jpg,x\n", "a and b both name the images"),
    ],
)
def test_table_that_does_not_fit_is_a_usage_error(tmp_path, text, message):
    table = written(tmp_path, "t.csv", text)
    with pytest.raises(normstat.UsageError, match=message):
        normstat.compute(PHOTOS, group_by=f"csv:{table}:class")


def test_missing_table_is_a_source_error(tmp_path):
    with pytest.raises(normstat.SourceError, match="No such file"):
        normstat.compute(PHOTOS, group_by=f"csv:{tmp_path}/none.csv:class")


def test_list_and_groups_can_be_one_table(tmp_path, run):
    table = written(tmp_path, "t.csv", TABLE)
    code, _, err = run("compute", PHOTOS, "--files-from", table, "--column", "file",
                       "--group-by", f"csv:{table}:split", "-q")  # fmt: skip
    assert (code, err) == (0, "")
    spec = normstat.load(tmp_path / "normstat.json")
    assert (spec.dataset.groups, spec.counts.skipped) == ({"train": 1, "val": 1}, 0)


def test_values_of_json_are_names(tmp_path):
    values = [3, 2.5, True, "x", None, [1]]
    names = [f"coast/coast-0{number}.jpg" for number in range(1, 7)]
    lines = [json.dumps({"p": name, "v": value}) for name, value in zip(names, values, strict=True)]
    table = written(tmp_path, "t.jsonl", "\n".join(lines))
    spec = normstat.compute(PHOTOS, group_by=f"csv:{table}:v")
    assert spec.dataset.groups == {"2.5": 1, "3": 1, "true": 1, "x": 1}


# --- numbers ---


def test_group_has_the_fields_of_a_spec():
    ours, theirs = get_type_hints(Group), get_type_hints(Spec)
    assert {name: ours[name] for name in GROUPED} == {name: theirs[name] for name in GROUPED}


@pytest.mark.parametrize("rule", ["parent", "top", r"regex:(\d)"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"covariance": True, "ddof": 1},
        {"weighting": "image", "std": "mean-of-images"},
        {"mode": "l", "alpha": "mask"},
        {"percentiles": [1, 50]},
    ],
    ids=str,
)
def test_states_of_all_groups_are_the_whole(mixed, rule, options):
    spec = normstat.compute(mixed, group_by=rule, **options)
    assert State.of_all(states(spec).values()).to_text() == msgspec.to_builtins(spec.state)
    assert sum(group.counts.images for group in spec.groups) == spec.counts.images
    assert sum(group.counts.pixels for group in spec.groups) == spec.counts.pixels
    for channel, counts in enumerate(spec.histogram.counts):
        parts = [group.histogram.counts[channel] for group in spec.groups]
        assert np.sum(parts, axis=0).tolist() == counts


@pytest.mark.parametrize("rule", ["parent", "top"])
def test_groups_change_nothing_of_the_whole(mixed, rule):
    plain = normstat.compute(mixed)
    spec = normstat.compute(mixed, group_by=rule)
    assert replace(spec, groups=UNSET, skipped=plain.skipped, dataset=plain.dataset) == plain
    assert "group" not in dumps(plain)


@given(st.data())
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_assignment_gives_each_group_the_numbers_of_its_files_alone(mixed, tmp_path, data):
    names = sorted(str(path.relative_to(mixed)) for path in mixed.rglob("*.png"))
    groups = data.draw(st.lists(st.sampled_from("abc"), min_size=len(names), max_size=len(names)))
    table = tmp_path / "t.csv"
    pairs = zip(names, groups, strict=True)
    table.write_text("\n".join(["path,group", *map(",".join, pairs)]))
    spec = normstat.compute(mixed, group_by=f"csv:{table}:group", mode="rgb")
    assert normstat.validate(spec) == []
    assert State.of_all(states(spec).values()).to_text() == msgspec.to_builtins(spec.state)
    for group in spec.groups:
        members = [name for name, each in zip(names, groups, strict=True) if each == group.name]
        (tmp_path / "list.txt").write_text("\n".join(members))
        alone = normstat.compute(mixed, files_from=tmp_path / "list.txt", mode="rgb")
        for field in GROUPED:
            assert getattr(group, field) == getattr(alone, field), field


def test_groups_agree_with_numpy(mixed):
    spec = normstat.compute(mixed, group_by="parent", include=["train"])
    for name in ("gray", "colour"):
        values = []
        for path in sorted((mixed / "train" / name).glob("*.png")):
            with Image.open(path) as image:
                values.append(np.asarray(image.convert("RGB"), np.float64).reshape(-1, 3) / 255)
        pixels = np.concatenate(values)
        group = spec.group(f"train/{name}")
        assert group.mean == pytest.approx(pixels.mean(axis=0), rel=1e-12)
        assert group.std == pytest.approx(pixels.std(axis=0), rel=1e-12)


def test_gray_group_counts_as_colour_beside_colour(mixed):
    spec = normstat.compute(mixed, group_by="parent", include=["train"])
    gray = spec.group("train/gray")
    assert (gray.channels, gray.pipeline.mode) == (["R", "G", "B"], "rgb")
    assert gray.mean[0] == gray.mean[1] == gray.mean[2]
    alone = normstat.compute(mixed, group_by="parent", include=["gray"])
    assert alone.group("train/gray").channels == ["L"]
    assert alone.group("train/gray").pipeline.mode == "auto"


def test_wide_and_narrow_groups_add_up_in_one_range(mixed):
    spec = normstat.compute(mixed, group_by="parent", include=["val"])
    assert {g.name: g.max_pixel_value for g in spec.groups} == {"val/gray": 255, "val/wide": 65535}
    pixels = sum(np.array(g.mean) * g.counts.pixels for g in spec.groups)
    assert spec.mean == pytest.approx(pixels / spec.counts.pixels, rel=1e-12)


def test_skipped_files_are_told_with_their_group(mixed):
    spec = normstat.compute(mixed, group_by="top")
    [skipped] = spec.skipped
    assert (skipped.name, skipped.group) == ("val/broken.png", "val")
    assert spec.group("val").skipped == [skipped]
    assert spec.group("val").counts.skipped == 1
    assert spec.group("train").skipped == []


def test_group_of_unreadable_files_alone_is_told(run, mixed):
    code, out, _ = run("compute", mixed, "--group-by", "parent")
    assert code == 0
    assert "; of 1 more no image was read: val" in " ".join(out.split())
    code, _, err = run("show", "normstat.json#val")
    assert (code, err) == (3, "Error: normstat.json: group 'val': none of its 1 images was read\n")


def test_first_without_a_group_fails_when_asked():
    with pytest.raises(normstat.ImageError, match=r"coast-01\.jpg: in no group"):
        normstat.compute(PHOTOS, group_by="regex:night", on_error="fail")


@pytest.fixture
def whole_and_real(tmp_path):
    """Groups of whole numbers, which have percentiles, and one of other floats, which has none."""
    for place, (name, step) in enumerate([("first", 0.5), ("real", 0.5), ("whole", 1)]):
        (tmp_path / "values" / name).mkdir(parents=True)
        for number in range(3):
            values = np.arange(16, dtype=np.float32).reshape(4, 4) * step * (place + number + 1)
            if step != 1:
                values[0, 0] = 0.5
            tifffile.imwrite(tmp_path / "values" / name / f"{name}{number}.tif", values)
    return tmp_path / "values"


@pytest.mark.parametrize("percentiles", [["50", "1"], []])
def test_groups_of_whole_numbers_keep_their_percentiles_beside_floats(whole_and_real, percentiles):
    options = {"group_by": "parent", "percentiles": percentiles}
    spec = normstat.compute(whole_and_real, **options)
    assert (spec.percentiles, list(spec.group("whole").percentiles)) == ({}, percentiles)
    assert check(spec, whole_and_real, deep=True).holds
    # The first shards have floats alone, and do not say which percentiles were asked for.
    shards = [normstat.compute(whole_and_real, shard=f"{n}/9", **options) for n in range(1, 10)]
    for order in (shards, shards[::-1]):
        assert dumps(normstat.merge(*order)) == dumps(spec)
    halves = normstat.merge(*shards[:5]), normstat.merge(*shards[5:])
    assert dumps(normstat.merge(*halves)) == dumps(spec)


def test_groups_of_other_percentiles_are_not_merged(whole_and_real):
    specs = [
        normstat.compute(folder, group_by="parent", percentiles=[percent])
        for folder, percent in ((whole_and_real, "50"), (whole_and_real / "whole", "40"))
    ]
    with pytest.raises(normstat.SpecError, match="percentiles differs"):
        normstat.merge(*specs)


@pytest.mark.parametrize("kind", ["bands6-16", "gray-float", "gray-s16", "rgb16"])
def test_groups_of_any_kind_of_pixel_are_proven_and_ranked(kind, capsys):
    rng, pixels = np.random.default_rng(1), {}
    channels, facts = kind_of(kind).channels, Facts("?", 5, 4, False, False, False)
    dtype = {"float": np.float32, "s16": np.int16}.get(kind.partition("-")[2], np.uint16)
    collectors = {name: Collector(ddof=0, covariance=True) for name in "abc"}
    for place, (name, collector) in enumerate(collectors.items()):
        images = [(rng.random((channels, 20)) * 5000 * (place + 1)).astype(dtype) for _ in "xy"]
        pixels[name] = np.concatenate(images, axis=1)
        for image in images:
            collector.add(counted(kind, facts, [Block(image)], covariance=True))
    groups = {name: collector.state() for name, collector in collectors.items()}
    spec = assemble(
        State.of_all(groups.values()),
        estimator=Estimator(images_listed=6),
        pipeline=Pipeline(),
        dataset=Dataset(roots=["x"], selected=None, files=6, bytes=6, digest=f"sha256:{'0' * 64}",
                        contents=[], group_by="top", groups=dict.fromkeys("abc", 2)),
        skipped=[], percentiles=["50"], covariance=True, software={}, groups=groups,
    )  # fmt: skip
    assert validate(spec) == []
    unit = kind_of(kind).max_code
    for name, values in pixels.items():
        group = spec.group(name)
        assert validate(group) == []
        assert group.mean == pytest.approx(values.mean(axis=1, dtype=np.float64) / unit, rel=1e-9)
        assert group.std == pytest.approx(values.std(axis=1, dtype=np.float64) / unit, rel=1e-9)
    assert {each.mismatch for each in ranked(spec)} <= {"noticeable", "large"}
    for columns in (60, 140):
        Console(width=columns).print(groups_text(spec))
        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines)) <= columns
        assert {line.split()[0] for line in lines[1:4]} == set("abc")
        assert ("gain" in lines[0]) == (channels > 4)


# --- the same however it is cut ---


@pytest.fixture(scope="module")
def expected():
    return dumps(normstat.compute(PHOTOS, ODD, jobs=1, covariance=True, group_by=r"regex:(\d)\."))


@pytest.mark.parametrize(("backend", "jobs"), ENGINES_AND_JOBS)
def test_groups_are_byte_identical_for_any_backend_and_jobs(monkeypatch, expected, backend, jobs):
    monkeypatch.setattr(reading, "CHUNK_IMAGES", 4)
    spec = normstat.compute(
        PHOTOS, ODD, jobs=jobs, backend=backend, covariance=True, group_by=r"regex:(\d)\."
    )
    assert dumps(spec) == expected


@pytest.mark.parametrize("of", [2, 7, 60])
@pytest.mark.parametrize("rule", ["parent", "top", r"regex:(\d)"])
def test_all_shards_give_the_bytes_of_the_single_run(mixed, rule, of):
    shards = [normstat.compute(mixed, shard=f"{n}/{of}", group_by=rule) for n in range(1, of + 1)]
    for shard in shards:
        assert normstat.validate(shard) == []
    assert dumps(normstat.merge(*shards)) == dumps(normstat.compute(mixed, group_by=rule))


def test_a_cache_knows_images_not_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "CHUNK_IMAGES", 7)
    first = normstat.compute(PHOTOS, ODD, cache=tmp_path / "c", group_by="parent")
    assert dumps(first) == dumps(normstat.compute(PHOTOS, ODD, group_by="parent"))

    class Counting(reading.Observer):
        known = 0

        def cached(self, images):
            self.known += images

    for rule in ("parent", r"regex:(\d)", None):
        watch = Counting()
        again = normstat.compute(
            PHOTOS, ODD, cache=tmp_path / "c", group_by=rule, observer=watch, jobs=2
        )
        assert dumps(again) == dumps(normstat.compute(PHOTOS, ODD, group_by=rule))
        assert watch.known == again.counts.images


def test_a_cache_that_knows_some_still_gives_all_groups(tmp_path):
    normstat.compute(PHOTOS / "night", cache=tmp_path / "c")
    mixed = normstat.compute(PHOTOS, cache=tmp_path / "c", group_by=r"regex:(\d)\.")
    assert dumps(mixed) == dumps(normstat.compute(PHOTOS, group_by=r"regex:(\d)\."))


def test_archive_groups_by_the_folders_in_it(tmp_path):
    with tarfile.open(tmp_path / "photos.tar", "w") as archive:
        archive.add(PHOTOS, ".")
    spec = normstat.compute(tmp_path / "photos.tar", group_by="parent")
    there = normstat.compute(PHOTOS, group_by="parent")
    assert spec.groups == there.groups


# --- samples ---


def test_sample_knows_how_many_of_each_group_there_are():
    spec = normstat.compute(PHOTOS, sample=15, group_by="parent")
    assert spec.dataset.groups == {"coast": 10, "forest": 10, "night": 10}
    assert sum(group.counts.images for group in spec.groups) == 15
    assert normstat.validate(spec) == []
    night = spec.group("night")
    assert (night.estimator.coverage, night.estimator.images_listed) == ("sample", 10)
    census = replace(spec.estimator, coverage="census", sample=UNSET)
    state = states(spec)["night"]
    infinite = summarize(state, census).confidence
    factor = (1 - night.counts.images / 10) ** 0.5
    assert night.confidence.mean == pytest.approx([w * factor for w in infinite.mean], rel=1e-12)


def test_tolerance_stops_where_it_would_without_groups():
    options = {"tolerance": 0.05, "confidence": 0.9, "seed": 3}
    spec = normstat.compute(PHOTOS, group_by="parent", **options)
    assert spec.mean == normstat.compute(PHOTOS, **options).mean


# --- merge, subtract, validate ---


def test_groups_add_up_by_name_and_come_out_again(tmp_path):
    for name, colour in (("a/cat", 10), ("a/dog", 90), ("b/cat", 200), ("b/owl", 250)):
        (tmp_path / name).mkdir(parents=True)
        Image.new("RGB", (3, 2), (colour, 5, 7)).save(tmp_path / name / "1.png")
    a, b = (normstat.compute(tmp_path / name, group_by="parent") for name in "ab")
    both = normstat.merge(a, b)
    assert normstat.validate(both) == []
    assert both.dataset.groups == {"cat": 2, "dog": 1, "owl": 1}
    assert both.group("cat").mean[0] == pytest.approx(105 / 255)
    assert normstat.validate(both.group("cat")) == []
    assert normstat.subtract(both, b) == a
    assert normstat.merge(b, a) == both


def test_folder_that_is_taken_out_leaves_its_groups(mixed):
    whole = normstat.compute(mixed, group_by="regex:(gray|wide|colour)")
    part = normstat.compute(mixed / "val", group_by="regex:(gray|wide|colour)")
    left = normstat.subtract(whole, part)
    assert normstat.validate(left) == []
    assert {group.name: group.counts.images for group in left.groups} == {"gray": 5, "colour": 5}
    assert left.dataset.listed("wide") == 0


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (("parent", "top"), r"dataset.group_by differs: spec 1 has 'parent', spec 2 has 'top'"),
        (("parent", None), r"dataset.group_by differs: spec 1 has 'parent', spec 2 has 'none'"),
    ],
)
def test_other_rules_do_not_add_up(rules, message):
    parts = [
        normstat.compute(PHOTOS / name, group_by=rule)
        for name, rule in zip(("coast", "night"), rules, strict=True)
    ]
    with pytest.raises(normstat.SpecError, match=message):
        normstat.merge(*parts)


def test_table_that_changed_between_shards_is_noticed(tmp_path):
    names = [f"{kind}/{kind}-{n:02}.jpg" for kind in ("coast", "forest", "night")
             for n in range(1, 11)]  # fmt: skip
    table, shards = tmp_path / "t.csv", []
    for number, groups in enumerate(("ab" * 15, "aab" * 10), 1):
        table.write_text("\n".join(["path,g", *map(",".join, zip(names, groups, strict=True))]))
        shards.append(normstat.compute(PHOTOS, group_by=f"csv:{table}:g", shard=f"{number}/2"))
    with pytest.raises(normstat.SpecError, match=r"dataset.groups.a differs: .* 15, .* 20"):
        normstat.merge(*shards)


def test_group_alone_is_valid_but_does_not_add_up(mixed, tmp_path):
    spec = normstat.compute(mixed, group_by="top")
    for group in spec.groups:
        alone = spec.group(group.name)
        assert normstat.validate(alone) == []
        normstat.save(alone, tmp_path / "alone.json")
        assert normstat.load(tmp_path / "alone.json") == alone
    with pytest.raises(normstat.SpecError, match="is the group 'train' alone"):
        normstat.merge(spec.group("train"), spec.group("val"))


CHANGES = [
    ("groups[1].mean[0]", lambda raw: raw["groups"][1]["mean"].__setitem__(0, 0.5)),
    ("groups[0].counts.images", lambda raw: raw["groups"][0]["counts"].update(images=9)),
    ("groups[2].histogram.counts[0][7]",
     lambda raw: raw["groups"][2]["histogram"]["counts"][0].__setitem__(7, 1)),
    ("groups[1].name", lambda raw: raw["groups"][1].update(name="coast")),
    ("state.kinds.rgb8.images.images", lambda raw: raw["groups"].pop()),
    ("dataset.groups", lambda raw: raw["dataset"]["groups"].update(coast=3)),
    ("dataset.groups", lambda raw: raw["dataset"]["groups"].update(coast=31)),
    ("changed.json", lambda raw: raw["groups"][0].update(name="\x1b[2J")),
    ("groups[0].state.modes", lambda raw: raw["groups"][0]["state"]["modes"].update(RGB=1)),
    ("dataset.groups", lambda raw: raw.pop("groups")),
    ("dataset.group_by", lambda raw: raw["dataset"].pop("group_by")),
    ("groups[0].name", lambda raw: raw["groups"].reverse()),
]  # fmt: skip


@pytest.mark.parametrize(("path", "change"), CHANGES, ids=[path for path, _ in CHANGES])
def test_group_that_does_not_follow_is_named(run, tmp_path, path, change):
    raw = json.loads(dumps(normstat.compute(PHOTOS, group_by="parent")))
    change(raw)
    (tmp_path / "changed.json").write_text(json.dumps(raw))
    code, out, err = run("validate", "changed.json")
    assert (code, out) == (1, "")
    assert f"{path}: " in err


def test_measuring_again_proves_the_groups(run, tmp_path):
    table = written(tmp_path, "t.csv", TABLE)
    assert run("compute", PHOTOS, "-q", "--group-by", f"csv:{table}:split").code == 0
    assert run("validate", "normstat.json", PHOTOS, "--deep").code == 0
    assert run("validate", "normstat.json#val", PHOTOS, "--deep").code == 0
    table.write_text(TABLE.replace("train", "val2"))
    code, _, err = run("validate", "normstat.json", PHOTOS, "--deep")
    assert code == 1
    assert "groups.train: " in err
    assert "groups.val2: nothing, but now it is" in err


def test_specs_with_groups_fit_the_schema(run, mixed):
    schema = json.loads(run("schema").out)
    for spec in (normstat.compute(mixed, group_by="top"),
                 normstat.compute(mixed, group_by="top").group("val")):  # fmt: skip
        jsonschema.validate(json.loads(dumps(spec)), schema)


# --- SPEC#GROUP ---


@pytest.fixture
def grouped(run, tmp_path):
    assert run("compute", PHOTOS, "-q", "--group-by", "parent", "--covariance").code == 0
    return normstat.load(tmp_path / "normstat.json")


def test_compare_takes_groups_and_keeps_its_gate(run, grouped):
    line = ("compare", "normstat.json#night", "normstat.json#coast")
    code, out, _ = run(*line, "--format", "json")
    assert code == 0
    found = json.loads(out)["comparisons"][0]
    assert found["a"]["mean"] == grouped.group("night").mean
    assert found["b"]["name"] == "normstat.json#coast"
    assert run(*line, "--fail-on", "shift>0.5").code == 1
    assert run(*line, "--fail-on", "shift>5").code == 0


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (("show", "normstat.json#night"), "night alone, of 30 files"),
        (("export", "normstat.json#night", "--to", "torchvision"), "0.28568994"),
        (("diff", "normstat.json#night", "normstat.json#night"), "SAME"),
        (("diagnose", "normstat.json#night", str(PHOTOS)), "normstat.json#night"),
        (("validate", "normstat.json#night"), "valid"),
        (("apply", str(PHOTOS), "--spec", "normstat.json#night", "--dry-run"), "night"),
        (("identify", "normstat.json#night"), "no preset"),
    ],
)
def test_every_command_takes_a_group_of_a_spec(run, grouped, line, text):
    ran = run(*line)
    assert "Traceback" not in ran.err
    assert ran.code in (0, 1), ran.err
    assert text in ran.out


@pytest.mark.parametrize(
    ("name", "code", "text"),
    [
        ("normstat.json#nigt", 2, "unknown group 'nigt'; did you mean 'night'?"),
        ("normstat.json#", 2, "unknown group ''"),
        ("plain.json#x", 2, "it has no groups; `normstat compute --group-by RULE` finds them"),
        ("preprocessor_config.json#x", 2, "is no normstat spec, and has no groups"),
        ("gone.json#x", 3, "gone.json"),
    ],
)
@pytest.mark.usefixtures("grouped")
def test_group_that_is_not_there_is_told(run, tmp_path, name, code, text):
    normstat.save(normstat.compute(PHOTOS, limit=2), tmp_path / "plain.json")
    config = {"image_mean": [0.5], "image_std": [0.25], "do_normalize": True, "do_rescale": True}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(config))
    for line in (("show", name), ("compare", name, "imagenet"), ("export", name, "--to", "timm")):
        ran = run(*line)
        assert (ran.code, ran.out) == (code, "")
        assert text in ran.err


def test_file_with_a_hash_in_its_name_is_meant_itself(run, grouped, tmp_path):
    (tmp_path / "a#night").write_bytes((tmp_path / "normstat.json").read_bytes())
    (tmp_path / "a").write_text("other")
    assert file_and_group(tmp_path / "a#night") == (tmp_path / "a#night", None)
    assert file_and_group(f"{tmp_path}/a#night#b#c") == (tmp_path / "a#night", "b#c")
    assert "30, a census" in run("show", "a#night").out
    assert "10, a census" in run("show", "a#night#night").out


def test_diagnosis_of_a_group_looks_at_its_images_alone(run, grouped, tmp_path):
    line = ("diagnose", "normstat.json#night", PHOTOS, "--format", "json", "--sample", "100%")
    found = json.loads(run(*line).out)
    assert run("compute", PHOTOS / "night", "-q", "--covariance", "-o", "n.json").code == 0
    alone = json.loads(run("diagnose", "n.json", PHOTOS / "night", "--format", "json",
                           "--sample", "100%").out)  # fmt: skip
    assert found["preprocessing"][0]["quadratic"] == alone["preprocessing"][0]["quadratic"]
    assert found["sampled"] == 10
    assert found["jitter"]["images"] == 10


# --- ranking ---


def test_ranking_is_that_of_compare(mixed):
    spec = normstat.compute(mixed, group_by="parent", covariance=True)
    found = ranked(spec)
    for each in found:
        if each.jeffreys is None:
            continue
        pair = compare_pair(
            Candidate(name="g", spec=spec.group(each.name)), Candidate(name="w", spec=spec)
        )
        assert pair.metrics["jeffreys"][0] == each.jeffreys
        assert (pair.metrics["shift"], pair.metrics["gain"]) == (each.shift, each.gain)
    distances = [np.inf if each.jeffreys is None else each.jeffreys for each in found]
    assert all(a >= b for a, b in pairwise(distances))
    assert {each.name for each in found} == {group.name for group in spec.groups}


def test_constant_group_is_the_farthest(run, tmp_path):
    (tmp_path / "set").mkdir()
    Image.new("L", (4, 4), 7).save(tmp_path / "set" / "flat-1.png")
    Image.linear_gradient("L").save(tmp_path / "set" / "ramp-1.png")
    out = run("compute", "set", "--group-by", "regex:(flat|ramp)").out
    flat, ramp = (next(line for line in out.splitlines() if line.startswith(each))
                  for each in ("flat", "ramp"))  # fmt: skip
    assert "constant" in flat
    assert out.index(flat) < out.index(ramp)


def test_groups_of_values_in_a_small_unit_are_not_called_constant(run, tmp_path):
    rng = np.random.default_rng(0)
    for group, mean in (("dim", 2e-10), ("bright", 6e-10)):
        (tmp_path / "set" / group).mkdir(parents=True)
        for number in range(2):
            values = rng.normal(mean, 1e-10, (9, 9)).astype(np.float32)
            tifffile.imwrite(tmp_path / "set" / group / f"{number}.tif", values)
    code, out, _ = run("compute", "set", "--group-by", "parent")
    assert code == 0
    assert "constant" not in out
    told = re.findall(r"^(dim|bright) +2 .* ([\d.]+e-10) +([\d.]+e-1[01])$", out, re.MULTILINE)
    assert {group: round(float(mean) * 1e10) for group, mean, _ in told} == {"dim": 2, "bright": 6}


def test_groups_far_from_zero_are_not_called_constant(run, tmp_path):
    rng = np.random.default_rng(0)
    for group, spread in (("calm", 100), ("wild", 120), ("flat", 0)):
        (tmp_path / "set" / group).mkdir(parents=True)
        values = 1e12 + spread * rng.random((2, 9, 9))
        for number, each in enumerate(values):
            np.save(tmp_path / "set" / group / f"{number}.npy", each)
    code, out, _ = run("compute", "set", "--extensions", "npy", "--group-by", "parent")
    assert code == 0
    assert re.findall(r"^(\w+) .*constant", out, re.MULTILINE) == ["flat"]


def test_group_with_a_std_that_no_images_have_is_not_called_constant(run, tmp_path):
    rng = np.random.default_rng(0)
    for group in ("usual", "wild", "flat"):
        (tmp_path / "set" / group).mkdir(parents=True)
        for number in range(2):
            values = rng.normal(500, 50, (9, 9)).astype(np.float32)
            values[0, 0] = np.finfo(np.float32).min if (group, number) == ("wild", 1) else 500
            values = np.full_like(values, 7) if group == "flat" else values
            tifffile.imwrite(tmp_path / "set" / group / f"{number}.tif", values)
    code, out, _ = run("compute", "set", "--group-by", "parent")
    assert code == 0
    lines = {line.split()[0]: line for line in out.splitlines() if line.strip()}
    told = {name: re.search("constant|beyond measure", lines[name])[0] for name in lines
            if name in ("usual", "wild", "flat")}  # fmt: skip
    assert told == {"usual": "beyond measure", "wild": "beyond measure", "flat": "constant"}
    assert out.index(lines["wild"]) < out.index(lines["usual"])
    note = "no images have a std of 1e+09 and more, as have the whole (1.54e+37), wild (2.67e+37)"
    assert note in " ".join(out.split())
    assert run("report", "-o", "r.md").code == 0
    text = (tmp_path / "r.md").read_text()
    assert len(re.findall(r"\| (?:usual|wild) \| 2 \| beyond measure \|", text)) == 2
    assert re.search(r"\| flat \| 2 \| constant \|", text)
    assert note in text


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw["groups"][1].update(mean=[0.5]),
        lambda raw: raw["groups"][1]["std"].append(0.5),
        lambda raw: raw["groups"][1]["covariance"].pop(),
        lambda raw: raw["groups"][1]["covariance"][0].pop(),
        lambda raw: raw["groups"][1].update(covariance=[]),
    ],
)
@pytest.mark.usefixtures("grouped")
def test_group_without_a_number_a_channel_is_refused(run, tmp_path, change):
    raw = json.loads((tmp_path / "normstat.json").read_text())
    change(raw)
    (tmp_path / "changed.json").write_text(json.dumps(raw))
    code, out, err = run("show", "changed.json")
    assert (code, out) == (3, "")
    assert "group forest: has not one number a channel" in err


@pytest.mark.parametrize("columns", [60, 80, 140])
def test_table_fits_the_terminal(run, grouped, columns):
    out = run("show", env={"COLUMNS": str(columns)}).out
    lines = out.splitlines()
    assert max(map(len, lines)) <= columns
    table = lines[next(row for row, line in enumerate(lines) if line.startswith("group ")) :]
    names = [line.split()[0] for line in table[1:4]]
    assert names == [each.name for each in ranked(grouped)]
    assert ("pixels" in table[0]) == (columns > 60)
    for group in grouped.groups:
        row = next(line for line in table if line.startswith(group.name))
        assert all(f"{value:.3f}"[1:] in row for value in group.mean + group.std)


def test_many_groups_stay_quick_and_the_farthest_show(run, tmp_path):
    for number in range(1000):
        (tmp_path / "set" / f"c{number}").mkdir(parents=True)
        codes = np.arange(16, dtype=np.uint8).reshape(4, 4) + number % 200
        Image.fromarray(codes).save(tmp_path / "set" / f"c{number}" / "a.png")
    code, out, _ = run("compute", "set", "--group-by", "parent")
    assert code == 0
    assert "1,000 by parent" in out
    assert "and 980 more groups that are nearer" in out
    assert (tmp_path / "normstat.json").stat().st_size < 10_000_000
    spec = normstat.load(tmp_path / "normstat.json")
    assert State.of_all(states(spec).values()).to_text() == msgspec.to_builtins(spec.state)


@pytest.mark.parametrize("name", ["[red]boom", "new\nline", "\x1b[2J"])
def test_names_of_groups_are_text(run, tmp_path, name):
    for folder in (name, "plain"):
        (tmp_path / "set" / folder).mkdir(parents=True)
        Image.linear_gradient("L").save(tmp_path / "set" / folder / "1.png")
    out = run("compute", "set", "--group-by", "parent").out
    shown = name.replace("\n", "\\n").replace("\x1b", "\\x1b")
    assert shown in out
    assert "\x1b" not in out
    assert run("show", f"normstat.json#{shown}").code == 0
