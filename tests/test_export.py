"""The real command: what it writes, what it tells, and the code that it ends with."""

import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

import normstat
from normstat.cli import main
from normstat.formats import FORMATS
from normstat.formats.exports import targets
from normstat.presets import preset
from normstat.spec.files import save
from normstat.spec.model import Constants
from tests.conftest import Ran


@pytest.fixture
def here(tmp_path, monkeypatch, capsys):
    """The command without a process of its own: same entry, code and text."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def command(*args):
        with pytest.raises(SystemExit) as end:
            main([*map(str, args)])
        return Ran(end.value.code, *capsys.readouterr())

    return command


@pytest.fixture
def spec(tmp_path):
    """A normstat.json in the working folder."""
    spec = Constants(
        channels=[*"RGB"], mean=[0.4, 0.5, 0.6], std=[0.2, 0.25, 0.3], max_pixel_value=255
    )
    save(spec, tmp_path / "normstat.json")
    return spec


def test_export_of_a_computed_spec_as_a_new_user_types_it(run, samples):
    assert run("compute", samples / "photos", "--quiet").code == 0
    code, out, err = run("export", "--to", "torchvision")
    assert (code, err) == (0, "")
    assert "v2.Normalize(" in out
    mean = normstat.load(run.folder / "normstat.json").mean
    assert str(mean[0]) in out


ENDS = [
    (0, ["imagenet", "--to", "timm"], '"mean": [0.485, 0.456, 0.406]', ""),
    (0, ["--to", "timm"], '"mean": [0.4, 0.5, 0.6]', ""),
    (0, ["imagenet", "--to", "opencv-dnn", "--allow-error"], "blobFromImage(", "error 0.0243"),
    (0, ["imagenet", "--to", "deepstream", "--max-error", "0.03"], "net-scale-factor=", ""),
    (0, ["inception", "--to", "coreml"], "ImageType", ""),
    (1, ["imagenet", "--to", "coreml"], "", "(it has one scale for all channels), above 1e-06"),
    (2, ["imagenet"], "", "normstat export --list"),
    (2, ["imagenet", "--to", "torchvison"], "", "torchvison"),
    (2, ["imagenett", "--to", "timm"], "", "did you mean 'imagenet'"),
    (2, ["imagenet", "--to", "onnx"], "", "name a file with -o"),
    (3, ["imagenet-bgr-255", "--to", "timm"], "", "timm feeds the channels R G B"),
    (3, ["nowhere.json", "--to", "timm"], "", "nowhere.json: no such file"),
    (3, ["imagenet", "--to", "timm", "--update", "nowhere.json"], "", "nowhere.json: No such file"),
    (3, ["imagenet", "--to", "timm", "-o", "no/where.json"], "", "no/where.json"),
    (3, ["eurosat", "--to", "coreml"], "", "coreml takes RGB, BGR or gray"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "args", "out", "err"), ENDS, ids=[" ".join(row[1]) for row in ENDS]
)
@pytest.mark.usefixtures("spec")
def test_every_end_has_its_code_and_its_reason(here, code, args, out, err):
    found = here("export", *args)
    assert found.code == code, found
    assert out in found.out
    assert err in found.err
    assert bool(found.out) == bool(out)
    assert "Traceback" not in found.err


def test_output_is_written_whole_and_other_content_is_not_replaced(here, spec, tmp_path):
    path = tmp_path / "normalize.py"
    assert here("export", "--to", "keras", "-o", path).code == 0
    written = path.read_text()
    assert here("export", "--to", "keras", "-o", path).code == 0  # the same again
    found = here("export", "imagenet", "--to", "keras", "-o", path)
    assert found.code == 3
    assert "--update" in found.err
    assert path.read_text() == written
    assert here("export", "imagenet", "--to", "keras", "-o", path, "--force").code == 0
    assert "123.675" in path.read_text()
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".normstat")] == []


def test_update_in_place_tells_old_and_new_values(here, spec, tmp_path):
    path = tmp_path / "config.json"
    path.write_text('{"pretrained_cfg": {"mean": [0.5, 0.5, 0.5], "std": [1, 1, 1], "a": 1.50}}')
    code, out, err = here("export", "--to", "timm", "--update", path)
    assert code == 0
    assert out == (
        "pretrained_cfg.mean: [0.5, 0.5, 0.5] -> [0.4, 0.5, 0.6]\n"
        "pretrained_cfg.std: [1, 1, 1] -> [0.2, 0.25, 0.3]\n"
    )
    assert "y = (code / 255 − mean) / std" in err
    assert path.read_text() == (
        '{"pretrained_cfg": {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.25, 0.3], "a": 1.50}}'
    )
    code, out, err = here("export", "--to", "timm", "--update", path)
    assert (code, out) == (0, "")
    assert "has these numbers already" in err


def test_update_beyond_the_error_leaves_the_file_alone(here, tmp_path):
    path = tmp_path / "pgie.txt"
    path.write_text("[property]\nnet-scale-factor=1\n")
    assert here("export", "imagenet", "--to", "deepstream", "--update", path).code == 1
    assert path.read_text() == "[property]\nnet-scale-factor=1\n"


def test_update_to_standard_output_keeps_changes_apart(here, spec, tmp_path):
    path = tmp_path / "config.json"
    old = '{"pretrained_cfg": {"mean": [0.5, 0.5, 0.5], "std": [1, 1, 1]}}'
    path.write_text(old)
    code, out, err = here("export", "--to", "timm", "--update", path, "-o", "-")
    assert code == 0
    assert json.loads(out)["pretrained_cfg"]["mean"] == spec.mean
    assert "[0.5, 0.5, 0.5] -> [0.4, 0.5, 0.6]" in err
    assert path.read_text() == old


def test_numbers_that_were_measured_are_not_replaced_in_their_spec(run, samples):
    assert run("compute", samples / "photos", "--quiet").code == 0
    before = (run.folder / "normstat.json").read_bytes()
    code, _, err = run("export", "imagenet", "--to", "json", "--update", "normstat.json")
    assert code == 3
    assert "normstat compute" in err
    assert (run.folder / "normstat.json").read_bytes() == before


def test_update_of_another_format_names_the_field(here, spec, tmp_path):
    (tmp_path / "a.json").write_text('{"size": 3}')
    code, _, err = here("export", "--to", "transformers", "--update", "a.json")
    assert code == 3
    assert "a.json" in err
    assert "image_mean is not given" in err


def test_configurations_are_read_wherever_a_spec_is(here, spec, tmp_path):
    old = tmp_path / "preprocessor_config.json"
    old.write_text(
        '{"do_normalize": true, "image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.25, 0.3]}'
    )
    code, out, err = here("export", old, "--to", "json")
    assert code == 0
    assert out == (tmp_path / "normstat.json").read_text()
    assert "rescale_factor is not given: 1/255 is assumed" in err
    code, out, _ = here("show", old)
    assert code == 0
    assert "0.25" in out
    code, out, err = here("compare", old, "imagenet", "--format", "json")
    assert code == 0
    assert "rescale_factor" in err
    assert json.loads(out)["comparisons"][0]["a"]["mean"] == spec.mean


def test_apply_takes_the_numbers_of_a_configuration(run, samples):
    (run.folder / "config.json").write_text(
        '{"pretrained_cfg": {"mean": [0.5], "std": [0.5], "input_size": [3, 8, 8]}}'
    )
    code, out, _ = run("apply", samples / "photos", "--spec", "config.json", "--dry-run")
    assert code == 0
    assert "numbers of config.json" in out


def test_from_names_what_a_file_is(here, tmp_path):
    (tmp_path / "numbers.txt").write_text('{"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}')
    assert here("show", "numbers.txt").code == 3
    code, out, _ = here("show", "numbers.txt", "--from", "timm", "--format", "json")
    assert code == 0
    assert json.loads(out)["std"] == [0.25] * 3


def test_onnx_is_written_and_read_back(here, spec, tmp_path):
    assert here("export", "--to", "onnx", "-o", "n.onnx").code == 0
    code, out, _ = here("show", "n.onnx", "--format", "json")
    assert code == 0
    assert json.loads(out)["std"] == pytest.approx(spec.std, rel=1e-6)


def test_model_goes_through_a_pipe_as_the_bytes_that_a_file_would_have(here, tmp_path):
    assert here("export", "imagenet", "--to", "onnx", "-o", "n.onnx").code == 0
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as pool:
        read = pool.submit(pipe.read_bytes)
        assert here("export", "imagenet", "--to", "onnx", "-o", "pipe").code == 0
        assert read.result() == (tmp_path / "n.onnx").read_bytes()


@pytest.mark.parametrize("columns", [60, 80, 140])
@pytest.mark.parametrize("named", [[], ["imagenet-bgr-255"]])
def test_list_fits_the_terminal_and_names_every_format(here, monkeypatch, columns, named):
    monkeypatch.setenv("COLUMNS", str(columns))
    code, out, _ = here("export", "--list", *named)
    assert code == 0
    lines = out.splitlines()
    assert max(map(len, lines)) <= columns
    assert {line.split()[0] for line in lines if line.strip()} >= set(FORMATS)
    assert "\x1b" not in out


def test_list_has_the_errors_that_export_has(here):
    rows = {row.name: row for row in targets(preset("imagenet"))}
    assert {name for name, row in rows.items() if row.one_scale} == {
        "opencv-dnn", "coreml", "deepstream",
    }  # fmt: skip
    assert all(row.error <= 1e-6 for row in rows.values() if not row.one_scale)
    assert "2.4e-02" in here("export", "--list", "imagenet").out


def test_missing_extra_is_named_with_its_install_line(run):
    (run.folder / "onnx.py").write_text("raise ModuleNotFoundError(name='onnx')")
    env = {"PYTHONPATH": f"{run.folder}:{run.env['PYTHONPATH']}"}
    code, _, err = run("export", "imagenet", "--to", "onnx", "-o", "n.onnx", env=env)
    assert code == 3
    assert "pip install 'normstat[onnx]'" in err
    assert "Traceback" not in err


def test_python_export_is_the_command(here):
    text = normstat.export(preset("clip"), "timm").text
    assert here("export", "clip", "--to", "timm").out == text
