"""A PyTorch module whose scale and offset can be learned, starting from the spec."""

from typing import Any

from normstat.formats.affine import Affine, floats
from normstat.formats.base import Header, Reading, numbers, of_scale
from normstat.formats.snippets import PythonFormat, Slot, Snippet, need


class TorchModule(PythonFormat):
    """y = code · scale + offset."""

    name = "torch-module"
    formula = "scale · code + offset"
    marks = (r"\btorch\b", r"\bself\.scale\b", r"\bself\.offset\b", r"# channels: .*; codes: ")
    template = '''\
# normstat: y = codes * scale + offset, on the codes themselves
# {header}
import torch
from torch import nn


class Normalization(nn.Module):
    """Codes of shape (..., C, H, W) -> normalized; scale and offset are learned from here on."""

    def __init__(self):
        super().__init__()
        a = torch.tensor({scale})
        b = torch.tensor({offset})
        self.scale = nn.Parameter(a.view(-1, 1, 1))
        self.offset = nn.Parameter(b.view(-1, 1, 1))

    def forward(self, codes):
        return codes.float() * self.scale + self.offset
'''

    def values(self, affine: Affine) -> dict[str, Any]:
        return {"scale": floats(affine.scale), "offset": floats(affine.offset)}

    def slots(self, snippet: Snippet) -> dict[str, Slot]:
        return snippet.assigned("scale", "offset")

    def reading(self, values: dict[str, Any], said: Header) -> Reading:
        scale, offset = (numbers(need(values, name), name) for name in ("scale", "offset"))
        return of_scale(scale, offset, said=said)


FORMAT = TorchModule()
