"""Outliers: each rule finds what it is for, and influence is what leaving a file out does."""

import csv
import json
import re
import shutil
import tarfile
from pathlib import Path

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import normstat
from normstat.cli import main
from normstat.oddities import RULES, Outliers
from normstat.per_image.table import Table
from tests.conftest import Ran
from tests.test_dicom import dicom

SUFFIXES = [".csv", ".jsonl", ".parquet"]


@pytest.fixture
def here(tmp_path, monkeypatch, capsys):
    """The command without a process of its own: same entry, code and text, into a pipe."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def command(*args, **env):
        for name, value in env.items():
            monkeypatch.setenv(name, str(value))
        with pytest.raises(SystemExit) as end:
            main([*map(str, args)])
        return Ran(end.value.code, *capsys.readouterr())

    return command


def clean(folder, count=24, seed=0):
    """Save images that are alike: dark, as an X-ray or a digit is."""
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(seed)
    for number in range(count):
        level, spread = rng.uniform(42, 58), rng.uniform(17, 23)
        codes = rng.normal(level, spread, (16, 16, 3)).clip(0, 255).astype(np.uint8)
        codes[0, 0] = 255
        Image.fromarray(codes).save(folder / f"{number:02}.png")
    return folder


def usual(seed=99):
    rng = np.random.default_rng(seed)
    codes = rng.normal(50, 20, (16, 16, 3)).clip(0, 255).astype(np.uint8)
    codes[0, 0] = 255
    return codes


def two_valued(low, high):
    codes = np.full((16, 16, 3), low, np.uint8)
    codes[::2] = high
    codes[0, 0] = (low, high, high)  # three equal channels would be gray
    return codes


ODD = {
    "constant": np.full((16, 16, 3), 50, np.uint8),
    "inverted": 255 - usual(),
    "range": (usual() // 80).astype(np.uint8),
    "gray": usual()[:, :, 0],
    "mean": (usual() // 2 + 110).astype(np.uint8),
    "std": two_valued(0, 200),
    "kind": None,
}


def reasons(found, name):
    return {each.path: {reason.rule for reason in each.reasons} for each in found.outliers}[name]


# --- rules ---


def test_clean_set_has_no_outlier(tmp_path):
    found = normstat.outliers(clean(tmp_path / "images"))
    assert found.named == {}
    assert found.images_named == 0
    assert found.notes == []
    assert all(each.reasons == [] for each in found.outliers)


def test_tiny_values_are_not_told_as_zero(run, tmp_path):
    tifffile = pytest.importorskip("tifffile")
    rng = np.random.default_rng(5)
    for folder in "ab":
        (tmp_path / folder).mkdir()
        for number in range(9):
            values = rng.normal(2e-9, 1e-9, (9, 9)).astype("f4")
            tifffile.imwrite(tmp_path / folder / f"{number}.tif", values)
        assert run("compute", folder, "-o", f"{folder}.json").code == 0
    code, out, _ = run("outliers", "a.json")
    assert code == 0
    spec = normstat.load(tmp_path / "a.json")
    head = out.partition("score")[0]
    assert f"{spec.mean[0]:.4e}" in head
    assert f"{spec.std[0]:.4e}" in head
    assert "0.0000" not in head
    code, out, _ = run("compare", "a.json", "b.json")
    assert code == 0
    [w2] = [line.split()[1] for line in out.splitlines() if line.startswith("w2")]
    assert 0 < float(w2) < 1e-8


def test_every_rule_has_a_test():
    assert ODD.keys() == RULES.keys()


@pytest.mark.parametrize("rule", ODD)
def test_rule_finds_what_it_is_for(tmp_path, rule):
    folder = clean(tmp_path / "images")
    if rule == "kind":
        tifffile.imwrite(folder / "odd.tif", np.ones((4, 4), np.float32))
    else:
        Image.fromarray(ODD[rule]).save(folder / "odd.png")
    found = normstat.outliers(folder)
    first = found.outliers[0]
    assert first.path.startswith("odd.")
    assert rule in reasons(found, first.path)
    assert found.named[rule] == 1
    assert found.images_named == 1
    assert first.score >= RULES[rule].weight
    # Nothing is told of an image that no rule names.
    assert all(each.reasons == [] for each in found.outliers[1:])
    with_name = [reason.text for reason in first.reasons if reason.rule == rule]
    assert len(with_name) == 1
    assert with_name[0]


def xrays(folder, save, *, count=12):
    """Save X-rays of 12 bits, of which the second last is a negative."""
    folder.mkdir()
    rng = np.random.default_rng(8)
    for number in range(count):
        codes = rng.normal(rng.uniform(850, 950), 120, (24, 24)).clip(0, 4095).astype(np.uint16)
        codes = 4095 - codes if number == count - 2 else codes
        save(folder, f"{number:02}", codes, last=number == count - 1)
    return folder


def save_dicom(folder, name, codes, *, last=False, **elements):
    shown = "MONOCHROME1" if last else "MONOCHROME2"
    content = dicom(codes, bits=12, Modality="DX", PhotometricInterpretation=shown, **elements)
    (folder / f"{name}.dcm").write_bytes(content)


def save_png(folder, name, codes, *, last=False):
    Image.fromarray(codes).save(folder / f"{name}.png")


def test_inverted_xrays_are_named_by_their_codes_and_by_their_headers(tmp_path):
    table = tmp_path / "t.csv"
    found = normstat.outliers(xrays(tmp_path / "images", save_dicom))
    normstat.compute(tmp_path / "images", per_image=table)
    for each in (found, normstat.outliers(table)):
        assert each.named["inverted"] == 2
        told = {
            one.path: reason.text
            for one in each.outliers
            for reason in one.reasons
            if reason.rule == "inverted"
        }
        assert told["10.dcm"].startswith("inverted polarity? its mean is 3.2")
        assert told["11.dcm"] == "MONOCHROME1, whose 0 is white, where most images are not"


def test_image_that_is_not_monochrome1_among_such_is_named(tmp_path):
    def save(folder, name, codes, *, last):
        save_dicom(folder, name, codes, last=not last)

    found = normstat.outliers(xrays(tmp_path / "images", save))
    [one] = [each for each in found.outliers if each.path == "11.dcm"]
    assert "its 0 is black" in one.reasons[0].text
    assert found.named["inverted"] == 2


@pytest.mark.parametrize("options", [{}, {"max_pixel_value": 4095}])
def test_twelve_bits_in_sixteen_are_inverted_about_their_own_largest(tmp_path, options):
    spec = normstat.compute(xrays(tmp_path / "images", save_png), **options)
    found = normstat.outliers(spec)
    assert found.named["inverted"] == 1
    assert "inverted" in reasons(found, "10.png")


def test_rescaled_values_have_no_range_to_be_inverted_in(tmp_path):
    def save(folder, name, codes, *, last):
        save_dicom(folder, name, codes, RescaleSlope=2, RescaleIntercept=-1024)

    found = normstat.outliers(xrays(tmp_path / "images", save))
    assert found.named == {"mean": 1}


def test_colour_with_three_equal_channels_is_gray(tmp_path):
    folder = clean(tmp_path / "images")
    Image.fromarray(np.stack([usual()[:, :, 0]] * 3, 2)).save(folder / "odd.png")
    assert reasons(normstat.outliers(folder), "odd.png") == {"gray"}


def test_depth_unlike_the_rest_is_named_and_counts(tmp_path):
    folder = clean(tmp_path / "images")
    Image.fromarray(usual()[:, :, 0].astype(np.uint16) * 257).save(folder / "odd.png")
    assert reasons(normstat.outliers(folder), "odd.png") == {"gray", "kind"}


@pytest.mark.parametrize(("factor", "is_odd"), [(1 / 255, True), (200, True), (1.01, False)])
def test_floats_of_another_range_are_named(tmp_path, factor, is_odd):
    rng = np.random.default_rng(0)
    for number in range(12):
        values = rng.uniform(0, rng.uniform(200, 255), (9, 9))
        tifffile.imwrite(tmp_path / f"{number}.tif", values.astype(np.float32))
    tifffile.imwrite(tmp_path / "odd.tif", (values * factor).astype(np.float32))
    found = normstat.outliers(tmp_path)
    assert ("range" in reasons(found, "odd.tif")) == is_odd
    assert found.named.get("range", 0) == is_odd


def test_full_range_among_twelve_bits_is_named(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(12):
        codes = rng.integers(0, 4096, (9, 9), dtype=np.uint16)
        Image.fromarray(codes * (16 if number == 5 else 1)).save(tmp_path / f"{number}.png")
    found = normstat.outliers(tmp_path)
    assert found.outliers[0].path == "5.png"
    assert found.named["range"] == 1


def test_what_most_images_are_is_not_odd(tmp_path):
    for number in range(9):
        Image.new("RGB", (4, 4), (number, number, number)).save(tmp_path / f"{number}.png")
    assert "constant" not in normstat.outliers(tmp_path).named


# --- few and equal images ---


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_images_are_told_without_judgement(tmp_path, here, count):
    folder = clean(tmp_path / "images", count)
    found = normstat.outliers(folder)
    assert len(found.outliers) == found.images == count
    assert found.named == {}
    assert "fewer than 5 images" in found.notes[0]
    assert all((each.influence is None) == (count == 1) for each in found.outliers)
    assert here("outliers", folder).code == 0


def test_equal_images_are_no_distance_apart(tmp_path, here):
    for number in range(8):
        Image.fromarray(usual()).save(tmp_path / f"{number}.png")
    found = normstat.outliers(tmp_path)
    assert [each.score for each in found.outliers] == [0] * 8
    assert [each.path for each in found.outliers] == [f"{number}.png" for number in range(8)]
    assert found.outliers[0].influence.mean_change == [0] * 3
    assert found.robust_mean == [0] * 3
    assert "nan" not in here("outliers", tmp_path).out


def test_image_beside_equal_ones_is_far(tmp_path):
    for number in range(12):
        Image.fromarray(usual() if number else usual() // 2 + 9).save(tmp_path / f"{number}.png")
    found = normstat.outliers(tmp_path)  # the median absolute deviation is 0
    assert found.outliers[0].path == "0.png"
    assert "mean" in reasons(found, "0.png")
    assert np.isfinite([each.score for each in found.outliers]).all()


def test_z_is_that_of_median_and_mad(tmp_path):
    folder = clean(tmp_path / "images")
    found = normstat.outliers(folder, top=99)
    means = {
        path.name: (np.asarray(Image.open(path)) / 255).mean(axis=(0, 1))
        for path in folder.iterdir()
    }
    table = np.array(list(means.values()))
    centre = np.median(table, axis=0)
    scale = 1.4826 * np.median(np.abs(table - centre), axis=0)
    for each in found.outliers:
        assert each.z_mean == pytest.approx((means[each.path] - centre) / scale)
        assert each.score == max(map(abs, each.z_mean + each.z_std))
    assert [each.score for each in found.outliers] == sorted(
        (each.score for each in found.outliers), reverse=True
    )


# --- influence ---


def assert_influence_is_a_recompute(folder, found):
    whole = normstat.compute(folder)
    assert (found.mean, found.std) == (whole.mean, whole.std)
    assert (found.channels, found.max_pixel_value) == (whole.channels, whole.max_pixel_value)
    for each in found.outliers:
        # Anchored, because exclude matches in the middle of a name.
        kept = [path for path in sorted(folder.iterdir()) if path.name != each.path]
        rest = normstat.compute(*kept, mode="rgb" if len(found.channels) == 3 else "auto")
        if rest.max_pixel_value == whole.max_pixel_value:
            assert each.influence.mean == rest.mean
            assert each.influence.std == rest.std
        changes = np.subtract(each.influence.mean, whole.mean)
        assert each.influence.mean_change == pytest.approx(changes, abs=1e-15 * max(1, *whole.mean))


def test_influence_is_what_measuring_without_the_file_gives(tmp_path):
    folder, rng = tmp_path / "images", np.random.default_rng(3)
    folder.mkdir()
    for number in range(6):
        codes = rng.integers(0, 256, (3 + number, 5, 3), dtype=np.uint8)
        Image.fromarray(codes if number % 3 else codes[:, :, 0]).save(folder / f"{number}.png")
    assert_influence_is_a_recompute(folder, normstat.outliers(folder))


def test_influence_is_exact_beside_sixteen_bits(tmp_path):
    folder, rng = tmp_path / "images", np.random.default_rng(4)
    folder.mkdir()
    for number in range(5):
        codes = rng.integers(0, 256, (4, 5), dtype=np.uint8)
        Image.fromarray(codes if number else codes.astype(np.uint16) * 200).save(
            folder / f"{number}.png"
        )
    found = normstat.outliers(folder)
    assert found.named == {"kind": 1}
    assert_influence_is_a_recompute(folder, found)


def test_influence_of_floats_is_exact(tmp_path):
    folder, rng = tmp_path / "images", np.random.default_rng(5)
    folder.mkdir()
    for number in range(5):
        values = rng.normal(1e4, 1e-2, (4, 5)).astype(np.float32)
        tifffile.imwrite(folder / f"{number}.tif", values)
    assert_influence_is_a_recompute(folder, normstat.outliers(folder))


def test_influence_is_exact_where_floats_and_whole_numbers_are_one_set(tmp_path):
    folder, rng = tmp_path / "images", np.random.default_rng(6)
    folder.mkdir()
    for number in range(6):
        values = rng.normal(50, 20, (4, 5)).astype(np.float32)
        tifffile.imwrite(folder / f"{number}.tif", values.round() if number % 2 else values)
    found = normstat.outliers(folder)
    assert {each.kind for each in found.outliers} == {"gray-float", "gray-s16"}
    assert_influence_is_a_recompute(folder, found)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.integers(1, 4), st.binary(min_size=16, max_size=16)),
        min_size=2,
        max_size=5,
    )
)
def test_influence_is_exact_for_any_images(tmp_path, images):
    folder = tmp_path / "images"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for number, (width, height, content) in enumerate(images):
        codes = np.frombuffer(content, np.uint8)[: width * height].reshape(height, width)
        Image.fromarray(codes).save(folder / f"{number}.png")
    assert_influence_is_a_recompute(folder, normstat.outliers(folder))


# --- where from ---


@pytest.mark.parametrize("name", ["odd", "photos"])
def test_folder_spec_and_every_table_tell_the_same(tmp_path, samples, name):
    found = [normstat.outliers(samples / name)]
    for suffix in SUFFIXES:
        spec = normstat.compute(samples / name, per_image=tmp_path / f"t{suffix}")
        found.append(normstat.outliers(tmp_path / f"t{suffix}"))
    normstat.save(spec, tmp_path / "s.json")
    normstat.save(spec, tmp_path / "s.yaml")
    found.append(normstat.outliers(tmp_path / "s.json"))
    found.append(normstat.outliers(tmp_path / "s.yaml", samples / name))
    found.append(normstat.outliers(spec))
    plain = [msgspec.structs.replace(each, name="") for each in found]
    assert all(each == plain[0] for each in plain)


@pytest.mark.parametrize(
    ("name", "options", "names"),
    [
        ("satellite13.tif", {"bands": ["B04", "B03", "B02"]}, ["B04", "B03", "B02"]),
        ("plain.tif", {"bands": ["3", "1"]}, ["B3", "B1"]),
        ("table.csv", {"columns": ["w", "-h"]}, ["w", "-h"]),
    ],
)
def test_channels_have_the_names_of_the_spec(tmp_path, samples, name, options, names):
    folder, rng = tmp_path / "images", np.random.default_rng(7)
    folder.mkdir()
    plain = rng.integers(0, 4000, (8, 8, 5), dtype=np.uint16)
    for number in range(3):
        path = folder / f"{number}{Path(name).suffix}"
        if name == "plain.tif":
            tifffile.imwrite(path, plain, photometric="minisblack", planarconfig="contig")
        elif name == "table.csv":
            path.write_text("-h,w\n1.5,2\n3,4\n")
        else:
            shutil.copy(samples / "deep" / name, path)
    if "columns" in options:
        options = options | {"extensions": ["csv"]}
    for suffix in SUFFIXES:
        path = tmp_path / f"t{suffix}"
        spec = normstat.compute(folder, per_image=path, **options)
        assert [*Table.at(path).names] == spec.channels == names
        found = normstat.outliers(path)
        assert (found.channels, found.mean) == (names, spec.mean)
        assert normstat.outliers(spec).channels == names


GROUPS = ("coast", "night", "forest")


@pytest.fixture
def merged(tmp_path, samples, monkeypatch):
    """A spec that was merged from those of three folders, which are there."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(samples / "photos", "photos")
    folders = [f"photos/{group}" for group in GROUPS]
    return folders, normstat.merge(*map(normstat.compute, folders))


