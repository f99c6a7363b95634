"""Albumentations' Normalize (pixel/transforms.py), as code and as what A.save writes."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from normstat.errors import SpecError
from normstat.formats.affine import Affine, floats
from normstat.formats.base import Header, Reading, assumed, number, numbers, reading
from normstat.formats.documents import DocumentFormat, Path, objects
from normstat.formats.snippets import PythonFormat, Slot, Snippet

_DEFAULTS = {
    "mean": [0.485, 0.456, 0.406],
    "std": [0.229, 0.224, 0.225],
    "max_pixel_value": 255.0,
}


def _values(affine: Affine) -> dict[str, Any]:
    unit = affine.code_max or Fraction(1)
    return {
        "mean": affine.means(unit),
        "std": affine.stds(unit),
        "max_pixel_value": floats([unit])[0],
        "normalization": "standard",
    }


def _reading(fields: Mapping[str, Any], said: Header) -> Reading:
    kind = fields.get("normalization", "standard")
    if kind != "standard":
        raise SpecError(
            f"normalization: {kind!r} takes the statistics of each image; only 'standard' has "
            "constants"
        )
    warnings = [
        assumed(name, str(default)) for name, default in _DEFAULTS.items() if name not in fields
    ]
    mean, std = (numbers(fields.get(name, _DEFAULTS[name]), name) for name in ("mean", "std"))
    unit = number(fields.get("max_pixel_value", 255.0), "max_pixel_value")
    if not unit > 0:
        raise SpecError("max_pixel_value: expected a number above zero")
    code_max = unit if unit != 1 else said.code_max
    return reading(mean, std, unit=unit, code_max=code_max, said=said, warnings=warnings)


class Albumentations(PythonFormat):
    """y = (code − mean · max_pixel_value) / (std · max_pixel_value)."""

    name = "albumentations"
    formula = "(code / max_pixel_value − mean) / std"
    marks = (r"\balbumentations\b", r"\bNormalize\(")
    template = """\
# normstat: mean and std in units of code / max_pixel_value
# {header}
import albumentations as A

normalize = A.Normalize(
    mean={mean},
    std={std},
    max_pixel_value={max_pixel_value},
    normalization={normalization},
)
"""
    optional = frozenset(("normalization",))

    def values(self, affine: Affine) -> dict[str, Any]:
        return _values(affine)

    def slots(self, snippet: Snippet) -> dict[str, Slot]:
        return snippet.only("Normalize", "mean", "std", "max_pixel_value", "normalization")

    def reading(self, values: dict[str, Any], said: Header) -> Reading:
        return _reading(values, said)


class AlbumentationsJson(DocumentFormat):
    """The same as A.to_dict and A.save have it (core/serialization.py)."""

    name = "albumentations-json"
    formula = "(code / max_pixel_value − mean) / std"
    marks = (r'"__class_fullname__"', r'Normalize"')

    def parent(self, data: Any) -> Path:
        found = [
            path
            for path, each in objects(data)
            if str(each.get("__class_fullname__", "")).rpartition(".")[2] == "Normalize"
        ]
        if len(found) != 1:
            raise SpecError(f"there are {len(found)} objects of the class Normalize, not one")
        return found[0]

    def values(self, affine: Affine) -> dict[str, Any]:
        return _values(affine)

    def document(self, values: dict[str, Any]) -> Any:
        return {
            "__version__": "2.0.8",
            "transform": {"__class_fullname__": "Normalize", "p": 1.0, **values},
        }

    def reading(self, fields: Mapping[str, Any], data: Any, said: Header) -> Reading:
        return _reading(fields, said)


FORMAT, JSON = Albumentations(), AlbumentationsJson()
