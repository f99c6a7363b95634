"""How two normalizations differ, what explains it, and whether a gate lets it pass."""

from collections.abc import Mapping, Sequence
from math import hypot
from typing import Literal

import msgspec
import numpy as np
from msgspec import UNSET

from normstat.errors import NormstatError, SpecError
from normstat.metrics import METRICS, Array, Side
from normstat.mistakes import Party, explanations
from normstat.spec.model import Constants, Spec
from normstat.spec.preset import PresetSpec
from normstat.spec.values import LEVEL, Number
from normstat.statistics.summary import standard_errors

# Beyond these the data looks foreign to a network that was trained with the other numbers.
_FAR_SHIFT, _FAR_GAIN = 1.0, 2.0
# Numbers outside these, in units of the range, are slips: no image has them.
_SMALLEST, LARGEST = 1e-9, 1e9
# Values without a range may be in any unit, as long as floats hold the squares of their ratios.
_SMALLEST_VALUE, _LARGEST_VALUE = 1e-75, 1e75
_MANY_DIGITS = 1e7
NEAR_SHIFT, NEAR_GAIN = 0.1, 1.25  # within these a mismatch is small
_DIVIDE = "`normstat compute --max-pixel-value M` says what values are divided by, 1 for 0 to 1"

Mismatch = Literal["small", "noticeable", "large"]


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a report: immutable."""


class Named(_Part, frozen=True, kw_only=True):
    """A side of a comparison: where it is from, and its numbers in the units of both."""

    name: str
    kind: Literal["dataset", "constants", "model preset", "dataset preset"]
    mean: list[Number]
    std: list[Number]


class Interval(_Part, frozen=True, kw_only=True):
    """A difference A − B, the half-width of its 95 % interval, and whether that leaves out zero."""

    difference: list[Number]
    half_width: list[Number]
    significant: list[bool]


class Comparison(_Part, frozen=True, kw_only=True):
    """Everything about one pair.

    `metrics` holds one number a channel, or one for all; a metric is missing where a side lacks
    what it needs. `mean` and `std` are there when sampling noise is known on a side. `assumed`
    tells what the configuration of a framework leaves out. Numbers are in units of the range of
    codes; `in_codes`: in codes, or values, as they are.
    """

    a: Named
    b: Named
    channels: list[str]
    also: list[str] = []
    metrics: dict[str, list[Number]]
    mean: Interval | None
    std: Interval | None
    findings: list[str]
    advice: list[str]
    assumed: list[str] = []
    in_codes: bool = False


class Candidate(_Part, frozen=True, kw_only=True):
    """Something that can be compared: a spec under the name that the user knows it by.

    `warnings` tell what was assumed when it was read.
    """

    name: str
    spec: Constants
    warnings: list[str] = []


def compare(a: Candidate, b: Candidate, presets: Sequence[PresetSpec] = ()) -> Comparison:
    """Compare A's data with B's numbers.

    Parameters
    ----------
    a, b
        Specs of datasets, of presets, or bare constants. Channels are matched by name.
    presets
        Known normalizations, among which a mixture is looked for.

    Returns
    -------
    Comparison
        `metrics["shift"]` and `["gain"]` are the mean and std that A's data has after B's
        normalization, a number a channel.

    Raises
    ------
    SpecError
        The channels differ, a std is not above zero, or only one side is of fractions of a range;
        the text names the field.

    Examples
    --------
    >>> from normstat.presets import preset
    >>> pair = [Candidate(name=name, spec=preset(name)) for name in ("clip", "imagenet")]
    >>> [round(value, 2) for value in compare(*pair).metrics["gain"]]
    [1.17, 1.17, 1.23]
    """
    order = _matched(a, b)
    (range_a, range_b), assumed = _ranges(a, b)
    first, second = _side(a, range_a, range(len(order))), _side(b, range_b, order)
    metrics = {
        name: [float(value) for value in metric.function(first, second)]
        for name, metric in METRICS.items()
        if metric.needs == "moments"
        or (first.histogram is not None and second.histogram is not None)
    }
    mean, std = _intervals((a, range_a, first), (b, range_b, second), order)
    return Comparison(
        a=_named(a, first),
        b=_named(b, second),
        channels=a.spec.channels,
        metrics=metrics,
        mean=mean,
        std=std,
        findings=list(
            explanations(
                Party(a.name, a.spec, first),
                Party(b.name, b.spec, second),
                a.spec.channels,
                presets,
            )
        ),
        advice=_advice(a, b, metrics),
        assumed=[*a.warnings, *b.warnings, *assumed],
        in_codes=None in {_full_scale(a.spec), _full_scale(b.spec)},
    )


def rank(a: Candidate, presets: Sequence[PresetSpec]) -> list[Comparison]:
    """Compare A with every preset that has its channels, the nearest first.

    Presets with the same numbers are one comparison, whose `also` has the other names.
    """
    same = [
        Candidate(name=each.preset.name, spec=each)
        for each in presets
        if sorted(each.channels) == sorted(a.spec.channels)
        and (each.full_scale is None) == (_full_scale(a.spec) is None)
    ]
    if not same and _full_scale(a.spec) is None:
        raise NormstatError(
            f"{a.name}: no preset of its channels is for values without a range, as it has; name a "
            f"spec to compare with. {_DIVIDE}"
        )
    if not same:
        raise NormstatError(
            f"{a.name}: no preset has its channels {' '.join(a.spec.channels)}; name what to "
            "compare with"
        )
    found: dict[tuple[float, ...], Comparison] = {}
    for candidate in same:
        comparison = compare(a, candidate, presets)
        key = tuple(round(value, 6) for value in comparison.b.mean + comparison.b.std)
        if key in found:
            also = [*found[key].also, candidate.name]
            found[key] = msgspec.structs.replace(found[key], also=also)
        else:
            found[key] = comparison
    return sorted(found.values(), key=lambda each: each.metrics["jeffreys"][0])


def _matched(a: Candidate, b: Candidate) -> list[int]:
    """Return where each channel of A stands in B."""
    ours, theirs = a.spec.channels, b.spec.channels
    if sorted(ours) != sorted(theirs) or len(set(ours)) != len(ours):
        raise SpecError(
            f"channels differ: {a.name} has {' '.join(ours)}, {b.name} has {' '.join(theirs)}"
        )
    return [theirs.index(channel) for channel in ours]


def _full_scale(spec: Constants) -> float | None:
    """Return what the largest code is in the units of `mean`; 1 where the user has said so."""
    if isinstance(spec, Spec) and spec.pipeline.max_pixel_value:
        return 1.0
    return spec.full_scale


def _ranges(a: Candidate, b: Candidate) -> tuple[tuple[float, float], list[str]]:
    """Return what each side's numbers are divided by to have one unit, and what that assumes."""
    sides = (a, b)
    scales = [_full_scale(each.spec) for each in sides]
    if scales[0] is not None and scales[1] is not None:
        return (scales[0], scales[1]), []
    in_codes = 1 / a.spec.max_pixel_value, 1 / b.spec.max_pixel_value
    if scales == [None, None]:
        return in_codes, []
    own, other = sides if scales[0] is None else sides[::-1]
    if isinstance(own.spec, Spec) and not isinstance(other.spec, Spec):
        raise SpecError(
            f"{own.name} has values without a range, {other.name} is for fractions of a range of "
            f"codes: they have no unit in common. {_DIVIDE}"
        )
    if not isinstance(own.spec, Spec):
        return in_codes, []  # it says that it is for codes as they are
    told = f"values of {own.name} mean what the codes of {other.name} do"
    return in_codes, [f"{told}, which run up to {other.spec.max_pixel_value:g}"]


