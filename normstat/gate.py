"""Whether a comparison stays inside the rules, and the whole answer of `compare`."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta

from normstat.comparison import Comparison
from normstat.errors import UsageError
from normstat.metrics import METRICS
from normstat.registry import unknown
from normstat.spec.values import Number

COMPARISON_VERSION = 1
_USUAL = "imagenet"
_RELATIONS = {
    ">": lambda value, limit: value > limit,
    ">=": lambda value, limit: value >= limit,
}


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a report: immutable."""


class Violation(_Part, frozen=True, kw_only=True):
    """A rule of the gate that a pair breaks; `pair` is its index in the comparisons."""

    pair: int
    b: str
    rule: str
    value: Number
    channel: str | None
    text: str


class Rule(_Part, frozen=True, kw_only=True):
    """`metric relation limit`, such as shift > 0.1: the pair fails when it is true."""

    metric: str
    relation: Literal[">", ">="]
    limit: Number

    def __str__(self) -> str:
        return f"{self.metric}{self.relation}{self.limit:g}"


class Gate(_Part, frozen=True, kw_only=True):
    """What must hold, and what does not."""

    rules: list[str]
    significant: bool
    passed: bool
    violations: list[Violation]


class Report(_Part, frozen=True, kw_only=True):
    """The whole answer of `compare`: pairs, what to do, and the verdict.

    With a ranking the pairs go from near to far, and the advice is about the weights that most
    people start from: ImageNet's.
    """

    normstat_comparison: Annotated[int, Meta(ge=1, le=1)] = COMPARISON_VERSION
    ranked: bool
    comparisons: Annotated[list[Comparison], Meta(min_length=1)]
    advice: list[str]
    gate: Gate | None


def report(pairs: Sequence[Comparison], gate: Gate | None = None, *, ranked: bool) -> Report:
    """Return the answer that is shown: pairs, advice and verdict."""
    usual = [pair for pair in pairs if ranked and _USUAL in (pair.b.name, *pair.also)]
    return Report(
        ranked=ranked, comparisons=list(pairs), advice=(usual or list(pairs))[0].advice, gate=gate
    )


def parse_rule(text: str) -> Rule:
    """Read a gate's rule.

    Raises
    ------
    UsageError
        It is not "metric>number", or there is no such metric.

    Examples
    --------
    >>> print(parse_rule(" gain > 1.25"))
    gain>1.25
    """
    for relation in (">=", ">"):
        name, found, limit = (part.strip() for part in text.partition(relation))
        if not found:
            continue
        if name not in METRICS:
            raise UsageError(unknown("metric", name, METRICS))
        try:
            number = float(limit)
        except ValueError:
            break
        if np.isfinite(number):
            return Rule(metric=name, relation=">=" if relation == ">=" else ">", limit=number)
    raise UsageError(f"{text!r} is not a rule: write METRIC>NUMBER, as in 'shift>0.1'")


def judge(
    comparisons: Sequence[Comparison],
    rules: Sequence[Rule],
    *,
    tolerance: float | None = None,
    significant: bool = False,
) -> Gate:
    """Return whether every pair stays inside every rule.

    Parameters
    ----------
    rules
        Each fails when its metric is beyond the limit in any channel; gain counts in both
        directions, as max(gain, 1/gain).
    tolerance
        Largest |Δmean| and |Δstd| in units of the range, 0 to 1.
    significant
        Leave out what sampling noise explains: channels whose mean (for shift), std (for gain) or
        both (for the other metrics) differ by no more than the interval of the difference.

    Raises
    ------
    UsageError
        A rule needs histograms that a side does not have.
    """
    violations = [
        violation
        for index, comparison in enumerate(comparisons)
        for violation in _violations(index, comparison, rules, tolerance, significant=significant)
    ]
    texts = [str(rule) for rule in rules]
    if tolerance is not None:
        texts.append(f"tolerance {tolerance:g}")
    return Gate(rules=texts, significant=significant, passed=not violations, violations=violations)


def _violations(
    index: int,
    pair: Comparison,
    rules: Sequence[Rule],
    tolerance: float | None,
    *,
    significant: bool,
) -> Iterator[Violation]:
    counts = _counting(pair, significant=significant)
    for rule in rules:
        metric = METRICS[rule.metric]
        if rule.metric not in pair.metrics:
            raise UsageError(
                f"{rule}: {pair.a.name} and {pair.b.name} do not both have a histogram; "
                "only specs of datasets do"
            )
        counted = counts[rule.metric]
        values: Sequence[tuple[str | None, float, bool]] = [
            (None, pair.metrics[rule.metric][0], any(counted))
        ]
        if metric.by_channel:
            values = list(zip(pair.channels, pair.metrics[rule.metric], counted, strict=True))
        for channel, value, counts_here in values:
            worst = metric.worst(np.array([value]))
            if counts_here and _RELATIONS[rule.relation](worst, rule.limit):
                text = f"{rule.metric} {value:.4g}"
                yield _violation(
                    index, pair, rule=str(rule), value=value, channel=channel, text=text
                )
    if tolerance is None:
        return
    for part, counted in (("mean", counts["shift"]), ("std", counts["gain"])):
        sides = zip(
            pair.channels, getattr(pair.a, part), getattr(pair.b, part), counted, strict=True
        )
        for channel, ours, theirs, counts_here in sides:
            if counts_here and abs(ours - theirs) > tolerance:
                apart = abs(ours - theirs)
                text = f"{part} {ours:.4f} against {theirs:.4f}, {apart:.2g} apart,"
                yield _violation(
                    index,
                    pair,
                    rule=f"tolerance {tolerance:g}",
                    value=ours - theirs,
                    channel=channel,
                    text=text,
                )


def _violation(
    index: int, pair: Comparison, *, rule: str, value: float, channel: str | None, text: str
) -> Violation:
    where = f", channel {channel}" if channel else ""
    return Violation(
        pair=index,
        b=pair.b.name,
        rule=rule,
        value=value,
        channel=channel,
        text=f"{pair.a.name} against {pair.b.name}{where}: {text} breaks {rule}",
    )


def _counting(pair: Comparison, *, significant: bool) -> dict[str, list[bool]]:
    """Return for each metric which channels count."""
    everything = [True] * len(pair.channels)
    if not significant or pair.mean is None or pair.std is None:
        return dict.fromkeys(METRICS, everything)
    either = [m or s for m, s in zip(pair.mean.significant, pair.std.significant, strict=True)]
    special = {"shift": pair.mean.significant, "gain": pair.std.significant}
    return {name: special.get(name, either) for name in METRICS}
