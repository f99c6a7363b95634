"""The real command: what it answers, in which words, and the code that it ends with."""

import json

import pytest

from normstat.presets import load_catalogue, preset
from normstat.spec.files import save

MEAN, STD = "0.485,0.456,0.406", "0.229,0.224,0.225"


@pytest.mark.parametrize(
    ("args", "code", "text"),
    [
        ([MEAN, STD], 0, "equals  imagenet in 0–1, RGB"),
        (["[0.485, 0.456, 0.406]", "[0.229, 0.224, 0.225]"], 0, "equals"),
        (["0.406,0.456,0.485", "0.225,0.224,0.229"], 0, "BGR order, as no preset writes it"),
        (["123.675,116.28,103.53", "58.395,57.12,57.375"], 0, "in 0–255, RGB"),
        (["0.1307", "0.3081"], 0, "equals  mnist"),
        (["-0.03,-0.088,-0.188", "0.458,0.448,0.45"], 0, "equals  lpips"),
        (["--", "-0.03,-0.088,-0.188", "0.458,0.448,0.45"], 0, "equals  lpips"),
        ([MEAN, "0.299,0.224,0.225"], 1, "one digit off: imagenet has 0.229"),
        ([MEAN, "1/0.229,1/0.224,1/0.225"], 1, "1/std of imagenet"),
        (["124,116,104", "58,57,57"], 1, "rounded"),
        ([MEAN], 1, "the mean of imagenet"),
        (["0.31,0.32,0.33", "0.21,0.22,0.23"], 1, "nearest"),
        (["1,2,3,4,5", "1,2,3,4,5"], 1, "no preset has these numbers"),
        (["0,0,0", "0,0,0"], 1, "no preset has these numbers"),
    ],
)
def test_answer_and_exit_code(run, args, code, text):
    found = run("identify", *args)
    assert (found.code, found.err) == (code, "")
    assert text in found.out


@pytest.mark.parametrize(
    ("args", "code", "text"),
    [
        (["imagenet"], 2, "'imagenet' is neither a number nor a file"),
        (["1,2", "3"], 2, "2 and 1 numbers"),
        (["--colour", "1"], 2, "no such option: --colour"),
        ([], 2, "NUMBERS"),
        (["list.json"], 3, "not a normstat spec"),
        ([MEAN, STD, "--presets", "none.yaml"], 3, "none.yaml"),
    ],
)
def test_what_is_no_question_is_refused_with_its_reason(run, tmp_path, args, code, text):
    (tmp_path / "list.json").write_text("[1]")
    found = run("identify", *args)
    assert (found.code, found.out) == (code, "")
    assert text in found.err
    assert "Traceback" not in found.err


def test_spec_file_and_standard_input_are_read(run, tmp_path):
    save(preset("clip"), tmp_path / "clip.yaml")
    assert "equals  clip" in run("identify", "clip.yaml").out
    (tmp_path / "pasted.txt").write_text(
        "mean=[0.485, 0.456, 0.406],\n  std=[0.229, 0.224, 0.225]\n"
    )
    with (tmp_path / "pasted.txt").open() as file:
        found = run("identify", "-", stdin=file)
    assert (found.code, found.err) == (0, "")
    assert "imagenet" in found.out


def test_json_holds_the_whole_answer(run):
    answer = json.loads(run("identify", MEAN, "0.299,0.224,0.225", "--format", "json").out)
    assert answer["equal"] is False
    (reading,) = answer["readings"]
    assert (reading["kind"], reading["part"]) == ("digit", "std")
    assert reading["std"] == preset("imagenet").std
    near = json.loads(run("identify", "0.3,0.4,0.5", "0.2,0.2,0.2", "--format", "json").out)
    assert near["readings"] == []
    assert {each["preset"] for each in near["nearest"]} <= {each.name for each in load_catalogue()}


@pytest.mark.parametrize("columns", ["60", "80", "140"])
@pytest.mark.parametrize("std", [STD, "0.299,0.224,0.225", "0.3,0.3,0.3"])
def test_answer_fits_the_terminal_and_cuts_no_number(run, columns, std):
    out = run("identify", MEAN, std, env={"COLUMNS": columns}).out
    assert max(map(len, out.splitlines())) <= int(columns)
    assert "\x1b" not in out
    assert all(value in out for value in std.split(","))
