"""Kornia's enhance.Normalize (kornia/enhance/normalize.py)."""

from fractions import Fraction
from typing import Any

from normstat.formats.affine import BYTE, Affine
from normstat.formats.base import Header, Reading, numbers, reading
from normstat.formats.snippets import PythonFormat, Slot, Snippet, need


class Kornia(PythonFormat):
    """y = (x − mean) / std, where x is what was made of the codes: usually code / 255."""

    name = "kornia"
    formula = "(code / largest code − mean) / std"
    marks = (r"\bkornia\b", r"\bNormalize\(")
    template = """\
# normstat: mean and std in units of code / largest code
# {header}
import kornia
import torch

normalize = kornia.enhance.Normalize(
    mean=torch.tensor({mean}),
    std=torch.tensor({std}),
)
"""

    def values(self, affine: Affine) -> dict[str, Any]:
        unit = affine.code_max or Fraction(1)
        return {"mean": affine.means(unit), "std": affine.stds(unit)}

    def slots(self, snippet: Snippet) -> dict[str, Slot]:
        return snippet.only("Normalize", "mean", "std")

    def reading(self, values: dict[str, Any], said: Header) -> Reading:
        mean, std = (numbers(need(values, name), name) for name in ("mean", "std"))
        if said.range_known:
            return reading(mean, std, unit=said.code_max or Fraction(1), said=said)
        warning = "what codes were divided by before is not said: 255 is assumed"
        return reading(mean, std, unit=BYTE, code_max=BYTE, said=said, warnings=[warning])


FORMAT = Kornia()