def _side(candidate: Candidate, unit: float, order: Sequence[int]) -> Side:
    spec, index = candidate.spec, list(order)
    for field in ("mean", "std"):
        if len(getattr(spec, field)) != len(spec.channels):
            raise SpecError(f"{candidate.name}: {field} has not one number a channel")
    mean, std = (np.array(values)[index] / unit for values in (spec.mean, spec.std))
    _check_possible(candidate, [spec.channels[row] for row in index], mean, std)
    if not isinstance(spec, Spec):
        return Side(mean, std)
    covariance, shares = None, None
    if spec.histogram and spec.histogram.first_code is UNSET:
        counts = np.array(spec.histogram.counts, dtype=np.float64)[index]
        shares = counts / counts.sum(axis=1, keepdims=True)
    if spec.covariance is not None:
        covariance = np.array(spec.covariance)[np.ix_(index, index)] / unit**2
    return Side(mean, std, covariance, shares)


def _check_possible(candidate: Candidate, channels: Sequence[str], mean: Array, std: Array) -> None:
    """Raise for numbers that no image can have, or of which metrics would not be finite."""
    ranged = _full_scale(candidate.spec) is not None
    smallest, largest = (_SMALLEST, LARGEST) if ranged else (_SMALLEST_VALUE, _LARGEST_VALUE)
    for channel, centre, spread in zip(channels, mean, std, strict=True):
        what = f"{candidate.name}: std of channel {channel} is {spread:g}"
        if spread == 0:
            raise SpecError(f"{what}: it is constant, and by zero nothing can be divided")
        if smallest < spread < largest:
            if abs(centre) < largest:
                continue
            what = f"{candidate.name}: mean of channel {channel} is {centre:g}"
        if ranged:
            raise SpecError(
                f"{what} times the range of codes, as no images have: its numbers are in another "
                "unit, or its max_pixel_value is not theirs"
            )
        raise SpecError(
            f"{what}; only numbers from {smallest:g} to {largest:g} can be compared. In another "
            "unit they can be"
        )


