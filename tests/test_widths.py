"""Every command that prints a table: at three widths, without colour, and into a pipe."""

import os
import pty
import re
import shutil
import subprocess
from collections import Counter

import pytest
from PIL import Image

import normstat
from normstat.cli import COMMANDS, main
from normstat.presets import load_catalogue
from normstat.spec.files import save
from normstat.spec.model import Constants
from tests.conftest import Command, Ran
from tests.specs import made

WIDTHS = (60, 80, 140)
LONG = "a-folder-with-a-name-that-is-longer-than-the-narrowest-of-terminals-and-then-some"
ROWS = {
    "compute": ["compute", "photos", "--covariance", "-o", "new.json"],
    "compute odd": ["compute", "odd", "--exclude", "float.tif", "-o", "odd.json"],
    "compute sample": ["compute", "photos", "--sample", "20", "-o", "sample.json"],
    "show": ["show"],
    "show groups": ["show", "grouped.json"],
    "show long": ["show", f"{LONG}.json"],
    "show constants": ["show", "constants.json"],
    "show bands": ["show", "bands.json"],
    "show deep": ["show", "deep.json"],
    "show float": ["show", "float.json"],
    "compare": ["compare"],
    "compare pair": ["compare", "normstat.json", "small.json"],
    "compare gate": ["compare", "--preset", "imagenet", "--fail-on", "shift>0.01"],
    "compare group": ["compare", "grouped.json#night", "grouped.json"],
    "compare long": ["compare", f"{LONG}.json", "normstat.json"],
    "compare bands": ["compare", "bands.json", "bands.json"],
    "presets": ["presets"],
    "presets one": ["presets", "imagenet"],
    "presets bands": ["presets", "eurosat"],
    "identify": ["identify", "0.485,0.456,0.406", "0.229,0.224,0.225"],
    "identify slip": ["identify", "0.406,0.456,0.485", "0.229,0.224,0.225"],
    "identify near": ["identify", "normstat.json"],
    "diff": ["diff", "constants.json", "other.json"],
    "diff same": ["diff", "constants.json", "constants.json"],
    "lint list": ["lint", "--list"],
    "diagnose": ["diagnose", "normstat.json", "--preset", "imagenet", "--simulate"],
    "diagnose bands": ["diagnose", "satellite.json", "--simulate"],
    "outliers": ["outliers", "normstat.json", "--top", "5"],
    "cache info": ["cache", "info", "kept.db"],
    "export list": ["export", "--list"],
    "export list of a spec": ["export", "normstat.json", "--list"],
    "outliers of a folder": ["outliers", "photos"],
    "outliers odd": ["outliers", "odd"],
    "outliers of unlike kinds": ["outliers", "deep"],
    "merge": ["merge", "normstat.json", "small.json", "-o", "merged.json"],
    "subtract": ["subtract", "whole.json", "small.json", "-o", "left.json"],
}
# What these print are lines, files and a schema: no tables.
WITHOUT_TABLES = {"apply", "report", "schema", "validate"}
FEWER = {"show groups"}  # leaves out a whole column where it has no room
BESIDE = {
    "diagnose",
    "diagnose bands",
}  # goes on below, with the names of its rows, where it has no room
NUMBER = re.compile(r"[-+−]?\d[\d.,]*(?:e[-+]\d+)?")


@pytest.fixture(scope="module")
def work(samples, tmp_path_factory):
    """A working folder with specs of many kinds."""
    folder = tmp_path_factory.mktemp("work")
    for name in ("photos", "odd", "deep"):
        shutil.copytree(samples / name, folder / name)
    photos = normstat.compute(folder / "photos", covariance=True, cache=folder / "kept.db")
    (folder / "more").mkdir()
    for number, colour in enumerate(("navy", "olive", "pink")):
        Image.new("RGB", (30, 20), colour).save(folder / "more" / f"{number}.png")
    small = normstat.compute(folder / "more", covariance=True)
    specs = {
        "normstat": photos,
        "small": small,
        "satellite": normstat.compute(folder / "deep" / "satellite13.tif", covariance=True),
        "grouped": normstat.compute(folder / "photos", group_by="parent"),
        "whole": normstat.merge(photos, small),
        LONG: made(roots=(f"{LONG}/{LONG}",), skipped=((f"{LONG}.png", "is empty"),)),
        "bands": made("bands13-16", channels=13),
        "deep": made("gray16", channels=1, images=1),
        "float": made("rgb-float"),
        "constants": _constants(0.485),
        "other": _constants(0.4851234),
    }
    for name, spec in specs.items():
        save(spec, folder / f"{name}.json")
    return folder


