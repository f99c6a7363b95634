"""Mean and std of a spec in units of the range, which methods and diagnoses work with."""

from dataclasses import dataclass

from normstat.errors import NormstatError
from normstat.spec.model import Constants


@dataclass(frozen=True)
class Gaussian:
    """Mean and std a channel in units of the range, under the name that they are known by."""

    name: str
    mean: tuple[float, ...]
    std: tuple[float, ...]


def gaussian(each: tuple[str, Constants], first: tuple[str, Constants]) -> Gaussian:
    """Return the numbers of a named spec with its channels in the order of the first.

    They are fractions of the range of codes, or values of their own where there is no range.

    Raises
    ------
    NormstatError
        The channels differ, or only one of the two is for fractions of a range.
    SpecError
        A std is not above zero.
    """
    name, spec = each
    if sorted(spec.channels) != sorted(first[1].channels):
        raise NormstatError(
            f"channels differ: {name} has {' '.join(spec.channels)}, {first[0]} has "
            f"{' '.join(first[1].channels)}"
        )
    order = [spec.channels.index(channel) for channel in first[1].channels]
    scale = spec.full_scale
    if (scale is None) != (first[1].full_scale is None):
        ranged, other = (first[0], name) if scale is None else (name, first[0])
        raise NormstatError(
            f"{ranged} is for codes of a range, {other} for values without one: they have no "
            "common measure"
        )
    scale = scale or 1.0
    normalization = spec.normalization  # refuses a std of zero
    return Gaussian(
        name,
        tuple(normalization.mean[channel] / scale for channel in order),
        tuple(normalization.std[channel] / scale for channel in order),
    )
