"""Keras layers: Normalization, with or without a Rescaling before it."""

import ast
from fractions import Fraction
from math import sqrt
from typing import Any

from normstat.errors import SpecError
from normstat.formats.affine import Affine, exact, floats
from normstat.formats.base import Header, Reading, number, numbers, of_scale
from normstat.formats.snippets import PythonFormat, Slot, Snippet


class Keras(PythonFormat):
    """y = (x − mean) / sqrt(variance), where x = code · scale + offset after a Rescaling."""

    name = "keras"
    formula = "(code − mean) / √variance"
    marks = (r"\bkeras\b", r"\b(Normalization|Rescaling)\(")
    template = """\
# normstat: mean in units of the codes, variance in their squares
# {header}
import keras

normalize = keras.layers.Normalization(
    axis=-1,
    mean={mean},
    variance={variance},
)
"""
    optional = frozenset(("scale", "offset"))

    def values(self, affine: Affine) -> dict[str, Any]:
        variance = floats(std * std for std in affine.std)
        return {"mean": affine.means(), "variance": variance, "scale": 1.0, "offset": 0.0}

    def slots(self, snippet: Snippet) -> dict[str, Slot]:
        found: dict[str, Slot] = {}
        if snippet.calls("Rescaling"):
            found |= snippet.only("Rescaling", "scale", "offset")
        if snippet.calls("Normalization"):
            found |= snippet.only("Normalization", "axis", "mean", "variance")
            if isinstance(found["mean"].node, ast.Constant | None):
                raise SpecError("mean is not given: the layer is to be adapted to data")
            del found["axis"]
        if not found:
            raise SpecError("no call of Normalization or Rescaling")
        return found

    def reading(self, values: dict[str, Any], said: Header) -> Reading:
        scale = numbers(values.get("scale", 1.0), "scale")
        offset = numbers(values.get("offset", 0.0), "offset")
        mean = numbers(values.get("mean", 0.0), "mean")
        spread = [_root(each) for each in numbers(values.get("variance", 1.0), "variance")]
        count = max(map(len, (scale, offset, mean, spread)))
        if {len(scale), len(offset), len(mean), len(spread)} - {1, count}:
            raise SpecError("scale, offset, mean and variance differ in length")
        if count == 1 and said.channels:
            count = len(said.channels)  # Rescaling has one number for all channels
        a, b, m, s = (
            list(each) * count if len(each) == 1 else each for each in (scale, offset, mean, spread)
        )
        return of_scale(
            [x / z for x, z in zip(a, s, strict=True)],
            [(x - y) / z for x, y, z in zip(b, m, s, strict=True)],
            said=said,
        )


def _root(variance: Fraction) -> Fraction:
    if not variance > 0:
        raise SpecError("variance: expected numbers above zero")
    return exact(sqrt(number(variance, "variance")))


FORMAT = Keras()
