"""Every format: written and read back the same, by its reader and by the framework itself."""

import json
import re
import subprocess
import sys
from fractions import Fraction

import albumentations
import numpy as np
import onnx
import onnxruntime
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from normstat.errors import NormstatError, SpecError
from normstat.formats import FORMATS
from normstat.formats.affine import Affine, best_single_scale
from normstat.formats.exports import differences, every_code, export, targets
from normstat.formats.readings import read_constants
from normstat.presets import load_catalogue, preset
from normstat.spec.model import Constants


def constants(mean, std, max_pixel_value=255, channels="RGB"):
    return Constants(
        channels=[*channels], mean=[*mean], std=[*std], max_pixel_value=max_pixel_value
    )


IMAGENET = preset("imagenet")
SPECS = {
    "RGB": preset("imagenet"),
    "one std": preset("inception"),
    "BGR in 0-255": preset("imagenet-bgr-255"),
    "gray": preset("mnist"),
    "16 bit": constants([0.31], [0.17], 65535, "L"),
    "16 bit RGB": constants([0.3, 0.4, 0.5], [0.1, 0.1, 0.1], 65535),
    "float": constants([0.3, 0.4, 0.5], [0.1, 0.2, 0.3], 1),
    "satellite": preset("eurosat"),
}
# What a format cannot hold, and why: part of the message.
BYTES_ONLY = {"16 bit": "codes 0..255", "16 bit RGB": "codes 0..255", "float": "codes 0..255"}
RGB_ONLY = {"BGR in 0-255": "feeds the channels R G B"}
CANNOT = {
    "keras-hub": RGB_ONLY,
    "transformers": RGB_ONLY,
    "timm": BYTES_ONLY | RGB_ONLY | {"satellite": "codes 0..255"},
    "mmengine": {"satellite": "takes RGB, BGR or gray"},
    "nnunet": {"satellite": "does not bound its codes"},
    "opencv-dnn": {"satellite": "up to 4 channels"},
    "opencv-dnn-params": {"satellite": "up to 4 channels"},
    "onnxruntime-extensions": dict.fromkeys(("gray", "16 bit", "satellite"), "takes 3 channels"),
    "coreml": BYTES_ONLY | {"satellite": "takes RGB, BGR or gray"},
    "tflite": BYTES_ONLY | RGB_ONLY | {"satellite": "1 or 3 channels"},
    "ncnn": {"satellite": "takes RGB, BGR or gray"},
    "deepstream": BYTES_ONLY | {"satellite": "takes RGB, BGR or gray"},
}  # fmt: skip
ROWS = [(name, spec) for name in FORMATS for spec in SPECS]


def file_of(folder, name, content):
    """Write a file under the name that such files have."""
    chosen = FORMATS.load(name)
    usual = chosen.files[0].replace("*", "_primary.txt") if chosen.files else ""
    path = folder / (usual or f"anything{chosen.suffixes[0]}")
    path.write_bytes(content)
    return path


def allowed(name, spec):
    """How far off a format may be: nothing, but for a single scale and for float32."""
    affine = Affine.of(spec)
    if FORMATS.load(name).one_scale:
        return float(best_single_scale(affine)[2]) + 1e-9
    if name == "onnx":
        return 2e-7 * max(float(abs(a)) * 65535 + float(abs(b))
                          for a, b in zip(affine.scale, affine.offset, strict=True))  # fmt: skip
    return 1e-9


@pytest.mark.parametrize(("name", "spec"), ROWS, ids=[f"{a} {b}" for a, b in ROWS])
def test_every_format_holds_every_spec_or_says_why_not(tmp_path, name, spec):
    constants = SPECS[spec]
    if spec in CANNOT.get(name, {}):
        with pytest.raises(SpecError, match=CANNOT[name][spec]):
            export(constants, name)
        return
    written = export(constants, name)
    assert written.error <= allowed(name, constants)
    found = read_constants(file_of(tmp_path, name, written.content))
    assert found.format == (None if name == "json" else name)
    meant, read = Affine.of(constants), Affine.of(found.constants)
    if found.order_known or len(meant.channels) == 1:
        assert read.channels == meant.channels or len(meant.channels) == 1
    assert differences(meant, read).max() <= allowed(name, constants)