def test_merged_spec_has_the_outliers_of_its_folders(merged, here):
    folders, spec = merged
    found, expected = normstat.outliers(spec), normstat.outliers(*folders)
    assert found == msgspec.structs.replace(expected, name="the spec")
    assert found.mean == spec.mean
    Path("photos").rename("moved")
    normstat.save(spec, "mg.json")
    assert "photos/coast photos/forest photos/night is not here" in here("outliers", "mg.json").err
    found = normstat.outliers("mg.json", *(f"moved/{group}" for group in reversed(GROUPS)))
    assert found.outliers[0].path == "moved/forest/forest-10.jpg"
    assert [each.score for each in found.outliers] == [each.score for each in expected.outliers]
    code, _, err = here("outliers", "mg.json", "moved/night", "moved/forest")
    assert (code, "none of these has the files of photos/coast" in " ".join(err.split())) == (3, 1)


def test_merged_spec_of_archives_names_each(merged):
    folders, _ = merged
    for group, folder in zip(GROUPS, folders, strict=True):
        with tarfile.open(f"{group}.tar", "w") as archive:
            archive.add(folder, group)
    tars = [f"{group}.tar" for group in GROUPS]
    found = normstat.outliers(normstat.merge(*map(normstat.compute, tars)))
    assert found == msgspec.structs.replace(normstat.outliers(*tars), name="the spec")


