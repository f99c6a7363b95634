"""The real command over trees: exactly the expected findings, and nothing that a file says ends it."""

import json
import os
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import normstat
from normstat.cli import main
from normstat.linting.judging import LARGEST, lint
from normstat.linting.kinds import KINDS
from normstat.linting.rules import RULES
from normstat.names import printable
from normstat.presets import load_catalogue, preset
from normstat.spec.files import save
from normstat.spec.model import Constants
from tests.conftest import Ran
from tests.docs import page

ROOT = Path(__file__).parents[1]
PRESETS = [each.spec() for each in load_catalogue()]

GOOD = "mean = [0.485, 0.456, 0.406]\nstd = [0.229, 0.224, 0.225]\n"
TYPO = "mean = [0.485, 0.456, 0.406]\nstd = [0.299, 0.224, 0.225]\n"
BGR = "mean = [0.406, 0.456, 0.485]\nstd = [0.225, 0.224, 0.229]\n"
IMAGE_STDS = "mean = [0.4914, 0.4822, 0.4465]\nstd = [0.2023, 0.1994, 0.2010]\n"
OWN = "mean = [0.31, 0.32, 0.33]\nstd = [0.21, 0.22, 0.23]\n"

# A tree: its files, more arguments, and the findings that are expected, in order.
TREES = {
    "empty": ({}, [], []),
    "right": ({"train.py": GOOD, "conf/data.yaml": "mean: [0.5, 0.5, 0.5]\nstd: [0.5, 0.5, 0.5]\n"}, [], []),
    "one of many": (
        {"a.py": GOOD, "b/c.py": TYPO, "b/d.py": GOOD},
        [], ["b/c.py:2 NS001"],
    ),
    "every kind of file": (
        {
            "a.py": TYPO,
            "b.ipynb": json.dumps({"cells": [{"cell_type": "code", "source": TYPO.splitlines(True)}]}, indent=1),
            "c.json": '{\n "mean": [0.485, 0.456, 0.406],\n "std": [0.299, 0.224, 0.225]\n}',
            "d.yaml": "mean: [0.485, 0.456, 0.406]\nstd: [0.299, 0.224, 0.225]\n",
            "e.yml": "- mean: [0.485, 0.456, 0.406]\n  std: [0.299, 0.224, 0.225]\n",
            "f.toml": TYPO,
            "g.txt": TYPO,
        },
        [],
        ["a.py:2 NS001", "b.ipynb:7 NS001", "c.json:3 NS001", "d.yaml:2 NS001", "e.yml:2 NS001", "f.toml:2 NS001"],
    ),
    "a project of detection": (
        {
            "configs/_base_.py": "img_norm_cfg = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], to_rgb=True)\ntrain_pipeline = [dict(type='Normalize', **img_norm_cfg)]\n",
            "configs/caffe.py": "img_norm_cfg = dict(\n    mean=[103.53, 116.28, 123.675],\n    std=[1.0, 1.0, 1.0],\n    to_rgb=True)\n",
            "configs/rcnn.yaml": "MODEL:\n  PIXEL_MEAN: [103.53, 116.28, 123.675]\nINPUT:\n  FORMAT: BGR\n",
        },
        [], ["configs/caffe.py:2 NS002"],
    ),
    "constants here, use there": (
        {
            "constants.py": TYPO.upper().replace("MEAN", "IMAGENET_MEAN").replace("STD", "IMAGENET_STD"),
            "data.py": "from torchvision import transforms as T\nfrom constants import IMAGENET_MEAN, IMAGENET_STD\nt = T.Normalize(IMAGENET_MEAN, IMAGENET_STD)\n",
        },
        [], ["constants.py:2 NS001"],
    ),
    "used in the same file": (
        {"a.py": f"from torchvision import transforms as T\n{TYPO}t = T.Normalize(mean, std)\nu = T.Normalize(mean=mean, std=std)\n"},
        [], ["a.py:3 NS001"],
    ),
    "many in one file": (
        {"a.py": "import torchvision.transforms as T\nif x:\n    mean = (0.4914, 0.4822, 0.4465)\n    std = (0.2023, 0.1994, 0.2010)\nelse:\n    mean, std = (0.485, 0.456, 0.406), (0.299, 0.224, 0.225)\nt = T.Normalize([123.675, 116.28, 103.53], [58.395, 57.12, 57.375])\n"},
        [], ["a.py:4 NS007", "a.py:6 NS001", "a.py:7 NS003"],
    ),
    "ignored by comments": (
        {
            "a.py": TYPO.replace("225]", "225]  # normstat: ignore[NS001]"),
            "b.py": TYPO.replace("406]", "406]  # normstat: ignore"),
            "c.py": TYPO.replace("225]", "225]  # normstat: ignore[NS002, NS003]"),
            "d.yaml": "mean: [0.485, 0.456, 0.406]\nstd:\n- 0.299\n- 0.224  # normstat: ignore[NS002,NS001]\n- 0.225\n",
            "e.py": f"# normstat: ignore-file[NS001]\n{TYPO}\n{BGR}",
            "f.py": f"# normstat: ignore-file\n{TYPO}\n{BGR}",
        },
        [], ["c.py:2 NS001", "e.py:5 NS002"],
    ),
    "selected": ({"a.py": TYPO, "b.py": BGR, "c.py": IMAGE_STDS}, ["--select", "NS002,NS007"], ["b.py:1 NS002", "c.py:2 NS007"]),
    "ignored by code": ({"a.py": TYPO, "b.py": BGR, "c.py": IMAGE_STDS}, ["--ignore", "NS001, ns007"], ["b.py:1 NS002"]),
    "excluded": (
        {"a.py": TYPO, "third_party/b.py": TYPO, "node_modules/c.json": TYPO, ".venv/d.py": TYPO, "x/site-packages/e.py": TYPO},
        ["--exclude", "third_party"], ["a.py:2 NS001"],
    ),
    "expected": (
        {"a.py": OWN, "b.py": OWN.replace("0.23]", "0.24]"), "c.py": OWN.replace("0.31, 0.32, 0.33", "79.05, 81.6, 84.15").replace("0.21, 0.22, 0.23", "53.55, 56.1, 58.65"), "d.py": GOOD, "e.py": "mean = [170.1, 65.2, 33.0]\nstd = [7.1, 900, 5.0]\n"},
        ["--expect", "own.json"], ["b.py:1 NS008", "d.py:1 NS008"],
    ),
    "settings": (
        {"pyproject.toml": "[tool.normstat]\nexpect = 'own.json'\nignore = ['NS001']\nexclude = ['old']\n", "a.py": TYPO, "old/b.py": GOOD, "c.py": OWN},
        [], ["a.py:1 NS008"],
    ),
}  # fmt: skip


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """The command without a process of its own: same entry, code and text."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def command(*args):
        with pytest.raises(SystemExit) as end:
            main([*args])
        return Ran(end.value.code, *capsys.readouterr())

    return command


def make(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.mark.parametrize("tree", TREES)
def test_tree_gives_exactly_the_expected_findings(run, tmp_path, tree):
    files, arguments, expected = TREES[tree]
    make(tmp_path, files)
    own = Constants(
        channels=[*"RGB"], mean=[0.31, 0.32, 0.33], std=[0.21, 0.22, 0.23], max_pixel_value=255
    )
    save(own, tmp_path / "own.json")
    code, out, err = run("lint", ".", *arguments, "--format", "json", "--fail-on", "info")
    found = json.loads(out)["findings"]
    assert [f"{each['path']}:{each['span'][0]} {each['code']}" for each in found] == expected
    assert (code, err) == (int(bool(expected)), "")


def test_package_itself_has_only_the_numbers_that_its_presets_tell_of():
    report = lint(ROOT / "normstat")
    assert {finding.code for finding in report.findings} == {"NS007"}
    assert {Path(finding.path).parent.name for finding in report.findings} == {"presets"}
    perimage = {each.preset.name for each in PRESETS if each.preset.name.endswith("-perimage")}
    told = {finding.text.split()[2] for finding in report.findings}
    assert told == perimage | {"coco"}
    assert report.notices == []
    named = {name for pair in report.pairs for name in pair.presets}
    assert {each.preset.name for each in PRESETS} <= named


@pytest.mark.parametrize(
    ("text", "arguments", "code"),
    [
        (GOOD, [], 0),
        (TYPO, [], 1),
        (BGR, [], 1),
        (BGR, ["--fail-on", "error"], 0),
        (IMAGE_STDS, [], 0),
        (IMAGE_STDS, ["--fail-on", "info"], 1),
        (TYPO, ["--fail-on", "never"], 0),
        (TYPO, ["--select", "NS999"], 2),
        (TYPO, ["--fail-on", "always"], 2),
        (TYPO, ["--expect", "none.json"], 3),
        (TYPO, ["nowhere"], 3),
    ],
)
def test_exit_code_answers_by_severity(run, tmp_path, text, arguments, code):
    (tmp_path / "a.py").write_text(text)
    found = run("lint", "a.py", *arguments)
    assert found.code == code
    assert "Traceback" not in found.err
    assert bool(found.err) == (code > 1)


def test_wrong_code_suggests_the_right_one(run):
    assert "did you mean 'NS001'" in run("lint", "--select", "NS0001").err


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("[tool.normstat]\nselct = ['NS001']", "did you mean 'select'"),
        ("[tool.normstat]\nselect = 'NS001'", "select is not a list"),
        ("[tool.normstat]\nexpect = 1", "expect is not a text"),
        ("[tool]\nnormstat = 1", "not a table"),
        ("[tool.normstat", "not valid TOML"),
        ("[tool.normstat]\nfail-on = 'often'", "unknown severity 'often'"),
    ],
)
def test_settings_that_say_nothing_sensible_are_named(run, tmp_path, content, text):
    make(tmp_path, {"pyproject.toml": content, "a.py": GOOD})
    code, _, err = run("lint", "a.py")
    assert code in (2, 3)
    assert "pyproject.toml" in err or "often" in err
    assert text in err


def test_settings_are_found_above_and_options_go_before_them(run, tmp_path, monkeypatch):
    make(
        tmp_path,
        {
            "pyproject.toml": "[tool.normstat]\nselect = ['NS002']\nfail-on = 'never'\n",
            "in/a.py": TYPO,
            "in/b.py": BGR,
        },
    )
    monkeypatch.chdir(tmp_path / "in")
    code, out, _ = run("lint")
    assert (code, out.count("NS002"), out.count("NS001")) == (0, 1, 0)
    code, out, _ = run("lint", "--select", "NS001", "--fail-on", "error")
    assert (code, out.count("NS002"), out.count("NS001")) == (1, 0, 1)


# What cannot be read, and what is said of it.
UNREADABLE = [
    ("broken.py", b"mean = [0.485, 0.456, 0.406\n", "not valid Python: line 1"),
    ("python2.py", b"print 'mean =', [0.5, 0.4]\nmean = [0.5, 0.4]\n", "not valid Python"),
    ("nul.py", b"mean = [0.5, 0.4]\0", "not valid Python"),
    ("nested.py", b"mean = [0.5, 0.4]\nx = " + b"(" * 100_000, "not valid Python"),
    ("signs.py", b"mean = [0.5, 0.4]\nx = " + b"-" * 100_000 + b"1", "not valid Python"),
    ("broken.json", b'{"mean": [0.5, 0.4', "not valid JSON"),
    ("nested.json", b'{"mean": ' + b"[" * 100_000, "not valid JSON"),
    ("broken.yaml", b"mean: [0.5, 0.4\nstd: ]", "not valid YAML"),
    ("nested.yaml", b"mean: " + b"[" * 200_000, "nested too deeply"),
    ("broken.toml", b"mean = [0.5, 0.4\nstd", "not valid TOML"),
    ("broken.ipynb", b'{"x": "mean = [0.5, 0.4]"}', "has no cells"),
    ("large.json", b'{"mean": [0.5]}' + b" " * LARGEST, "larger than 10 MB"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "text"), UNREADABLE, ids=[r[0] for r in UNREADABLE])
def test_file_that_cannot_be_read_is_a_notice_and_no_end(tmp_path, name, content, text):
    (tmp_path / name).write_bytes(content)
    (tmp_path / "z.py").write_text(TYPO)
    report = lint(tmp_path)
    (notice,) = report.notices
    assert Path(notice.path).name == name
    assert text in notice.text
    assert [finding.code for finding in report.findings] == ["NS001"]


def test_notices_reach_standard_error(run, tmp_path):
    make(tmp_path, {"a.py": "mean = [0.485, ", "b.py": GOOD})
    code, out, err = run("lint")
    assert code == 0
    assert err.startswith("a.py: not read: not valid Python: line 1: ")
    assert "no findings" in out
    assert run("lint", "-q").err == ""


def test_special_files_and_links_are_no_end(tmp_path):
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "loop.py").symlink_to("loop.py")
    (tmp_path / "gone.py").symlink_to("nowhere")
    (tmp_path / "up").symlink_to(tmp_path)
    (tmp_path / "a.py").write_text(TYPO)
    report = lint(tmp_path)
    assert len(report.findings) == 1
    assert {Path(each.path).name for each in report.notices} == {"pipe.py", "loop.py", "gone.py"}


def test_nothing_that_is_read_is_run(tmp_path):
    """Importing, constructing or evaluating any of these would leave a trace."""
    trace = tmp_path / "trace"
    touch = f"open({str(trace)!r}, 'w')"
    make(
        tmp_path,
        {
            "a.py": f"{touch}\nmean = [{touch}, 0.5]\nstd = [__import__('os').system('touch {trace}')]\n",
            "b.yaml": f"mean: !!python/object/apply:os.system ['touch {trace}']\nstd: [1, 2, 3]\n",
            "c.ipynb": json.dumps(
                {"cells": [{"cell_type": "code", "source": f"!touch {trace}\n{touch}\n{GOOD}"}]}
            ),
        },
    )
    lint(tmp_path)
    assert not trace.exists()


def test_bombs_of_aliases_and_repetition_are_harmless(tmp_path):
    aliases = "\n".join(f"a{i + 1}: &a{i + 1} [{', '.join([f'*a{i}'] * 9)}]" for i in range(30))
    make(
        tmp_path,
        {
            "a.yaml": f"a0: &a0 [1]\n{aliases}\nmean: *a30\n",
            "b.py": "mean = [[0] * 60] * 10 ** 9\nstd = (((1,) * 64) * 64) * 64\n",
        },
    )
    assert lint(tmp_path).findings == []


def test_more_pairs_than_anybody_writes_are_a_notice(tmp_path):
    (tmp_path / "log.json").write_text(json.dumps([{"mean": 0.5, "std": i} for i in range(2000)]))
    (notice,) = lint(tmp_path).notices
    assert "first 1,000 of 2,000" in notice.text


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_no_text_ends_a_run(tmp_path, data):
    kind = data.draw(st.sampled_from(KINDS))
    words = ["mean", "std", "Normalize", "(", ")", "[", "]", "{", "}", "=", ":", ",", "\n", "  ", "0.485", "255", "-", "/", "*", "nan", "1e999", "'", '"', "for x in", "# normstat: ignore", "&a", "*a", "zip", "None", "::-1", "0"]  # fmt: skip
    text = "".join(data.draw(st.lists(st.sampled_from(words) | st.text(max_size=2), max_size=40)))
    prefix = data.draw(st.sampled_from(["", "mean = [0.5, 0.4, 0.3]\n", '{"mean": [0.5, 0.4], ']))
    path = tmp_path / f"a.{kind.suffixes[0]}"
    path.write_text(prefix + text, encoding="utf-8", errors="surrogatepass")
    lint(path)


def test_any_number_of_processes_gives_the_same_report(tmp_path):
    texts = [GOOD, TYPO, BGR, IMAGE_STDS, "mean = [0.5, 0.4,"]
    for index in range(1200):
        folder = tmp_path / f"part{index % 7}"
        folder.mkdir(exist_ok=True)
        filler = f"# {'-' * 9000}\n"
        (folder / f"m{index}.py").write_text(texts[index % 5] + filler)
    reports = [lint(tmp_path, jobs=jobs) for jobs in (1, 2)]
    assert reports[0] == reports[1]
    assert reports[0].files == 1200
    assert len(reports[0].findings) == 720
    assert len(reports[0].notices) == 240


# --- What is printed


NASTY = ["100%,a:b.py", "two\nlines.py", "\x1b[2Jclear.py", "ünï.py", "::error::x.py"]


def test_annotations_are_one_line_each_whatever_a_file_is_called(run, tmp_path):
    make(tmp_path, dict.fromkeys(NASTY, TYPO) | {"bad\nname.json": '{"mean": ['})
    code, out, _ = run("lint", "--format", "github")
    lines = out.splitlines()
    assert code == 1
    assert len(lines) == len(NASTY) + 1
    for line in lines[:-1]:
        command, properties, message = line.removeprefix("::").split("::", 1)[0], *_split(line)
        assert command.startswith("error ")
        assert properties["title"] == "normstat NS001"
        assert (properties["line"], properties["endLine"]) == ("2", "2")
        assert message == "std 0.299 is one digit off: imagenet has 0.229"
    named = {_split(line)[0]["file"] for line in lines[:-1]}
    assert named == {_github(printable(name)) for name in NASTY}
    assert lines[-1].startswith("::notice file=bad\\nname.json,title=normstat::not read")


def _split(line):
    """Read a workflow command as GitHub's runner does, but leave values escaped."""
    head, _, message = line.removeprefix("::").partition("::")
    _, _, properties = head.partition(" ")
    return dict(part.split("=", 1) for part in properties.split(",")), message


