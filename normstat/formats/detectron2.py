"""detectron2's YAML configuration (config/defaults.py)."""

from collections.abc import Mapping
from typing import Any

from normstat.errors import SpecError
from normstat.formats.affine import BGR, RGB, Affine
from normstat.formats.base import Change, Header, Reading, assumed, header, numbers, reading
from normstat.formats.documents import Path, YamlFormat, set_value

_DEFAULT_MEAN, _DEFAULT_STD = [103.53, 116.28, 123.675], [1.0, 1.0, 1.0]


class Detectron2(YamlFormat):
    """y = (code − PIXEL_MEAN) / PIXEL_STD, in the order of INPUT.FORMAT (BGR by default)."""

    name = "detectron2"
    formula = "(code − PIXEL_MEAN) / PIXEL_STD"
    marks = (r"\bPIXEL_(MEAN|STD)\b",)

    def parent(self, data: Any) -> Path:
        if not isinstance(data, dict) or not isinstance(data.get("MODEL"), dict):
            raise SpecError("MODEL: expected an object with PIXEL_MEAN and PIXEL_STD")
        return ("MODEL",)

    def values(self, affine: Affine) -> dict[str, Any]:
        return {"PIXEL_MEAN": affine.means(), "PIXEL_STD": affine.stds()}

    def comment(self, affine: Affine) -> str:
        return f"# normstat: PIXEL_MEAN and PIXEL_STD in units of the codes\n# {header(affine)}\n"

    def write(self, affine: Affine) -> str:
        text = super().write(affine)
        order = _order(affine)
        return f"{text}INPUT:\n  FORMAT: {order}\n" if order else text

    def document(self, values: dict[str, Any]) -> Any:
        return {"MODEL": values}

    def reading(self, fields: Mapping[str, Any], data: Any, said: Header) -> Reading:
        warnings = []
        found = []
        for name, default in (("PIXEL_MEAN", _DEFAULT_MEAN), ("PIXEL_STD", _DEFAULT_STD)):
            if name not in fields:
                warnings.append(assumed(f"MODEL.{name}", str(default)))
            found.append(numbers(fields.get(name, default), f"MODEL.{name}"))
        inputs = data.get("INPUT") or {}
        if not isinstance(inputs, dict):
            raise SpecError("INPUT: expected an object")
        order, count = inputs.get("FORMAT"), max(map(len, found))
        channels = None
        if count == len(RGB):
            if order is None and said.channels is None:
                warnings.append(assumed("INPUT.FORMAT", "BGR"))
            if order is not None and order not in ("RGB", "BGR"):
                raise SpecError(f"INPUT.FORMAT: expected RGB or BGR, got {order!r}")
            channels = tuple(order) if order else said.channels or BGR
        return reading(*found, said=said, channels=channels, warnings=warnings)

    def update_elsewhere(self, text: str, affine: Affine, changes: list[Change]) -> str:
        order, document = _order(affine), self._parsed(text)
        if not order:
            return text
        if "INPUT" not in document.data:
            changes.append(Change("INPUT.FORMAT", None, order))
            return f"{text.rstrip()}\nINPUT:\n  FORMAT: {order}\n"
        return set_value(document, ("INPUT",), "FORMAT", order, changes)


def _order(affine: Affine) -> str | None:
    return "".join(affine.channels) if affine.channels in (RGB, BGR) else None


FORMAT = Detectron2()