def test_change_in_a_dataset_that_was_merged_is_told(merged, here):
    folders, spec = merged
    normstat.save(spec, "mg.json")
    Path(folders[1], "night-03.jpg").unlink()
    code, _, err = here("outliers", "mg.json")
    assert (code, "night-03.jpg" in err) == (3, True)


def test_some_shards_have_the_outliers_of_their_images(samples, tmp_path):
    shards = [normstat.compute(samples / "photos", shard=f"{number}/3") for number in (1, 3)]
    tables = [tmp_path / f"{number}.csv" for number in (1, 3)]
    for number, table in zip((1, 3), tables, strict=True):
        normstat.compute(samples / "photos", shard=f"{number}/3", per_image=table)
    (tmp_path / "both.csv").write_text(
        tables[0].read_text() + "".join(tables[1].read_text().splitlines(keepends=True)[1:])
    )
    found = normstat.outliers(normstat.merge(*shards))
    expected = normstat.outliers(tmp_path / "both.csv")
    assert found == msgspec.structs.replace(expected, name="the spec")


def test_spec_from_which_images_were_taken_out_is_refused_by_name(samples):
    photos = samples / "photos"
    rest = normstat.subtract(normstat.compute(photos), normstat.compute(photos / "night"))
    with pytest.raises(normstat.NormstatError, match=r"photos/night\) cannot be left out"):
        normstat.outliers(rest)


