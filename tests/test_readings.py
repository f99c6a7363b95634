"""Configurations as people have them: what they say, what they leave out, what is wrong in them."""

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from normstat.errors import NormstatError, SourceError, SpecError, UsageError
from normstat.formats import FORMATS
from normstat.formats.affine import Affine
from normstat.formats.exports import differences, export
from normstat.formats.readings import read_constants
from normstat.presets import preset
from normstat.spec.model import Constants

IMAGENET, BGR = preset("imagenet"), preset("imagenet-bgr-255")
CAFFE = Constants(
    channels=[*"BGR"], mean=[103.53, 116.28, 123.675], std=[1.0, 1.0, 1.0], max_pixel_value=1
)
HALF = Constants(channels=[*"RGB"], mean=[0.5] * 3, std=[0.5] * 3, max_pixel_value=255)
GRAY_HALF = Constants(channels=["L"], mean=[0.5], std=[0.5], max_pixel_value=255)

# File name, text, its format, what it means, and what of it is assumed.
CONFIGURATIONS = {
    "transformers": ("preprocessor_config.json", """{
      "do_normalize": true, "do_rescale": true, "do_resize": true,
      "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
      "image_processor_type": "ViTImageProcessor", "resample": 2,
      "rescale_factor": 0.00392156862745098, "size": {"height": 224, "width": 224}}""",
      "transformers", IMAGENET, []),
    "transformers before do_rescale": ("preprocessor_config.json", """{
      "do_normalize": true, "do_resize": true, "feature_extractor_type": "ViTFeatureExtractor",
      "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "size": 224}""",
      "transformers", HALF, ["do_rescale", "rescale_factor"]),
    "transformers with mean and std (BLIP)": ("preprocessor_config.json", """{
      "do_normalize": true, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}""",
      "transformers", IMAGENET, ["do_rescale", "rescale_factor"]),
    "transformers to -1..1 by an offset": ("preprocessor_config.json", """{
      "do_normalize": false, "do_rescale": true, "rescale_factor": 0.00784313725490196,
      "rescale_offset": true, "image_processor_type": "EfficientNetImageProcessor"}""",
      "transformers", GRAY_HALF, []),
    "timm": ("config.json", """{
      "architecture": "resnet50", "num_classes": 1000, "pretrained_cfg": {"tag": "a1_in1k",
      "input_size": [3, 224, 224], "interpolation": "bicubic", "crop_pct": 0.875,
      "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "classifier": "fc"}}""",
      "timm", IMAGENET, []),
    "timm before pretrained_cfg": ("config.json", """{
      "architecture": "vit", "crop_pct": 0.9, "input_size": [3, 224, 224], "mean": [0.5],
      "std": [0.5]}""", "timm", HALF, []),
    "keras-hub": ("preprocessor.json", """{
      "module": "keras_hub.src.models.resnet", "class_name": "ResNetImageClassifierPreprocessor",
      "config": {"name": "p", "image_converter": {"class_name": "ResNetImageConverter", "config": {
      "scale": [0.017124753831663668, 0.01750700280112045, 0.017429193899782133],
      "offset": [-2.1179039301310043, -2.0357142857142856, -1.8044444444444445],
      "image_size": [224, 224]}}}}""", "keras-hub", IMAGENET, []),
    "keras-hub in a list of layers": ("preprocessor.json", """{"config": {"layers": [
      {"class_name": "Resizing", "config": {"height": 8}}, {"class_name": "ImageConverter",
      "config": {"scale": 0.00784313725490196, "offset": -1}}]}}""", "keras-hub", HALF, []),
    "keras-hub with one number": ("image_converter.json", """{
      "class_name": "ImageConverter", "config": {"scale": 0.00784313725490196, "offset": -1}}""",
      "keras-hub", HALF, []),
    "albumentations in a Compose": ("pipeline.json", """{"__version__": "2.0.8", "transform": {
      "__class_fullname__": "Compose", "p": 1.0, "transforms": [
      {"__class_fullname__": "HorizontalFlip", "p": 0.5},
      {"__class_fullname__": "albumentations.augmentations.pixel.transforms.Normalize", "p": 1.0,
       "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "max_pixel_value": 255.0}]}}""",
      "albumentations-json", IMAGENET, ["order"]),
    "albumentations in code": ("train.py", """
import albumentations as A
MEAN, IMAGENET_STD = None, (0.229, 0.224, 0.225)
mean = [123.675 / 255, 116.28 / 255, 103.53 / 255]
transform = A.Compose([A.Resize(224, 224), A.Normalize(mean=mean, std=IMAGENET_STD)])
""", "albumentations", IMAGENET, ["max_pixel_value", "order"]),
    "torchvision v1": ("train.py", """
from torchvision import transforms
normalize = transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
train = transforms.Compose([transforms.RandomResizedCrop(224), transforms.ToTensor(), normalize])
""", "torchvision", IMAGENET, ["order"]),
    "torchvision with named numbers": ("data.py", """
from torchvision import transforms as T
MEAN = [x / 255 for x in (123.675, 116.28, 103.53)]
STD = [x / 255 for x in (58.395, 57.12, 57.375)]
train = T.Compose([T.ToTensor(), T.Normalize(MEAN, STD)])
test = T.Compose([T.Resize(256), T.ToTensor(), T.Normalize(MEAN, STD)])
""", "torchvision", IMAGENET, ["order"]),
    "torchvision v2": ("data.py", """
import torch
from torchvision.transforms import v2
t = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.5] , [0.5])])
""", "torchvision", GRAY_HALF, []),
    "mmdetection 3": ("faster_rcnn.py", """
model = dict(
    type='FasterRCNN',
    data_preprocessor=dict(
        type='DetDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_size_divisor=32),
    backbone=dict(type='ResNet', depth=50))
""", "mmengine", IMAGENET, []),
    "mmdetection 2": ("old.py", """
img_norm_cfg = dict(mean=[103.530, 116.280, 123.675], std=[1.0, 1.0, 1.0], to_rgb=False)
train_pipeline = [dict(type='Normalize', **img_norm_cfg), dict(type='Pad', size_divisor=32)]
""", "mmengine", CAFFE, []),
    "detectron2": ("mask_rcnn.yaml", """
_BASE_: "../Base-RCNN-FPN.yaml"
MODEL:
  WEIGHTS: "detectron2://ImageNetPretrained/torchvision/R-50.pkl"
  PIXEL_MEAN: [123.675, 116.280, 103.530]
  PIXEL_STD: [58.395, 57.120, 57.375]
INPUT:
  FORMAT: "RGB"
""", "detectron2", IMAGENET, []),
    "detectron2 by its defaults": ("r50.yaml", """
MODEL:
  PIXEL_MEAN:
  - 103.530
  - 116.280
  - 123.675
""", "detectron2", CAFFE, ["PIXEL_STD", "INPUT.FORMAT"]),
    "paddleocr": ("det.yml", """
Train:
  dataset:
    transforms:
    - DecodeImage: # load image
        img_mode: BGR
        channel_first: False
    - NormalizeImage:
        scale: 1./255.
        mean: [0.406, 0.456, 0.485]
        std: [0.225, 0.224, 0.229]
        order: 'hwc'
""", "paddle", BGR, []),
    "paddle with a block of its own above": ("det.yml", """
Train:
  transforms:
  - NormalizeImage: {scale: 1./255., mean: [0.1, 0.2, 0.3], std: [0.1, 0.2, 0.3]}
NormalizeImage: {scale: 1./255., mean: [0.406, 0.456, 0.485], std: [0.225, 0.224, 0.229]}
DecodeImage: {img_mode: BGR}
""", "paddle", BGR, []),
    "paddle without DecodeImage": ("inference.yml", """
PreProcess:
  transform_ops:
  - NormalizeImage: {scale: 0.00392156862745098, mean: [0.406, 0.456, 0.485],
      std: [0.225, 0.224, 0.229], order: ''}
""", "paddle", BGR, ["DecodeImage.img_mode"]),
    "opencv": ("detect.py", """
import cv2 as cv
blob = cv.dnn.blobFromImage(frame, 1.0, (300, 300), (103.53, 116.28, 123.675), swapRB=False)
""", "opencv-dnn", CAFFE, []),
    "opencv with few arguments": ("detect.py", """
blob = cv2.dnn.blobFromImage(image, 1 / 127.5, (224, 224), mean=[127.5, 127.5, 127.5])
""", "opencv-dnn", Constants(channels=[*"BGR"], mean=[0.5] * 3, std=[0.5] * 3, max_pixel_value=255),
      ["swapRB"]),
    "openvino on the command line": ("convert.sh", """
mo --input_model model.onnx --mean_values [123.675,116.28,103.53] \\
   --scale_values=[58.395,57.12,57.375] --reverse_input_channels
""", "openvino", IMAGENET, ["order"]),
    "coreml": ("convert.py", """
import coremltools as ct
image = ct.ImageType(name="x", shape=(1, 3, 224, 224), scale=1/127.5, bias=[-1, -1, -1])
""", "coreml", HALF, ["color_layout"]),
    "dali with a scale and a shift": ("pipeline.py", """
images = fn.crop_mirror_normalize(images, dtype=types.FLOAT, mean=[127.5] , std=[255.0], scale=2.0)
""", "dali", GRAY_HALF, []),
    "dali": ("pipeline.py", """
IMAGENET_MEAN = [0.485 * 255, 0.456 * 255, 0.406 * 255]
out = fn.crop_mirror_normalize(images.gpu(), mean=IMAGENET_MEAN,
                               std=[0.229 * 255, 0.224 * 255, 0.225 * 255])
""", "dali", IMAGENET, ["order"]),
    "keras": ("model.py", """
from keras import layers
x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
""", "keras", GRAY_HALF, []),
    "keras in two layers": ("model.py", """
import keras
rescale = keras.layers.Rescaling(scale=1.0 / 255)
norm = keras.layers.Normalization(mean=[0.485, 0.456, 0.406],
                                  variance=[0.229 * 0.229, 0.224 * 0.224, 0.225 * 0.225])
""", "keras", IMAGENET, ["order"]),
    "monai": ("transforms.py", """
from monai.transforms import Compose, NormalizeIntensityd
t = Compose([NormalizeIntensityd(keys=["image"], subtrahend=127.5, divisor=127.5)])
""", "monai", GRAY_HALF, []),
    "tflite": ("metadata.py", """
writer = ImageClassifierWriter.create_for_inference(
    writer_utils.load_file(_MODEL_PATH), [127.5], [127.5], [_LABEL_FILE])
""", "tflite", GRAY_HALF, []),
    "deepstream": ("config_infer_primary.txt", """
[property]
gpu-id=0
net-scale-factor=0.00784313725490196
offsets=127.5;127.5;127.5
onnx-file=resnet18.onnx
## 0=RGB, 1=BGR
model-color-format=0
[class-attrs-all]
topk=20
""", "deepstream", HALF, []),
    "deepstream by its defaults": ("pgie.txt", """
[property]
net-scale-factor=1
offsets=103.53;116.28;123.675
""", "deepstream", Constants(channels=[*"RGB"], mean=[103.53, 116.28, 123.675], std=[1.0] * 3,
                             max_pixel_value=1), ["model-color-format"]),
    "ncnn": ("squeezenet.cpp", """
    ncnn::Mat in = ncnn::Mat::from_pixels(bgr.data, ncnn::Mat::PIXEL_BGR2RGB, width, height);
    const float mean_vals[3] = {0.485f*255.f, 0.456f*255.f, 0.406f*255.f};
    const float norm_vals[3] = {1/0.229f/255.f, 1/0.224f/255.f, 1/0.225f/255.f};
    in.substract_mean_normalize(mean_vals, norm_vals);
""", "ncnn", IMAGENET, []),
    "rknn": ("convert.py", """
rknn.config(mean_values=[[123.675, 116.28, 103.53]], std_values=[[58.395, 57.12, 57.375]],
            target_platform='rk3588')
""", "rknn", IMAGENET, ["order"]),
    "onnxruntime-extensions": ("add.py", """
from onnxruntime_extensions.tools.pre_post_processing import *
pipeline.add_pre_processing([ImageBytesToFloat(), Normalize([(0.5, 0.5)], layout="CHW")])
""", "onnxruntime-extensions", HALF, ["rescale_factor", "order"]),
    "nnunet": ("dataset_fingerprint.json", """{"foreground_intensity_properties_per_channel": {
      "0": {"max": 255.0, "mean": 127.5, "median": 120.0, "min": 0.0, "percentile_00_5": 3.0,
      "percentile_99_5": 250.0, "std": 127.5}}, "spacings": [[1.0, 1.0, 1.0]]}""",
      "nnunet", GRAY_HALF, ["clipped"]),
    "toml": ("settings.toml", """
title = "mean = [1]  # not this"
[data.normalize]
std = [0.229, 0.224, 0.225]
mean = [  # of ImageNet
    0.485, 0.456,
    0.406,
]
""", "toml", IMAGENET, ["max_pixel_value", "order"]),
    "kornia": ("aug.py", """
import kornia, torch
norm = kornia.enhance.Normalize(mean=torch.tensor([0.5, 0.5, 0.5]), std=torch.tensor([0.5] ))
""", "kornia", HALF, ["255", "order"]),
}  # fmt: skip


