import json

import numpy as np
import pytest
import tifffile
from PIL import Image

import normstat
from normstat.spec.files import dumps


@pytest.fixture
def spec(samples, tmp_path):
    spec = normstat.compute(samples / "photos", samples / "odd")
    normstat.save(spec, tmp_path / "normstat.json")
    return spec


def test_show_prints_what_compute_printed(run, samples):
    computed = run("compute", samples / "photos", env={"COLUMNS": "80"}).out.splitlines()
    shown = run("show", env={"COLUMNS": "80"}).out.splitlines()
    assert shown == [line for line in computed if not line.startswith("speed")]


@pytest.mark.parametrize("screen", ["json", "yaml"])
def test_other_formats_are_the_file(run, spec, screen):
    assert run("show", "--format", screen).out == dumps(spec, yaml=screen == "yaml")


def test_yaml_file_is_shown_like_its_json(run, spec, tmp_path):
    normstat.save(spec, tmp_path / "spec.yaml")
    assert run("show", "spec.yaml").out == run("show").out


@pytest.mark.parametrize("unit", [1e-6, 1e36])
def test_numbers_of_any_size_are_told_with_their_digits(run, tmp_path, unit):
    values = np.random.default_rng(0).normal(3, 0.1, (30, 30)) * unit
    np.save(tmp_path / "x.npy", values)
    assert run("compute", "x.npy", "-q").code == 0
    lines = run("show", env={"COLUMNS": "60"}).out.splitlines()
    assert max(map(len, lines)) <= 60
    told, copied = (line.split(None, 1)[1] for line in lines if line.startswith("std "))
    assert float(told) == pytest.approx(values.std(), rel=1e-4)
    assert json.loads(copied) == pytest.approx([values.std()], rel=1e-6)


MIXED = {
    "8-bit and 16-bit images, 2 of them 16-bit: each counts as a fraction": {
        "a.tif": np.uint8, "b.tif": np.uint16, "c.tif": np.uint16,
    },
    "whole numbers and floats, 1 of them floats: both are values of their own": {
        "a.tif": np.int16, "b.tif": np.float32, "c.tif": np.int16,
    },
}  # fmt: skip


@pytest.mark.parametrize("photometric", ["minisblack", "rgb"])
@pytest.mark.parametrize("note", MIXED)
def test_what_counts_together_is_told(run, tmp_path, note, photometric):
    for name, dtype in MIXED[note].items():
        options = {"photometric": photometric}
        shape = (4, 5, 3) if photometric == "rgb" else (4, 5)
        tifffile.imwrite(tmp_path / name, (np.ones(shape) / 2).astype(dtype), **options)
    assert run("compute", ".", "-q").code == 0
    assert note in " ".join(run("show").out.split())


def test_gray_and_colour_of_one_depth_are_not_of_two(run, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.ones((4, 5), np.uint16))
    tifffile.imwrite(tmp_path / "b.tif", np.ones((4, 5, 3), np.uint16), photometric="rgb")
    assert run("compute", ".", "-q").code == 0
    out = " ".join(run("show").out.split())
    assert "gray images count as three equal channels" in out
    assert "8-bit" not in out


@pytest.mark.parametrize(
    ("top", "bars"), [(4095, "█" * 12), (1023, "█" * 4), (255, "█"), (65535, "█" + " " * 11)]
)
def test_the_histogram_is_of_the_range_that_was_asked_for(run, tmp_path, top, bars):
    codes = np.arange(min(top, 4095) + 1, dtype=np.uint16).reshape(-1, 64)
    Image.fromarray(codes).save(tmp_path / "a.png")
    assert run("compute", "a.png", "--max-pixel-value", top, "-q").code == 0
    [line] = [line for line in run("show").out.splitlines() if line.startswith("histogram")]
    assert line.split(maxsplit=1)[1].strip() == bars.strip()


def test_the_histogram_of_both_depths_is_of_all_codes(run, tmp_path):
    for name, dtype in (("a.tif", np.uint8), ("b.tif", np.uint16), ("c.tif", np.uint8)):
        codes = np.array([[0, np.iinfo(dtype).max]], dtype)
        tifffile.imwrite(tmp_path / name, codes, photometric="minisblack")
    assert run("compute", ".", "-q").code == 0
    [line] = [line for line in run("show").out.splitlines() if line.startswith("histogram")]
    assert line.split(maxsplit=1)[1] == "█          █"


def test_the_histogram_of_signed_codes_ends_where_they_do(run, tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.arange(-1000, 1500, dtype=np.int16)[None])
    assert run("compute", "a.tif", "-q").code == 0
    [line] = [line for line in run("show").out.splitlines() if line.startswith("histogram")]
    assert len(line.split()[1]) == 12


@pytest.mark.parametrize("columns", [60, 80, 140])
def test_table_fits_the_terminal(run, spec, columns):
    lines = run("show", env={"COLUMNS": str(columns)}).out.splitlines()
    assert max(map(len, lines)) <= columns
    # Nothing that matters is cut, however narrow.
    text = "\n".join(lines)
    assert all(f"{value:.4f}" in text for value in spec.mean + spec.std)
    assert "…" not in text


@pytest.mark.parametrize("env", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_pipes_get_no_escape_codes(run, spec, env):
    assert "\x1b" not in run("show", env=env).out


@pytest.mark.parametrize("command", ["show", "compare"])
def test_pipes_get_no_spaces_at_the_ends_of_lines(run, spec, command):
    lines = run(command).out.split("\n")
    assert [line for line in lines if line != line.rstrip()] == []


def test_colour_is_there_when_forced(run, spec):
    assert "\x1b[1m" in run("show", env={"FORCE_COLOR": "1"}).out


@pytest.mark.parametrize(
    "name", ["[red]boom[reset].png", "[bold].png", "new\nline.png", "\x1b[2J.png"]
)
def test_file_names_are_text_not_markup(run, tmp_path, name):
    (tmp_path / "set").mkdir()
    Image.new("L", (3, 3), 9).save(tmp_path / "set" / "good.png")
    (tmp_path / "set" / name).write_text("not an image")
    shown = run("compute", "set").out
    escaped = name.replace("\n", "\\n").replace("\x1b", "\\x1b")
    assert f"{escaped}: text, not an image" in shown


def test_missing_spec_says_how_to_make_one(run):
    code, out, err = run("show")
    assert (code, out) == (3, "")
    assert "normstat compute FOLDER" in err


@pytest.mark.parametrize("version", ["1", "0.1.0"])
def test_a_version_in_the_environment_is_not_ours(run, spec, version):
    assert run("show", env={"NORMSTAT_VERSION": version}) == run("show")


@pytest.mark.parametrize("command", ["show", "validate"])
def test_a_folder_in_the_place_of_a_spec_says_how_to_make_one(run, samples, command):
    code, out, err = run(command, samples / "photos")
    assert (code, out) == (3, "")
    assert "photos: is a folder, not a spec; `normstat compute FOLDER` writes one" in err


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["compute"], "normstat compute --help"),
        (["compute", "x", "--shard", "5/4"], "normstat compute --help"),
        (["comptue", "x"], "normstat --help"),
    ],
)
def test_wrong_usage_points_to_the_help_of_its_command(run, arguments, named):
    code, _, err = run(*arguments)
    assert code == 2
    assert err.endswith(f"\nTry '{named}' for help.\n")


def test_file_that_is_no_spec_is_exit_three(run, tmp_path):
    (tmp_path / "normstat.json").write_text(json.dumps({"mean": [0.5]}))
    code, _, err = run("show")
    assert code == 3
    assert "not a normstat spec" in err