@pytest.mark.parametrize("name", FORMATS)
def test_update_of_an_export_is_the_export_of_the_other_spec(name):
    if FORMATS.load(name).binary:
        with pytest.raises(NormstatError, match="cannot be updated"):
            export(SPECS["RGB"], name, update=export(SPECS["one std"], name).content)
        return
    old, new = (export(SPECS[each], name) for each in ("one std", "RGB"))
    updated = export(SPECS["RGB"], name, update=old.content)
    assert updated.changes
    assert updated.error == new.error
    again = export(SPECS["RGB"], name, update=updated.content)
    assert again.changes == ()
    assert again.text == updated.text


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in ("onnx", "json")])
def test_units_are_told_in_every_text_that_has_comments(name):
    text = export(SPECS["RGB"], name).text
    if text.startswith("{"):
        json.loads(text)
        return
    comments = [line for line in text.splitlines() if line.startswith(("#", "//"))]
    assert comments[0].partition("normstat: ")[2]
    assert "channels: R G B; codes: 0..255" in text
    assert max(map(len, text.splitlines())) <= 105


numbers = st.floats(0.001, 0.999).map(lambda value: round(value, 6))


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from([each for each in FORMATS if not FORMATS.load(each).one_scale]),
    mean=st.lists(numbers, min_size=3, max_size=3),
    std=st.lists(numbers, min_size=3, max_size=3),
)
def test_any_mean_and_std_come_back(name, mean, std):
    spec = constants(mean, std)
    written = export(spec, name)
    affine = Affine.of(spec)
    largest = max(map(abs, (*affine.offset, *(a * 255 for a in affine.scale))))
    assert written.error <= (3e-7 if name == "onnx" else 1e-12) * float(largest) + 1e-12


@pytest.mark.parametrize("each", list(load_catalogue()), ids=lambda each: each.name)
def test_every_preset_can_be_exported_or_is_refused_with_a_reason(each):
    spec = each.spec()
    for row in targets(spec):
        if isinstance(row.error, str):
            assert re.match(f"{row.name} (takes|feeds|is for codes|clips|holds) ", row.error)
        else:
            assert row.error <= allowed(row.name, spec) * 2


# The frameworks themselves; those that are large are in tests/frameworks.

RNG = np.random.default_rng(7)
IMAGE = RNG.integers(0, 256, (24, 32, 3), dtype=np.uint8)
IMAGE[0, 0], IMAGE[0, 1] = 0, 255


def expected(spec, codes):
    affine = Affine.of(spec)
    return codes * np.array(affine.scale, float) + np.array(affine.offset, float)


def ran(spec, name):
    """Run the code that is written for a framework and return its variables."""
    variables = {}
    exec(export(spec, name).text, variables)  # noqa: S102 (our own text)
    return variables


def codes_of(spec):
    limit = Affine.of(spec).code_max
    codes = RNG.integers(0, int(limit) + 1, (24, 32, len(spec.channels)))
    codes[0, 0], codes[0, 1] = 0, int(limit)
    return codes.astype(np.uint8 if limit == 255 else np.uint16)


EIGHT_BIT = ["RGB", "one std", "BGR in 0-255", "gray"]


@pytest.mark.parametrize("spec", [*EIGHT_BIT, "16 bit", "16 bit RGB"])
def test_numpy_code_gives_the_numbers_of_the_spec(spec):
    codes = codes_of(SPECS[spec])
    found = ran(SPECS[spec], "python")["normalize"](codes)
    assert found.dtype == np.float32
    assert np.abs(found - expected(SPECS[spec], codes)).max() <= 1e-6


@pytest.mark.parametrize("spec", EIGHT_BIT)
def test_albumentations_gives_the_numbers_of_the_spec(spec):
    codes = codes_of(SPECS[spec])
    data = json.loads(export(SPECS[spec], "albumentations-json").text)
    data["__version__"] = albumentations.__version__  # another is only warned of
    for transform in (ran(SPECS[spec], "albumentations")["normalize"],
                      albumentations.from_dict(data)):  # fmt: skip
        found = transform(image=codes)["image"]
        assert np.abs(found - expected(SPECS[spec], codes)).max() <= 1e-6


