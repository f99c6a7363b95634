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
        "json": _entry("spec_json", "a normstat spec with nothing but the constants"),
        "python": _entry("numpy_code", "a function on NumPy arrays"),
        "albumentations": _entry("albumentations", "A.Normalize, as code"),
        "albumentations-json": _entry("albumentations", "A.Normalize, as A.save has it", "JSON"),
        "torchvision": _entry("torchvision", "transforms.v2: ToDtype, Normalize"),
        "torch-module": _entry("torch_module", "an nn.Module, learned from here on"),
        "kornia": _entry("kornia", "enhance.Normalize"),
        "keras": _entry("keras", "layers.Normalization"),
        "keras-hub": _entry("keras_hub", "ImageConverter in JSON"),
        "transformers": _entry("transformers", "preprocessor_config.json"),
        "timm": _entry("timm", "config.json"),
        "mmengine": _entry("mmengine", "data_preprocessor of MMEngine and MMDetection"),
        "detectron2": _entry("detectron2", "PIXEL_MEAN and PIXEL_STD in YAML"),
        "monai": _entry("monai", "NormalizeIntensityd"),
        "nnunet": _entry("nnunet", "dataset_fingerprint.json for CTNormalization"),
        "paddle": _entry("paddle", "NormalizeImage in YAML"),
        "dali": _entry("dali", "fn.crop_mirror_normalize"),
        "opencv-dnn": _entry("opencv", "dnn.blobFromImage"),
        "opencv-dnn-params": _entry("opencv", "dnn.Image2BlobParams, 4.8 and newer", "PARAMS"),
        "onnx": _entry("onnx_model", "a model of Mul and Add", extra="onnx"),
        "onnxruntime-extensions": _entry("onnxruntime_extensions", "pre_post_processing steps"),
        "openvino": _entry("openvino", "PrePostProcessor"),
        "coreml": _entry("coreml", "ImageType of coremltools"),
        "tflite": _entry("tflite", "NormalizationOptions by the metadata writer"),
        "ncnn": _entry("ncnn", "substract_mean_normalize in C++"),
        "rknn": _entry("rknn", "rknn.config"),
        "deepstream": _entry("deepstream", "nvinfer configuration"),
        "triton": _entry("triton", "parameters in config.pbtxt for a Python backend"),
    },
)