def _github(text):
    for char, code in {"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"}.items():
        text = text.replace(char, code)
    return text


# The parts of the SARIF 2.1.0 schema that a consumer needs.
SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "required": ["tool", "results"],
                "properties": {
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "tool": {
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "required": ["name"],
                                "properties": {
                                    "name": {"type": "string"},
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "required": ["id"],
                                            "properties": {
                                                "id": {"type": "string"},
                                                "shortDescription": {"$ref": "#/$defs/text"},
                                                "help": {"$ref": "#/$defs/text"},
                                                "defaultConfiguration": {
                                                    "properties": {"level": {"$ref": "#/$defs/level"}}
                                                },
                                            },
                                        },
                                    },
                                },
                            }
                        },
                    },
                    "invocations": {
                        "type": "array",
                        "items": {"required": ["executionSuccessful"]},
                    },
                    "results": {
                        "type": "array",
                        "items": {
                            "required": ["message"],
                            "properties": {
                                "ruleId": {"type": "string"},
                                "ruleIndex": {"type": "integer", "minimum": -1},
                                "level": {"$ref": "#/$defs/level"},
                                "message": {"$ref": "#/$defs/text"},
                                "locations": {"type": "array", "items": {"$ref": "#/$defs/location"}},
                            },
                        },
                    },
                },
            },
        },
    },
    "$defs": {
        "level": {"enum": ["none", "note", "warning", "error"]},
        "text": {"required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}},
        "location": {
            "required": ["physicalLocation"],
            "properties": {
                "physicalLocation": {
                    "required": ["artifactLocation"],
                    "properties": {
                        "artifactLocation": {
                            "required": ["uri"],
                            "properties": {
                                "uri": {"type": "string", "pattern": r"^[A-Za-z0-9._~/%:+-]+$"}
                            },
                        },
                        "region": {
                            "required": ["startLine"],
                            "properties": {
                                name: {"type": "integer", "minimum": 1}
                                for name in ("startLine", "startColumn", "endLine", "endColumn")
                            },
                        },
                    },
                }
            },
        },
    },
}  # fmt: skip