def test_albumentations_of_float_images_has_their_range():
    codes = RNG.random((9, 9, 3), dtype=np.float32)
    found = ran(SPECS["float"], "albumentations")["normalize"](image=codes)["image"]
    assert np.abs(found - expected(SPECS["float"], codes)).max() <= 2e-6


@pytest.mark.parametrize("name", ["opencv-dnn", "opencv-dnn-params"])
@pytest.mark.parametrize("spec", EIGHT_BIT)
def test_opencv_gives_the_numbers_of_the_spec_or_those_of_the_best_single_scale(name, spec):
    """Images are as cv2.imread gives them, so that RGB means that the blob is flipped."""
    codes = codes_of(SPECS[spec])
    image = codes[..., ::-1] if SPECS[spec].channels == ["R", "G", "B"] else codes
    blob = ran(SPECS[spec], name)["blob"](np.ascontiguousarray(image))
    found = blob[0].transpose(1, 2, 0)
    error = export(SPECS[spec], name).error
    off = np.abs(found - expected(SPECS[spec], codes)).max()
    assert off <= error + 1e-6
    if name == "opencv-dnn":
        assert off >= error - 1e-6  # the codes 0 and 255 are in the image
    else:
        assert error <= 1e-12


@pytest.mark.parametrize("spec", [*EIGHT_BIT, "16 bit", "16 bit RGB"])
def test_onnxruntime_gives_the_numbers_of_the_spec(spec):
    codes = codes_of(SPECS[spec])
    written = export(SPECS[spec], "onnx")
    session = onnxruntime.InferenceSession(written.content)
    images = codes.transpose(2, 0, 1)[None].astype(np.float32)
    found = session.run(None, {"codes": images})[0][0].transpose(1, 2, 0)
    assert np.abs(found - expected(SPECS[spec], codes)).max() <= 1e-6


def test_detectron2_and_paddle_are_what_yaml_readers_read():
    config = yaml.safe_load(export(SPECS["BGR in 0-255"], "detectron2").text)
    assert config == {
        "MODEL": {"PIXEL_MEAN": [103.53, 116.28, 123.675], "PIXEL_STD": [57.375, 57.12, 58.395]},
        "INPUT": {"FORMAT": "BGR"},
    }
    decode, normalize = yaml.safe_load(export(SPECS["RGB"], "paddle").text)["PreProcess"][
        "transform_ops"
    ]
    assert decode == {"DecodeImage": {"img_mode": "RGB"}}
    fields = normalize["NormalizeImage"]
    assert eval(fields["scale"]) == 1 / 255  # noqa: S307 (as PaddleOCR does)
    assert fields["mean"] == [0.485, 0.456, 0.406]


# One scale for all channels.


def minimax_by_search(a, b, limit):
    """Find the single scale and offsets without a formula."""

    def worst(x):
        scale, offsets = x[0] / limit, x[1:]
        ends = [(a - scale) * code + b - offsets for code in (0, limit)]
        return np.abs(ends).max()

    start = np.array([a.mean() * limit, *b])
    best = min(
        (minimize(worst, start * (1 + each), method="Nelder-Mead",
                  options={"xatol": 1e-12, "fatol": 1e-12, "maxiter": 40_000, "maxfev": 40_000,
                           "adaptive": True})
         for each in (0, 0.01, -0.01)),
        key=lambda found: found.fun,
    )  # fmt: skip
    return best.fun


@pytest.mark.parametrize("name", ["imagenet", "clip", "cifar10"])
def test_best_single_scale_is_what_a_search_finds(name):
    affine = Affine.of(preset(name))
    a, b = (np.array(each, float) for each in (affine.scale, affine.offset))
    found = minimax_by_search(a, b, 255)
    error = float(best_single_scale(affine)[2])
    assert error <= found + 1e-12
    assert found == pytest.approx(error, rel=0.02)


