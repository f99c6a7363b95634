"""What can be odd about an image: one table of rules."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from normstat.oddities.model import RuleName
from normstat.statistics import Kind, kind_of

_FAR = 3.5  # robust z; Iglewicz and Hoaglin, "How to Detect and Handle Outliers", 1993, p. 12
_NEAR = 2.0  # robust z of what still belongs to the rest
FEWEST = 5  # images, below which a median absolute deviation means nothing
_MAD = 1.4826  # × MAD is the std of a normal distribution: 1 / Φ⁻¹(3/4); ibid., p. 11
_MEAN_AD = 1.2533  # × the mean absolute deviation is, too: sqrt(π/2)
_CODE_FACTOR = 8  # "wrong range": three bits fewer than the rest
_FLOAT_FACTOR = 64

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Crowd:
    """All images of kinds that combine, a row each; arrays are of shape (images, channels).

    `mean`, `std`, `low` and `high` are in units of code / max_pixel_value, of which `units` has one
    for each of `kinds`. `z_mean` and `z_std` are robust z; `centre` and `scale` their medians and
    deviations.
    """

    channels: tuple[str, ...]
    kinds: tuple[str, ...]
    units: tuple[int | float, ...]
    kind: npt.NDArray[np.int64]
    mean: Floats
    std: Floats
    low: Floats
    high: Floats
    equal: Flags
    z_mean: Floats
    z_std: Floats
    centre: Mapping[str, Floats]
    scale: Mapping[str, Floats]

    @property
    def usual(self) -> Kind:
        """The kind that most images are of."""
        return kind_of(self.kinds[self._most])

    @property
    def unit(self) -> int | float:
        """The max_pixel_value of most images; 1 where values are their own."""
        return self.units[self._most]

    @property
    def _most(self) -> int:
        return int(np.bincount(self.kind).argmax())

    def kind_at(self, row: int) -> Kind:
        return kind_of(self.kinds[int(self.kind[row])])

    def unit_at(self, row: int) -> int | float:
        return self.units[int(self.kind[row])]


@dataclass(frozen=True)
class Rule:
    """Something that can be odd about an image.

    `weight` counts in the score. `find` says of every image whether it is so, `tell` how.
    """

    summary: str
    weight: float
    find: Callable[[Crowd], Flags]
    tell: Callable[[Crowd, int], str]


def _few(flags: Flags) -> Flags:
    """Return flags that fewer than half of the images have: what most are is not odd."""
    return flags if 2 * np.count_nonzero(flags) < len(flags) else np.zeros_like(flags)


def _is_far(z: Floats) -> Flags:
    far: Flags = np.asarray((np.abs(z) > _FAR).any(axis=1))
    return far if len(z) >= FEWEST else np.zeros_like(far)


def _far_mean(crowd: Crowd) -> Flags:
    return _is_far(crowd.z_mean)


def _far_std(crowd: Crowd) -> Flags:
    return _is_far(crowd.z_std)


def _tell_far(what: Literal["mean", "std"]) -> Callable[[Crowd, int], str]:
    def tell(crowd: Crowd, row: int) -> str:
        z = (crowd.z_mean if what == "mean" else crowd.z_std)[row]
        worst = int(np.abs(z).argmax())
        value = (crowd.mean if what == "mean" else crowd.std)[row, worst]
        side = "above" if z[worst] > 0 else "below"
        return (
            f"{what} of {crowd.channels[worst]} is {value:.4g}, {abs(z[worst]):.1f} robust "
            f"deviations {side} the median {crowd.centre[what][worst]:.4g}"
        )

    return tell


def _constants(crowd: Crowd) -> Flags:
    constant: Flags = (crowd.low == crowd.high).all(axis=1)
    return constant


def _constant(crowd: Crowd) -> Flags:
    return _few(_constants(crowd))


def _tell_constant(crowd: Crowd, row: int) -> str:
    values = dict.fromkeys(f"{value:.4g}" for value in crowd.low[row])
    return f"constant: every pixel is {' '.join(values)}"


def _inverted(crowd: Crowd) -> Flags:
    """Where the mean is far from the rest, while that of the negative, 1 − mean, is not.

    A negative has the same std. Values of their own have no range to be inverted in; and where the
    rest has a mean near 1/2, a mean does not tell.
    """
    if crowd.unit == 1:
        return np.zeros(len(crowd.mean), np.bool_)
    turned = robust_z(1 - crowd.mean, crowd.centre["mean"], crowd.scale["mean"])
    like_the_rest = (np.abs(turned) <= _NEAR) & (np.abs(crowd.z_std) <= _FAR)
    return _far_mean(crowd) & like_the_rest.all(axis=1)


def _tell_inverted(crowd: Crowd, row: int) -> str:
    mean, centre = float(crowd.mean[row].mean()), float(crowd.centre["mean"].mean())
    return (
        f"inverted polarity? its mean is {mean:.3g}, that of its negative {1 - mean:.3g}, and the "
        f"median {centre:.3g}"
    )


def _extent(crowd: Crowd) -> Floats:
    extent: Floats = np.maximum(np.abs(crowd.low), np.abs(crowd.high)).max(axis=1)
    return extent


def _range(crowd: Crowd) -> Flags:
    """Where the largest value is far below or above that of the median image."""
    extent = _extent(crowd)
    usual = float(np.median(extent))
    # Values of their own: 0..1 among 0..255 and the other way round.
    factor = _CODE_FACTOR if crowd.usual.has_range else _FLOAT_FACTOR
    odd: Flags = (usual > 0) & ((extent * factor <= usual) | (extent >= usual * factor))
    return _few(odd & ~_constants(crowd))


def _tell_range(crowd: Crowd, row: int) -> str:
    unit = crowd.unit_at(row)
    extent, usual = float(_extent(crowd)[row]), float(np.median(_extent(crowd)))
    if not crowd.usual.has_range:
        return (
            f"values up to {extent * unit:.4g}, where half of the images reach {usual * unit:.4g}"
        )
    why = ": labels, or fewer bits than the file has?" if extent < usual else ": more bits?"
    return (
        f"codes up to {extent * unit:.0f} of {unit:g}, where half of the images reach "
        f"{usual * unit:.0f}{why}"
    )


def _gray(crowd: Crowd) -> Flags:
    return _few(crowd.equal & ~_constants(crowd))


def _tell_gray(crowd: Crowd, row: int) -> str:
    if crowd.kind_at(row).is_gray:
        return "gray among colour"
    return "gray among colour: its three channels have the same sums"


def _kind(crowd: Crowd) -> Flags:
    usual, kinds = crowd.usual, map(kind_of, crowd.kinds)
    # Gray among colour has a rule of its own; signed codes and floats are both values.
    odd = np.array(
        [
            kind.has_range != usual.has_range
            or (kind.has_range and kind.depth != usual.depth)
            or (kind.is_colour and usual.is_gray)
            for kind in kinds
        ]
    )
    flags: Flags = odd[crowd.kind]
    return _few(flags)


def _tell_kind(crowd: Crowd, row: int) -> str:
    return f"{crowd.kind_at(row).name} among {crowd.usual.name}"


# Each is a name in the output. The weights let what is certainly odd outrank what is only far.
RULES: dict[RuleName, Rule] = {
    "kind": Rule("another depth, or other channels, than most", 10.0, _kind, _tell_kind),
    "constant": Rule("every pixel is the same", 10.0, _constant, _tell_constant),
    "inverted": Rule(
        f"its mean is far, that of its negative (1 − mean) within z {_NEAR:g}",
        10.0,
        _inverted,
        _tell_inverted,
    ),
    "range": Rule(
        f"its largest code is {_CODE_FACTOR} times off the usual (floats: {_FLOAT_FACTOR})",
        10.0,
        _range,
        _tell_range,
    ),
    "gray": Rule("gray among colour, as one channel or three equal ones", 3.0, _gray, _tell_gray),
    "mean": Rule(f"its mean is farther than z {_FAR:g}", 0.0, _far_mean, _tell_far("mean")),
    "std": Rule(f"its std is farther than z {_FAR:g}", 0.0, _far_std, _tell_far("std")),
}


def robust_z(values: Floats, centre: Floats, scale: Floats) -> Floats:
    apart = values - centre
    z: Floats = np.divide(apart, scale, out=np.zeros_like(apart), where=scale > 0)
    return z


def robust_spread(values: Floats) -> tuple[Floats, Floats]:
    """Return the medians over images and the robust standard deviations around them.

    Where more than half of the images are the same, whose MAD is 0, the deviation follows from the
    mean absolute one.
    """
    centre: Floats = np.median(values, axis=0)
    apart = np.abs(values - centre)
    scale = _MAD * np.median(apart, axis=0)
    return centre, np.where(scale > 0, scale, _MEAN_AD * apart.mean(axis=0))
