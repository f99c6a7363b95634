"""How far each group of a dataset is from the whole."""

from operator import eq
from typing import Literal

import msgspec
import numpy as np

from normstat.comparison import LARGEST, Mismatch, mismatch
from normstat.errors import SpecError
from normstat.metrics import METRICS, Side
from normstat.names import printable
from normstat.spec.model import Group, Spec
from normstat.spec.values import Number

Unmeasured = Literal["constant", "beyond measure"] | None

_MOST_NAMED = 3


class Distance(msgspec.Struct, frozen=True, kw_only=True):
    """A group beside the whole: `shift` and `gain` are its mean and std after the whole's
    normalization, a number a channel.

    `mismatch` is how large these are for a network. A group that is constant, or has a std that no
    images have, itself or the whole, has no distance: then all four are None, `unmeasured` says
    which it is, and the group counts as the farthest.
    """

    name: str
    images: int
    pixels: int
    mean: list[Number]
    std: list[Number]
    jeffreys: Number | None
    shift: list[Number] | None
    gain: list[Number] | None
    mismatch: Mismatch | None
    unmeasured: Unmeasured


def ranked(spec: Spec) -> list[Distance]:
    """Return the groups of a spec, the farthest from the whole first.

    Distance is Jeffreys' divergence, as in the rankings of `compare`.

    Raises
    ------
    SpecError
        The spec has no groups, or contradicts itself.

    Examples
    --------
    >>> import normstat
    >>> spec = normstat.compute("sample_data/photos", group_by="parent")
    >>> [(each.name, each.mismatch) for each in ranked(spec)]
    [('night', 'noticeable'), ('coast', 'noticeable'), ('forest', 'noticeable')]
    """
    if not spec.groups:
        raise SpecError("groups: there are none; `normstat compute --group-by RULE` finds them")
    channels = len(spec.channels)
    whole = _side(spec, "the whole", channels)
    found = [
        _distance(
            group, _side(group, f"group {group.name}", channels), whole, _unmeasured(group, spec)
        )
        for group in spec.groups
    ]
    return sorted(found, key=_place, reverse=True)


def _place(each: Distance) -> tuple[bool, bool, float]:
    """Return what puts the farthest first: those beyond measure, then the constant ones."""
    if each.jeffreys is not None:
        return False, False, each.jeffreys
    beyond = each.unmeasured == "beyond measure"
    return True, beyond, max(each.std) if beyond else 0.0


def unmeasured_note(spec: Spec) -> str | None:
    """Return why groups of a spec are beyond measure, if any are."""
    sides = [("the whole", spec.std), *((each.name, each.std) for each in spec.groups or ())]
    beyond = [f"{printable(name)} ({max(std):.3g})" for name, std in sides if max(std) >= LARGEST]
    if not beyond:
        return None
    told = ", ".join(beyond[:_MOST_NAMED])
    more = f" and {len(beyond) - _MOST_NAMED:,} more" if len(beyond) > _MOST_NAMED else ""
    return (
        f"beyond measure: no images have a std of {LARGEST:g} and more, as have {told}{more}; "
        "`normstat outliers` finds the image"
    )


def _side(each: Spec | Group, name: str, channels: int) -> Side:
    sizes = {len(each.mean), len(each.std)}
    if each.covariance is not None:
        sizes |= {len(each.covariance), *map(len, each.covariance)}
    if sizes != {channels}:
        raise SpecError(
            f"{name}: has not one number a channel; `normstat validate` tells all that is wrong"
        )
    covariance = None if each.covariance is None else np.array(each.covariance)
    return Side(np.array(each.mean), np.array(each.std), covariance)


def _unmeasured(group: Group, whole: Spec) -> Unmeasured:
    """Return why a group has no distance from the whole, if it has none."""
    if _is_constant(group):
        return "constant"
    beyond = max(*group.std, *whole.std) >= LARGEST
    return "beyond measure" if beyond or _is_constant(whole) else None


def _is_constant(each: Spec | Group) -> bool:
    """Whether a channel has one value only, or a std that is made of such images."""
    return any(map(eq, each.min, each.max)) or 0 in each.std


def _distance(group: Group, side: Side, whole: Side, unmeasured: Unmeasured) -> Distance:
    metrics: dict[str, list[float]] | None = None
    if unmeasured is None:
        metrics = {
            name: [float(value) for value in METRICS[name].function(side, whole)]
            for name in ("jeffreys", "shift", "gain")
        }
    return Distance(
        name=group.name,
        images=group.counts.images,
        pixels=group.counts.pixels,
        mean=group.mean,
        std=group.std,
        jeffreys=metrics["jeffreys"][0] if metrics else None,
        shift=metrics["shift"] if metrics else None,
        gain=metrics["gain"] if metrics else None,
        mismatch=mismatch(metrics) if metrics else None,
        unmeasured=unmeasured,
    )