@settings(max_examples=30, deadline=None)
@given(std=st.lists(st.floats(0.05, 0.9), min_size=3, max_size=3), nudge=st.floats(-0.2, 0.2))
def test_no_other_single_scale_is_nearer(std, nudge):
    """Offsets are free, so that for a scale the best ones centre the error of each channel."""
    affine = Affine.of(constants([0.5, 0.4, 0.3], std))
    scale, offsets, error = best_single_scale(affine)
    codes = every_code(Fraction(255))
    a, b = (np.array(each, float)[:, None] for each in (affine.scale, affine.offset))
    off = np.abs(a * codes + b - float(scale) * codes - np.array(offsets, float)[:, None])
    assert off.max() == pytest.approx(float(error), abs=1e-9)
    other = float(scale) * (1 + nudge)
    residual = (a - other) * codes + b
    nearest = ((residual.max(axis=1) - residual.min(axis=1)) / 2).max()
    assert nearest >= float(error) - 1e-9


# Models of others, and names of others.


def model_of(steps, *, opset=13):
    """Return an ONNX model of nodes (operator, constant), then a Relu."""
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    nodes, constants, name = [], [], "x"
    for index, (operator, values) in enumerate(steps):
        inputs = [name]
        if values is not None:
            constants.append(helper.make_tensor(f"c{index}", kind, [1, len(values), 1, 1], values))
            inputs.append(f"c{index}")
        attributes = {"to": kind} if operator == "Cast" else {}
        nodes.append(helper.make_node(operator, inputs, [f"y{index}"], **attributes))
        name = f"y{index}"
    nodes.append(helper.make_node("Relu", [name], ["out"]))
    shape = ["N", 3, "H", "W"]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info("out", kind, shape)], constants,
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


MODELS = {
    "Div, Sub, Div": [("Div", [255.0]), ("Sub", IMAGENET.mean), ("Div", IMAGENET.std)],
    "Cast, Sub, Mul": [
        ("Cast", None), ("Sub", [123.675, 116.28, 103.53]),
        ("Mul", [1 / 58.395, 1 / 57.12, 1 / 57.375]),
    ],
    "Mul, Add": [("Mul", [2.0]), ("Add", [-1.0, -2.0, -3.0])],
}  # fmt: skip


@pytest.mark.parametrize("steps", MODELS.values(), ids=MODELS)
def test_first_steps_of_any_model_are_read_as_onnxruntime_runs_them(tmp_path, steps):
    model = model_of(steps)
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    found = read_constants(tmp_path / "model.onnx")
    codes = np.arange(256, dtype=np.float32).reshape(1, 1, 16, 16).repeat(3, axis=1)
    ran = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": codes})[0]
    read = expected(found.constants, codes.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    assert np.abs(np.maximum(read, 0) - ran).max() <= 1e-4 * max(1, np.abs(ran).max() / 100)


@pytest.mark.parametrize(
    ("steps", "words"),
    [([], "goes through no"), ([("Mul", [0.0])], "a constant is 0"),
     ([("Mul", [2.0] * 3), ("Add", [1.0] * 2)], "its constant has 2 numbers"),
     ([("Mul", [-1.0] * 3)], "scale: expected a number above zero")],
)  # fmt: skip
def test_model_without_a_normalization_is_refused(tmp_path, steps, words):
    (tmp_path / "model.onnx").write_bytes(model_of(steps).SerializeToString())
    with pytest.raises(SpecError, match=words):
        read_constants(tmp_path / "model.onnx")


@pytest.mark.parametrize("name", ["python", "detectron2", "torch-module", "onnx", "toml", "triton"])
@pytest.mark.parametrize(
    "channels", [("near infrared", "[red]"), ("a;b", 'c"d'), ("é", "\n# x"), ("{0}", "*/")]
)
def test_any_name_of_a_channel_comes_back(name, channels):
    spec = constants([0.1, 0.2], [0.3, 0.4], 255, channels)
    chosen = FORMATS.load(name)
    back = chosen.read(chosen.decode(export(spec, name).content))
    assert back.affine.channels == channels


def test_table_of_formats_loads_none_of_them():
    code = "import sys, normstat.formats; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "normstat.formats" in loaded
    assert not loaded & {"numpy", "yaml", "onnx", "normstat.formats.timm"}