def test_sarif_has_what_the_standard_demands(run, tmp_path):
    make(
        tmp_path,
        dict.fromkeys(NASTY, TYPO) | {"a.py": BGR, "b.py": IMAGE_STDS, "c.py": "mean = [0.4,"},
    )
    code, out, _ = run("lint", "--format", "sarif")
    log = json.loads(out)
    jsonschema.Draft202012Validator(SARIF).validate(log)
    (only,) = log["runs"]
    rules = [rule["id"] for rule in only["tool"]["driver"]["rules"]]
    assert rules == list(RULES)
    assert all(rules[each["ruleIndex"]] == each["ruleId"] for each in only["results"])
    assert {each["level"] for each in only["results"]} == {"error", "warning", "note"}
    assert len(only["results"]) == len(NASTY) + 2
    assert len(only["invocations"][0]["toolExecutionNotifications"]) == 1
    assert code == 1


def test_sarif_without_findings_is_a_whole_log(run, tmp_path):
    make(tmp_path, {"a.py": GOOD})
    log = json.loads(run("lint", "--format", "sarif").out)
    jsonschema.Draft202012Validator(SARIF).validate(log)
    assert log["runs"][0]["results"] == []


def test_lines_on_the_screen_can_be_searched_and_hold_no_escapes(run, tmp_path):
    make(tmp_path, dict.fromkeys(NASTY, TYPO))
    out = run("lint", "--pairs").out
    assert "\x1b" not in out
    lines = out.splitlines()
    assert len(lines) == 2 * len(NASTY) + 1
    assert "two\\nlines.py:2:7: NS001 std 0.299 is one digit off: imagenet has 0.229" in lines
    assert lines[-1].startswith(f"{len(NASTY)} errors; {len(NASTY)} pairs in {len(NASTY)} files")


