"""PaddlePaddle's NormalizeImage, in the YAML of PaddleOCR, PaddleClas and inference.yml."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from normstat.errors import SpecError
from normstat.formats.affine import BGR, BYTE, GRAY, RGB, Affine, whole
from normstat.formats.base import (
    Change,
    Header,
    Reading,
    assumed,
    divisor,
    header,
    number,
    numbers,
    reading,
)
from normstat.formats.documents import Path, YamlFormat, objects, set_value, value_at
from normstat.formats.snippets import Snippet

_MEAN, _STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


class Paddle(YamlFormat):
    """y = (code · scale − mean) / std in the order that DecodeImage makes (BGR by default)."""

    name = "paddle"
    formula = "(scale · code − mean) / std"
    files = ("inference.yml",)
    marks = (r"\bNormalizeImage\b",)

    def parent(self, data: Any) -> Path:
        path = _find(data, "NormalizeImage")
        if path is None:
            raise SpecError("NormalizeImage: there is no such object")
        return path

    def values(self, affine: Affine) -> dict[str, Any]:
        unit = affine.code_max or Fraction(1)
        scale = f"1./{whole(unit)}" + "." * (unit.denominator == 1)
        return {"scale": scale, "mean": affine.means(unit), "std": affine.stds(unit)}

    def comment(self, affine: Affine) -> str:
        return f"# normstat: mean and std in units of code * scale\n# {header(affine)}\n"

    def write(self, affine: Affine) -> str:
        mode = _mode(affine)
        decode = f"  - DecodeImage:\n      img_mode: {mode}\n" if mode else ""
        fields = self.values(affine) | {"order": "hwc"}
        shown = "".join(f"      {key}: {value}\n" for key, value in fields.items())
        return (
            f"{self.comment(affine)}PreProcess:\n  transform_ops:\n{decode}"
            f"  - NormalizeImage:\n{shown}"
        )

    def reading(self, fields: Mapping[str, Any], data: Any, said: Header) -> Reading:
        warnings = []
        for name, words in (("scale", "1/255"), ("mean", str(_MEAN)), ("std", str(_STD))):
            if fields.get(name) is None:
                warnings.append(assumed(f"NormalizeImage.{name}", words))
        scale = _scale(fields.get("scale"))
        mean = numbers(_given(fields, "mean", _MEAN), "NormalizeImage.mean")
        std = numbers(_given(fields, "std", _STD), "NormalizeImage.std")
        channels = said.channels
        if max(len(mean), len(std)) == len(RGB):
            path = _find(data, "DecodeImage")
            mode = None if path is None else value_at(data, path).get("img_mode")
            if mode is None and channels is None:
                warnings.append(assumed("DecodeImage.img_mode", "BGR"))
            if mode not in (None, "RGB", "BGR"):
                raise SpecError(f"DecodeImage.img_mode: expected RGB or BGR, got {mode!r}")
            channels = tuple(mode) if mode else channels or BGR
        return reading(
            mean,
            std,
            unit=1 / scale,
            code_max=1 / scale if scale != 1 else None,
            said=said,
            channels=channels,
            warnings=warnings,
        )

    def update_elsewhere(self, text: str, affine: Affine, changes: list[Change]) -> str:
        document, mode = self._parsed(text), _mode(affine)
        path = _find(document.data, "DecodeImage")
        if path is None or mode is None:
            return text
        return set_value(document, path, "img_mode", mode, changes)


def _mode(affine: Affine) -> str | None:
    if affine.channels in (RGB, BGR):
        return "".join(affine.channels)
    return "GRAY" if affine.channels == GRAY else None


def _given(fields: Mapping[str, Any], name: str, default: Any) -> Any:
    return default if fields.get(name) is None else fields[name]


def _scale(value: Any) -> Fraction:
    """Return scale, which may be a sum in text: "1./255."."""
    field = "NormalizeImage.scale"
    if value is None:
        return 1 / BYTE
    if isinstance(value, str):
        parts = value.split("/")
        try:
            numbers_ = [Fraction(part.strip().rstrip(".") or "x") for part in parts]
            found = numbers_[0] / numbers_[1] if len(parts) == 2 else numbers_[0]  # noqa: PLR2004
        except (ValueError, ZeroDivisionError):
            found = _computed(value, field)
    else:
        found = number(value, field)
    if not found > 0:
        raise SpecError(f"{field}: expected a number above zero")
    return 1 / divisor(found)


def _computed(text: str, field: str) -> Fraction:
    try:
        snippet = Snippet(f"scale = ({text})\n")
        return number(snippet.value(snippet.assigned("scale")["scale"], field), field)
    except (SpecError, KeyError):
        raise SpecError(f"{field}: expected a number such as 1./255., got {text!r}") from None


def _find(data: Any, name: str) -> Path | None:
    """Return the path of the first object of this name."""
    found = ((*path, name) for path, each in objects(data) if isinstance(each.get(name), dict))
    return next(found, None)


FORMAT = Paddle()