@pytest.mark.parametrize("case", CONFIGURATIONS)
def test_configuration_is_recognised_and_read_and_its_gaps_are_told(tmp_path, case):
    name, text, kind, meant, assumed = CONFIGURATIONS[case]
    (tmp_path / name).write_text(text)
    found = read_constants(tmp_path / name)
    assert found.format == kind
    assert found.constants.channels == meant.channels
    assert differences(Affine.of(meant), Affine.of(found.constants)).max() <= 1e-9
    assert len(found.warnings) == len(assumed), found.warnings
    for word, warning in zip(assumed, found.warnings, strict=True):
        assert word in warning


WRONG = [
    ("transformers", '{"image_mean": [0.5, NaN], "image_std": [1]}', "not valid JSON"),
    ("transformers", '{"image_mean": [0.5, true], "image_std": [1, 1]}', r"image_mean\[1\].*True"),
    ("transformers", '{"image_mean": "0.5", "image_std": [1]}', "image_mean.*'0.5'"),
    ("transformers", '{"image_mean": [0.5]}', "image_std is not given"),
    ("transformers", '{"image_mean": [0.5, 0.5], "image_std": [1, 1, 1]}', "2 numbers and std 3"),
    ("transformers", '{"image_mean": [0.5], "image_std": [0]}', "image_std.*above zero"),
    ("transformers", '{"image_mean": [], "image_std": []}', "image_mean.*got 0"),
    ("transformers", '{"image_mean": [0.5], "image_std": [1], "do_rescale": 1}', "do_rescale"),
    ("transformers", '{"image_mean": [0.5], "image_std": [1], "rescale_factor": 0}', "rescale_fac"),
    ("transformers", '{"image_mean": [1e999], "image_std": [1]}', "not valid JSON|image_mean"),
    ("transformers", "[1, 2]", "not an object"),
    ("transformers", '{"size": 224}', "image_mean is not given"),
    ("timm", '{"pretrained_cfg": [1]}', "pretrained_cfg"),
    ("timm", '{"pretrained_cfg": {"mean": [0.5]}}', "std is not given"),
    ("timm", '{"mean": [[0.5]], "std": [1]}', r"mean\[0\]"),
    ("keras-hub", '{"class_name": "Resizing"}', "ImageConverter"),
    ("keras-hub", '{"class_name": "ImageConverter", "config": {"scale": -1}}', "scale.*above zero"),
    ("albumentations-json", '{"transform": {}}', "0 objects of the class Normalize"),
    ("nnunet", '{"foreground_intensity_properties_per_channel": {"0": {"mean": 1}}}', "0.std"),
    ("nnunet", '{"foreground_intensity_properties_per_channel": {"1": {}}}', "members 0"),
    ("detectron2", "MODEL: 3", "MODEL"),
    ("detectron2", "MODEL: {PIXEL_MEAN: [a, b, c]}", r"MODEL.PIXEL_MEAN\[0\].*'a'"),
    ("detectron2", "MODEL: {PIXEL_MEAN: [.nan, 1, 1]}", r"MODEL.PIXEL_MEAN\[0\].*nan"),
    ("detectron2", "MODEL: {PIXEL_STD: [1, 0, 1]}", "std of channel G"),
    ("detectron2", "MODEL: {PIXEL_STD: [1, 1, 1]}\nINPUT: {FORMAT: YUV}", "INPUT.FORMAT.*YUV"),
    ("detectron2", "MODEL: [", "not valid YAML"),
    ("paddle", "a: {NormalizeImage: {scale: 'import os', mean: [1]}}", "scale"),
    ("paddle", "a: {NormalizeImage: {scale: '1/0'}}", "NormalizeImage.scale.*1/0"),
    ("paddle", "a: &a [*a, *a]", "NormalizeImage|values"),
    ("torchvision", "Normalize(mean=load(), std=[1])", "mean.*line 1.*would have to be run"),
    ("torchvision", "Normalize([0.5], [1])\nNormalize([0.4], [1])", "lines 1, 2"),
    ("torchvision", "def f(:", "not valid Python: line 1"),
    ("torchvision", "Normalize(mean=[0.5])", "std is not given"),
    ("torchvision", "Normalize(*numbers)", "mean is not given"),
    ("torchvision", "print(1)", "no call of Normalize"),
    ("torchvision", "Normalize([0.5], [1 / 0])", "std.*division by zero"),
    ("torchvision", "Normalize(mean=[0.5] * 9999999, std=[1e400])", r"std\[0\].*inf"),
    ("albumentations", "Normalize(normalization='image')", "statistics of each image"),
    ("albumentations", "Normalize(max_pixel_value=0)", "max_pixel_value"),
    ("mmengine", "dict(mean=[1, 2], std=[1, 1])", "1 or 3 numbers"),
    ("mmengine", "dict(mean=[1], std=[1])\ndict(mean=[2], std=[1])", "different values"),
    ("opencv-dnn", "blobFromImage(x, scalefactor=-1)", "scale.*above zero"),
    ("opencv-dnn", "blobFromImage(x, swapRB=1)", "swapRB"),
    ("coreml", "ImageType(color_layout='CMYK')", "color_layout.*CMYK"),
    ("keras", "Normalization(axis=-1)", "mean is not given: the layer is to be adapted"),
    ("keras", "Normalization(mean=[1, 2], variance=[-1, 2])", "variance.*above zero"),
    ("deepstream", "offsets=1;2;3", r"\[property\]"),
    ("deepstream", "[property]\nnet-scale-factor=0,5", "net-scale-factor.*'0,5'"),
    ("deepstream", "[property]\noffsets=1;2\nmodel-color-format=0", "offsets.*3 numbers, got 2"),
    ("deepstream", "[property]\nmodel-color-format=7", "model-color-format.*'7'"),
    ("triton", "name: 'x'", "normalization_mean"),
    ("ncnn", "const float mean_vals[3] = {a, b, c};", "mean"),
    ("onnxruntime-extensions", "Normalize([(1, 1), (1, 1)])", "3 pairs"),
    ("onnxruntime-extensions", "Normalize([1, 1, 1])", "pairs"),
    ("openvino", "mo --mean_values [1,2,x]", "--mean_values"),
    ("openvino", "mo --mean_values [1,2,3]", "--scale_values is not given"),
    ("toml", "mean = [1]", "0 tables"),
    ("toml", "mean = [1]\nstd = [nan]", r"std\[0\].*nan"),
    ("toml", "mean = [1\nstd = [1]", "not valid TOML"),
    ("onnx", "not a model", "not an ONNX model"),
    ("json", '{"mean": [0.5]}', "normstat_spec"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "message"), WRONG, ids=[f"{r[0]} {r[1]}" for r in WRONG])
