"""torchvision's transforms v2 (transforms/v2/functional/_misc.py)."""

from dataclasses import replace
from typing import Any

from normstat.formats.affine import BYTE, Affine
from normstat.formats.base import Header, Reading, assumed, flag, numbers, reading
from normstat.formats.snippets import PythonFormat, Slot, Snippet, need

_RANGE = assumed("the range before Normalize", "0 to 1")


class Torchvision(PythonFormat):
    """ToDtype(scale=True) divides 8-bit codes by 255; Normalize is (x − mean) / std.

    Other ranges are written in units of the codes, with scale=False: what ToDtype divides by
    depends on the type of the tensor, and 16-bit images come in several.
    """

    name = "torchvision"
    formula = "(code / 255 − mean) / std"
    marks = (r"\btorchvision\b", r"\bNormalize\(")
    template = """\
# normstat: units of mean and std are code / 255 with scale=True, the codes with scale=False
# {header}
import torch
from torchvision.transforms import v2

normalize = v2.Compose(
    [
        v2.ToDtype(torch.float32, scale={scale}),
        v2.Normalize(mean={mean}, std={std}),
    ]
)
"""

    optional = frozenset(("scale",))

    def values(self, affine: Affine) -> dict[str, Any]:
        scaled = affine.code_max == BYTE
        unit = BYTE if scaled else BYTE / BYTE
        return {"scale": scaled, "mean": affine.means(unit), "std": affine.stds(unit)}

    def slots(self, snippet: Snippet) -> dict[str, Slot]:
        found = snippet.only("Normalize", "mean", "std")
        if snippet.calls("ToDtype"):
            found["scale"] = snippet.only("ToDtype", "dtype", "scale")["scale"]
        return found

    def reading(self, values: dict[str, Any], said: Header) -> Reading:
        mean, std = (numbers(need(values, name), name) for name in ("mean", "std"))
        if not flag(values.get("scale", True), "scale"):
            return reading(mean, std, said=said)
        warnings = [] if "scale" in values else [_RANGE]
        return reading(mean, std, unit=BYTE, code_max=BYTE, said=said, warnings=warnings)

    def read(self, text: str) -> Reading:
        found = super().read(text)
        if Snippet(text).calls("ToTensor"):  # divides as ToDtype does
            return replace(found, warnings=tuple(set(found.warnings) - {_RANGE}))
        return found


FORMAT = Torchvision()