def test_pairs_are_told_for_what_they_are(run, tmp_path):
    make(
        tmp_path,
        {"a.py": f"{GOOD}\nclass C:\n    t = Normalize([0.31, 0.32, 0.33], [0.21, 0.22, 0.23])\n"},
    )
    code, out, _ = run("lint", "--pairs")
    assert "a.py:1:8: mean: imagenet in 0–1, RGB" in out
    assert "a.py:5:19: Normalize: numbers of no preset; nearest" in out
    assert code == 0


def test_python_takes_what_the_command_takes(tmp_path, monkeypatch):
    make(tmp_path, {"a.py": TYPO, "b.py": OWN, "own/c.py": OWN})
    monkeypatch.chdir(tmp_path)
    own = Constants(channels=[*"RGB"], mean=[0.4] * 3, std=[0.2] * 3, max_pixel_value=255)
    save(own, "own.json")

    def found(*paths, **options):
        return [(Path(each.path).name, each.code) for each in lint(*paths, **options).findings]

    assert found() == found(".") == [("a.py", "NS001")]
    assert found("b.py") == []
    assert found("b.py", expect=own) == found("b.py", expect="own.json") == [("b.py", "NS008")]
    assert found("b.py", "own", expect=own) == [("b.py", "NS008"), ("c.py", "NS008")]
    assert ("c.py", "NS008") not in found(expect=own, exclude=["own"])
    assert found(ignore=["NS00"]) == []
    for wrong in ({"select": "NS001"}, {"select": ["NS9"]}, {"jobs": 0}, {"jobs": -1}):
        with pytest.raises(normstat.UsageError, match=next(iter(wrong)) + "|NS9"):
            lint(**wrong)


