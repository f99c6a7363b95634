"""Does a spec's every number follow from its own state, and does it still describe its dataset?"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from math import isclose
from typing import Any

import msgspec

from normstat.assemble import assemble
from normstat.contents import Changes, changes, described, selection_of
from normstat.errors import NormstatError, SpecError
from normstat.measure import Observer, compute
from normstat.sources import list_files
from normstat.spec.model import LEVEL, Estimator, Spec
from normstat.statistics import State

# Sums are exact; only a square root of another machine's library could differ in its last bit.
_CLOSE = 1e-12


@dataclass(frozen=True)
class Problem:
    """A field that contradicts the state, by its path in the file."""

    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}"


def validate(spec: Spec) -> list[Problem]:
    """Return every field that does not follow from the state; none for a sound spec.

    Examples
    --------
    >>> import msgspec, normstat
    >>> spec = normstat.compute("sample_data/photos")
    >>> validate(spec)
    []
    >>> print(validate(msgspec.structs.replace(spec, mean=[0.5, 0.5, 0.5]))[0])
    mean[0]: 0.5, but the state gives 0.4...
    """
    try:
        state = State.from_text(msgspec.to_builtins(spec.state), ddof=spec.estimator.ddof)
    except SpecError as error:
        path, _, text = str(error).partition(": ")
        return [Problem(path, text)]
    problems = list(_of_state(state))
    if problems:
        return problems
    try:
        derived = assemble(
            state,
            estimator=spec.estimator,
            pipeline=spec.pipeline,
            dataset=spec.dataset,
            skipped=spec.skipped,
            percentiles=list(spec.percentiles),
            covariance=spec.covariance is not None,
            level=spec.confidence.level if spec.confidence else LEVEL,
            software=spec.software,
            stamp=spec.stamp,
        )
    except (NormstatError, ValueError, ArithmeticError) as error:
        return [Problem("state", str(error))]
    return list(_differences("", msgspec.to_builtins(spec), msgspec.to_builtins(derived)))


def stale(spec: Spec, *sources: str | os.PathLike[str]) -> Changes:
    """Return how the files of a dataset differ from those that a spec was made of.

    Only names and sizes are looked at, with the spec's own selection. Nothing is read.

    Examples
    --------
    >>> import normstat
    >>> bool(stale(normstat.compute("sample_data/photos"), "sample_data/photos"))
    False
    """
    selection = selection_of(spec.dataset)
    now = described(list_files(sources, selection), selection)
    if now.digest == spec.dataset.digest:
        return Changes()
    return changes(spec.dataset, now)


def recomputed(
    spec: Spec, *sources: str | os.PathLike[str], observer: Observer | None = None
) -> list[Problem]:
    """Measure a dataset again as a spec says and return what has become different.

    Raises
    ------
    NormstatError
        As `compute` does.
    """
    now = measured_again(spec, *sources, observer=observer)
    problems = []
    for part in ("mean", "std", "counts", "skipped", "state"):
        before, after = (msgspec.to_builtins(getattr(each, part)) for each in (spec, now))
        problems += [
            Problem(problem.path, problem.text.replace("the state gives", "now it is"))
            for problem in _differences(part, before, after)
        ]
    return problems


def measured_again(spec: Spec, *sources: str | os.PathLike[str], **options: Any) -> Spec:
    """Measure a dataset as a spec says it was, but for the options of `compute` that are given.

    Raises
    ------
    NormstatError
        As `compute` does.
    """
    pipeline, estimator, selected = spec.pipeline, spec.estimator, spec.dataset.selected
    before: dict[str, Any] = {
        "include": selected.include,
        "exclude": selected.exclude,
        "extensions": selected.extensions,
        "follow_symlinks": selected.follow_symlinks,
        "hidden": selected.hidden,
        "limit": estimator.limit,
        "mode": pipeline.mode,
        "alpha": pipeline.alpha,
        "resize": pipeline.resize,
        "crop": pipeline.crop,
        "interpolation": pipeline.interpolation,
        "max_pixels": pipeline.max_pixels,
        "weighting": estimator.weighting,
        "std": estimator.std,
        "ddof": estimator.ddof,
        "covariance": spec.covariance is not None,
        "percentiles": list(spec.percentiles),
        "confidence": spec.confidence.level if spec.confidence else LEVEL,
    }
    return compute(*sources, **(before | _sample_options(estimator) | options))


def _sample_options(estimator: Estimator) -> dict[str, Any]:
    if not estimator.sample:
        return {}
    drawn = estimator.sample
    return {"sample": drawn.images, "seed": drawn.seed, "stratify": drawn.stratified}


def _of_state(state: State) -> Iterator[Problem]:
    """Yield where parts of the state contradict each other."""
    for name, kind in state.kinds.items():
        path, sums = f"state.kinds.{name}", kind.images
        pairs = [
            ("n", sums.n, kind.histogram.count),
            ("s", sums.s, kind.histogram.sums()),
            ("q", sums.q, kind.histogram.square_sums()),
        ]
        for field, found, counted in pairs:
            if found != counted:
                yield Problem(f"{path}.images.{field}", f"{found}, but the histogram has {counted}")
        if any(count.sum() != sums.n for count in kind.histogram.counts):
            yield Problem(f"{path}.histogram", "the channels count different numbers of pixels")
    if not state.images:
        yield Problem("state.kinds", "holds no image")
    for field in ("modes", "widths", "heights"):
        total = sum(getattr(state, field).values())
        if total != state.images:
            yield Problem(f"state.{field}", f"{total} images, but kinds hold {state.images}")


def _differences(path: str, found: Any, expected: Any) -> Iterator[Problem]:
    """Yield the places in which two trees of plain data differ."""
    if isinstance(found, dict) and isinstance(expected, dict) and found.keys() == expected.keys():
        for key in found:
            yield from _differences(f"{path}.{key}" if path else key, found[key], expected[key])
    elif isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        for index, pair in enumerate(zip(found, expected, strict=True)):
            yield from _differences(f"{path}[{index}]", *pair)
    elif isinstance(found, float) and isinstance(expected, float):
        if not isclose(found, expected, rel_tol=_CLOSE, abs_tol=_CLOSE):
            yield Problem(path, f"{found}, but the state gives {expected}")
    elif found != expected:
        yield Problem(path, f"{found!r}, but the state gives {expected!r}")
