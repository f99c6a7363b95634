"""The table of images: every row is what the image has, in every format and however it is read."""

import csv
import json
import os
import sys
import tarfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import normstat
from normstat.names import escaped, unescaped
from normstat.per_image import Columns, Row, Rows, packed_row
from normstat.per_image.destination import write_table
from normstat.per_image.formats import FACTS, STATISTICS, cells, header
from normstat.per_image.table import Table
from normstat.spec.pipeline import Pipeline
from normstat.statistics import Facts, Record
from normstat.statistics.record import packed, packed_wide
from tests.conftest import ENGINES_AND_JOBS

SUFFIXES = [".csv", ".jsonl", ".parquet"]
PHOTOS = Path(__file__).parents[1] / "sample_data" / "photos"
HOSTILE = [
    "two\nlines.png", 'a "quoted", one.png', "=1+1.png", "+x.png", "@y.png", "-z.png", "tab\t.png",
    "back\\slash\\n.png", "\x1b[31mred.png", "\u202egnp.exe.png", "Zürich-雪.png", " space.png",
]  # fmt: skip
RAW = b"caf\xe9.png"


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Gray among colour, 8 among 16 bit, a constant one, and a file that is no image."""
    folder, rng = tmp_path_factory.mktemp("mixed"), np.random.default_rng(0)
    for number in range(12):
        gray = rng.integers(0, 256, (5 + number, 9), dtype=np.uint8)
        colour = np.stack([gray, 255 - gray, gray // 2], 2)
        wide = gray.astype(np.uint16) * 251
        codes = [gray, colour, wide, np.full_like(colour, 7)][number % 4]
        (folder / f"{number % 2}").mkdir(exist_ok=True)
        Image.fromarray(codes).save(folder / f"{number % 2}" / f"{number}.png")
    (folder / "0" / "broken.png").write_text("not an image")
    return folder


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr("normstat.reading.CHUNK_IMAGES", 2)


def table(folder, *sources, suffix=".jsonl", name="t", **options):
    path = folder / f"{name}{suffix}"
    spec = normstat.compute(*sources, per_image=path, **options)
    return path, spec


def read(path):
    """Read a table with what is not ours; None where there is nothing."""
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    with path.open(newline="", encoding="utf-8") as file:
        return [{key: value or None for key, value in row.items()} for row in csv.DictReader(file)]


def expected(path):
    """Return codes of shape (pixels, channels), their max_pixel_value, and width and height."""
    with Image.open(path) as image:
        codes = np.asarray(image)
    flat = codes.reshape(-1, codes.shape[2] if codes.ndim == 3 else 1)
    return flat, np.iinfo(codes.dtype).max, codes.shape[1::-1]


# --- numbers ---


def test_every_row_is_what_numpy_finds_in_the_image(mixed, tmp_path):
    path, spec = table(tmp_path, mixed)
    rows = read(path)
    assert len(rows) == spec.counts.images == 12
    assert "0/broken.png" not in [row["path"] for row in rows]
    for row in rows:
        codes, top, size = expected(mixed / row["path"])
        assert (row["width"], row["height"]) == size
        assert row["bytes"] == (mixed / row["path"]).stat().st_size
        assert (row["max_pixel_value"], row["channels"]) == (top, codes.shape[1])
        for place, name in enumerate("RGB"):
            channel = codes[:, place if codes.shape[1] == 3 else 0]
            whole = channel.astype(object)
            assert row[f"count_{name}"] == row["pixels"] == len(channel)
            assert row[f"sum_{name}"] == whole.sum()
            assert row[f"squares_{name}"] == (whole * whole).sum()
            assert row[f"mean_{name}"] == pytest.approx((channel / top).mean(), rel=1e-12)
            assert row[f"std_{name}"] == pytest.approx((channel / top).std(), abs=1e-12)
            assert row[f"min_{name}"] == channel.min() / top
            assert row[f"max_{name}"] == channel.max() / top
            assert row[f"clipped_low_{name}"] == (channel == 0).mean()
            assert row[f"clipped_high_{name}"] == (channel == top).mean()


def test_row_of_one_image_is_its_spec(tmp_path):
    photo = PHOTOS / "coast" / "coast-01.jpg"
    path, spec = table(tmp_path, photo)
    [row] = read(path)
    assert [row[f"mean_{name}"] for name in "RGB"] == spec.mean
    assert [row[f"std_{name}"] for name in "RGB"] == spec.std
    assert [row[f"min_{name}"] for name in "RGB"] == spec.min


def test_max_pixel_value_divides_and_is_where_codes_clip(tmp_path):
    codes = np.array([[0, 4095, 4095, 1000]], np.uint16)
    Image.fromarray(codes).save(tmp_path / "a.png")
    path, spec = table(tmp_path, tmp_path / "a.png", max_pixel_value=4095)
    [row] = read(path)
    assert (row["max_pixel_value"], row["mean_L"], row["max_L"]) == (4095, spec.mean[0], 1)
    assert (row["clipped_low_L"], row["clipped_high_L"]) == (0.25, 0.5)
    [again] = Table.at(path)
    assert again.max_pixel_value == 4095


def test_floats_have_exact_sums_and_no_clipped_shares(tmp_path):
    values = np.array([[0.25, -3.5, np.nan], [1e-3, 7.0, 2.0]], np.float32)
    tifffile.imwrite(tmp_path / "f.tif", values)
    for suffix in SUFFIXES:
        path, spec = table(tmp_path, tmp_path / "f.tif", suffix=suffix)
        [row] = Table.at(path)
        [channel] = row.channels
        assert (channel.mean, channel.std, channel.count) == (spec.mean[0], spec.std[0], 5)
        assert (channel.min, channel.max) == (-3.5, 7)
        assert (channel.clipped_low, channel.clipped_high) == (None, None)
        assert "*2^" in channel.sum


def test_bands_are_named(tmp_path):
    codes = np.random.default_rng(1).integers(0, 4000, (5, 6, 4), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "b.tif", codes, photometric="minisblack", planarconfig="contig")
    path, _ = table(tmp_path, tmp_path / "b.tif", channels="native")
    [row] = read(path)
    assert row["kind"] == "bands4-16"
    for place in range(4):
        assert row[f"sum_B{place + 1}"] == codes[:, :, place].astype(int).sum()


def test_only_pixels_of_a_mask_are_counted(tmp_path):
    rng = np.random.default_rng(2)
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    counts = {}
    for number in range(3):
        codes = rng.integers(0, 256, (6, 7), dtype=np.uint8)
        mask = (rng.random((6, 7)) < 0.4).astype(np.uint8) * 255
        Image.fromarray(codes).save(tmp_path / "images" / f"{number}.png")
        Image.fromarray(mask).save(tmp_path / "masks" / f"{number}.png")
        counts[f"{number}.png"] = (int((mask > 0).sum()), int(codes[mask > 0].sum()))
    path, _ = table(tmp_path, tmp_path / "images", mask_dir=tmp_path / "masks")
    assert {row["path"]: (row["count_L"], row["sum_L"]) for row in read(path)} == counts
    found = normstat.outliers(path)
    left = [image for image in counts if image != "1.png"]
    [one] = [each for each in found.outliers if each.path == "1.png"]
    mean = sum(counts[name][1] for name in left) / sum(counts[name][0] for name in left) / 255
    assert one.influence.mean == [pytest.approx(mean, rel=1e-15)]


def test_kinds_that_do_not_combine_have_columns_of_their_own(tmp_path):
    Image.new("RGB", (3, 2), (1, 2, 3)).save(tmp_path / "a.png")
    tifffile.imwrite(tmp_path / "b.tif", np.ones((2, 3), np.float32))
    for suffix in SUFFIXES:
        with pytest.raises(normstat.SpecError, match=rf"unlike kinds.*t{suffix} was written"):
            table(tmp_path, tmp_path / "a.png", tmp_path / "b.tif", suffix=suffix)
        colour, gray = read(tmp_path / f"t{suffix}")
        assert [bool(colour[f"mean_{name}"]) for name in "LRGB"] == [False, True, True, True]
        assert [bool(gray[f"mean_{name}"]) for name in "LRGB"] == [True, False, False, False]
        assert [len(row.channels) for row in Table.at(tmp_path / f"t{suffix}")] == [3, 1]


def test_sums_beyond_64_bits_are_exact_in_every_format(tmp_path):
    counts = np.zeros((1, 65536), np.int64)
    counts[0, [0, 65535]] = 7, 1 << 40
    record = Record("gray16", Facts("I;16", 9, 9, False, False, False), packed_wide(counts))
    rows = Rows()
    rows.add(0, packed_row("a.png", 1, record, Pipeline()))
    for suffix in SUFFIXES:
        write_table(tmp_path / f"t{suffix}", rows, Columns.of(["gray16"]))
        [row] = Table.at(tmp_path / f"t{suffix}")
        assert int(row.channels[0].squares) == 65535**2 << 40


# --- formats ---


def test_formats_hold_the_same_rows(mixed, tmp_path):
    found = {suffix: table(tmp_path, mixed, suffix=suffix)[0] for suffix in SUFFIXES}
    ours = [list(Table.at(path)) for path in found.values()]
    assert ours[0] == ours[1] == ours[2]
    lines, columns, text = (read(found[suffix]) for suffix in (".jsonl", ".parquet", ".csv"))
    assert lines == columns
    as_text = [{k: None if v == "" else str(v) for k, v in row.items()} for row in lines]
    assert text == as_text
    assert list(lines[0]) == header(Columns.of(["rgb8"]))
    assert [cells(row, Columns.of(["rgb8"])) for row in ours[0]] == [
        list(r.values()) for r in lines
    ]


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(("backend", "jobs"), ENGINES_AND_JOBS)
def test_table_is_byte_identical_for_any_engine(mixed, tmp_path, suffix, backend, jobs):
    plain = table(tmp_path, mixed, suffix=suffix, jobs=1, backend="serial")[0].read_bytes()
    path, _ = table(tmp_path, mixed, suffix=suffix, jobs=jobs, backend=backend, name="u")
    assert path.read_bytes() == plain


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_table_is_byte_identical_with_any_cache(mixed, tmp_path, suffix):
    cache = tmp_path / "cache.db"
    plain = table(tmp_path, mixed, suffix=suffix)[0].read_bytes()
    normstat.compute(mixed, include=["*[13579].png"], cache=cache)  # half of the listing
    for name in ("half", "warm"):
        path, _ = table(tmp_path, mixed, suffix=suffix, cache=cache, name=name)
        assert path.read_bytes() == plain
    cold, _ = table(tmp_path, mixed, suffix=suffix, cache=tmp_path / "other.db", name="cold")
    assert cold.read_bytes() == plain


def test_rows_are_in_the_order_of_the_listing(tmp_path):
    (tmp_path / "images").mkdir()
    names = [f"{number}.png" for number in (10, 9, 2, 1)]
    for name in names:
        Image.new("L", (2, 2), 9).save(tmp_path / "images" / name)
    (tmp_path / "list.txt").write_text("9.png\n1.png\n10.png\n")
    for options in ({}, {"files_from": tmp_path / "list.txt"}):
        path, _ = table(tmp_path, tmp_path / "images", **options)
        listing = normstat.compute(tmp_path / "images", **options).dataset
        assert [row["path"] for row in read(path)] == sorted(
            names if not options else ["9.png", "1.png", "10.png"],
            key=[row["path"] for row in read(path)].index,
        )
        assert len(read(path)) == listing.files
    with tarfile.open(tmp_path / "shard.tar", "w") as tar:
        for name in names:
            tar.add(tmp_path / "images" / name, name)
    assert {
        row["path"].rpartition("/")[2] for row in read(table(tmp_path, tmp_path / "shard.tar")[0])
    } == set(names)


@pytest.mark.parametrize(
    "options",
    [
        {"limit": 7}, {"sample": 9, "seed": 3}, {"shard": "2/3"}, {"tolerance": 0.05},
        {"group_by": "parent"}, {"group_by": "regex:(coast|night)"}, {"include": ["night"]},
    ],
    ids=str,
)  # fmt: skip
def test_rows_are_of_the_images_that_were_read(tmp_path, options):
    path, spec = table(tmp_path, PHOTOS, **options)
    whole = read(table(tmp_path, PHOTOS, name="whole")[0])
    rows = read(path)
    assert len(rows) == spec.counts.images < 30 or options.keys() & {"tolerance", "group_by"}
    assert len(rows) == spec.counts.images
    assert [row for row in whole if row in rows] == rows
    for place, name in enumerate("RGB"):
        total = sum(row[f"sum_{name}"] for row in rows)
        assert total / (255 * sum(row["pixels"] for row in rows)) == spec.mean[place]


def test_empty_shard_has_an_empty_table(tmp_path):
    path, spec = table(tmp_path, PHOTOS / "coast" / "coast-01.jpg", suffix=".csv", shard="2/2")
    other, _ = table(
        tmp_path, PHOTOS / "coast" / "coast-01.jpg", name="o", suffix=".csv", shard="1/2"
    )
    assert len(read(path)) + len(read(other)) == 1
    assert spec.counts.images == len(read(path))


def test_gray_images_stand_three_times_when_colour_is_asked_for(tmp_path):
    Image.new("L", (2, 2), 9).save(tmp_path / "a.png")
    [row] = read(table(tmp_path, tmp_path / "a.png", mode="rgb")[0])
    assert (row["sum_R"], row["sum_G"], row["sum_B"], row["channels"]) == (36, 36, 36, 1)


# --- names ---


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_hostile_names_survive(tmp_path, suffix):
    folder = tmp_path / "images"
    folder.mkdir()
    names = {*HOSTILE, os.fsdecode(RAW)}
    for name in names:
        Image.new("L", (2, 2), 9).save(folder / name, format="png")
    path, _ = table(tmp_path, folder, suffix=suffix)
    for row in [row["path"] for row in read(path)]:
        assert not set(row) & set("\n\t\x1b\u202e")
        assert row[0] not in "=+-@"
    assert {unescaped(row["path"]) for row in read(path)} == names
    if suffix == ".csv":
        assert len(path.read_text().splitlines()) == len(names) + 1


@given(st.text() | st.binary().map(os.fsdecode))
def test_escaped_name_is_one_safe_line_that_gives_the_name_back(name):
    text = escaped(name)
    assert unescaped(text) == name
    assert len(f"{text}.".splitlines()) == 1 or "\u0085" in text
    text.encode()
    assert not text.startswith(("=", "+", "-", "@"))
    assert escaped(name) == text


def test_names_are_not_escaped_without_need():
    for name in ("a b/c-1.png", "Zürich-雪.png", "50% (2).png", "'single'.png"):
        assert escaped(name) == name


# --- what is refused ---


@pytest.mark.parametrize("name", ["t.txt", "t", "t.csv.gz", "t.xlsx", "-"])
def test_unknown_suffix_is_a_usage_error_before_anything_is_read(run, samples, name):
    code, _, err = run("compute", samples / "photos", "--per-image", name)
    assert code == 2
    assert ".csv, .jsonl, .ndjson, .parquet" in err
    assert list(run.folder.iterdir()) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("content", [b"path,label\na.png,cat\n", b"", b"\xff\xfe\x00", b"PAR1PAR1"])
def test_what_is_no_such_table_is_not_replaced(tmp_path, run, samples, suffix, content):
    target = tmp_path / f"t{suffix}"
    target.write_bytes(content)
    code, _, err = run("compute", samples / "photos", "--per-image", target)
    assert (code, target.read_bytes()) == (3, content)
    assert "exists and is not a table of --per-image" in err
    assert "--force" in err
    assert not (tmp_path / "normstat.json").exists()
    normstat.compute(PHOTOS, limit=1, per_image=target, force=True)
    assert len(read(target)) == 1
    normstat.compute(PHOTOS, limit=2, per_image=target)  # one of ours is replaced
    assert len(read(target)) == 2


def test_what_is_read_is_not_replaced(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path, _ = table(tmp_path, PHOTOS, suffix=".csv", limit=3)
    before = path.read_bytes()
    for options in (
        {"files_from": path, "column": "path"},
        {"group_by": f"csv:{path}:mode"},
        {"cache": path},
    ):
        with pytest.raises(normstat.SourceError, match="is read and would be replaced"):
            normstat.compute(PHOTOS, per_image=path, **options)
        assert path.read_bytes() == before


def test_spec_and_table_are_two_files(run, samples):
    code, _, err = run("compute", samples / "photos", "-o", "x.csv", "--per-image", "./x.csv")
    assert code == 2
    assert "name two files" in err
    assert not (run.folder / "x.csv").exists()


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("gone/t.csv", "the folder .* does not exist"),
        ("folder.csv", "such as .*folder.csv/images.csv"),
    ],
)
def test_place_that_cannot_be_written_is_found_out_first(tmp_path, place, message):
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(normstat.SourceError, match=message):
        normstat.compute("nowhere-at-all", per_image=tmp_path / place)


def test_run_that_fails_leaves_no_table(mixed, tmp_path):
    with pytest.raises(normstat.ImageError):
        table(tmp_path, mixed, on_error="fail")
    assert list(tmp_path.iterdir()) == []


def test_parquet_without_pyarrow_names_the_install(run, samples):
    block = run.folder / "block"
    block.mkdir()
    (block / "sitecustomize.py").write_text("import sys\nsys.modules['pyarrow'] = None\n")
    env = {"PYTHONPATH": f"{block}{os.pathsep}{run.env['PYTHONPATH']}"}
    command = ("compute", samples / "photos", "-q", "--per-image")
    code, _, err = run(*command, "t.parquet", env=env.items())
    assert code == 3
    assert "pip install 'normstat[parquet]'" in err
    assert not (run.folder / "normstat.json").exists()
    assert run(*command, "t.csv", env=env.items()).code == 0


# --- memory ---


def test_rows_wait_in_a_file_and_come_in_order(tmp_path):
    rows, count = Rows(str(tmp_path)), 60_000
    facts = Facts("L", 2, 2, False, False, False)
    record = Record("gray8", facts, packed([1] + [0] * 254 + [3]))
    one = packed_row("x" * 300, 70, record, Pipeline())
    for place in range(count):
        rows.add((place * 7919) % count, one)
    assert rows._file._rolled
    assert sys.getsizeof(rows._places) + sys.getsizeof(rows._ends) < 20 * count
    assert sum(1 for _ in rows) == len(rows) == count
    assert list(tmp_path.iterdir()) == []  # the file has no name to be left behind


@given(st.permutations(list(range(12))))
def test_rows_come_in_order_whatever_the_order_in_which_they_arrive(places):
    rows = Rows()
    facts = Facts("L", 2, 2, False, False, False)
    record = Record("gray8", facts, packed([1] + [0] * 254 + [3]))
    for place in places:
        rows.add(place, packed_row(f"{place}.png", 70, record, Pipeline()))
    assert [row.path for row in rows] == [f"{place}.png" for place in range(12)]
    assert isinstance(next(iter(rows)), Row)


def test_columns_have_the_names_of_the_fields():
    assert set(FACTS) - {"channels", "pixels"} == set(Row.__struct_fields__) - {"channels"}
    assert STATISTICS[-3:] == ("count", "sum", "squares")


def test_disk_that_is_full_is_told(mixed, tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("this system has no full device")
    link = tmp_path / "full.csv"
    link.symlink_to("/dev/full")
    with pytest.raises(normstat.SourceError, match="No space left"):
        normstat.compute(mixed, per_image=link)
