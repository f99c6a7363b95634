"""Does a spec's every number follow from its own state, and does it still describe its dataset?"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import isclose
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from normstat.assemble import group_states, reassembled, state_of
from normstat.contents import (
    CHECK,
    Changes,
    changes,
    checksum,
    described,
    joined,
    parts_of,
    places,
    selection_of,
)
from normstat.errors import NormstatError, SpecError
from normstat.measure import compute
from normstat.reading import Observer
from normstat.sources import Selection, list_files
from normstat.sources.base import printable
from normstat.spec.asked import asked_of
from normstat.spec.model import (
    Estimator,
    Group,
    Masks,
    Part,
    Pipeline,
    Selected,
    Shards,
    Spec,
)
from normstat.statistics import Kind, KindState, State, kind_of

# Sums are exact; only a square root of another machine's library could differ in its last bit.
_CLOSE = 1e-12
_LONGEST = 120  # characters of a value in a message
# Counts of a spec that are the sums of those of its parts.
_COUNTED = ("images", "pixels", "skipped")


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
        state, groups = state_of(spec), group_states(spec)
    except SpecError as error:
        path, _, text = str(error).partition(": ")
        return [Problem(path, text)]
    problems = [*_of_state("state", state), *_of_dataset(spec)]
    if groups is not None:
        problems += _of_groups(spec, state, groups)
    if not state.images and not spec.estimator.shards:
        problems.append(Problem("state.kinds", "holds no image"))
    if problems:
        return problems
    try:
        derived = reassembled(spec, state, groups)
    except (NormstatError, ValueError, ArithmeticError) as error:
        return [Problem("state", str(error))]
    return list(_differences("", msgspec.to_builtins(spec), msgspec.to_builtins(derived)))


def stale(
    spec: Spec,
    *sources: str | os.PathLike[str],
    storage_options: Mapping[str, Any] | None = None,
) -> Changes:
    """Return how the files of a dataset differ from those that a spec was made of.

    Only names and sizes are looked at, with the spec's own selection. Nothing is read. Of a merged
    spec, the datasets that the sources are get checked, see `matched`.

    Raises
    ------
    NormstatError
        A source is none of the datasets that were merged.

    Examples
    --------
    >>> import normstat
    >>> bool(stale(normstat.compute("sample_data/photos"), "sample_data/photos"))
    False
    """
    found = Changes()
    for part, places_now in matched(spec, *sources, storage_options=storage_options):
        selection = _selection(part, spec.pipeline, storage_options)
        now = described(list_files(places_now, selection), selection)
        if now.digest != part.digest:
            found = found.joined(changes(part, now))
    return found


def matched(
    spec: Spec,
    *sources: str | os.PathLike[str],
    storage_options: Mapping[str, Any] | None = None,
) -> list[tuple[Part, list[str]]]:
    """Return the datasets of a spec that sources are, each with its sources.

    A plain spec is of one dataset, which all sources are together. Of a merged one each source, or
    all of them together, has to have the files of one of the datasets or its name.

    Raises
    ------
    NormstatError
        A source is none of them.
    """
    parts, named = parts_of(spec), [os.fspath(source) for source in sources]
    if len(parts) == 1:
        return [(parts[0], named)]
    together = _match(parts, named, spec.pipeline, storage_options)
    if together:
        return [(together, named)]
    found = []
    for name in named:
        part = _match(parts, [name], spec.pipeline, storage_options) or next(
            (each for each in parts if each.roots == [printable(name)]), None
        )
        if part is None:
            raise NormstatError(
                f"{printable(name)}: is none of the {len(parts)} datasets that were merged: "
                f"{', '.join(map(places, parts))}"
            )
        found.append((part, [name]))
    return found


def unchecked(
    spec: Spec,
    *sources: str | os.PathLike[str],
    storage_options: Mapping[str, Any] | None = None,
) -> list[str]:
    """Return the datasets of a merged spec that no source is."""
    found = [part for part, _ in matched(spec, *sources, storage_options=storage_options)]
    return [places(part) for part in parts_of(spec) if part not in found]


def _match(
    parts: Sequence[Part],
    sources: list[str],
    pipeline: Pipeline,
    storage_options: Mapping[str, Any] | None,
) -> Part | None:
    """Return the dataset that has the files of sources."""
    digests: list[tuple[Selected | None, str]] = []
    for part in parts:
        digest = next((digest for selected, digest in digests if selected == part.selected), None)
        if digest is None:
            selection = _selection(part, pipeline, storage_options)
            digest = list_files(sources, selection).digest()
            digests.append((part.selected, digest))
        if digest == part.digest:
            return part
    return None


def _selection(
    part: Part, pipeline: Pipeline, storage_options: Mapping[str, Any] | None
) -> Selection:
    selection = replace(selection_of(part), storage_options=storage_options or {})
    return selection.seen_by(pipeline)


def recomputed(
    spec: Spec,
    *sources: str | os.PathLike[str],
    storage_options: Mapping[str, Any] | None = None,
    observer: Observer | None = None,
) -> list[Problem]:
    """Measure a dataset again as a spec says and return what has become different.

    Raises
    ------
    NormstatError
        As `compute` does, or what was merged or taken out is not all there.
    """
    found = matched(spec, *sources, storage_options=storage_options)
    missing = [part for part in parts_of(spec) if part not in [each for each, _ in found]]
    if missing:
        raise NormstatError(
            f"to measure again, all that was merged is needed: {', '.join(map(places, missing))}"
        )
    holes = [hole for part in parts_of(spec) for hole in part.without or ()]
    if holes:
        raise NormstatError(
            f"what was taken out ({', '.join(map(places, holes))}) cannot be left out of a new "
            "measurement: validate the specs that this one was made of"
        )
    state, skipped = State(), []
    groups: dict[str, State] | None = None if spec.groups is UNSET else {}
    for part, names in found:
        of = part.shards.of if part.shards else 1
        for number in part.shards.parts if part.shards else [1]:
            only = {"shard": f"{number}/{of}"} if part.shards else {}
            again = _again(
                spec, part, names, storage_options=storage_options, observer=observer, **only
            )
            state = state.merged(state_of(again))
            skipped += again.skipped
            for name, more in (group_states(again) or {}).items():
                if groups is not None:
                    groups[name] = groups.get(name, State()).merged(more)
    now = reassembled(spec, state, groups, skipped=skipped)
    problems = []
    for field in ("mean", "std", "counts", "skipped", "state", "groups"):
        before, after = (_by_name(getattr(each, field)) for each in (spec, now))
        problems += [
            Problem(problem.path, problem.text.replace("the state gives", "now it is"))
            for problem in _differences(field, before, after)
        ]
    return problems


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
    pipeline, estimator, selection = spec.pipeline, spec.estimator, selection_of(part)
    before: dict[str, Any] = {
        "include": selection.include,
        "exclude": selection.exclude,
        "extensions": selection.extensions,
        "follow_symlinks": selection.follow_symlinks,
        "hidden": selection.hidden,
        "files_from": selection.files_from,
        "null": selection.null,
        "column": selection.column,
        "mask_dir": selection.mask_dir,
        "mask_suffix": selection.mask_suffix,
        **_options(pipeline),
        "weighting": estimator.weighting,
        "std": estimator.std,
        "ddof": estimator.ddof,
        "covariance": spec.covariance is not None,
        "percentiles": list(spec.percentiles),
        "confidence": estimator.confidence,
        "group_by": spec.dataset.group_by or None,
    }
    again = compute(*sources, **(before | _covered(estimator, part.shards) | options))
    return again.group(spec.dataset.group) if spec.dataset.group else again


def _options(pipeline: Pipeline) -> dict[str, Any]:
    """Return the options of `compute` that a pipeline was made of."""
    fixed = {"exif_orientation", "mixed_depths"}
    fields = {name: getattr(pipeline, name) for name in pipeline.__struct_fields__}
    options = {
        name: value for name, value in fields.items() if name not in fixed and value is not UNSET
    }
    masks: Masks | None = options.pop("masks", None)
    return options | asked_of(masks) if masks else options


def _plain(value: Any) -> Any:
    return None if value is UNSET else msgspec.to_builtins(value)


def _by_name(value: Any) -> Any:
    """Return a field as plain data, groups by their names."""
    if isinstance(value, list) and value and isinstance(value[0], Group):
        return {group.name: _plain(group) for group in value}
    return _plain(value)


def _of_groups(spec: Spec, state: State, groups: Mapping[str, State]) -> Iterator[Problem]:
    """Yield where groups contradict themselves, the listing, or in their sum the whole."""
    for place, part in enumerate(groups.values()):
        yield from _of_state(f"groups[{place}].state", part)
    lost = Counter(each.group for each in spec.skipped if each.group)
    for name in {**groups, **lost}:
        images, listed = (groups[name].images if name in groups else 0), spec.dataset.listed(name)
        if images + lost[name] > listed:
            text = f"{listed} of {name!r}, of which {images} were read and {lost[name]} skipped"
            yield Problem("dataset.groups", text)
    if sum((spec.dataset.groups or {}).values()) > spec.dataset.files:
        yield Problem("dataset.groups", f"more than {spec.dataset.files} files")
    total = State.of_all(groups.values())
    for problem in _differences("state", state.to_text(), total.to_text()):
        yield Problem(problem.path, problem.text.replace("the state gives", "the groups add up to"))


def _of_dataset(spec: Spec) -> Iterator[Problem]:
    """Yield where what is told of the files contradicts the rest."""
    dataset = spec.dataset
    for path, there in (("group_by", dataset.group_by), ("groups", dataset.groups)):
        if (there is UNSET) != (spec.groups is UNSET and dataset.group is UNSET):
            yield Problem(f"dataset.{path}", "does not fit to groups")
    if not dataset.group:
        yield from _of_parts(spec)
        return
    listed = dataset.listed(dataset.group)
    if spec.estimator.images_listed != listed:
        text = f"{spec.estimator.images_listed}, but {listed} files are of {dataset.group!r}"
        yield Problem("estimator.images_listed", text)


def _of_parts(spec: Spec) -> Iterator[Problem]:
    """Yield where what is told of the whole contradicts what is told of its parts."""
    parts = parts_of(spec)
    whole = joined(parts)
    sums = {field: sum(getattr(part, field) for part in parts) for field in _COUNTED}
    pairs = [
        ("dataset", spec.dataset, whole.dataset),
        ("estimator.images_listed", spec.estimator.images_listed, whole.images_listed),
        ("state", checksum(spec.state), sum(part.checksum for part in parts) % CHECK),
        ("estimator.shards", spec.estimator.shards, whole.shards),
        *((f"counts.{field}", getattr(spec.counts, field), sums[field]) for field in _COUNTED),
    ]
    for path, found, expected in pairs:
        for problem in _differences(path, _plain(found), _plain(expected)):
            text = problem.text.replace("the state gives", "the parts give")
            yield Problem(problem.path, text)
    if (spec.estimator.coverage == "shards") != bool(spec.estimator.shards):
        yield Problem("estimator.coverage", "does not fit to estimator.shards")
    for part in parts:
        if part.shards and not _are_some(part.shards):
            yield Problem("estimator.shards.parts", f"are not some of {part.shards.of}, in order")


def _are_some(shards: Shards) -> bool:
    numbers = shards.parts
    in_order = numbers == sorted(set(numbers))
    return in_order and numbers[-1] <= shards.of and len(numbers) < shards.of


def _covered(estimator: Estimator, shards: Shards | UnsetType) -> dict[str, Any]:
    """Return the options of `compute` that read the same part of a listing."""
    if estimator.sample:
        sample = estimator.sample
        return {"sample": sample.images, "seed": sample.seed, "stratify": sample.stratified}
    if shards:
        return {"shard": f"{shards.parts[0]}/{shards.of}"}
    return {"limit": estimator.limit}


def _of_state(path: str, state: State) -> Iterator[Problem]:
    """Yield where parts of a state contradict each other."""
    for name, kind in state.kinds.items():
        yield from _of_kind(f"{path}.kinds.{name}", kind, kind_of(name))
    for field in ("modes", "widths", "heights"):
        total = sum(getattr(state, field).values())
        if total != state.images:
            yield Problem(f"{path}.{field}", f"{total} images, but kinds hold {state.images}")


def _of_kind(path: str, state: KindState, kind: Kind) -> Iterator[Problem]:
    """Yield where the sums of a kind contradict its histogram."""
    sums = state.images
    if state.histogram is not None:
        counts, zero = state.histogram.counts.sum(axis=1).tolist(), kind.zero
        s, q = state.histogram.sums(), state.histogram.square_sums()
        pairs = [
            ("n", sums.n, counts),
            ("s", sums.s, [a + zero * n for a, n in zip(s, counts, strict=True)]),
            (
                "q",
                sums.q,
                [b + zero * (2 * a + zero * n) for a, b, n in zip(s, q, counts, strict=True)],
            ),
        ]
        for field, found, counted in pairs:
            if found != counted:
                yield Problem(f"{path}.images.{field}", f"{found}, but the histogram has {counted}")


def _differences(path: str, found: Any, expected: Any) -> Iterator[Problem]:
    """Yield the places in which two trees of plain data differ."""
    if isinstance(found, dict) and isinstance(expected, dict):
        for key in (*found, *(expected.keys() - found.keys())):
            pair = found.get(key, "nothing"), expected.get(key, "nothing")
            yield from _differences(f"{path}.{key}" if path else key, *pair)
    elif isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        for index, pair in enumerate(zip(found, expected, strict=True)):
            yield from _differences(f"{path}[{index}]", *pair)
    elif isinstance(found, float) and isinstance(expected, float):
        if not isclose(found, expected, rel_tol=_CLOSE, abs_tol=_CLOSE):
            yield Problem(path, f"{found}, but the state gives {expected}")
    elif found != expected:
        yield Problem(path, f"{_short(found)}, but the state gives {_short(expected)}")


def _short(value: Any) -> str:
    text = value if value == "nothing" else repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