def test_what_is_wrong_is_named(tmp_path, name, text, message):
    path = tmp_path / "file"
    path.write_text(text)
    with pytest.raises(SpecError, match=message) as caught:
        read_constants(path, name)
    assert str(path) in str(caught.value)


JUNK = ["NaN", "null", "true", "[]", "{}", '"x"', "1e999", "-1", "0", "1e-320", "x", ",", "(", "]",
        "\n", "9" * 40, "1e300", "None", "*2", "/0", "\0", "&a", "*a", ":", "-", "é"]  # fmt: skip
WRITTEN = {name: export(IMAGENET, name).content for name in FORMATS}


@settings(max_examples=300, deadline=None)
@given(
    name=st.sampled_from(list(FORMATS)),
    foreign=st.sampled_from(list(FORMATS)) | st.none(),
    cuts=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 20), st.sampled_from(JUNK)),
                  min_size=1, max_size=3),
)  # fmt: skip
@example(name="detectron2", foreign=None, cuts=[(0.9, 20, "")])
def test_damaged_and_foreign_texts_are_errors_not_tracebacks(name, foreign, cuts):
    content = bytearray(WRITTEN[foreign or name])
    for place, length, junk in cuts:
        start = int(place * len(content))
        content[start : start + length] = junk.encode()
    chosen = FORMATS.load(name)
    try:
        text = chosen.decode(bytes(content))
        chosen.read(text).affine.constants()
        if not chosen.binary:
            chosen.read(chosen.update(text, Affine.of(IMAGENET)).text)
    except NormstatError as error:
        assert str(error)  # noqa: PT017 (the other way out is as good)