@pytest.mark.parametrize("code", RULES)
def test_every_code_is_listed_and_has_a_row_on_its_page(run, code):
    assert f"{code}  {RULES[code].severity}" in run("lint", "--list").out
    assert f"| {code} | {RULES[code].severity} |" in page("lint")


def test_hook_for_pre_commit_names_the_command_and_its_files():
    hook = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())[0]
    assert hook["id"] == "normstat-lint"
    assert hook["entry"] == "normstat lint"
    assert set(hook["types_or"]) == {"python", "pyi", "jupyter", "json", "yaml", "toml"}


def test_own_presets_are_known(run, tmp_path):
    text = (
        "presets: [{name: ours, title: Ours, kind: model, channels: [R, G, B], max_pixel_value: 255, "
        "code_max: 255, mean: [0.31, 0.32, 0.33], std: [0.21, 0.22, 0.23], std_definition: chosen, "
        "applies_to: it, verified: true, sources: [{literal: here, access: opened}]}]"
    )
    make(tmp_path, {"own.yaml": text, "a.py": OWN.replace("0.32", "0.23")})
    code, out, _ = run("lint", "a.py", "--presets", "own.yaml")
    assert code == 1
    assert "mean 0.23 is one digit off: ours has 0.32" in out


def test_preset_of_the_expected_spec_may_be_a_preset_file(run, tmp_path):
    save(preset("imagenet-bgr-255"), tmp_path / "spec.json")
    make(
        tmp_path,
        {
            "a.py": "MEAN_BGR = [103.53, 116.28, 123.675]\nSTD_BGR = [57.375, 57.12, 58.395]\n",
            "b.py": IMAGE_STDS,
        },
    )
    out = run("lint", "a.py", "b.py", "--expect", "spec.json").out
    assert out.count("NS008") == 1
    assert "b.py:1:8: NS008 differs from spec.json" in out


def test_whole_spec_in_the_tree_is_not_held_against_itself(run, tmp_path, samples):
    """It has every definition of mean and std, of which one is the project's."""
    save(normstat.compute(samples / "photos", backend="serial"), tmp_path / "normstat.json")
    assert run("lint", ".", "--expect", "normstat.json") == (
        0,
        "no findings; 0 pairs in 1 file\n",
        "",
    )
