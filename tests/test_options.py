"""What commands have in common: how options are told of, and what is said of wrong ones."""

import click
import pytest

from normstat.cli import COMMANDS
from tests.conftest import ROOT

PHOTOS = ROOT / "sample_data" / "photos"


def options():
    """Every option of every command."""
    for name in COMMANDS:
        command = COMMANDS.load(name)
        inner = getattr(command, "commands", {})
        for words, each in [(f"{name} {more}", inner[more]) for more in inner] or [(name, command)]:
            for option in each.params:
                if isinstance(option, click.Option):
                    yield pytest.param(option, id=f"{words} {option.opts[-1]}")


@pytest.mark.parametrize("option", list(options()))
def test_every_option_says_what_it_is(option):
    assert option.help
    assert option.help[-1] in ".]"


PLACES = [
    ("compute", ""), ("compute", "x", "-o", ""), ("compute", "x", "--cache", ""), ("apply", ""),
    ("apply", "--spec", ""), ("apply", "-o", ""), ("apply", "--inverse", ""), ("show", ""),
    ("validate", ""), ("merge", ""), ("subtract", "", "a"), ("export", ""), ("export", "-o", ""),
    ("lint", ""), ("report", ""), ("outliers", ""), ("diagnose", ""), ("cache", "info", ""),
    ("compare", ""), ("diff", "", "imagenet"),
]  # fmt: skip


@pytest.mark.parametrize("line", PLACES, ids=" ".join)
def test_an_empty_name_is_not_taken_for_the_usual_one(run, line):
    """As a variable of a script leaves it that was never set."""
    code, out, err = run(*line)
    assert (code, out) == (2, "")
    assert "is a variable unset?" in err
    assert not any(run.folder.iterdir())


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (("compare", "--fail-on", "x"), "Try 'normstat compare --help' for help."),
        (("compute",), "Try 'normstat compute --help' for help."),
        (("nonsense",), "Try 'normstat --help' for help."),
        (("export", "imagenet", "--to", "torchvison"), "did you mean 'torchvision'?"),
        (("export", "imagenet", "--to", "xyz"), "`normstat export --list` has them"),
        (("show", "a.json", "--from", "tim"), "did you mean 'timm'?"),
    ],
)
def test_what_was_typed_wrong_is_told_with_what_helps(run, line, told):
    code, out, err = run(*line)
    assert (code, out) == (2, "")
    assert told in err
    assert len(err) < 300


@pytest.mark.parametrize(
    "line",
    [("compare", "x"), ("diff", "x", "imagenet"), ("export", "x", "--to", "timm")],
    ids=lambda line: line[0],
)
def test_a_folder_that_is_measured_is_told_of_as_compute_does(run, line):
    folder = run.folder / "x"
    folder.mkdir()
    (folder / "link").symlink_to(PHOTOS)
    (folder / "a.jpg").symlink_to(PHOTOS / "coast" / "coast-01.jpg")
    _, out, err = run(*line)
    assert out
    assert "1 linked folder not entered (--follow-symlinks)" in err