def test_reading_code_never_runs_it(tmp_path):
    witness = tmp_path / "ran"
    (tmp_path / "train.py").write_text(
        f"import torchvision\nopen({str(witness)!r}, 'w')\n"
        f"Normalize(mean=[0.5], std=[open({str(witness)!r}, 'w')])\n"
    )
    with pytest.raises(SpecError, match="would have to be run"):
        read_constants(tmp_path / "train.py")
    assert not witness.exists()


def test_ambiguous_file_asks_for_from_and_takes_it(tmp_path):
    path = tmp_path / "both.py"
    path.write_text(
        "import torchvision, albumentations\nNormalize(mean=[0.5], std=[0.25])\nToTensor()\n"
    )
    with pytest.raises(SpecError, match=r"albumentations or torchvision.*--from NAME"):
        read_constants(path)
    assert read_constants(path, "torchvision").constants.std == [0.25]


def test_name_decides_between_contents_that_fit_several(tmp_path):
    text = (
        '{"pretrained_cfg": {"mean": [0.5], "std": [0.5]}, "image_mean": [0.4], "image_std": [1]}'
    )
    for name, kind in (("config.json", "timm"), ("preprocessor_config.json", "transformers")):
        (tmp_path / name).write_text(text)
        assert read_constants(tmp_path / name).format == kind
    (tmp_path / "else.json").write_text(text)
    with pytest.raises(SpecError, match="transformers or timm"):
        read_constants(tmp_path / "else.json")