def test_spec_gives_its_options_to_the_second_reading(tmp_path, samples):
    spec = normstat.compute(samples / "photos", resize=32, sample=12, seed=5, exclude=["night"])
    found = normstat.outliers(spec, top=99)
    assert (found.images, found.mean) == (12, spec.mean)


def test_spec_of_another_weighting_is_told(samples):
    spec = normstat.compute(samples / "photos", weighting="image", std="mean-of-images")
    [note] = normstat.outliers(spec).notes
    assert "weighting image and std mean-of-images" in note


def test_spec_without_its_dataset_says_what_to_do(tmp_path, here):
    folder = clean(tmp_path / "images", 5)
    normstat.save(normstat.compute(folder), tmp_path / "normstat.json")
    folder.rename(tmp_path / "moved")
    code, out, err = here("outliers")
    assert (code, out) == (3, "")
    assert f"{folder} is not here" in err
    assert "normstat outliers normstat.json FOLDER" in err
    assert here("outliers", "normstat.json", "moved").code == 0


@pytest.mark.parametrize("change", ["added", "removed", "replaced", "broken"])
def test_spec_of_a_changed_dataset_is_refused(tmp_path, here, change):
    folder = clean(tmp_path / "images", 5)
    for path in folder.iterdir():  # of one size each, so that only the pixels tell
        Image.open(path).save(path.with_suffix(".bmp"))
        path.unlink()
    normstat.save(normstat.compute(folder), tmp_path / "normstat.json")
    first = folder / "00.bmp"
    match change:
        case "added":
            shutil.copy(first, folder / "new.bmp")
        case "removed":
            first.unlink()
        case "replaced":
            shutil.copy(folder / "01.bmp", first)
        case "broken":
            first.write_bytes(bytes(first.stat().st_size))
    code, out, err = here("outliers")
    assert (code, out) == (3, "")
    assert "has changed since normstat.json was made" in err
    assert f"normstat outliers {folder}" in err


