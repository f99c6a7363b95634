"""Lists: what they name is counted or told to be missing, whatever they look like."""

import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import normstat
from normstat.contents import selection_of
from normstat.errors import SourceError, UsageError
from normstat.sources import Selection, list_files


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder x with three images, two of them in a folder below, and one beside it."""
    monkeypatch.chdir(tmp_path)
    Path("x/a").mkdir(parents=True)
    for value, name in enumerate(("x/1.png", "x/a/2.png", "x/a/10.png", "beside.png")):
        Image.new("RGB", (4, 3), (value, 0, 255)).save(name)
    return tmp_path


def listing(text, *sources, name="list.txt", **selection):
    content = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
    Path(name).write_bytes(content)
    return list_files(sources, Selection(files_from=name, **selection))


@pytest.mark.parametrize(
    "text",
    [
        "1.png\na/2.png",
        "a/2.png\r\n1.png\r\n",
        "\n\n1.png\n\na/2.png\n\n",
        "./1.png\n./a/2.png\n1.png\n",
        "a/../1.png\na/2.png\na//2.png\n1.png",
    ],
)
def test_a_folder_is_what_paths_are_relative_to(here, text):
    found = listing(text, "x")
    assert [os.path.normpath(name) for name in found.names] in (
        ["1.png", "a/2.png"],
        ["a/2.png", "1.png"],
    )
    assert (found.roots, found.unreadable) == (["x"], [])


def test_without_a_folder_paths_are_relative_to_here_or_absolute(here):
    found = listing(f"x/1.png\n{here}/x/a/2.png\nbeside.png\nx/a/10.png")
    assert set(found.names) == {"x/1.png", f"{here}/x/a/2.png", "beside.png", "x/a/10.png"}
    assert all(Path(found.identity(row)).exists() for row in range(len(found)))


def test_a_list_takes_part_of_several_sources_by_their_names(here):
    with tarfile.open("y.tar", "w") as archive:
        archive.add("x/1.png", "1.png")
        archive.add("x/1.png", "3.png")
    found = listing("y.tar/1.png\nx/a/2.png\nx/nothing.png", "x", "y.tar")
    assert found.names == ["x/a/2.png", "y.tar/1.png"]
    assert found.unreadable == [("x/nothing.png", "is in list.txt, but not there")]


def test_what_is_missing_is_named(here):
    Path("x/folder").mkdir()
    Path("x/broken.png").symlink_to("nowhere")
    os.mkfifo("x/pipe.png")
    names = ["1.png", "gone.png", "folder", "broken.png", "pipe.png", "n" * 300, "1.png/x"]
    found = listing("\n".join(names), "x")
    assert found.names == ["1.png"]
    absent = "is in list.txt, but there is no such file"
    assert dict(found.unreadable) == {
        "gone.png": absent,
        "broken.png": absent,
        "folder": "not read: Is a directory",
        "pipe.png": "not read: not a regular file",
        "n" * 300: "not read: File name too long",
        "1.png/x": "not read: Not a directory",
    }


def test_a_file_that_is_reached_by_two_paths_counts_once(here):
    Path("link").symlink_to("x")
    found = listing(f"x/1.png\nlink/1.png\n{here}/x/1.png\n./x/1.png\nx/a/../1.png")
    assert found.names == ["x/1.png"]


def test_what_is_named_needs_no_suffix_but_patterns_hold(here):
    Path("x/1.png").rename("x/photo")
    found = listing("photo\na/2.png\na/10.png", "x", exclude=("*10*",))
    assert (found.names, found.passed_over) == (["a/2.png", "photo"], 1)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(name=st.binary(min_size=1, max_size=40))
def test_names_of_any_bytes_survive(here, name):
    name = name.replace(b"/", b"-").replace(b"\0", b"-")
    if name in {b".", b".."} or name.endswith(b"\r"):
        return
    path = Path(os.fsdecode(b"x/" + name))
    path.write_bytes(Path("beside.png").read_bytes())
    try:
        found = listing(name + b"\0", "x", null=True)
        assert (found.names, found.unreadable) == ([os.fsdecode(name)], [])
        if b"\n" not in name:
            assert listing(name + b"\n", "x").names == [os.fsdecode(name)]
    finally:
        path.unlink()


# --- tables ---

TABLES = {
    "csv": ("list.csv", 'path,label\n1.png,"a, b"\r\n\na/2.png,"c\nd"\n'),
    "csv with a mark": ("list.csv", "\ufeffpath,label\n1.png,0\na/2.png,1\n"),
    "CSV": ("list.CSV", "label,path\n0,1.png\n0,a/2.png\n"),
    "tsv": ("list.tsv", "label\tpath\n0, 1\t1.png\n0\ta/2.png\n"),
    "jsonl": ("list.jsonl", '{"path": "1.png", "n": 1}\n\n{"n": 2, "path": "a\\/2.png"}'),
}


@pytest.mark.parametrize(("name", "text"), TABLES.values(), ids=TABLES)
def test_a_column_of_a_table_is_a_list(here, name, text):
    found = listing(text, "x", name=name, column="path")
    assert (found.names, found.unreadable) == (["1.png", "a/2.png"], [])


@pytest.mark.parametrize(
    ("name", "text"), [("list.csv", "f\n1.png\n"), ("list.jsonl", '{"f": "1.png"}')]
)
def test_the_only_column_needs_no_name(here, name, text):
    assert listing(text, "x", name=name).names == ["1.png"]


@pytest.mark.parametrize(
    ("name", "text", "column", "words"),
    [
        ("list.csv", "file,label\n1.png,0\n", None, "--column says which holds the paths: file, "),
        ("list.jsonl", '{"a": "1.png", "b": 0}', None, "--column says which"),
        ("list.csv", "file,label\n1.png,0\n", "fil", "did you mean 'file'"),
        ("list.jsonl", '{"a": "1.png", "b": 0}', "path", "unknown column 'path'"),
        ("list.txt", "1.png", "path", "list.txt is read as text"),
    ],
)
def test_a_column_that_is_not_there_or_not_named_is_wrong_usage(here, name, text, column, words):
    with pytest.raises(UsageError, match=words):
        listing(text, "x", name=name, column=column)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.csv", "path,n\n1.png,0\n,1\nshort\n"),
        ("list.jsonl", '{"path": "1.png"}\n{"path": ""}\n{"path": 7}\n'),
        ("list.jsonl", '{"path": "1.png"}\n{"n": 1}\n[1]\n'),
    ],
)
def test_rows_without_a_path_are_named(here, name, text):
    found = listing(text, "x", name=name, column="path")
    assert found.names == ["1.png"]
    told = dict(found.unreadable)
    if name == "list.csv":
        absent = "is in list.csv, but there is no such file"
        assert told == {"list.csv line 3": "has no path in 'path'", "short": absent}
    else:
        assert told == {f"{name} line {line}": "has no path in 'path'" for line in (2, 3)}


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("list.jsonl", '{"path": "1.png"}\n{"path": ', "list.jsonl line 2: not valid JSON"),
        ("list.jsonl", b'{"path": "\xe9"}', "list.jsonl line 1: not valid JSON"),
        ("list.jsonl", "[" * 100_000, "list.jsonl line 1: not valid JSON"),
        ("list.csv", "path\n" + "x" * 200_000, "list.csv line 2: field larger"),
    ],
)
def test_a_table_that_cannot_be_read_is_told_with_its_line(here, name, text, words):
    with pytest.raises(SourceError, match=words):
        listing(text, "x", name=name, column="path")


# --- wrong usage ---


@pytest.mark.parametrize(
    ("selection", "words"),
    [
        ({"null": True}, "null is for a list"),
        ({"column": "path"}, "column is for a list"),
        ({"files_from": "list.csv", "null": True}, "list.csv is a table"),
    ],
)
def test_options_without_their_list_are_wrong_usage(here, selection, words):
    with pytest.raises(UsageError, match=words):
        list_files(["x"], Selection(**selection))


@pytest.mark.parametrize("name", ["images.parquet", "images.PARQUET", "images.txt"])
@pytest.mark.parametrize("column", [(), ("--column", "path")])
def test_a_list_in_parquet_is_refused_with_what_to_try(run, here, name, column):
    pytest.importorskip("pyarrow")
    normstat.compute("x", per_image="images.parquet")
    Path("images.parquet").rename(name)
    ran = run("compute", "x", "--files-from", name, *column, "-q")
    assert (ran.code, ran.out) == (2, "")
    said = " ".join(ran.err.split())
    if name.endswith("txt") and column:
        assert f"{name} is read as text" in said
    else:
        assert f"{name} is a Parquet file" in said
        assert ".csv and .jsonl" in said
    assert "PAR1" not in said


@pytest.mark.parametrize("name", ["nowhere.txt", "x"])
def test_a_list_that_cannot_be_read_is_told(here, name):
    with pytest.raises(SourceError, match=f"{name}: .*; nothing was read"):
        list_files(["x"], Selection(files_from=name))


# --- the command ---


def test_a_list_from_standard_input(run, here):
    Path("found").write_bytes(b"x/1.png\0x/a/2.png\0")
    with Path("found").open("rb") as found:
        ran = run("compute", "--files-from", "-", "-0", "-q", stdin=found)
    assert ran == (0, "", "")
    spec = normstat.load()
    assert (spec.counts.images, spec.dataset.roots) == (2, ["."])
    assert spec.dataset.selected.files_from == "-"
    expected = normstat.compute("x/1.png", "x/a/2.png")
    assert (spec.state, spec.dataset.digest) == (expected.state, expected.dataset.digest)


def test_a_list_from_standard_input_cannot_be_validated_again_and_says_so(run, here):
    Path("found").write_bytes(b"1.png\n")
    with Path("found").open("rb") as found:
        assert run("compute", "x", "--files-from", "-", "-q", stdin=found).code == 0
    for deep in ((), ("--deep",)):
        ran = run("validate", "normstat.json", "x", *deep)
        assert ran.code == 3
        assert "from a list on standard input, which cannot be read again" in ran.err
    assert run("validate").code == 0
    with pytest.raises(SourceError, match="keep the list in a file"):
        selection_of(normstat.load().dataset)


def test_the_spec_remembers_its_list(run, here):
    Path("train.csv").write_text("file,label\n1.png,0\na/2.png,1\n")
    assert run("compute", "x", "--files-from", "train.csv", "--column", "file", "-q").code == 0
    spec = normstat.load()
    selected = spec.dataset.selected
    assert (selected.files_from, selected.null, selected.column) == ("train.csv", False, "file")
    assert (spec.counts.images, spec.dataset.files) == (2, 2)
    assert run("validate", "normstat.json", "x", "--deep").code == 0
    Path("train.csv").write_text("file,label\n1.png,0\na/10.png,1\n")
    ran = run("validate", "normstat.json", "x")
    assert ran.code == 1
    assert "+ a/10.png" in ran.err
    assert "- a/2.png" in ran.err


def test_a_spec_without_a_list_does_not_mention_one(run, here):
    assert run("compute", "x", "-q").code == 0
    assert "files_from" not in Path("normstat.json").read_text()


def test_missing_files_are_skipped_by_name_or_fail(run, here):
    Path("train.txt").write_text("1.png\ngone.png\n")
    assert run("compute", "x", "--files-from", "train.txt").code == 0
    assert [each.name for each in normstat.load().skipped] == ["gone.png"]
    ran = run("compute", "x", "--files-from", "train.txt", "--on-error", "fail")
    assert ran.code == 3
    assert "gone.png: is in train.txt, but there is no such file" in ran.err


@pytest.mark.parametrize("text", ["", "gone.png\n", "\n\r\n"])
def test_a_list_of_nothing_could_not_be_measured(run, here, text):
    Path("train.txt").write_text(text)
    ran = run("compute", "x", "--files-from", "train.txt")
    assert ran.code == 3
    assert "train.txt" in ran.err
    assert "Traceback" not in ran.err


def test_apply_reads_a_list_too(run, here):
    Path("train.txt").write_text("1.png\na/2.png\n")
    assert run("compute", "x", "--files-from", "train.txt", "-q").code == 0
    assert run("apply", "--preset", "imagenet").code == 0
    assert sorted(str(path) for path in Path("normalized").rglob("*.npy")) == [
        "normalized/1.npy",
        "normalized/a/2.npy",
    ]
    assert (
        run("apply", "--preset", "imagenet", "--files-from", "train.txt", "x", "-o", "other").code
        == 0
    )
    assert Path("other/a/2.npy").read_bytes() == Path("normalized/a/2.npy").read_bytes()


ODD = ("-a.png", "=1+1.png", "two\nlines.png", os.fsdecode(b"caf\xe9.png"), "back\\slash\\n.png")


@pytest.mark.parametrize("table", ["images.csv", "images.jsonl"])
def test_a_table_of_images_is_a_list_and_a_table_of_groups_whatever_their_names(here, table):
    for value, name in enumerate(ODD):
        Image.new("RGB", (4, 3), (value, 0, 255)).save(f"x/{name}")
    whole = normstat.compute("x", per_image=table)
    again = normstat.compute("x", files_from=table, column="path")
    assert (again.mean, again.counts.images, again.skipped) == (whole.mean, 8, [])
    if table.endswith("csv"):
        grouped = normstat.compute("x", group_by=f"csv:{table}:mode")
        assert [(each.name, each.counts.images) for each in grouped.groups] == [("RGB", 8)]
