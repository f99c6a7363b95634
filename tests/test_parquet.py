"""Parquet: the right column is found, every row counts or is named, memory stays small."""

import io
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pyarrow import parquet

import normstat
from normstat.errors import ImageError, SourceError, UsageError
from normstat.sources import Selection, list_files


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def picture(value=0):
    content = io.BytesIO()
    Image.new("RGB", (4, 3), (value, 0, 255)).save(content, "PNG")
    return content.getvalue()


def write(path="x.parquet", *, rows=None, **columns):
    parquet.write_table(pa.table(columns), path, row_group_size=rows)


def listing(*sources, **selection):
    return list_files(sources or ["x.parquet"], Selection(**selection))


def opened(found, row):
    with found.opener(row)() as file:
        return file.read()


STRUCT = pa.struct({"bytes": pa.binary(), "path": pa.string()})
COLUMNS = {
    "struct": pa.array([{"bytes": b"a", "path": "../x"}], STRUCT),
    "struct of large": pa.array([{"bytes": b"a"}], pa.struct({"bytes": pa.large_binary()})),
    "binary": pa.array([b"a"], pa.binary()),
    "large binary": pa.array([b"a"], pa.large_binary()),
    "fixed binary": pa.array([b"a"], pa.binary(1)),
}
NO_COLUMNS = {
    "text": pa.array(["a"]),
    "number": pa.array([1]),
    "struct without bytes": pa.array([{"path": "a"}]),
    "struct of text": pa.array([{"bytes": "a"}]),
    "list": pa.array([[b"a"]]),
}


@pytest.mark.parametrize("values", COLUMNS.values(), ids=COLUMNS)
@pytest.mark.parametrize("named", [None, "the image"])
def test_the_only_column_of_bytes_is_the_images(here, values, named):
    write(**{"the image": values, "label": [1], "title": ["x"]})
    found = listing(column=named)
    assert (found.names, opened(found, 0)) == (["0"], b"a")


@pytest.mark.parametrize("values", NO_COLUMNS.values(), ids=NO_COLUMNS)
def test_a_file_without_such_a_column_is_wrong_usage(here, values):
    write(a=values)
    with pytest.raises(UsageError, match=r"has no column of images.*There are: a "):
        listing()
    with pytest.raises(UsageError, match=r"column 'a' is .*not binary.*none is"):
        listing(column="a")


def test_of_several_columns_one_must_be_named(here):
    write(image=COLUMNS["struct"], mask=COLUMNS["binary"], label=[1])
    with pytest.raises(UsageError, match="--column says which has the images: image, mask"):
        listing()
    with pytest.raises(UsageError, match="did you mean 'mask'"):
        listing(column="maks")
    assert len(listing(column="mask")) == 1


def test_rows_without_bytes_are_named(here):
    rows = [{"bytes": picture(), "path": None}, None, {"bytes": None, "path": "/etc/hostname"}]
    write(image=pa.array([*rows, {"bytes": b"", "path": "x"}], STRUCT))
    spec = normstat.compute("x.parquet")
    assert spec.counts.images == 1
    why = "its row has no bytes; a path alone is not followed"
    assert [(each.name, each.reason) for each in spec.skipped][:2] == [("1", why), ("2", why)]
    assert spec.skipped[2].name == "3"


def test_names_are_file_and_number_of_the_row(here):
    for name in ("b.parquet", "a.parquet"):
        write(name, image=[b"x"] * 12, rows=5)
    found = listing("{b,a}.parquet")
    expected = [f"{name}.parquet/{row}" for name in "ab" for row in range(12)]
    assert found.names == expected
    assert [len(rows) for rows in found.chunks(images=1, size=1)] == [5, 5, 2, 5, 5, 2]


def test_sizes_are_shares_of_the_row_groups(here):
    write(image=[bytes([n]) * 1000 for n in range(7)], rows=3)
    found = listing()
    described = parquet.read_metadata("x.parquet")
    total = sum(described.row_group(n).column(0).total_uncompressed_size for n in range(3))
    assert sum(found.sizes) == total
    assert max(found.sizes[:3]) - min(found.sizes[:3]) <= 1