def test_group_of_a_spec_is_refused_by_name(here, samples):
    normstat.save(normstat.compute(samples / "photos", group_by="parent"), "normstat.json")
    code, _, err = here("outliers", "normstat.json#coast")
    assert code == 2
    assert "is of one group" in err
    assert here("outliers").code == 0


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        ((), 3, "normstat.json: No such file"),
        (("gone.csv",), 3, "gone.csv: No such file"),
        (("gone.parquet",), 3, "gone.parquet"),
        (("gone",), 3, "gone"),
        (("t.csv", "images"), 2, "name no folders"),
        (("t.csv", "t.csv"), 2, "one spec or one table"),
        (("images", "t.csv"), 2, "one spec or one table"),
        (("images", "--top", "0"), 2, "--top"),
        (("empty",), 3, "empty"),
        (("t.csv",), 0, ""),
        (("images", "--top", "1000000"), 0, ""),
    ],
)
def test_exit_codes(tmp_path, here, args, code, message):
    folder = clean(tmp_path / "images", 5)
    (tmp_path / "empty").mkdir()
    normstat.compute(folder, per_image=tmp_path / "t.csv")
    found = here("outliers", *args)
    assert found.code == code
    assert message in found.err


def test_cache_is_used(tmp_path, here):
    folder = clean(tmp_path / "images", 6)
    first = here("outliers", folder, "--cache", "c.db")
    again = here("outliers", folder, "--cache", "c.db")
    assert (first.code, first.out) == (0, again.out)
    assert normstat.compute(folder, cache=tmp_path / "c.db").counts.images == 6


