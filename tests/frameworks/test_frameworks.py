"""The written code, run by the framework that it is for, gives the numbers of the spec.

Run by `make test-frameworks`, which installs them: several are too large for every test run.
"""

import json
import os
import warnings

import numpy as np
import pytest

from normstat.formats.affine import Affine
from normstat.formats.exports import export
from normstat.presets import preset
from normstat.spec.model import Constants

os.environ.setdefault("KERAS_BACKEND", "torch")
torch = pytest.importorskip("torch", reason="make test-frameworks installs it")

pytestmark = pytest.mark.filterwarnings("ignore")  # of the frameworks

RGB, BGR, GRAY = preset("imagenet"), preset("imagenet-bgr-255"), preset("mnist")
DEEP = Constants(channels=["L"], mean=[0.31], std=[0.17], max_pixel_value=65535)
SPECS = {"RGB": RGB, "BGR in 0-255": BGR, "gray": GRAY, "16 bit": DEEP}


def codes_for(spec):
    """Return codes of shape (32, 24, C) that reach both ends of the range."""
    limit = 65535 if spec is DEEP else 255
    shape = (32, 24, len(spec.channels))
    codes = np.random.default_rng(1).integers(0, limit + 1, shape)
    codes[0, 0], codes[0, 1] = 0, limit
    return codes.astype(np.uint16 if spec is DEEP else np.uint8)


def expected(spec, codes):
    affine = Affine.of(spec)
    return codes * np.array(affine.scale, float) + np.array(affine.offset, float)


def ran(spec, name):
    """Run the code that is written for a framework and return its variables."""
    variables = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(export(spec, name).text, variables)  # noqa: S102 (our own text)
    return variables


def chw(codes, dtype=None):
    tensor = torch.from_numpy(np.ascontiguousarray(codes.transpose(2, 0, 1)))
    return tensor if dtype is None else tensor.to(dtype)


def by_torchvision(spec, codes):
    return ran(spec, "torchvision")["normalize"](chw(codes)).numpy().transpose(1, 2, 0)


def by_kornia(spec, codes):
    limit = 65535 if spec is DEEP else 255
    images = chw(codes, torch.float32)[None] / limit
    return ran(spec, "kornia")["normalize"](images)[0].numpy().transpose(1, 2, 0)


def by_torch_module(spec, codes):
    module = ran(spec, "torch-module")["Normalization"]()
    assert [each.requires_grad for each in module.parameters()] == [True, True]
    values = module(chw(codes, torch.float32)[None])
    values.sum().backward()
    assert all(each.grad is not None for each in module.parameters())
    return values.detach()[0].numpy().transpose(1, 2, 0)


def by_keras(spec, codes):
    layer = ran(spec, "keras")["normalize"]
    return layer(torch.from_numpy(codes.astype(np.float32))[None]).detach().cpu().numpy()[0]


def by_monai(spec, codes):
    transform = ran(spec, "monai")["normalize"]
    return np.asarray(transform({"image": chw(codes).float()})["image"]).transpose(1, 2, 0)


def by_mmengine(spec, codes):
    from mmengine.model import ImgDataPreprocessor

    config = ran(spec, "mmengine")["data_preprocessor"]
    assert config.pop("type") == "ImgDataPreprocessor"
    image = chw(codes)
    if spec is RGB:  # images come as BGR
        image = image.flip(0)
    values = ImgDataPreprocessor(**config)({"inputs": [image], "data_samples": None})["inputs"]
    return values[0].numpy().transpose(1, 2, 0)


def by_transformers(spec, codes):
    from transformers import ViTImageProcessor

    config = json.loads(export(spec, "transformers").text)
    processor = ViTImageProcessor(**config, do_resize=False)
    values = processor(images=list(codes[None]), input_data_format="channels_last")
    return np.asarray(values["pixel_values"][0]).transpose(1, 2, 0)


