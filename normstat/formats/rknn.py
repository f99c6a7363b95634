"""Rockchip RKNN toolkit."""

from typing import Any

from normstat.formats.affine import Affine
from normstat.formats.base import Header, Reading, numbers, reading
from normstat.formats.one_call import OneCall
from normstat.formats.snippets import need


class Rknn(OneCall):
    """y = (code − mean_values) / std_values, a list of lists: one for each input."""

    name = "rknn"
    formula = "(code − mean_values) / std_values"
    call, arguments = "config", ("mean_values", "std_values")
    centre, spread = "mean_values", "std_values"
    marks = (r"\bmean_values\s*=", r"\bstd_values\s*=")
    template = """\
# normstat: mean_values and std_values in units of the codes
# {header}
def configure(rknn, **options):
    rknn.config(
        mean_values={mean_values},
        std_values={std_values},
        **options,
    )
"""

    def values(self, affine: Affine) -> dict[str, Any]:
        return {name: [value] for name, value in super().values(affine).items()}

    def reading(self, values: dict[str, Any], said: Header) -> Reading:
        found = []
        for name in (self.centre, self.spread):
            value = need(values, name)
            if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
                value = value[0]
            found.append(numbers(value, name))
        return reading(*found, said=said)


FORMAT = Rknn()