def _constants(mean):
    return Constants(
        channels=[*"RGB"], mean=[mean, 0.456, 0.406], std=[0.229, 0.224, 0.225], max_pixel_value=255
    )


@pytest.fixture
def here(work, monkeypatch, capsys):
    """The command without a process of its own: same entry, code and text, into a pipe."""
    monkeypatch.chdir(work)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(work / "config"))
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def command(*args, **env):
        for name, value in env.items():
            monkeypatch.setenv(name, str(value))
        with pytest.raises(SystemExit) as end:
            main([*args])
        return Ran(end.value.code, *capsys.readouterr())

    return command


def test_every_command_has_a_row():
    assert {args[0] for args in ROWS.values()} | WITHOUT_TABLES == set(COMMANDS)


@pytest.mark.parametrize("row", ROWS)
def test_tables_fit_and_cut_no_number(here, row):
    found = {width: here(*ROWS[row], COLUMNS=width) for width in WIDTHS}
    assert {each.code for each in found.values()} in ({0}, {1}), found[80].err
    for width, each in found.items():
        assert each.out
        assert "\x1b" not in each.out
        assert max(map(len, each.out.rstrip().split("\n"))) <= width
        # An ellipsis stands between two numbers, or after a list of names, and replaces none.
        assert not re.search(r"\d…|…\d|\w…\s", each.out)
    # The same numbers in each: none is broken, left out or rounded for want of room.
    numbers = [sorted(_numbers(each.out)) for each in found.values()]
    if row in FEWER:
        assert Counter(numbers[0]) <= Counter(numbers[1]) <= Counter(numbers[2])
    elif row in BESIDE:
        assert set(numbers[0]) == set(numbers[1]) == set(numbers[2])
        assert Counter(numbers[0]) >= Counter(numbers[1]) >= Counter(numbers[2])
    else:
        assert numbers[0] == numbers[1] == numbers[2]


def test_wide_tables_keep_the_names_of_their_rows(here):
    found = normstat.diagnose("satellite.json")
    names = [each.name for each in found.preprocessing]
    for width in WIDTHS:
        lines = here("diagnose", "satellite.json", COLUMNS=width).out.splitlines()
        heads = [line.split() for line in lines if line.split()[:1] in (["λ1"], ["κ"], ["B01"])]
        assert len(heads) == 3
        for name in names:
            assert sum(line.startswith(f"{name} ") for line in lines) >= 3, name
        for value in found.preprocessing[0].quadratic.eigenvalues:
            shown = f"{float(f'{value:.3g}'):,.0f}" if 1000 <= value < 1e7 else f"{value:.3g}"
            assert any(shown in line.split() for line in lines if line.startswith(names[0]))


def _numbers(text):
    """Return the numbers of an answer, without the speed, which is another each time."""
    kept = [line for line in text.splitlines() if not line.startswith("speed")]
    return NUMBER.findall("\n".join(kept))


@pytest.mark.parametrize("row", ROWS)
def test_a_pipe_gets_the_same_bare_text_in_every_setting(here, row):
    plain = here(*ROWS[row], COLUMNS=80, TERM="xterm-256color").out
    without = [line for line in plain.splitlines() if not line.startswith("speed")]
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}, {"COLORTERM": "truecolor"}):
        out = here(*ROWS[row], COLUMNS=80, **env).out
        assert "\x1b" not in out
        assert [line for line in out.splitlines() if not line.startswith("speed")] == without


def on_terminal(folder, *args, **env):
    """Run the real command on a terminal of its own, and return what it writes there."""
    ours, theirs = pty.openpty()
    settings = {"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    settings |= {"HOME": str(folder), "COLUMNS": "80", "TERM": "xterm-256color", **env}
    with subprocess.Popen(
        Command.line(*args), cwd=folder, env=settings, stdout=theirs, stderr=subprocess.DEVNULL
    ) as process:
        os.close(theirs)
        written = b""
        try:
            while part := os.read(ours, 1 << 16):
                written += part
        except OSError:  # how Linux says that the other end is closed
            pass
    os.close(ours)
    assert process.returncode in (0, 1)
    return written.decode()


TERMINALS = ["show", "compare", "presets one", "identify", "diff", "lint list", "export list"]


@pytest.mark.parametrize("row", TERMINALS)
def test_a_terminal_has_colour_unless_it_is_declined(work, row):
    assert "\x1b[1" in on_terminal(work, *ROWS[row])
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert "\x1b" not in on_terminal(work, *ROWS[row], **env)


def test_every_preset_is_whole_at_every_width(here):
    for width in WIDTHS:
        out = here("presets", COLUMNS=width).out
        for preset in load_catalogue():
            assert re.search(rf"^{re.escape(preset.name)}( |$)", out, re.MULTILINE), preset.name
