"""How frameworks write a normalization down: one file a format, each read and written.

A new format is a file here with its class and the `FORMAT` made of it, a row below, and a row in
the table of its tests.
"""

from normstat.registry import Entry, Registry

_HERE = "normstat.formats"


def _entry(module: str, summary: str, attribute: str = "FORMAT", extra: str | None = None) -> Entry:
    return Entry(f"{_HERE}.{module}:{attribute}", summary, extra)


FORMATS = Registry(
    "format",
    {
        "json": _entry("spec_json", "the constants as a spec"),
        "toml": _entry("toml_table", "a table of a TOML file"),
        "python": _entry("numpy_code", "function on arrays"),
        "albumentations": _entry("albumentations", "A.Normalize"),
        "albumentations-json": _entry("albumentations", "what A.save writes", "JSON"),
        "torchvision": _entry("torchvision", "v2.ToDtype, v2.Normalize"),
        "torch-module": _entry("torch_module", "nn.Module with parameters"),
        "kornia": _entry("kornia", "enhance.Normalize"),
        "keras": _entry("keras", "layers.Normalization"),
        "keras-hub": _entry("keras_hub", "ImageConverter, JSON"),
        "transformers": _entry("transformers", "preprocessor_config.json"),
        "timm": _entry("timm", "config.json"),
        "mmengine": _entry("mmengine", "data_preprocessor of MMDetection and others"),
        "detectron2": _entry("detectron2", "YAML"),
        "monai": _entry("monai", "NormalizeIntensityd"),
        "nnunet": _entry("nnunet", "dataset_fingerprint.json"),
        "paddle": _entry("paddle", "NormalizeImage, YAML"),
        "dali": _entry("dali", "fn.crop_mirror_normalize"),
        "opencv-dnn": _entry("opencv", "dnn.blobFromImage"),
        "opencv-dnn-params": _entry("opencv", "dnn.Image2BlobParams", "PARAMS"),
        "onnx": _entry("onnx_model", "model of Mul and Add", extra="onnx"),
        "onnxruntime-extensions": _entry("onnxruntime_extensions", "ImageBytesToFloat, Normalize"),
        "openvino": _entry("openvino", "PrePostProcessor"),
        "coreml": _entry("coreml", "ImageType"),
        "tflite": _entry("tflite", "NormalizationOptions, by the metadata writer"),
        "ncnn": _entry("ncnn", "substract_mean_normalize, C++"),
        "rknn": _entry("rknn", "rknn.config"),
        "deepstream": _entry("deepstream", "nvinfer configuration"),
        "triton": _entry("triton", "parameters in config.pbtxt, for model.py"),
    },
)
