"""Does a spec hold: does it follow from its own state, and does it still describe its dataset?"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from msgspec import UNSET, UnsetType

from normstat.assemble import group_states, reassembled, state_of
from normstat.consistency import Problem, differences, validate
from normstat.contents import Changes, changes, described, places, selection_of
from normstat.errors import NormstatError
from normstat.measure import compute
from normstat.names import printable
from normstat.parts import parts_of
from normstat.reading import Observer
from normstat.sources import Listing, Selection, list_files
from normstat.spec.asked import options_of, percentiles_of
from normstat.spec.dataset import SELECTED, Part, Selected, Shards
from normstat.spec.model import Estimator, Spec
from normstat.spec.pipeline import Pipeline
from normstat.statistics import State
from normstat.statistics.summary import PERCENTILES


@dataclass(frozen=True)
class Verdict:
    """What is wrong with a spec: nothing, when it holds.

    Parameters
    ----------
    problems
        Fields that do not follow from the state, or of which a new measurement gives another.
    changes
        How the files differ from those that the spec was made of.
    unchecked
        The datasets of a merged spec that were not looked at.
    """

    problems: list[Problem] = field(default_factory=list)
    changes: Changes = field(default_factory=Changes)
    unchecked: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.problems and not self.changes

    def lines(self) -> Iterator[str]:
        """Yield one line for each field and file."""
        yield from map(str, self.problems)
        yield from self.changes.lines()


def check(
    spec: Spec,
    *sources: str | os.PathLike[str],
    deep: bool = False,
    storage_options: Mapping[str, Any] | None = None,
    observer: Observer | None = None,
) -> Verdict:
    """Say whether a spec follows from its own state, and still describes its dataset.

    Each source is listed with the spec's own selection, once where the merged datasets agree in
    it. Only names and sizes are looked at, unless `deep`.

    Parameters
    ----------
    sources
        The dataset, wherever it is now. Of a merged spec each source, or all of them together, has
        to have the files of one of the datasets or its name. Without any, only the spec is looked
        at.
    deep
        Measure the dataset again too, when its files are the same.
    storage_options
        What remote stores are opened with.
    observer
        Is told of progress.

    Raises
    ------
    NormstatError
        A source is none of the datasets that were merged, or cannot be listed; or as `compute`
        does, or not all that is measured again is there.

    Examples
    --------
    >>> import normstat
    >>> spec = normstat.compute("sample_data/photos")
    >>> check(spec, "sample_data/photos", deep=True).holds
    True
    >>> len(check(spec, "sample_data/odd").changes.removed)
    30
    """
    problems = validate(spec)
    if problems or not sources:
        return Verdict(problems)
    parts = parts_of(spec)
    found = _matched(parts, sources, spec.pipeline, storage_options, observer)
    difference = Changes()
    for each in found:
        difference = difference.joined(each.changes)
    rest = [part for part in parts if part not in [each.part for each in found]]
    if deep and not difference:
        problems = _measured(spec, found, rest, storage_options=storage_options, observer=observer)
    return Verdict(problems, difference, [places(part) for part in rest])


def stale(
    spec: Spec,
    *sources: str | os.PathLike[str],
    storage_options: Mapping[str, Any] | None = None,
) -> Changes:
    """Return how the files of a dataset differ from those that a spec was made of.

    Of `check` it is only the look at names and sizes.

    Raises
    ------
    NormstatError
        As `check` does.

    Examples
    --------
    >>> import normstat
    >>> bool(stale(normstat.compute("sample_data/photos"), "sample_data/photos"))
    False
    """
    found = Changes()
    for each in _matched(parts_of(spec), sources, spec.pipeline, storage_options):
        found = found.joined(each.changes)
    return found


@dataclass(frozen=True)
class _Match:
    """A dataset of a spec, the sources that it is, and how they differ from it."""

    part: Part
    sources: list[str]
    changes: Changes


@dataclass(frozen=True)
class _Listed:
    """Sources, listed with the selection of a dataset."""

    sources: list[str]
    selected: Selected | None
    selection: Selection
    listing: Listing
    digest: str

    def match(self, part: Part) -> _Match:
        if self.digest == part.digest:
            return _Match(part, self.sources, Changes())
        now = described(self.listing, self.selection)
        return _Match(part, self.sources, changes(part, now))


def _matched(
    parts: list[Part],
    sources: Iterable[str | os.PathLike[str]],
    pipeline: Pipeline,
    storage_options: Mapping[str, Any] | None,
    observer: Observer | None = None,
) -> list[_Match]:
    """Return the datasets that sources are.

    A plain spec is of one dataset, which all sources are together. Of a merged one each source is
    one by its files, or all of them together are, or each is one by its files or its name.
    """
    known: list[_Listed] = []

    def listed(part: Part, names: list[str]) -> _Listed:
        for each in known:
            if each.sources == names and each.selected == part.selected:
                return each
        selection = replace(selection_of(part), storage_options=storage_options or {})
        selection = selection.seen_by(pipeline)
        listing = list_files(names, selection, watch=observer.listing if observer else len)
        known.append(_Listed(names, part.selected, selection, listing, listing.digest()))
        return known[-1]

    def by_files(names: list[str]) -> Part | None:
        return next((each for each in parts if listed(each, names).digest == each.digest), None)

    named = [os.fspath(source) for source in sources]
    if len(parts) == 1:
        return [listed(parts[0], named).match(parts[0])]
    alone = {name: by_files([name]) for name in named}
    together = by_files(named) if None in alone.values() else None
    if together:
        return [listed(together, named).match(together)]
    found = []
    for name, same in alone.items():
        part = same or next((each for each in parts if each.roots == [printable(name)]), None)
        if part is None:
            raise NormstatError(
                f"{printable(name)}: is none of the {len(parts)} datasets that were merged: "
                f"{', '.join(map(places, parts))}"
            )
        found.append(listed(part, [name]).match(part))
    return found


def _measured(
    spec: Spec, found: list[_Match], missing: list[Part], **options: Any
) -> list[Problem]:
    """Measure a dataset again as a spec says and return what has become different."""
    if missing:
        raise NormstatError(
            f"to measure again, all that was merged is needed: {', '.join(map(places, missing))}"
        )
    measured = [each.part for each in found]
    if any(part in measured[:place] for place, part in enumerate(measured)):
        raise NormstatError("to measure again, one place of each dataset is enough")
    holes = [hole for each in found for hole in each.part.without or ()]
    if holes:
        raise NormstatError(
            f"what was taken out ({', '.join(map(places, holes))}) cannot be left out of a new "
            "measurement: validate the specs that this one was made of"
        )
    state, skipped = State(), []
    groups: dict[str, State] | None = None if spec.groups is UNSET else {}
    for each in found:
        shards = each.part.shards
        for number in shards.parts if shards else [1]:
            only = {"shard": f"{number}/{shards.of}"} if shards else {}
            again = _again(spec, each.part, each.sources, **options, **only)
            state = state.merged(state_of(again))
            skipped += again.skipped
            for name, more in (group_states(again) or {}).items():
                if groups is not None:
                    groups[name] = groups.get(name, State()).merged(more)
    return differences(spec, reassembled(spec, state, groups, skipped=skipped))


def measured_again(spec: Spec, *sources: str | os.PathLike[str], **options: Any) -> Spec:
    """Measure a dataset as a spec says it was, but for the options of `compute` that are given.

    Raises
    ------
    NormstatError
        As `compute` does; or the spec is of several datasets.
    """
    parts = parts_of(spec)
    if len(parts) > 1 or parts[0].without or (parts[0].shards and len(parts[0].shards.parts) > 1):
        raise NormstatError("a merged spec cannot be measured in one run: measure its parts")
    return _again(spec, parts[0], sources, **options)


def _again(
    spec: Spec, part: Part, sources: Iterable[str | os.PathLike[str]], **options: Any
) -> Spec:
    estimator, selection = spec.estimator, selection_of(part)
    percentiles = percentiles_of(spec)
    before: dict[str, Any] = {
        **{name: getattr(selection, name) for name in SELECTED},
        **options_of(spec.pipeline),
        "weighting": estimator.weighting,
        "std": estimator.std,
        "ddof": estimator.ddof,
        "covariance": spec.covariance is not None,
        "percentiles": PERCENTILES if percentiles is None else percentiles,
        "confidence": estimator.confidence,
        "group_by": spec.dataset.group_by or None,
    }
    again = compute(*sources, **(before | _covered(estimator, part.shards) | options))
    return again.group(spec.dataset.group) if spec.dataset.group else again


def _covered(estimator: Estimator, shards: Shards | UnsetType) -> dict[str, Any]:
    """Return the options of `compute` that read the same part of a listing."""
    if estimator.sample:
        sample = estimator.sample
        return {"sample": sample.images, "seed": sample.seed, "stratify": sample.stratified}
    if shards:
        return {"shard": f"{shards.parts[0]}/{shards.of}"}
    return {"limit": estimator.limit}
