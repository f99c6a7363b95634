"""Hugging Face's preprocessor_config.json (image_processing_utils.py)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from normstat.errors import SpecError
from normstat.formats.affine import BGR, BYTE, GRAY, RGB, Affine, floats
from normstat.formats.base import Header, Reading, assumed, divisor, flag, number, numbers, reading
from normstat.formats.documents import DocumentFormat, Path

_SCALE = 1 / BYTE


class Transformers(DocumentFormat):
    """y = (code · rescale_factor − image_mean) / image_std; RGB unless do_flip_channel_order."""

    name = "transformers"
    formula = "(rescale_factor · code − image_mean) / image_std"
    files = ("preprocessor_config.json", "image_processor_config.json")
    marks = (r'"(image_mean|rescale_factor|image_processor_type|do_normalize)"',)

    def values(self, affine: Affine) -> dict[str, Any]:
        unit = affine.code_max or Fraction(1)
        return {
            "do_rescale": unit != 1,
            "rescale_factor": floats([1 / unit])[0],
            "do_normalize": True,
            "image_mean": affine.means(unit),
            "image_std": affine.stds(unit),
        }

    def parent(self, data: Any) -> Path:
        path = super().parent(data)
        if not any(name in data for name in ("image_mean", "mean", "rescale_factor")):
            raise SpecError("image_mean is not given, nor rescale_factor")
        return path

    def reading(self, fields: Mapping[str, Any], data: Any, said: Header) -> Reading:
        given = _Given(fields)
        factor, shift = _rescaling(given)
        mean: tuple[Fraction, ...] = (Fraction(0),)
        std: tuple[Fraction, ...] = (Fraction(1),)
        if flag(given.get("do_normalize", True, "true"), "do_normalize"):
            mean, std = _either(fields, "image_mean"), _either(fields, "image_std")
        if min(std) <= 0:
            raise SpecError("image_std: expected numbers above zero")
        count = max(len(mean), len(std))
        channels = {1: GRAY, len(RGB): RGB}.get(count)
        if channels == RGB and fields.get("do_flip_channel_order"):
            channels = BGR
        return reading(
            [(each + shift) / factor for each in mean],
            [each / factor for each in std],
            code_max=1 / factor if factor != 1 else None,
            channels=channels,
            warnings=given.warnings,
        )


@dataclass
class _Given:
    """Fields, and warnings for those that are missing."""

    fields: Mapping[str, Any]
    warnings: list[str] = field(default_factory=list)

    def get(self, name: str, default: Any, words: str) -> Any:
        if self.fields.get(name) is None:
            self.warnings.append(assumed(name, words))
            return default
        return self.fields[name]


def _rescaling(given: _Given) -> tuple[Fraction, Fraction]:
    """Return f and s of x = code · f − s."""
    if not flag(given.get("do_rescale", True, "true"), "do_rescale"):
        return Fraction(1), Fraction(0)
    factor = number(given.get("rescale_factor", _SCALE, "1/255"), "rescale_factor")
    if not factor > 0:
        raise SpecError("rescale_factor: expected a number above zero")
    shifted = flag(given.fields.get("rescale_offset") or False, "rescale_offset")
    return 1 / divisor(factor), Fraction(int(shifted))


def _either(fields: Mapping[str, Any], name: str) -> tuple[Fraction, ...]:
    """Return a field under its name, or under that of early models: mean for image_mean."""
    early = name.removeprefix("image_")
    for each in (name, early):
        if fields.get(each) is not None:
            return numbers(fields[each], each)
    raise SpecError(f"{name} is not given")


FORMAT = Transformers()
