"""onnxruntime-extensions' pre-processing steps."""

from fractions import Fraction
from typing import Any

from normstat.errors import SpecError
from normstat.formats.affine import BYTE, RGB, Affine, floats
from normstat.formats.base import Header, Reading, assumed, divisor, number, reading
from normstat.formats.snippets import PythonFormat, Slot, Snippet, need


class OnnxruntimeExtensions(PythonFormat):
    """y = (code · rescale_factor − mean) / std, pairs of mean and std of three channels."""

    name = "onnxruntime-extensions"
    formula = "(rescale_factor · code − mean) / std"
    marks = (r"\bonnxruntime_extensions\b", r"\bNormalize\(")
    template = """\
# normstat: pairs of mean and std in units of code * rescale_factor
# {header}
from onnxruntime_extensions.tools.pre_post_processing import ImageBytesToFloat, Normalize

steps = [
    ImageBytesToFloat(rescale_factor={rescale_factor}),
    Normalize({normalization_values}, layout="CHW"),
]
"""

    def values(self, affine: Affine) -> dict[str, Any]:
        if len(affine.channels) != len(RGB):
            raise SpecError(f"onnxruntime-extensions takes 3 channels, not {len(affine.channels)}")
        unit = affine.code_max or Fraction(1)
        pairs = list(zip(affine.means(unit), affine.stds(unit), strict=True))
        return {"rescale_factor": floats([1 / unit])[0], "normalization_values": pairs}

    def slots(self, snippet: Snippet) -> dict[str, Slot]:
        found = snippet.only("Normalize", "normalization_values")
        if snippet.calls("ImageBytesToFloat"):
            found |= snippet.only("ImageBytesToFloat", "rescale_factor")
        return found

    def reading(self, values: dict[str, Any], said: Header) -> Reading:
        pairs = need(values, "normalization_values")
        if not isinstance(pairs, list) or not all(
            isinstance(pair, list) and len(pair) == 2  # noqa: PLR2004
            for pair in pairs
        ):
            raise SpecError("normalization_values: expected a list of pairs (mean, std)")
        if len(pairs) == 1:
            pairs = pairs * len(RGB)  # and one channel becomes three
        if len(pairs) != len(RGB):
            raise SpecError(f"normalization_values: expected 3 pairs or 1, got {len(pairs)}")
        mean, std = (
            [
                number(pair[index], f"normalization_values[{place}]")
                for place, pair in enumerate(pairs)
            ]
            for index in (0, 1)
        )
        factor, warnings = 1 / BYTE, []
        if "rescale_factor" in values:
            factor = number(values["rescale_factor"], "rescale_factor")
        else:
            warnings.append(assumed("rescale_factor", "1/255"))
        if not factor > 0:
            raise SpecError("rescale_factor: expected a number above zero")
        unit = divisor(factor)
        code_max = unit if unit != 1 else None
        return reading(mean, std, unit=unit, code_max=code_max, said=said, warnings=warnings)


FORMAT = OnnxruntimeExtensions()