# --- damaged tables ---


def damage(path, edit):
    """Write the rows of a table again, each as text by column, changed by `edit`."""
    if path.suffix == ".parquet":
        rows = pq.read_table(path).to_pylist()
    elif path.suffix == ".jsonl":
        rows = [json.loads(line) for line in path.read_text().splitlines()]
    else:
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
    edit(rows)
    if path.suffix == ".parquet":
        import pyarrow as pa  # noqa: PLC0415

        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


def every(name, value):
    def edit(rows):
        for row in rows:
            row[name] = value if not callable(value) else value(row[name])

    return edit


def without(name):
    def edit(rows):
        for row in rows:
            del row[name]

    return edit


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (without("sum_G"), "no column 'sum_G'"),
        (without("path"), "no column 'path'"),
        (without("squares_B"), "channels, but rgb8 has 3"),
        (every("mean_R", "bright"), "mean_R is 'bright', not a finite number"),
        (every("mean_R", "nan"), "mean_R is .*, not a finite number"),
        (every("std_R", None), "std_R is .*, not a finite number"),
        (every("mean_R", 0.999), "mean_R is 0.999, but its sums give 0"),
        (every("sum_G", lambda total: int(total) + 1), "mean_G is .*, but its sums give"),
        (every("squares_B", lambda total: int(total) + 9), "std_B is .*, but its sums give"),
        (every("squares_B", 0), "contradict each other"),
        (every("count_R", "2.5"), "count_R is '2.5', not an exact integer"),
        (every("sum_R", 1e300), "sum_R is .*, not an exact integer"),
        (every("kind", "rgb7"), "'rgb7' is no kind of pixel"),
        (every("kind", "gray-float"), "but its sums give"),
        (every("max_pixel_value", 0), "max_pixel_value is 0"),
        (every("max_pixel_value", 254), "but its sums give"),
        (every("min_R", 2), "min_R is 2.0, above max_R"),
        (every("width", "wide"), "width is 'wide'"),
        (every("path", ""), "path is '', not text"),
    ],
)  # fmt: skip
def test_damaged_table_is_refused_with_its_place(tmp_path, here, suffix, edit, message):
    path = tmp_path / f"t{suffix}"
    normstat.compute(clean(tmp_path / "images", 5), per_image=path)
    damage(path, edit)
    code, out, err = here("outliers", path)
    if suffix == ".parquet" and "'path'" in message:  # as any Parquet file, it could hold images
        assert code == 2
        return
    assert (code, out) == (3, "")
    assert re.search(message, " ".join(err.split())), err
    assert "Traceback" not in err
    assert path.name in err
    if "column" not in message:
        assert re.search(r"line 2|line 1|row 1", err)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_cut_table_is_refused_or_has_whole_rows(tmp_path, suffix):
    path = tmp_path / f"t{suffix}"
    normstat.compute(clean(tmp_path / "images", 5), per_image=path)
    content, rows = path.read_bytes(), list(Table.at(path))
    # The last cells of CSV are digits, of which a part is a number too.
    places = {*range(0, len(content), 97), *range(len(content) - 12, len(content))}
    for place in sorted(places):
        path.write_bytes(content[:place])
        try:
            found = list(Table.at(path))
        except normstat.SourceError:
            continue
        assert found == rows[: len(found)]


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"\xff\xfe\x00\x01", b'"', b"{}", b"[1]\n", b"null\n", b"\x00" * 99, b"PAR1" * 9],
)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_no_table_is_refused(tmp_path, here, suffix, content):
    (tmp_path / f"t{suffix}").write_bytes(content)
    found = here("outliers", f"t{suffix}")
    assert found.code == 3
    assert f"t{suffix}" in found.err


