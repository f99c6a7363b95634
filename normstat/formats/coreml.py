"""Core ML's ImageType (converters/mil/input_types.py)."""

from typing import Any

from normstat.errors import SpecError
from normstat.formats.affine import BGR, BYTE, GRAY, RGB, Affine, best_single_scale, floats
from normstat.formats.base import Header, Reading, assumed, number, numbers, of_scale
from normstat.formats.snippets import Bare, PythonFormat, Slot, Snippet

_LAYOUTS: dict[tuple[str, ...], str] = {RGB: "RGB", BGR: "BGR", GRAY: "GRAYSCALE"}

_ARGUMENTS = ("name", "shape", "scale", "bias", "dtype", "color_layout")
_DEFAULTS = (("scale", "1"), ("bias", "0"), ("color_layout", "RGB"))


class CoreMl(PythonFormat):
    """y = scale · code + bias of 8-bit images: one scale, a bias a channel."""

    name = "coreml"
    formula = "scale · code + bias"
    one_scale = True
    marks = (r"\bcoremltools\b", r"\bImageType\(")
    template = """\
# normstat: y = scale * code + bias
# {header}
import coremltools as ct


def image_input(shape):
    return ct.ImageType(
        shape=shape,
        scale={scale},
        bias={bias},
        color_layout={color_layout},
    )
"""

    def values(self, affine: Affine) -> dict[str, Any]:
        channels = affine.channels if len(affine.channels) > 1 else GRAY
        if channels not in _LAYOUTS:
            raise SpecError(f"coreml takes RGB, BGR or gray, not {' '.join(affine.channels)}")
        scale, offsets, _ = best_single_scale(affine)
        bias = floats(offsets)
        return {
            "scale": floats([scale])[0],
            "bias": bias if len(bias) > 1 else bias[0],
            "color_layout": Bare(f"ct.colorlayout.{_LAYOUTS[channels]}"),
        }

    def slots(self, snippet: Snippet) -> dict[str, Slot]:
        found = snippet.only("ImageType", *_ARGUMENTS)
        return {name: found[name] for name, _ in _DEFAULTS}

    def reading(self, values: dict[str, Any], said: Header) -> Reading:
        layout = values.get("color_layout", "RGB")
        channels = {name: order for order, name in _LAYOUTS.items()}.get(
            str(layout).removesuffix("_FLOAT16")
        )
        if channels is None:
            raise SpecError(f"color_layout: expected RGB, BGR or GRAYSCALE, got {layout!r}")
        scale = number(values.get("scale", 1.0), "scale")
        bias = numbers(values.get("bias", 0.0), "bias")
        warnings = [assumed(name, words) for name, words in _DEFAULTS if name not in values]
        return of_scale(
            [scale] * len(channels), bias, code_max=BYTE, channels=channels, warnings=warnings
        )


FORMAT = CoreMl()
