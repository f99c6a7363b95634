"""Plain NumPy."""

from fractions import Fraction
from typing import Any

from normstat.formats.affine import Affine
from normstat.formats.base import Header, Reading, assumed, number, numbers, reading
from normstat.formats.snippets import PythonFormat, Slot, Snippet, need


class NumpyCode(PythonFormat):
    """y = (code − MEAN) / STD.

    Many scripts have variables of these names with other units: only what says its units is known
    without `--from`.
    """

    name = "python"
    formula = "(code − MEAN) / STD"
    marks = (r"\bMEAN\b", r"\bSTD\b", r"\bnumpy\b", r"# channels: .*; codes: ")
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
        missing = "MAX_PIXEL_VALUE" not in values and not said.range_known
        warnings = [assumed("MAX_PIXEL_VALUE", "1")] if missing else []
        unit = number(values.get("MAX_PIXEL_VALUE", Fraction(1)), "MAX_PIXEL_VALUE")
        mean, std = (numbers(need(values, name), name) for name in ("MEAN", "STD"))
        return reading(mean, std, unit=unit, said=said, warnings=warnings)


FORMAT = NumpyCode()
