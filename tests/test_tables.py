"""Tables: columns are channels, missing values do not count, and text that is no number is told."""

import csv
import gzip
import io
import statistics
import sys
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pyarrow import parquet as pq

import normstat
from normstat.errors import ImageError, SourceError, UsageError
from normstat.sources.table import picked

RANDOM = np.random.default_rng(11)
SMALL = "id,x,y\na,1,2\nb,,3.5\nc,4,nan\nd,5,7\n"


def written(tmp_path, text, name="t.csv"):
    (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    return tmp_path / name


def stored(tmp_path, name="t.parquet", row_group_size=None, **columns):
    pq.write_table(pa.table(columns), tmp_path / name, row_group_size=row_group_size)
    return tmp_path / name


def close(found, expected):
    return np.allclose(found, expected, rtol=1e-13, atol=1e-13)


def test_missing_values_are_left_out_of_their_column_and_counted(tmp_path):
    spec = normstat.compute(written(tmp_path, SMALL), columns=["y", "x"])
    assert spec.channels == ["y", "x"]
    assert close(spec.mean, [statistics.fmean([2, 3.5, 7]), statistics.fmean([1, 4, 5])])
    assert close(spec.std, [statistics.pstdev([2, 3.5, 7]), statistics.pstdev([1, 4, 5])])
    assert (spec.min, spec.max, spec.max_pixel_value) == ([2, 1], [7, 5], 1)
    assert spec.state.left_out == {"missing": 2}
    assert (spec.counts.pixels, spec.confidence) == (3, None)


values = st.one_of(
    st.floats(-1e9, 1e9).filter(lambda value: value == 0 or abs(value) > 1e-9),
    st.integers(-(10**6), 10**6),
    st.none(),
)


@settings(max_examples=50, deadline=None)
@given(
    rows=st.lists(st.tuples(values, values), min_size=1, max_size=40),
    missing=st.sampled_from(["", "NA", "nan", "null", "None", " N/A "]),
    delimiter=st.sampled_from(",;\t"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_text_agrees_with_fractions_however_it_is_written(
    tmp_path_factory, *, rows, missing, delimiter, quoting, end
):
    columns = [[value for value in column if value is not None] for column in zip(*rows)]  # noqa: B905
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator=end)
    writer.writerow(["a name", "b"])
    writer.writerows([[missing if each is None else repr(each) for each in row] for row in rows])
    path = written(tmp_path_factory.mktemp("t"), "\ufeff" + file.getvalue())
    if not all(columns):
        with pytest.raises(SourceError, match=r"no pixel (of .* )?counts: all are missing"):
            normstat.compute(path, columns=["*"], jobs=1)
        return
    spec = normstat.compute(path, columns=["*"], jobs=1)
    means = [sum(map(Fraction, column)) / len(column) for column in columns]
    size = [max(map(abs, column)) for column in columns]
    for channel, column in enumerate(columns):
        assert spec.mean[channel] == pytest.approx(
            float(means[channel]), rel=1e-12, abs=1e-13 * size[channel]
        )
        square = sum((Fraction(value) - means[channel]) ** 2 for value in column) / len(column)
        assert spec.std[channel] == pytest.approx(
            float(square) ** 0.5, rel=1e-9, abs=1e-13 * size[channel]
        )
    assert spec.min == [min(column) for column in columns]
    assert spec.channels == ["a name", "b"]


def test_a_table_standardizes_as_scikit_learn_does(run):
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    features = RANDOM.lognormal(0, 2, (300, 3))
    lines = [",".join(map(repr, row)) for row in features.tolist()]
    written(run.folder, "a,b,c\n" + "\n".join(lines))
    assert run("compute", "t.csv", "--columns", "a,b,c", "-q").code == 0
    spec = normstat.load(run.folder / "normstat.json")
    scaler = StandardScaler().fit(features)
    assert close(spec.mean, scaler.mean_)
    assert close(spec.std, scaler.scale_)
    assert run("apply", "t.csv", "--columns", "a,b,c", "-q").code == 0
    found = np.load(run.folder / "normalized/t.npy")
    assert np.allclose(found.reshape(3, 300).T, scaler.transform(features), atol=1e-5)
    assert run("compare", "normstat.json", "normstat.json", "--tolerance", 0).code == 0
    assert "columns a b c" in run("show").out
    assert run("validate", "normstat.json", "t.csv").code == 0


def test_missing_values_are_never_restored_as_if_they_had_been_there(run):
    written(run.folder, "a,b\n1,2\n3,\n5,7\n")
    assert run("compute", "t.csv", "--columns", "a,b", "-q").code == 0
    assert (
        "1 values that do not count were written as 0"
        in run("apply", "t.csv", "--columns", "a,b").out
    )
    code, _, err = run("apply", "--inverse", "normalized")
    assert code == 3
    assert "1 values that did not count" in err
    assert not (run.folder / "restored" / "t.npy").exists()


def test_a_complete_table_comes_back(run):
    written(run.folder, "a,b\n1,2\n3,-4.5\n5,7\n")
    assert run("compute", "t.csv", "--columns", "a,b", "-q").code == 0
    assert run("apply", "t.csv", "--columns", "a,b", "-q").code == 0
    assert run("apply", "--inverse", "normalized", "-q").code == 0
    found = np.load(run.folder / "restored" / "t.npy").reshape(2, 3)
    np.testing.assert_allclose(found, [[1, 3, 5], [2, -4.5, 7]], rtol=1e-6)


def test_diagnose_refuses_a_table_by_what_it_holds(run):
    written(run.folder, "a,b\n1,2\n3,-4.5\n5,7\n")
    assert run("compute", "t.csv", "--columns", "a,b", "-q").code == 0
    code, _, err = run("diagnose")
    assert code == 3
    assert "values without a range of codes (bands2-float)" in err


def test_text_and_parquet_of_the_same_rows_give_the_same_numbers(tmp_path):
    rows = RANDOM.normal(5, 3, (100_000, 2))
    text = "x,y\n" + "\n".join(f"{x!r},{y!r}" for x, y in rows.tolist())
    options = {"columns": ["x", "y"], "covariance": True}
    first = normstat.compute(written(tmp_path, text), **options)
    columns = {"x": rows[:, 0], "y": rows[:, 1]}
    for size in (1000, 70_000, None):
        again = normstat.compute(stored(tmp_path, row_group_size=size, **columns), **options)
        assert again.state == first.state
        assert again.covariance == first.covariance
    assert close(first.mean, rows.mean(axis=0))
    assert np.allclose(first.covariance, np.cov(rows.T, ddof=0), rtol=1e-10)


TYPES = [pa.int8(), pa.uint64(), pa.int64(), pa.float16(), pa.float32(), pa.float64()]


@pytest.mark.parametrize("kind", TYPES, ids=str)
def test_columns_of_every_type_of_number_are_read(tmp_path, kind):
    content = [1, 2, None, 5]
    if pa.types.is_floating(kind):
        content = [
            np.dtype(str(kind).replace("halffloat", "float16")).type(each or 0) for each in content
        ]
    path = stored(tmp_path, x=pa.array(content, kind), y=pa.array([True, None, False, True]))
    spec = normstat.compute(path, columns=["x", "y"])
    expected = [1, 2, 5] if not pa.types.is_floating(kind) else [1, 2, 0, 5]
    assert close(spec.mean, [statistics.fmean(expected), 2 / 3])


def test_a_column_whose_name_has_a_dot_is_itself(tmp_path):
    path = stored(tmp_path, **{"a": [1.0, 2.0], "a.b": [5.0, 7.0]})
    spec = normstat.compute(path, columns=["a.b", "a"])
    assert (spec.channels, spec.mean) == (["a.b", "a"], [6, 1.5])


def test_each_file_of_a_folder_is_an_image(tmp_path):
    for number in range(4):
        written(tmp_path, f"x\n{number}\n{number + 2}\n", f"{number}.csv")
    spec = normstat.compute(tmp_path, columns=["x"], extensions=["csv"])
    assert (spec.counts.images, spec.mean, len(spec.confidence.mean)) == (4, [2.5], 1)
    assert spec.alternatives.mean_of_image_stds == [1.0]


def test_values_that_stand_for_none_are_told_by_nodata(tmp_path):
    spec = normstat.compute(written(tmp_path, "x\n1\n-1\n3\n"), columns=["x"], nodata=-1)
    assert (spec.mean, spec.state.left_out) == ([2], {"missing": 1})


def test_integers_that_stand_for_none_need_not_fit_into_floats(tmp_path):
    path = stored(tmp_path, x=[-(2**63), 1, 2, 3])
    spec = normstat.compute(path, columns=["x"], nodata=-(2**63))
    assert (spec.mean, spec.state.left_out) == ([2], {"missing": 1})


def test_infinite_values_are_left_out_by_that_name(tmp_path):
    spec = normstat.compute(written(tmp_path, "x\n1\ninf\n-inf\n3\n"), columns=["x"])
    assert (spec.mean, spec.state.left_out) == ([2], {"infinite": 2})


PICKED = {
    "by name": (["b", "a"], [1, 0]),
    "by pattern": (["f*"], [2, 3]),
    "each once": (["f2", "f*"], [3, 2]),
    "all": (["*"], [0, 1, 2, 3, 4]),
    "a name that looks like a pattern": (["x[m]"], [4]),
}


@pytest.mark.parametrize(("asked", "rows"), PICKED.values(), ids=PICKED)
def test_columns_are_picked_by_name_and_pattern_in_the_order_asked(asked, rows):
    assert picked(["a", "b", "f1", "f2", "x[m]"], asked) == rows


@pytest.mark.parametrize(
    ("names", "asked", "reason"),
    [(["alpha", "b"], "alpah", "did you mean 'alpha'"), (["a", "a"], "a", "2 columns are named a"),
     (["a"], "z*", "unknown column 'z*'"), (["a", "b", "a"], "*", "2 columns are named a"),
     (["ab", "b", "ab"], "a*", "2 columns are named ab")],
)  # fmt: skip
def test_columns_that_are_not_there_are_refused(names, asked, reason):
    with pytest.raises(ImageError) as caught:
        picked(names, [asked])
    assert reason in str(caught.value)


BROKEN = {
    "no number": ("x,y\n1,2\n\n3,abc\n", "line 4, column y: 'abc' is no number"),
    "thousands": ("x,y\n1,2\n1_000,3\n", "line 3, column x: '1_000' is no number"),
    "decimal comma": ("x;y\n1;2\n1,5;3\n", "line 3, column x: '1,5' is no number"),
    "terminal codes": ("x,y\n1,2\n3,\x1b[2J\n", "column y: '\\\\x1b[2J' is no number"),
    "too few": ("x,y\n1,2\n3\n", "line 3 has 1 values for 2 columns"),
    "too many": ("x,y\n1,2\n3,4,5\n", "line 3 has 3 values for 2 columns"),
    "quotes": ('x,y\n1,"2"3\n', "line 2: "),
    "no rows": ("x,y\n", "a table without rows"),
    "empty": ("", "empty file"),
    "no value": ("x,y\n1,\n2,NA\n", "no pixel of y counts: all are missing"),
    "comma in a name": ('x,"y,z"\n1,2\n', "the column y,z has a comma in its name"),
    "too many rows": ("x,y\n" + "1,2\n" * 200, "200 rows are over the limit of 100"),
    "binary": ("x,y\n1,2\n\udcff,3\n", "no UTF-8 text and no Parquet"),
    "late": (
        "x\n" + "1\n" * 9000 + "\udce9\n",
        "no Parquet, which tables are read from; it has the byte 0xe9",
    ),
    "two of a name": ("x,y,x\n1,2,3\n", "2 columns are named x"),
}


@pytest.mark.parametrize(("text", "reason"), BROKEN.values(), ids=BROKEN)
def test_what_is_no_table_of_numbers_is_told_with_its_place(tmp_path, text, reason):
    (tmp_path / "t.csv").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SourceError) as caught:
        normstat.compute(tmp_path / "t.csv", columns=["*"], max_pixels=100, jobs=1)
    assert reason.replace("\\\\", "\\") in str(caught.value).replace("\\\\", "\\")


def test_columns_of_one_name_that_are_not_asked_for_do_not_matter():
    assert picked(["a", "b", "a", "b1"], ["b*"]) == [1, 3]


FOREIGN = {
    "image": lambda path: Image.new("L", (3, 4)).save(path, "PNG"),
    "gzip": lambda path: path.write_bytes(gzip.compress(b"x,y\n1,2\n")),
    "UTF-16": lambda path: path.write_text("x\ty\n1\t2\n", "utf-16"),
}


@pytest.mark.parametrize("options", [("--columns", "*"), ()], ids=["columns", "no columns"])
@pytest.mark.parametrize("write", FOREIGN.values(), ids=FOREIGN)
def test_a_sound_file_that_is_no_table_is_not_called_damaged(run, write, options):
    write(run.folder / "t.csv")
    code, _, err = run("compute", "t.csv", *options)
    assert "no UTF-8 text and no Parquet" in err
    assert (code, "damaged" in err, "codec" in err) == (3, False, False)


BROKEN_PARQUET = {
    "text": ({"x": ["a", "b"]}, "column x is string, not numbers"),
    "lists": ({"x": [[1], [2]]}, "column x is list<"),
    "dates": ({"x": pa.array([1, 2], pa.timestamp("s"))}, "column x is timestamp["),
    "beyond floats": ({"x": [1, 2**53 + 1]}, "column x has integers beyond 2^53"),
    "no values": ({"x": pa.nulls(3)}, "no pixel counts: all are missing"),
    "no rows": ({"x": pa.array([], pa.int64())}, "a table without rows"),
}


@pytest.mark.parametrize(("columns", "reason"), BROKEN_PARQUET.values(), ids=BROKEN_PARQUET)
def test_parquet_columns_that_are_no_numbers_are_told(tmp_path, columns, reason):
    with pytest.raises(SourceError) as caught:
        normstat.compute(stored(tmp_path, **columns), columns=["x"], jobs=1)
    assert reason in str(caught.value)


def test_a_damaged_parquet_file_is_skipped_by_name(tmp_path):
    good = stored(tmp_path, x=[1.0, 3.0])
    (tmp_path / "bad.parquet").write_bytes(good.read_bytes()[:-20])
    spec = normstat.compute(good, tmp_path / "bad.parquet", columns=["x"])
    assert spec.mean == [2]
    assert spec.skipped[0].reason.startswith("damaged: ")


def test_without_its_extra_parquet_is_skipped_with_the_install_line(tmp_path, monkeypatch):
    path = stored(tmp_path, x=[1.0])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "pyarrow.parquet", raising=False)
    with pytest.raises(SourceError, match=r"pip install .normstat\[parquet\]"):
        normstat.compute(path, columns=["x"], jobs=1, backend="serial")