def by_timm(spec, codes):
    from PIL import Image
    from timm.data import create_transform, resolve_data_config

    config = json.loads(export(spec, "timm").text)["pretrained_cfg"]
    found = resolve_data_config(pretrained_cfg={**config, "input_size": (3, 24, 24)})
    transform = create_transform((3, *codes.shape[:2]), mean=found["mean"], std=found["std"])
    values = transform.transforms[-1](transform.transforms[-2](Image.fromarray(codes)))
    return values.numpy().transpose(1, 2, 0)


def by_openvino(spec, codes):
    import openvino
    from openvino import opset13

    count = codes.shape[-1]
    inputs = opset13.parameter([1, count, *codes.shape[:2]], np.float32, name="x")
    model = openvino.Model([opset13.add(inputs, np.float32(0))], [inputs], "passes its input on")
    model = ran(spec, "openvino")["with_preprocessing"](model)
    values = openvino.Core().compile_model(model, "CPU")([codes[None]])[0]
    return values[0].transpose(1, 2, 0)


def by_onnxruntime_extensions(spec, codes):
    import onnxruntime
    from onnx import TensorProto
    from onnxruntime_extensions.tools.pre_post_processing import (
        PrePostProcessor,
        create_named_value,
    )

    steps = ran(spec, "onnxruntime-extensions")["steps"]
    shape = [codes.shape[-1], *codes.shape[:2]]
    source = create_named_value("codes", TensorProto.UINT8, shape)
    pipeline = PrePostProcessor([source], onnx_opset=18)
    pipeline.add_pre_processing(steps)
    # The steps alone are a model too: a network that passes its input on comes behind them.
    import onnx

    info = onnx.helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    out = onnx.helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["x"], ["y"])], "g", [info], [out]
    )
    model = onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=8
    )
    whole = pipeline.run(model)
    session = onnxruntime.InferenceSession(whole.SerializeToString())
    feed = {session.get_inputs()[0].name: np.ascontiguousarray(codes.transpose(2, 0, 1))}
    return session.run(None, feed)[0].transpose(1, 2, 0)


def by_keras_hub(spec, codes):
    import keras
    import keras_hub  # noqa: F401 (registers its layers)

    layer = keras.saving.deserialize_keras_object(json.loads(export(spec, "keras-hub").text))
    return np.asarray(layer(codes[None]))[0]


def by_coreml(spec, codes):
    """Only the values that coremltools keeps: predictions need a Mac."""
    kind = ran(spec, "coreml")["image_input"]((1, codes.shape[-1], *codes.shape[:2]))
    return codes * np.array(kind.scale) + np.array(kind.bias)


ROWS = [
    (by_torchvision, ["RGB", "BGR in 0-255", "gray", "16 bit"]),
    (by_kornia, ["RGB", "BGR in 0-255", "gray", "16 bit"]),
    (by_torch_module, ["RGB", "BGR in 0-255", "gray", "16 bit"]),
    (by_keras, ["RGB", "BGR in 0-255", "gray", "16 bit"]),
    (by_monai, ["RGB", "BGR in 0-255", "gray", "16 bit"]),
    (by_mmengine, ["RGB", "BGR in 0-255", "gray"]),
    (by_transformers, ["RGB"]),
    (by_timm, ["RGB"]),
    (by_openvino, ["RGB", "BGR in 0-255", "gray", "16 bit"]),
    (by_onnxruntime_extensions, ["RGB", "BGR in 0-255"]),
    (by_keras_hub, ["RGB"]),
    (by_coreml, ["gray"]),
]


@pytest.mark.parametrize(
    ("framework", "spec"),
    [(row, SPECS[name]) for row, names in ROWS for name in names],
    ids=[f"{row.__name__} {name}" for row, names in ROWS for name in names],
)
def test_framework_gives_the_numbers_of_the_spec(framework, spec):
    codes = codes_for(spec)
    found = framework(spec, codes)
    assert found.shape == codes.shape
    assert np.abs(found - expected(spec, codes)).max() <= 2e-6