def test_unknown_and_missing_files_say_what_to_do(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing of the kind")
    with pytest.raises(SpecError, match=r"notes.txt: not a normstat spec.*--from NAME"):
        read_constants(tmp_path / "notes.txt")
    with pytest.raises(SourceError, match=r"none.json: No such file"):
        read_constants(tmp_path / "none.json")
    with pytest.raises(UsageError, match="did you mean 'timm'"):
        read_constants(tmp_path / "notes.txt", "tim")
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecError, match="not text in UTF-8"):
        read_constants(tmp_path / "bytes.json", "timm")


def test_huge_and_self_referring_files_are_refused_in_a_moment(tmp_path):
    (tmp_path / "huge.json").write_bytes(b" " * (20 << 20))
    with pytest.raises(SpecError, match="MB"):
        read_constants(tmp_path / "huge.json")
    laughs = "\n".join(f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]" for i in range(1, 12))
    (tmp_path / "laughs.yaml").write_text(f"l0: &l0 [1]\n{laughs}\nPIXEL_MEAN: 1\n")
    with pytest.raises(SpecError, match="values"):
        read_constants(tmp_path / "laughs.yaml")


# What an update leaves alone.


def test_json_keeps_layout_order_and_other_keys():
    old = ('{\n\t"size" : {"height": 224},  "image_mean": [ 0.5,0.5, 0.5 ],\n\t"image_std":'
           ' [0.5, 0.5,\n\t\t0.5],\n\t"do_normalize": true\n}\n')  # fmt: skip
    new = export(IMAGENET, "transformers", update=old.encode())
    assert new.text == (
        '{\n\t"size" : {"height": 224},  "image_mean": [ 0.485,0.456, 0.406 ],\n\t"image_std":'
        ' [0.229, 0.224,\n\t\t0.225],\n\t"do_normalize": true,\n\t"do_rescale": true,\n\t'
        '"rescale_factor": 0.00392156862745098\n}\n'
    )
    told = {change.field: (change.old, change.new) for change in new.changes}
    assert told["image_mean"] == ("[ 0.5,0.5, 0.5 ]", "[0.485, 0.456, 0.406]")
    assert told["do_rescale"] == (None, "true")


