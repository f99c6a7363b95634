"""The classic slips with normalization constants, named when they explain two sides' difference.

A side may be measured, so that a slip is whatever brings the two close when it is undone. What
some constants are by their digits alone is told by `normstat.identification`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from normstat.metrics import Array, Side
from normstat.spec.model import Constants, Spec
from normstat.spec.preset import PresetSpec

# A slip explains a difference when undoing it leaves less than a quarter of it, and little at all.
_RATIO = 4
_CLOSE = 0.02
_EXACT = 5e-4
_ROUNDING = 1e-9
_MOST_DIGITS = 6


@dataclass(frozen=True)
class Party:
    """One of two that are compared: its name, what it says, and its numbers in one unit."""

    name: str
    spec: Constants
    side: Side

    @property
    def numbers(self) -> tuple[Array, Array]:
        return self.side.mean, self.side.std


def explanations(
    a: Party, b: Party, channels: Sequence[str], presets: Sequence[PresetSpec]
) -> Iterator[str]:
    """Yield a sentence for each slip that explains the difference of two sides.

    Parameters
    ----------
    a, b
        In units of the range, both in the order of `channels`.
    presets
        Known normalizations, for a mean of one with the std of another.
    """
    if len(channels) == 3 and _explains(  # noqa: PLR2004 (RGB)
        a.numbers, (a.side.mean[::-1], a.side.std[::-1]), b.numbers
    ):
        yield (
            f"channel order: {a.name} in reverse order is {b.name}; one of them is BGR where the "
            "other is RGB"
        )
    for one, other in ((a, b), (b, a)):
        scaled = one.side.mean / 255, one.side.std / 255
        if _explains(one.numbers, scaled, other.numbers):
            yield f"range: {one.name} is in 0–255 where {other.name} is in 0–1, a factor of 255"
        yield from _inverse(one, other)
        yield from _definition(one, other, channels)
        yield from _mixture(one, channels, presets)


def small_explanations(a: Party, b: Party, code_max: float) -> Iterator[str]:
    """Yield a sentence for what else tells two sides of constants apart, if no slip does.

    Parameters
    ----------
    code_max
        The largest code: a std of one code divides by nothing.
    """
    for one, other in ((a, b), (b, a)):
        yield from _rounding(one, other)
        yield from _undivided(one, other, code_max)
        yield from _one_for_all(one, other)


def _rounding(one: Party, other: Party) -> Iterator[str]:
    """Yield a sentence when one side is the other with fewer decimals, in 0–1 or in 0–255."""
    for limit, words in ((1, "0–1"), (255, "0–255")):
        for digits in range(_MOST_DIGITS):
            steps = limit * 10**digits
            ours, theirs = (np.concatenate(party.numbers) * steps for party in (one, other))
            has_so_few = np.abs(ours - np.round(ours)).max() <= _ROUNDING * steps
            if has_so_few and np.abs(ours - theirs).max() <= 0.5 + _ROUNDING * steps:
                yield (
                    f"rounding: {one.name} is {other.name} rounded to {digits} decimals in {words}"
                )
                return


def _one_for_all(one: Party, other: Party) -> Iterator[str]:
    """Yield a sentence when one side has a single std where the other has one a channel."""
    spreads = [np.ptp(party.side.std) for party in (one, other)]
    if spreads[0] <= _ROUNDING < spreads[1]:
        yield f"one scale: {one.name} has the same std for all channels, {other.name} has its own"


def _undivided(one: Party, other: Party, code_max: float) -> Iterator[str]:
    """Yield a sentence when one side only subtracts the mean: its std is one code."""
    ones, others = one.side.std * code_max, other.side.std * code_max
    if max(abs(ones - 1)) <= _EXACT < max(abs(others - 1)) and (
        _distance((one.side.mean,), (other.side.mean,)) <= _CLOSE
    ):
        yield f"std: {one.name} divides by 1, {other.name} by its std"


def _inverse(one: Party, other: Party) -> Iterator[str]:
    std = one.side.std
    if isinstance(one.spec, Spec) or min(std) <= 1:  # a std of the range is never above it
        return
    if _explains((std,), (1 / std,), (other.side.std,)):
        yield f"std: {one.name} has 1/std where {other.name} has std"


def _definition(data: Party, constants: Party, channels: Sequence[str]) -> Iterator[str]:
    """A dataset's std against constants that are another definition of std."""
    if not isinstance(data.spec, Spec) or isinstance(constants.spec, Spec):
        return
    alternatives = data.spec.alternatives
    definitions = {
        "pooled": ("pooled std", alternatives.pixel.std),
        "mean-of-images": ("mean of image stds", alternatives.mean_of_image_stds),
        "rms-of-images": ("rms of image stds", alternatives.rms_of_image_stds),
    }
    mine = definitions.pop(data.spec.estimator.std)[0]
    order = [data.spec.channels.index(channel) for channel in channels]
    published = constants.side.std
    near = [
        (_distance((np.array(values)[order],), (published,)), label, np.array(values)[order])
        for label, values in definitions.values()
        if values is not None
    ]
    distance, label, values = min(near, key=lambda each: each[0])
    if distance <= _CLOSE and _distance((data.side.std,), (published,)) > _RATIO * distance:
        yield (
            f"definition of std: {data.name}'s {mine} is {_short(data.side.std)}; "
            f"{constants.name}'s {_short(published)} is near a {label}, and {data.name}'s is "
            f"{_short(values)}"
        )


def _mixture(party: Party, channels: Sequence[str], presets: Sequence[PresetSpec]) -> Iterator[str]:
    """The mean of one preset with the std of another, in whatever range and order."""
    if isinstance(party.spec, Spec | PresetSpec):
        return
    means, stds = [], []
    for each in presets:
        if each.full_scale is None or sorted(each.channels) != sorted(channels):
            continue
        order = [each.channels.index(channel) for channel in channels]
        mean, std = (np.array(v)[order] / each.full_scale for v in (each.mean, each.std))
        means += [each.preset.name] if _distance((mean,), party.numbers[:1]) <= _EXACT else []
        stds += [each.preset.name] if _distance((std,), party.numbers[1:]) <= _EXACT else []
    if means and stds and not set(means) & set(stds):
        yield f"mixture: {party.name} has the mean of {means[0]} with the std of {stds[0]}"


def _explains(
    ours: tuple[Array, ...], undone: tuple[Array, ...], theirs: tuple[Array, ...]
) -> bool:
    now, then = _distance(ours, theirs), _distance(undone, theirs)
    return then <= _CLOSE and now > _RATIO * max(then, _EXACT)


def _distance(ours: tuple[Array, ...], theirs: tuple[Array, ...]) -> float:
    return max(float(np.max(np.abs(a - b))) for a, b in zip(ours, theirs, strict=True))


def _short(values: Sequence[float] | Array) -> str:
    return " ".join(f"{value:.4f}"[1:] if 0 <= value < 1 else f"{value:.4g}" for value in values)
