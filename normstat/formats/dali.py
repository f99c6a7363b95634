"""NVIDIA DALI."""

from typing import Any

from normstat.errors import SpecError
from normstat.formats.affine import Affine
from normstat.formats.base import Header, Reading, number, numbers, reading
from normstat.formats.one_call import OneCall
from normstat.formats.snippets import Slot, Snippet


class Dali(OneCall):
    """y = scale · (code − mean) / std + shift (fn.crop_mirror_normalize)."""

    name = "dali"
    formula = "(code − mean) / std"
    call, arguments = "crop_mirror_normalize", ("mean", "std", "scale", "shift")
    centre, spread = "mean", "std"
    optional = frozenset(("scale", "shift"))
    marks = (r"\bcrop_mirror_normalize\(",)
    template = """\
# normstat: mean and std in units of the codes
# {header}
from nvidia.dali import fn, types


def normalized(images):
    return fn.crop_mirror_normalize(
        images,
        dtype=types.FLOAT,
        output_layout="CHW",
        mean={mean},
        std={std},
    )
"""

    def slots(self, snippet: Snippet) -> dict[str, Slot]:
        found = snippet.only(self.call, "images", *self.arguments)
        return {name: found[name] for name in self.arguments}

    def values(self, affine: Affine) -> dict[str, Any]:
        return {**super().values(affine), "scale": 1.0, "shift": 0.0}

    def reading(self, values: dict[str, Any], said: Header) -> Reading:
        mean, std = (numbers(values.get(name, default), name)
                     for name, default in (("mean", 0.0), ("std", 1.0)))  # fmt: skip
        scale = number(values.get("scale", 1.0), "scale")
        shift = number(values.get("shift", 0.0), "shift")
        if not scale > 0 or min(std) <= 0:
            raise SpecError("std and scale: expected numbers above zero")
        count = max(len(mean), len(std))
        mean, std = (each * count if len(each) == 1 else each for each in (mean, std))
        if len(mean) != len(std):
            raise SpecError(f"mean has {len(mean)} numbers and std {len(std)}")
        spread = [each / scale for each in std]
        centre = [m - shift * s for m, s in zip(mean, spread, strict=True)]
        return reading(centre, spread, said=said)


FORMAT = Dali()
