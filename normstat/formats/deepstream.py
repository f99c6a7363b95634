"""DeepStream's nvinfer configuration."""

import re
from fractions import Fraction

from normstat.errors import SpecError
from normstat.formats.affine import BGR, BYTE, GRAY, RGB, Affine, best_single_scale, floats
from normstat.formats.base import (
    Change,
    Format,
    Reading,
    Updated,
    assumed,
    header,
    number,
    of_scale,
    replaced,
    with_header,
)

_ORDERS = {RGB: "0", BGR: "1", GRAY: "2"}
_KEYS = ("net-scale-factor", "offsets", "model-color-format")
_DEFAULTS = ("1", "0", "0")


class DeepStream(Format):
    """y = net-scale-factor · (code − offset) of 8-bit images: one scale for all channels."""

    name = "deepstream"
    formula = "net-scale-factor · (code − offsets)"
    one_scale = True
    suffixes = (".txt", ".ini", ".cfg")
    files = ("config_infer*",)
    marks = (r"(?m)^\s*\[property\]", r"(?m)^\s*(net-scale-factor|offsets|model-color-format)\s*=")

    def write(self, affine: Affine) -> str:
        lines = (f"{key}={value}\n" for key, value in _values(affine).items())
        return (
            "# normstat: y = net-scale-factor * (code - offset); offsets in codes\n"
            f"# {header(affine)}\n[property]\n{''.join(lines)}"
        )

    def read(self, text: str) -> Reading:
        if not re.search(r"(?m)^\s*\[property\]", text):
            raise SpecError("there is no section [property]")
        found, warnings = {}, []
        for key, default in zip(_KEYS, _DEFAULTS, strict=True):
            match = _line(text, key)
            found[key] = match[2] if match else default
            if not match:
                warnings.append(assumed(key, default))
        channels = {value: order for order, value in _ORDERS.items()}.get(found[_KEYS[2]])
        if channels is None:
            raise SpecError(f"model-color-format: expected 0, 1 or 2, got {found[_KEYS[2]]!r}")
        scale = _numbers(found[_KEYS[0]], _KEYS[0])
        offsets = _numbers(found[_KEYS[1]], _KEYS[1])
        if len(scale) != 1 or len(offsets) not in (1, len(channels)):
            raise SpecError(f"offsets: expected {len(channels)} numbers, got {len(offsets)}")
        return of_scale(
            scale * len(channels),
            [-scale[0] * each for each in offsets],
            code_max=BYTE,
            channels=channels,
            warnings=warnings,
        )

    def update(self, text: str, affine: Affine) -> Updated:
        self.read(text)
        changes: list[Change] = []
        for key, new in _values(affine).items():
            match = _line(text, key)
            if match:
                text = replaced(text, match.span(2), new, key, changes)
            else:
                changes.append(Change(key, None, new))
                text = re.sub(r"(?m)^\s*\[property\][^\n]*$", rf"\g<0>\n{key}={new}", text, count=1)
        return Updated(with_header(text, affine), tuple(changes))


def _values(affine: Affine) -> dict[str, str]:
    channels = affine.channels if len(affine.channels) > 1 else GRAY
    if channels not in _ORDERS:
        raise SpecError(f"deepstream takes RGB, BGR or gray, not {' '.join(affine.channels)}")
    scale, offsets, _ = best_single_scale(affine)
    shown = ";".join(map(repr, floats(-each / scale for each in offsets)))
    values = (repr(floats([scale])[0]), shown, _ORDERS[channels])
    return dict(zip(_KEYS, values, strict=True))


def _line(text: str, key: str) -> re.Match[str] | None:
    return re.search(rf"(?m)^([ \t]*{key}[ \t]*=[ \t]*)([^\s#]+)", text)


def _numbers(text: str, field: str) -> list[Fraction]:
    try:
        return [number(float(each), field) for each in text.strip(";").split(";")]
    except ValueError:
        raise SpecError(f"{field}: not numbers: {text!r}") from None


FORMAT = DeepStream()
