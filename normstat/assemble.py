"""State and provenance → the finished spec. `compute` writes with it, `validate` proves with it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from normstat.errors import NormstatError, SpecError
from normstat.names import natural_key, natural_place
from normstat.spec.asked import percentiles_of
from normstat.spec.dataset import Dataset, Skipped
from normstat.spec.model import Estimator, Group, Spec, Stamp
from normstat.spec.numbers import Counts, Range, Sizes
from normstat.spec.pipeline import Pipeline
from normstat.spec.state import StateText
from normstat.statistics import State, summarize
from normstat.statistics.summary import PERCENTILES

MOST_PIXELS = 2**53  # beyond, JSON parsers would round the counts


def assemble(
    state: State,
    *,
    estimator: Estimator,
    pipeline: Pipeline,
    dataset: Dataset,
    skipped: Sequence[Skipped],
    percentiles: Sequence[str],
    covariance: bool,
    software: dict[str, str],
    stamp: Stamp | None = None,
    groups: Mapping[str, State] | None = None,
) -> Spec:
    """Return the spec that follows from a state. Only shards may be without any image.

    Parameters
    ----------
    groups
        The states that `state` is the sum of, by the names of the groups. Where the whole has
        three channels each has, so that they can be compared.

    Raises
    ------
    NormstatError
        The std that was asked for does not exist, a count would not survive in JSON, or there is
        no image.
    """
    if not state.images and not estimator.shards:
        raise NormstatError("holds no image")
    skipped = sorted(skipped, key=_place)
    how: dict[str, Any] = {"covariance": covariance, "percentiles": percentiles}
    whole = _told(state, estimator, pipeline, len(skipped), **how)
    how["covariance"] = whole["covariance"] is not None
    parts = []
    losses = Counter(each.group for each in skipped)
    for name, part in sorted((groups or {}).items(), key=lambda item: natural_place(item[0])):
        if not part.images:
            continue
        listed = replace(estimator, images_listed=dataset.listed(name))
        alike = replace(pipeline, mode="rgb") if whole["channels"] == ["R", "G", "B"] else pipeline
        try:
            told = _told(part, listed, alike, losses[name], **how)
        except NormstatError as error:
            raise NormstatError(f"group {name}: {error}") from error
        parts.append(Group(name=name, **told))
    return Spec(
        **whole,
        estimator=estimator,
        pipeline=pipeline,
        dataset=dataset,
        skipped=skipped,
        software=software,
        stamp=stamp,
        groups=UNSET if groups is None else parts,
    )


def state_of(spec: Spec) -> State:
    """Return the state of a spec.

    Raises
    ------
    SpecError
        As `State.from_text` does.

    Examples
    --------
    >>> import normstat
    >>> state_of(normstat.compute("sample_data/photos")).images
    30
    """
    return State.from_text(msgspec.to_builtins(spec.state), ddof=spec.estimator.ddof)


def group_states(spec: Spec) -> dict[str, State] | None:
    """Return the state of each group of a spec that has them.

    Raises
    ------
    SpecError
        As `State.from_text` does; or two groups have one name.
    """
    if spec.groups is UNSET:
        return None
    states: dict[str, State] = {}
    for place, group in enumerate(spec.groups):
        text = msgspec.to_builtins(group.state)
        if group.name in states:
            raise SpecError(f"groups[{place}].name: {group.name!r} is there twice")
        try:
            states[group.name] = State.from_text(text, ddof=spec.estimator.ddof)
        except SpecError as error:
            raise SpecError(f"groups[{place}].{error}") from error
    return states


def reassembled(
    spec: Spec, state: State, groups: Mapping[str, State] | None = None, **changes: Any
) -> Spec:
    """Return the spec of another state that is told as a spec is, but for what `changes`.

    Parameters
    ----------
    spec
        What was asked for, and of which files. Where it does not say which percentiles, they are
        `PERCENTILES`.
    state, groups
        As in `assemble`.
    changes
        Other parameters of `assemble` that differ.

    Examples
    --------
    >>> import normstat
    >>> spec = normstat.compute("sample_data/photos", covariance=True)
    >>> reassembled(spec, state_of(spec)) == spec
    True
    """
    kept = ("estimator", "pipeline", "dataset", "skipped", "software", "stamp")
    percentiles = percentiles_of(spec)
    how: dict[str, Any] = {
        **{name: getattr(spec, name) for name in kept},
        "percentiles": PERCENTILES if percentiles is None else percentiles,
        "covariance": spec.covariance is not None,
    }
    return assemble(state, groups=groups, **(how | changes))


def _told(
    state: State, estimator: Estimator, pipeline: Pipeline, skipped: int, **how: Any
) -> dict[str, Any]:
    """Return the fields that a spec and a group have, all of which follow from the state."""
    summary = summarize(state, estimator, pipeline, level=estimator.confidence, **how)
    if summary.pixels > MOST_PIXELS:
        raise NormstatError(
            f"{summary.pixels} pixels a channel are more than the 2^53 that a JSON file can count; "
            "compute parts of the dataset instead"
        )
    numbers = dict(vars(summary))
    pixels = numbers.pop("pixels")
    return numbers | {
        "counts": Counts(
            images=state.images,
            pixels=pixels,
            by_mode={mode: state.modes[mode] for mode in sorted(state.modes)},
            by_size=Sizes(width=_range(state.widths), height=_range(state.heights)),
            transparent=state.transparent,
            animated=state.animated,
            padded=state.padded,
            skipped=skipped,
        ),
        "state": msgspec.convert(state.to_text(), StateText),
    }


def _place(skipped: Skipped) -> tuple[str, str, str]:
    # In terms of the file alone, so that specs that are merged come to the same order.
    return natural_key(skipped.name), skipped.name, skipped.reason


def _range(values: Counter[int]) -> Range:
    if not values:
        return Range(min=0, median=0, max=0)
    ordered = sorted(values)
    return Range(min=ordered[0], median=_median(ordered, values), max=ordered[-1])


def _median(ordered: list[int], counts: Counter[int]) -> float:
    total, seen = sum(counts.values()), 0
    middle: list[int] = []
    for value in ordered:
        seen += counts[value]
        if not middle and 2 * seen >= total:
            middle.append(value)
        if 2 * seen > total:
            return (middle[0] + value) / 2
    raise ValueError("no values")