def test_a_file_that_is_none_is_named(here):
    Path("x.parquet").write_bytes(b"PAR1 nothing PAR1")
    write("y.parquet", image=[picture()])
    spec = normstat.compute("x.parquet", "y.parquet")
    assert (spec.counts.images, [each.name for each in spec.skipped]) == (1, ["x.parquet"])
    with pytest.raises(SourceError, match=r"none of 1 images could be read; .*x\.parquet: damaged"):
        normstat.compute("x.parquet")


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damage_in_the_pages_costs_images_by_name(here, data):
    contents = [picture(number) for number in range(9)]
    write(image=contents, rows=3)
    whole = bytearray(Path("x.parquet").read_bytes())
    found = listing()
    for position in data.draw(st.lists(st.integers(4, len(whole) // 2), min_size=1, max_size=3)):
        whole[position] ^= data.draw(st.integers(1, 255))
    Path("x.parquet").write_bytes(whole)
    seen = []
    for rows in found.chunks(images=1, size=1):
        for name, opener in found.portion(rows).opened():
            seen.append(name)
            with suppress(ImageError), opener():
                pass
    assert seen == [str(number) for number in range(9)]


def test_a_file_that_vanishes_costs_its_images_by_name(here):
    write(image=[picture()] * 4)
    found = listing()
    Path("x.parquet").unlink()
    for row in range(4):
        with pytest.raises(ImageError, match="No such file"):
            opened(found, row)


_MEMORY = """\
from pathlib import Path
from normstat.sources import Selection, list_files
found = list_files(["x.parquet"], Selection())
def most():
    # Not getrusage: that remembers the process which started this one.
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
before, count = most(), 0
for rows in found.chunks(images=1, size=1):
    for _, opener in found.portion(rows).opened():
        with opener() as file:
            count += len(file.read())
print(count, most() - before)
"""


def test_a_row_group_never_lies_in_memory_whole(here, run):
    """200 MB in one row group, in pages of a megabyte."""
    noise = np.random.default_rng(0).bytes(100_000)
    values = pa.array([noise + bytes([number % 256]) for number in range(2000)], pa.binary())
    table = pa.table({"image": values})
    parquet.write_table(
        table, "x.parquet", write_batch_size=8, use_dictionary=False, compression="none"
    )
    assert parquet.read_metadata("x.parquet").num_row_groups == 1
    done = subprocess.run(
        [sys.executable, "-c", _MEMORY], env=run.env, capture_output=True, text=True, check=True
    )
    count, kilobytes = map(int, done.stdout.split())
    assert count == 2000 * 100_001
    assert kilobytes < 120_000


def test_the_command_reads_a_column(run, here, samples):
    photos = sorted((samples / "photos").rglob("*.jpg"))
    rows = [{"bytes": path.read_bytes(), "path": path.name} for path in photos]
    write("train.parquet", image=pa.array(rows, STRUCT), mask=[b"x"] * 30, rows=8)
    ran = run("compute", "train.parquet")
    assert ran.code == 2
    assert "image, mask" in ran.err
    ran = run("compute", "train.parquet", "--column", "image", "--backend", "processes", "-j", "2")
    assert ran.code == 0
    spec, expected = normstat.load(), normstat.compute(samples / "photos")
    assert spec.state == expected.state
    assert run("validate", "normstat.json", "train.parquet", "--deep").code == 0
    assert run("apply").code == 0
    assert len(list(Path("normalized").glob("*.npy"))) == 30


def test_without_pyarrow_the_install_line_is_told(run, here):
    write(image=[picture()])
    Path("pyarrow.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'pyarrow'\", name='pyarrow')"
    )
    ran = run("compute", "x.parquet", env={"PYTHONPATH": f"{here}:{run.env['PYTHONPATH']}"})
    assert ran.code == 3
    assert "pip install 'normstat[parquet]'" in ran.err