def test_yaml_keeps_comments_order_and_block_lists():
    old = """\
# our model
MODEL:
  WEIGHTS: "r50.pkl"  # from the zoo
  PIXEL_STD:  # caffe
  - 1.0  # blue
  - 1.0
  - 1.0
  DEVICE: cpu
INPUT:
  MIN_SIZE_TEST: 800  # pixels
SOLVER: {BASE_LR: 0.02}
"""
    new = export(IMAGENET, "detectron2", update=old.encode())
    assert (
        new.text
        == """\
# our model
MODEL:
  PIXEL_MEAN: [123.675, 116.28, 103.53]
  WEIGHTS: "r50.pkl"  # from the zoo
  PIXEL_STD:  # caffe
  - 58.395  # blue
  - 57.12
  - 57.375
  DEVICE: cpu
INPUT:
  FORMAT: "RGB"
  MIN_SIZE_TEST: 800  # pixels
SOLVER: {BASE_LR: 0.02}
"""
    )


def test_yaml_list_of_another_length_becomes_one_line():
    old = "MODEL:\n  PIXEL_MEAN:\n  - 0.5\n  PIXEL_STD: [1.0]\nINPUT: {FORMAT: RGB}\n"
    new = export(IMAGENET, "detectron2", update=old.encode())
    assert new.text.startswith(
        "MODEL:\n  PIXEL_MEAN: [123.675, 116.28, 103.53]\n  PIXEL_STD: [58.395, 57.12, 57.375]\n"
    )


