"""KerasHub's ImageConverter (image_converter.json, or within preprocessor.json)."""

from collections.abc import Mapping
from typing import Any

from normstat.errors import SpecError
from normstat.formats.affine import GRAY, RGB, Affine, floats
from normstat.formats.base import Header, Reading, assumed, numbers, of_scale
from normstat.formats.documents import DocumentFormat, Path, objects


class KerasHub(DocumentFormat):
    """y = code · scale + offset, RGB."""

    name = "keras-hub"
    formula = "scale · code + offset"
    files = ("image_converter.json",)
    marks = (r'ImageConverter"', r'"config"')

    def parent(self, data: Any) -> Path:
        for path, each in objects(data):
            is_converter = str(each.get("class_name", "")).endswith("ImageConverter")
            if is_converter and isinstance(each.get("config"), dict):
                return (*path, "config")
        raise SpecError("config: there is no ImageConverter with one")

    def values(self, affine: Affine) -> dict[str, Any]:
        return {"scale": floats(affine.scale), "offset": floats(affine.offset)}

    def document(self, values: dict[str, Any]) -> Any:
        return {
            "module": "keras_hub.layers",
            "class_name": "ImageConverter",
            "config": values,
            "registered_name": "keras_hub>ImageConverter",
        }

    def reading(self, fields: Mapping[str, Any], data: Any, said: Header) -> Reading:
        found, warnings = [], []
        for name, default in (("scale", 1.0), ("offset", 0.0)):
            value = fields.get(name)
            if value is None:
                warnings.append(assumed(name, f"{default:g}"))
            found.append(numbers(default if value is None else value, name))
        scale, offset = found
        count = max(len(scale), len(offset))
        if count == 1 and not isinstance(fields.get("scale"), list):
            scale, count = scale * len(RGB), len(RGB)  # one number for all channels
        return of_scale(
            scale, offset, channels={1: GRAY, len(RGB): RGB}.get(count), warnings=warnings
        )


FORMAT = KerasHub()
