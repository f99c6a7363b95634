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
        "torchvision": _entry("torchvision", "transforms.v2: ToDtype, Normalize"),
        "transformers": _entry("transformers", "Hugging Face preprocessor_config.json"),
        "detectron2": _entry("detectron2", "configuration in YAML: PIXEL_MEAN, PIXEL_STD"),
        "opencv-dnn": _entry("opencv", "cv2.dnn.blobFromImage"),
    },
)
