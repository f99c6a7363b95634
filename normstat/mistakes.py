"""The classic slips with normalization constants, named when they explain numbers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from normstat.metrics import Array, Side
from normstat.spec.model import Constants, PresetSpec, Spec

# A slip explains a difference when undoing it leaves less than a quarter of it, and little at all.
_RATIO = 4
_CLOSE = 0.02
_EXACT = 5e-4


@dataclass(frozen=True)
class Party:
    """One of two that are compared: its name, what it says, and its numbers in one unit."""

    name: str
    spec: Constants
    side: Side


def explanations(a: Party, b: Party, presets: Sequence[PresetSpec]) -> Iterator[str]:
    """Yield a sentence for each slip that explains the difference of two sides.

    Parameters
    ----------
    a, b
        In units of the range, with channels matched by name.
    presets
        Known normalizations, for a mean of one with the std of another.
    """
    ours, theirs = (a.side.mean, a.side.std), (b.side.mean, b.side.std)
    if len(a.side.mean) == 3 and _explains(ours, (ours[0][::-1], ours[1][::-1]), theirs):  # noqa: PLR2004
        yield (
            f"channel order: {a.name} in reverse order is {b.name}; one of them is BGR where the "
            "other is RGB"
        )
    for factor, here, there in ((1 / 255, "0–255", "0–1"), (255.0, "0–1", "0–255")):
        if _explains(ours, (ours[0] * factor, ours[1] * factor), theirs):
            yield f"range: {a.name} is in {here} where {b.name} is in {there}, a factor of 255"
    if not isinstance(a.spec, Spec) and _explains(ours[1:], (1 / ours[1],), theirs[1:]):
        yield f"std: {a.name} has 1/std where {b.name} has std"
    yield from _definition(a, b)
    yield from _definition(b, a)
    if not isinstance(a.spec, Spec | PresetSpec):
        yield from _mixture(a, presets)


def _definition(data: Party, constants: Party) -> Iterator[str]:
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
    published = constants.side.std
    near = [
        (float(np.max(np.abs(np.array(values) - published))), label, values)
        for label, values in definitions.values()
        if values is not None
    ]
    distance, label, values = min(near, default=(np.inf, "", []))
    if distance <= _CLOSE and _distance((data.side.std,), (published,)) > _RATIO * distance:
        yield (
            f"definition of std: {data.name}'s {mine} is {_short(data.side.std)}; "
            f"{constants.name}'s {_short(published)} is near a {label}, and {data.name}'s is "
            f"{_short(values)}"
        )


def _mixture(a: Party, presets: Sequence[PresetSpec]) -> Iterator[str]:
    """The mean of one preset with the std of another."""
    means: set[str] = set()
    stds: set[str] = set()
    for each in presets:
        same = each.channels == a.spec.channels
        if not same or each.max_pixel_value != a.spec.max_pixel_value:
            continue
        means |= {each.preset.name} if _equal(each.mean, a.spec.mean) else set()
        stds |= {each.preset.name} if _equal(each.std, a.spec.std) else set()
    if means and stds and not means & stds:
        yield (
            f"mixture: {a.name} has the mean of {min(means, key=len)} with the std of "
            f"{min(stds, key=len)}"
        )


def _explains(
    ours: tuple[Array, ...], undone: tuple[Array, ...], theirs: tuple[Array, ...]
) -> bool:
    now, then = _distance(ours, theirs), _distance(undone, theirs)
    return then <= _CLOSE and now > _RATIO * max(then, _EXACT)


def _distance(ours: tuple[Array, ...], theirs: tuple[Array, ...]) -> float:
    return max(float(np.max(np.abs(a - b))) for a, b in zip(ours, theirs, strict=True))


def _equal(found: Sequence[float], known: Sequence[float]) -> bool:
    return bool(np.max(np.abs(np.array(found) - np.array(known))) <= _EXACT)


def _short(values: Sequence[float] | Array) -> str:
    return " ".join(f"{value:.4f}"[1:] if 0 <= value < 1 else f"{value:.4g}" for value in values)
