"""Plain NumPy."""

from fractions import Fraction
from typing import Any

from normstat.formats.affine import Affine
from normstat.formats.base import Header, Reading, number, numbers, reading
from normstat.formats.snippets import PythonFormat, Slot, Snippet, need


class NumpyCode(PythonFormat):
    """y = (code − MEAN) / STD."""

    name = "python"
    formula = "(code − MEAN) / STD"
    marks = (r"\bMEAN\b", r"\bSTD\b", r"\bnumpy\b")
    template = '''\
# normstat: mean and std in units of the codes themselves
# {header}
import numpy as np

MEAN = np.array({MEAN}, dtype=np.float64)
STD = np.array({STD}, dtype=np.float64)


def normalize(codes):
    """Codes of shape (..., C) -> float32, y = (code - mean) / std."""
    return ((codes - MEAN) / STD).astype(np.float32)
'''

    def values(self, affine: Affine) -> dict[str, Any]:
        return {"MEAN": affine.means(), "STD": affine.stds()}

    def slots(self, snippet: Snippet) -> dict[str, Slot]:
        return snippet.assigned("MEAN", "STD", "MAX_PIXEL_VALUE")

    def reading(self, values: dict[str, Any], said: Header) -> Reading:
        unit = number(values.get("MAX_PIXEL_VALUE", Fraction(1)), "MAX_PIXEL_VALUE")
        mean, std = (numbers(need(values, name), name) for name in ("MEAN", "STD"))
        return reading(mean, std, unit=unit, said=said)


FORMAT = NumpyCode()