def test_columns_of_ones_own_do_no_harm(tmp_path):
    path = tmp_path / "t.csv"
    normstat.compute(clean(tmp_path / "images", 5), per_image=path)
    before = normstat.outliers(path)
    damage(path, every("mean_quality", "good"))
    assert normstat.outliers(path) == before


def test_tables_of_several_runs_can_be_joined(tmp_path):
    folder = clean(tmp_path / "images", 8)
    parts = []
    for shard in ("1/2", "2/2"):
        normstat.compute(folder, shard=shard, per_image=tmp_path / "part.jsonl")
        parts.append((tmp_path / "part.jsonl").read_text())
    (tmp_path / "all.jsonl").write_text("".join(parts))
    assert normstat.outliers(tmp_path / "all.jsonl").mean == normstat.compute(folder).mean


# --- output ---


def test_top_cuts_the_list_and_nothing_else(tmp_path, here):
    folder = clean(tmp_path / "images", 12)
    whole = normstat.outliers(folder)
    for top in (1, 5, 12, 99):
        found = normstat.outliers(folder, top=top)
        assert found.outliers == whole.outliers[:top]
        assert msgspec.structs.replace(found, outliers=[]) == msgspec.structs.replace(
            whole, outliers=[]
        )
    assert "the 3 farthest of 12 (--top)" in here("outliers", folder, "--top", 3).out
    with pytest.raises(normstat.UsageError, match="at least 1"):
        normstat.outliers(folder, top=0)