def test_python_keeps_everything_but_the_numbers():
    old = """\
import torchvision.transforms as T  # é

STATS = ((0.5, 0.5, 0.5), (1, 1, 1))
MEAN = (0.5, 0.5, 0.5)  # who knows


def transform(size):
    return T.Compose([T.ToTensor(), T.Normalize(MEAN, std=[0.5, 0.5, 0.5])])  # back to -1..1
"""
    new = export(IMAGENET, "torchvision", update=old.encode())
    assert new.text == old.replace(
        "MEAN = (0.5, 0.5, 0.5)", "MEAN = (0.485, 0.456, 0.406)"
    ).replace("std=[0.5, 0.5, 0.5]", "std=[0.229, 0.224, 0.225]")


def test_every_equal_call_is_updated():
    old = """\
import torchvision.transforms as T
STD = [0.5, 0.5, 0.5]
train = T.Compose([T.ToTensor(), T.Normalize([0.5, 0.5, 0.5], STD)])
test = T.Compose([T.ToTensor(), T.Normalize([0.5, 0.5, 0.5], STD)])
"""
    new = export(IMAGENET, "torchvision", update=old.encode())
    assert new.text == old.replace("STD = [0.5, 0.5, 0.5]", "STD = [0.229, 0.224, 0.225]").replace(
        "Normalize([0.5, 0.5, 0.5]", "Normalize([0.485, 0.456, 0.406]"
    )