def test_a_table_without_columns_names_those_to_choose_from(run):
    written(run.folder, SMALL)
    code, out, err = run("compute", "t.csv")
    assert (code, out) == (2, "")
    assert "--columns says which" in err
    assert "Columns of numbers: x,y." in err


def test_a_parquet_file_without_images_says_that_it_can_be_a_table(tmp_path):
    with pytest.raises(UsageError, match="--columns"):
        normstat.compute(stored(tmp_path, x=[1.0]))


def test_files_of_unlike_columns_are_not_mixed(tmp_path):
    written(tmp_path, "x1,y\n1,2\n", "a.csv")
    written(tmp_path, "x2,y\n1,2\n", "b.csv")
    with pytest.raises(normstat.errors.NormstatError, match="unlike bands"):
        normstat.compute(tmp_path, columns=["x*"], extensions=["csv"])


def test_missing_values_show_in_the_table(run):
    written(run.folder, SMALL)
    out = " ".join(run("compute", "t.csv", "--columns", "x,y").out.split())
    assert "left out values of all channels: 2 missing" in out
    assert "a single image, and so no ±" in out
    assert "Known from" not in out


def test_how_a_table_is_cut_changes_nothing_but_rounding(tmp_path, monkeypatch):
    text = "x\n" + "\n".join(map(repr, RANDOM.normal(size=1000).tolist()))
    path = written(tmp_path, text)
    before = normstat.compute(path, columns=["x"], jobs=1, backend="serial")
    monkeypatch.setattr("normstat.readers.table._ROWS", 7)
    after = normstat.compute(path, columns=["x"], jobs=1, backend="serial")
    assert close(after.mean + after.std, before.mean + before.std)
    assert (after.min, after.max) == (before.min, before.max)