def test_json_is_the_answer_of_the_library(here, samples):
    code, out, err = here("outliers", samples / "odd", "--format", "json")
    assert (code, err) == (0, "")
    found = normstat.outliers(samples / "odd")
    assert msgspec.json.decode(out, type=Outliers) == found
    assert list(json.loads(out)) == [
        "name", "images", "channels", "max_pixel_value", "mean", "std", "median_mean",
        "median_std", "robust_mean", "robust_std", "images_named", "named", "notes", "outliers",
    ]  # fmt: skip
    assert list(json.loads(out)["outliers"][0]) == [
        "path", "kind", "score", "reasons", "mean", "std", "z_mean", "z_std", "influence",
    ]  # fmt: skip
    assert here("outliers", samples / "odd", "--format", "json").out == out
    assert here("outliers", samples / "odd", "-j", 2, "--format", "json").out == out


def test_images_are_named_as_they_are_called(tmp_path):
    """Tables guard names against spreadsheets; who is told of an image wants to open it."""
    folder = clean(tmp_path / "images", 5)
    names = {"-x.png", "=1+1.png", "@u.png", "a\\b.png", "Zürich.png"}
    for name in names:
        Image.fromarray(usual()).save(folder / name)
    found = normstat.outliers(folder, top=20).outliers
    assert names <= {each.path for each in found}
    assert all((folder / each.path).exists() for each in found)


@pytest.mark.parametrize("columns", [60, 80, 140])
def test_hostile_names_cannot_steer_the_terminal(tmp_path, here, columns):
    folder = clean(tmp_path / "images", 5)
    names = [
        "\x1b[31mred\n.png",
        "\u202egnp.exe.png",
        "[bold]x[-bold].png",
        "caf\udce9.png",
        "a" * 200 + ".png",
    ]
    for name in names:
        Image.fromarray(usual()).save(folder / name, format="png")
    for form in ("table", "json"):
        code, out, _ = here("outliers", folder, "--format", form, COLUMNS=columns)
        assert code == 0
        assert not set(out) & {"\x1b", "\u202e", "\udce9"}
        if form == "table":
            assert max(map(len, out.splitlines())) <= columns
            squeezed = "".join(out.split())
            for part in (r"\x1b[31mred\n", r"\u202egnp", "[bold]x[-bold]", r"caf\xe9"):
                assert part[:8] in squeezed


def extreme(folder):
    """Save heights of which one is what a writer meant as missing."""
    rng = np.random.default_rng(3)
    for number in range(6):
        values = rng.normal(500, 50, (20, 20)).astype(np.float32)
        values[0, 0] = np.finfo(np.float32).min if number == 2 else 500
        folder.mkdir(exist_ok=True)
        tifffile.imwrite(folder / f"dem{number}.tif", values)
    return folder


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_extreme_value_leaves_room_for_the_name_of_its_image(tmp_path, here, columns):
    code, out, _ = here("outliers", extreme(tmp_path / "images"), COLUMNS=columns)
    assert code == 0
    [line] = [line for line in out.splitlines() if line.startswith("dem2.tif")]
    assert all(re.fullmatch(r"[+-]?\d\.\de\+\d\d", cell) for cell in line.split()[1:])
    assert "values up to 3.403e+38" in " ".join(out.split())
    assert max(map(len, out.splitlines())) <= columns
    assert not re.search(r"\d{7}", out)


def test_report_tells_extreme_values_by_their_exponents(tmp_path, here):
    code, _, err = here("report", extreme(tmp_path / "images"), "-o", tmp_path / "r.md")
    assert code == 0, err
    text = (tmp_path / "r.md").read_text()
    outliers = text[text.index("Outliers") :]
    assert "dem2.tif" in outliers
    assert not re.search(r"\d{12}\.\d", outliers)


def test_quiet_says_nothing(here, samples):
    assert here("outliers", samples / "photos", "-q") == Ran(0, "", "")


def test_help_fits_and_names_every_rule(here):
    out = here("outliers", "--help", COLUMNS=80).out
    assert max(map(len, out.splitlines())) <= 80
    for name, rule in RULES.items():
        assert f"{name:8} +{rule.weight:g}" in out


def test_real_command_reads_normstat_json(run, samples):
    assert run("compute", samples / "photos", "-q").code == 0
    code, out, err = run("outliers", "--top", 2)
    assert (code, err) == (0, "")
    assert "30 images, 0 named by a rule" in out
    assert Path(run.folder / "normstat.json").exists()
