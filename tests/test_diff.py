"""The real command: which configurations are the same preprocessing, and what explains the rest."""

import json

import jsonschema
import pytest

import normstat
from normstat.difference import diff
from normstat.formats import FORMATS
from normstat.formats.exports import export
from normstat.presets import preset
from normstat.spec.files import save
from normstat.spec.model import Constants
from tests.test_export import here  # noqa: F401 (a fixture)

IMAGENET, CLIP = preset("imagenet"), preset("clip")


def constants(mean, std, max_pixel_value=255, channels="RGB"):
    return Constants(
        channels=[*channels], mean=[float(m) for m in mean], std=[float(s) for s in std],
        max_pixel_value=max_pixel_value,
    )  # fmt: skip


@pytest.mark.parametrize("name", [each for each in FORMATS if not FORMATS.load(each).one_scale])
def test_every_export_is_the_same_preprocessing_as_its_spec(here, tmp_path, name):  # noqa: F811
    chosen = FORMATS.load(name)
    path = tmp_path / (chosen.files[0] if chosen.files else f"a{chosen.suffixes[0]}")
    path.write_bytes(export(IMAGENET, name).content)
    code, out, _ = here("diff", "imagenet", path)
    assert code == 0, out
    assert "SAME" in out


def test_best_single_scale_is_different_by_its_error(here, tmp_path):  # noqa: F811
    (tmp_path / "pgie.txt").write_text(export(IMAGENET, "deepstream").text)
    code, out, _ = here("diff", "imagenet", "pgie.txt")
    assert code == 1
    assert "0.0244 at most" in out
    assert "one scale: pgie.txt has the same std for all channels" in out
    assert here("diff", "imagenet", "pgie.txt", "--tolerance", "0.03").code == 0


SLIPS = [
    ("fed in another order", preset("imagenet-bgr-255"), "channel order: ours feeds B G R"),
    ("BGR numbers for RGB", constants(IMAGENET.mean[::-1], IMAGENET.std[::-1]), "channel order"),
    ("0-255 for 0-1", constants([123.675, 116.28, 103.53], [58.395, 57.12, 57.375]), "range"),
    ("divided twice", constants([m / 255 for m in IMAGENET.mean],
                                [s / 255 for s in IMAGENET.std]), "range"),
    ("1/std", constants(IMAGENET.mean, [1 / s for s in IMAGENET.std]), "1/std"),
    ("std of another preset", constants(IMAGENET.mean, CLIP.std), "the std of clip"),
    ("two decimals", constants([0.49, 0.46, 0.41], [0.23, 0.22, 0.22]),
     "rounding: ours is imagenet rounded to 2 decimals in 0–1"),
    ("whole codes", constants([124, 116, 104], [58, 57, 57], 1),
     "rounding: ours is imagenet rounded to 0 decimals in 0–255"),
    ("caffe's std of 1", constants([123.675, 116.28, 103.53], [1, 1, 1], 1), "ours divides by 1"),
    ("16 bit for 8 bit", constants(IMAGENET.mean, IMAGENET.std, 65535),
     "range: ours is for codes up to 65535, imagenet is for codes up to 255"),
    ("gray", constants([0.5], [0.5], channels="L"), "channels: ours has 1, imagenet has 3"),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "words"), [row[1:] for row in SLIPS], ids=[r[0] for r in SLIPS])
def test_slip_is_named_and_the_answer_is_no(here, tmp_path, spec, words):  # noqa: F811
    save(spec, tmp_path / "ours")
    for sides in (("ours", "imagenet"), ("imagenet", "ours")):
        code, out, _ = here("diff", *sides, "--format", "json")
        assert code == 1
        found = json.loads(out)
        assert found["same"] is False
        if sides[0] == "ours":
            assert any(words in each for each in found["findings"]), found["findings"]
        assert found["findings"]


def test_largest_difference_is_the_one_by_hand(here, tmp_path):  # noqa: F811
    found = diff(IMAGENET, CLIP)
    for index, largest in enumerate(found.largest):
        ends = [
            (code / 255 - IMAGENET.mean[index]) / IMAGENET.std[index]
            - (code / 255 - CLIP.mean[index]) / CLIP.std[index]
            for code in (0, 255)
        ]
        assert largest == pytest.approx(max(map(abs, ends)), rel=1e-9)


def test_order_matters_even_when_the_numbers_are_the_same():
    found = normstat.diff("imagenet", "imagenet-bgr-255")
    assert not found.same
    assert max(found.largest) == 0
    assert found.verdict.startswith("DIFFERENT order of channels")


@pytest.mark.parametrize(("tolerance", "code"), [("0.33", 1), ("0.5", 0)])
def test_tolerance_is_in_normalized_units(here, tolerance, code):  # noqa: F811
    assert here("diff", "imagenet", "clip", "--tolerance", tolerance).code == code


ENDS = [
    (2, ["imagenet"], "Missing argument 'B'"),
    (2, ["imagenet", "clipp"], "did you mean 'clip'"),
    (2, ["imagenet", "clip", "--from", "nothing"], "nothing"),
    (3, ["imagenet", "none.json"], "none.json: no such file"),
    (3, ["imagenet", "zero.json"], "zero.json: std of channel G is 0"),
    (3, ["imagenet", "list.json"], "list.json: not a normstat spec"),
]


@pytest.mark.parametrize(("code", "args", "text"), ENDS, ids=[" ".join(row[1]) for row in ENDS])
def test_every_end_has_its_code_and_its_reason(here, tmp_path, code, args, text):  # noqa: F811
    save(constants(IMAGENET.mean, [0.2, 0.0, 0.2]), tmp_path / "zero.json")
    (tmp_path / "list.json").write_text("[1]")
    found = here("diff", *args)
    assert (found.code, found.out) == (code, "")
    assert text in found.err


@pytest.mark.parametrize("columns", [60, 80, 140])
def test_table_fits_the_terminal(here, monkeypatch, columns):  # noqa: F811
    monkeypatch.setenv("COLUMNS", str(columns))
    code, out, _ = here("diff", "imagenet", "imagenet-bgr-255")
    assert code == 1
    assert max(map(len, out.splitlines())) <= columns
    assert "…" not in out


def test_names_of_files_are_text(run):
    save(constants(IMAGENET.mean, CLIP.std), run.folder / "[red]\x1b[2J.json")
    code, out, err = run("diff", "imagenet", "[red]\x1b[2J.json")
    assert code == 1
    assert "\x1b" not in out + err
    assert "[red]" in out


def test_json_fits_the_schema_and_says_what_was_assumed(here, tmp_path):  # noqa: F811
    (tmp_path / "preprocessor_config.json").write_text('{"image_mean": [0.5], "image_std": [0.5]}')
    found = json.loads(here("diff", "preprocessor_config.json", "mnist", "--format", "json").out)
    jsonschema.validate(found, json.loads(here("schema", "difference").out))
    assert any("rescale_factor" in each for each in found["assumed"])


def test_quiet_leaves_the_code(here):  # noqa: F811
    assert here("diff", "-q", "imagenet", "clip") == (1, "", "")