def test_ini_and_pbtxt_keep_everything_but_the_numbers():
    old = "[property]\n# ours\nnet-scale-factor = 1.0 # all\noffsets=0;0;0;\ngpu-id=0\n"
    new = export(HALF, "deepstream", update=old.encode())
    assert new.text == (
        "[property]\nmodel-color-format=0\n# ours\nnet-scale-factor = 0.00784313725490196 # all\n"
        "offsets=127.5;127.5;127.5\ngpu-id=0\n"
    )
    old = 'name: "m"\nmax_batch_size: 8 # a\n' + export(HALF, "triton").text + "# end\n"
    new = export(IMAGENET, "triton", update=old.encode())
    assert new.text.startswith('name: "m"\nmax_batch_size: 8 # a\n')
    assert new.text.endswith("# end\n")
    assert '"123.675, 116.28, 103.53"' in new.text


def test_toml_keeps_comments_and_lines():
    old = """\
# ours
title = "std = [1]"
[model]
mean = 3
[data.normalize]
std = [0.5, 0.5, 0.5]  # who knows
mean = [
    0.5,  # red 1
    0.5, 0.5,
]
[train]
std = 1
"""
    new = export(IMAGENET, "toml", update=old.encode())
    assert new.text == old.replace("[0.5, 0.5, 0.5]", "[0.229, 0.224, 0.225]").replace(
        "    0.5,  # red 1\n    0.5, 0.5,", "    0.485,  # red 1\n    0.456, 0.406,"
    )
    new = export(BGR, "toml", update=old.encode())  # mean and std in codes
    assert "[data.normalize]\nmax_pixel_value = 1\nstd" in new.text


def test_fingerprint_keeps_its_percentiles():
    old = json.dumps({"foreground_intensity_properties_per_channel": {
        "0": {"mean": 1.0, "std": 2.0, "percentile_00_5": 0.25, "max": 9.0}}})  # fmt: skip
    new = json.loads(export(GRAY_HALF, "nnunet", update=old.encode()).text)
    fields = new["foreground_intensity_properties_per_channel"]["0"]
    assert fields == {"mean": 127.5, "std": 127.5, "percentile_00_5": 0.25, "max": 9.0}


def test_computed_array_is_not_replaced_by_a_list():
    old = (
        "import torchvision\nimport numpy as np\nNormalize(np.array([1, 2, 3]) / 255, [1, 1, 1])\n"
    )
    with pytest.raises(SpecError, match=r"mean \(line 3\): is computed"):
        export(IMAGENET, "torchvision", update=old.encode())
