from array import array
from inspect import signature

import pytest

import normstat
from normstat import contents
from normstat.cli.compute import compute as cli
from normstat.contents import changes, described, selection_of
from normstat.sources import Listing, Selection, list_files
from normstat.spec.asked import PIPELINE
from normstat.spec.dataset import SELECTED


@pytest.fixture
def describe(tmp_path):
    """Make empty image files below a folder and describe it."""

    def make(**sizes):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        for name, size in sizes.items():
            path = folder / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_suffix(".png").write_bytes(bytes(size))
        return described(list_files([folder], Selection()), Selection())

    return make


def test_few_files_are_all_listed(describe):
    found = describe(b__2=5, b__10=6, a=7)
    assert [(entry.name, entry.bytes) for entry in found.contents] == [
        ("a.png", 7),
        ("b/2.png", 5),
        ("b/10.png", 6),
    ]


@pytest.mark.parametrize(
    ("most", "expected"),
    [(4, ["a/x/", "a/y/", "b/x/", "./"]), (3, ["a/", "b/", "./"]), (1, ["./"])],
)
def test_many_files_are_listed_by_folder(describe, monkeypatch, most, expected):
    monkeypatch.setattr(contents, "MOST_ENTRIES", most)
    found = describe(a__x__1=1, a__x__2=1, a__y__1=1, b__x__1=1, top=1)
    assert [entry.name for entry in found.contents] == expected
    assert sum(entry.files for entry in found.contents) == 5


def test_folder_with_other_names_is_changed(describe, monkeypatch):
    monkeypatch.setattr(contents, "MOST_ENTRIES", 2)
    found = changes(describe(a__1=1, a__2=1, b__1=1), describe(a__1=1, a__3=1, b__1=1))
    assert list(found.lines()) == ["~ a/: as many files and bytes (2), but other names or sizes"]


def test_growth_past_the_limit_is_told_by_folder(describe, monkeypatch):
    monkeypatch.setattr(contents, "MOST_ENTRIES", 3)
    found = changes(describe(a__1=1, b__1=1), describe(a__1=1, b__1=1, b__2=1, b__3=1))
    assert list(found.lines()) == ["~ b/: 3 files, were 1"]


CHOSEN = Selection(
    include=("a", "b"), exclude=("c",), extensions=("jpg", "png"), follow_symlinks=True,
    hidden=True, files_from="list.csv", null=True, column="x", mask_dir="m", mask_suffix="_m",
)  # fmt: skip


def test_a_spec_remembers_every_field_of_the_selection():
    assert all(getattr(CHOSEN, name) != getattr(Selection(), name) for name in SELECTED)
    listing = Listing(roots=["x"], names=["a.png"], sizes=array("q", [1]))
    assert selection_of(described(listing, CHOSEN)) == CHOSEN


def test_what_a_spec_was_made_with_are_parameters_of_compute():
    parameters = set(signature(normstat.compute).parameters)
    assert {*SELECTED, *PIPELINE} <= parameters
    assert set(PIPELINE) <= {each.name for each in cli.params}