def _named(candidate: Candidate, side: Side) -> Named:
    kind: Literal["dataset", "constants", "model preset", "dataset preset"] = "constants"
    if isinstance(candidate.spec, Spec):
        kind = "dataset"
    elif isinstance(candidate.spec, PresetSpec):
        has_weights = "model" in candidate.spec.preset.kind
        kind = "model preset" if has_weights else "dataset preset"
    return Named(name=candidate.name, kind=kind, mean=side.mean.tolist(), std=side.std.tolist())


def _intervals(
    a: tuple[Candidate, float, Side], b: tuple[Candidate, float, Side], order: Sequence[int]
) -> tuple[Interval | None, Interval | None]:
    """Return the intervals of the differences of means and stds; published numbers have no noise.

    Half-widths of independent estimates add as the root of the sum of squares, at one level and in
    one unit: what each side's numbers are divided by is given.
    """
    if not isinstance(a[0].spec, Spec) and not isinstance(b[0].spec, Spec):
        return None, None
    found: list[Interval | None] = []
    for part in ("mean", "std"):
        widths = [_half_widths(each.spec, part, unit) for each, unit, _ in (a, b)]
        if widths[0] is None or widths[1] is None:
            return None, None
        difference = (getattr(a[2], part) - getattr(b[2], part)).tolist()
        half = [hypot(widths[0][i], widths[1][j]) for i, j in enumerate(order)]
        found.append(
            Interval(
                difference=difference,
                half_width=half,
                significant=[abs(d) > h for d, h in zip(difference, half, strict=True)],
            )
        )
    return found[0], found[1]


def _half_widths(spec: Constants, part: str, unit: float) -> list[float] | None:
    """Return half-widths at the usual level, whatever level they have in the spec."""
    if not isinstance(spec, Spec):
        return [0.0] * len(spec.channels)
    errors = standard_errors(spec.estimator.confidence)
    if spec.confidence is None or not errors:
        return None
    factor = standard_errors(LEVEL) / errors
    return [factor * width / unit for width in getattr(spec.confidence, part)]


def mismatch(metrics: Mapping[str, Sequence[float]]) -> Mismatch:
    """Return how large a shift and a gain are for a network.

    >>> mismatch({"shift": [0.05], "gain": [1.1]}), mismatch({"shift": [0.0], "gain": [0.4]})
    ('small', 'large')
    """
    shift, gain = (METRICS[name].worst(np.array(metrics[name])) for name in ("shift", "gain"))
    if shift <= NEAR_SHIFT and gain <= NEAR_GAIN:
        return "small"
    return "large" if shift > _FAR_SHIFT or gain > _FAR_GAIN else "noticeable"


def in_digits(value: float, usual: str) -> str:
    """Return a number in the usual format, as +.2f, or in few digits where that has many.

    >>> in_digits(-1.5, "+.2f"), in_digits(1e21, "+.2f")
    ('-1.50', '+1e+21')
    """
    return format(value, usual if abs(value) < _MANY_DIGITS else usual.replace("f", "g"))


def _advice(a: Candidate, b: Candidate, metrics: dict[str, list[float]]) -> list[str]:
    """Return what to do, in two lines, from the size of the mismatch."""
    shifts, gains = np.array(metrics["shift"]), np.array(metrics["gain"])
    size = mismatch(metrics)
    after = (
        f"after {b.name}, {a.name} has mean {in_digits(shifts.min(), '+.2f')} to "
        f"{in_digits(shifts.max(), '+.2f')} and std {in_digits(gains.min(), '.2f')} to "
        f"{in_digits(gains.max(), '.2f')}"
    )
    if isinstance(b.spec, Spec):
        return [f"The mismatch is {size}: {after}, where {b.name} has 0 and 1."]
    scratch = "Training from scratch: the dataset's own statistics"
    tuning = f"Fine-tuning weights trained with {b.name}: keep {b.name}, whatever the data."
    if isinstance(b.spec, PresetSpec) and b.spec.preset.kind == "dataset":
        tuning = "Fine-tuning pretrained weights: take the preset that they were trained with."
    return [
        f"{tuning} The mismatch is {size}: {after}.",
        f"{scratch}; {b.name}'s domain is far off."
        if size == "large"
        else f"{scratch}, or 0.5 and 0.5.",
    ]
