"""Specs added up and taken apart again, exactly: states are integer sums."""

import os
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import permutations
from typing import Any

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from normstat.assemble import group_states, reassembled, state_of
from normstat.consistency import validate
from normstat.contents import places
from normstat.errors import DifferentSoftwareWarning, SpecError, UsageError
from normstat.names import printable
from normstat.parts import CHECK, Rename, inside, joined, located, parts_of, versions
from normstat.sources.shards import ranges
from normstat.spec.asked import percentiles_of
from normstat.spec.files import load
from normstat.spec.model import Part, Shards, Skipped, Spec, Stamp
from normstat.statistics import LimitsError, State

_Pathlike = str | os.PathLike[str]


@dataclass(frozen=True)
class _Input:
    """A spec under the name that the user knows it by."""

    name: str
    spec: Spec
    state: State
    parts: list[Part]
    groups: dict[str, State] | None


def merge(*specs: _Pathlike | Spec, stamp: Stamp | None = None) -> Spec:
    """Add specs up, exactly: the result is that of all their images together.

    All shards of a dataset give the very spec that one run over it gives. Other datasets are kept
    as `dataset.parts`, so that `subtract` can take one out again. Any order and any grouping gives
    the same spec.

    Parameters
    ----------
    specs
        Specs, or paths of spec files.
    stamp
        Time and host for the result.

    Raises
    ------
    SpecError
        They cannot be added: what was counted differs, images would count twice, or they are of a
        sample. The text names the field.
    SourceError
        A file cannot be read.

    Warns
    -----
    DifferentSoftwareWarning
        They were made by different versions, which may decode to different pixels.

    Examples
    --------
    >>> import normstat
    >>> halves = [normstat.compute("sample_data/photos", shard=f"{n}/2") for n in (1, 2)]
    >>> merge(*halves) == normstat.compute("sample_data/photos")
    True
    """
    if not specs:
        raise UsageError("merge needs at least one spec")
    inputs = _inputs(specs)
    _agree(inputs)
    telling = (each.spec for each in inputs if percentiles_of(each.spec) is not None)
    return _assembled(
        next(telling, inputs[0].spec),
        reduce(State.merged, (each.state for each in inputs)),
        _together(inputs),
        [skipped for each in inputs for skipped in each.spec.skipped],
        stamp=stamp,
        groups=_added(inputs),
    )


def subtract(
    whole: _Pathlike | Spec, part: _Pathlike | Spec, *, stamp: Stamp | None = None
) -> Spec:
    """Take a part out of a spec again, exactly: the result is that of all the other images.

    What `merge` recorded, a dataset or shards, leaves the description too, and what remains is the
    spec that was there before. What it did not record, such as the spec of a folder in the
    dataset, is named in `dataset.without`.

    Parameters
    ----------
    whole, part
        Specs, or paths of spec files.
    stamp
        Time and host for the result.

    Raises
    ------
    SpecError
        The part is not contained, or nothing would be left; or float values would be, and others
        not, so that their extremes are not known. The text names the field.
    SourceError
        A file cannot be read.

    Warns
    -----
    DifferentSoftwareWarning
        They were made by different versions, which may decode to different pixels.

    Examples
    --------
    >>> import normstat
    >>> coast, night = (normstat.compute(f"sample_data/photos/{x}") for x in ("coast", "night"))
    >>> subtract(merge(coast, night), night) == coast
    True
    """
    everything, taken = _inputs([whole, part])
    _agree([everything, taken])
    parts = {each.digest: each for each in everything.parts}
    if all(each.digest in parts for each in taken.parts):
        gone = list(taken.spec.skipped)
        for each in taken.parts:
            left = _without(parts.pop(each.digest), each, everything, taken)
            if left:
                parts[each.digest] = left
    else:
        outer, gone = _holder(everything, taken)
        parts[outer.digest] = _with_hole(outer, taken.parts[0], everything, taken)
    if not parts:
        raise SpecError(
            f"nothing is left: {taken.name} is all of {everything.name}; nothing was written"
        )
    try:
        state = everything.state.subtracted(taken.state)
    except SpecError as error:
        raise _refusal(everything, taken, error) from error
    skipped = Counter(everything.spec.skipped)
    skipped.subtract(gone)
    if min(skipped.values(), default=0) < 0:
        raise _not_contained(everything, taken, "skipped: other files were skipped")
    return _assembled(
        everything.spec,
        state,
        parts.values(),
        skipped.elements(),
        stamp=stamp,
        groups=_taken(everything, taken),
    )


def _added(inputs: Sequence[_Input]) -> dict[str, State] | None:
    """Return the states of all groups; all inputs have them, or none."""
    if inputs[0].groups is None:
        return None
    total: dict[str, State] = {}
    for each in inputs:
        for name, state in (each.groups or {}).items():
            total[name] = total[name].merged(state) if name in total else state
    return total


def _taken(everything: _Input, taken: _Input) -> dict[str, State] | None:
    """Return the states of the groups without what was taken out."""
    if everything.groups is None:
        return None
    left = dict(everything.groups)
    for name, state in (taken.groups or {}).items():
        try:
            left[name] = left.get(name, State()).subtracted(state)
        except SpecError as error:
            raise _refusal(everything, taken, error, f"group {name}: ") from error
    return left


def _inputs(specs: Iterable[_Pathlike | Spec]) -> list[_Input]:
    return [_input(spec, number) for number, spec in enumerate(specs, 1)]


def _input(given: _Pathlike | Spec, number: int) -> _Input:
    if isinstance(given, Spec):
        name, spec = f"spec {number}", given
    else:
        name, spec = printable(os.fspath(given)), load(given)
    coverage = spec.estimator.coverage
    if coverage not in ("census", "shards"):
        raise SpecError(
            f"{name}: estimator.coverage is {coverage!r}: {spec.counts.images} of "
            f"{spec.estimator.images_listed} images were read. Only whole datasets and shards "
            "add up"
        )
    if spec.dataset.group:
        raise SpecError(
            f"{name}: is the group {spec.dataset.group!r} alone; specs of all groups add up"
        )
    problems = validate(spec)
    if problems:
        raise SpecError(f"{name}: {problems[0]}; `normstat validate` tells all that is wrong")
    return _Input(name, spec, state_of(spec), parts_of(spec), group_states(spec))


def _agree(inputs: Sequence[_Input]) -> None:
    """Raise when not all counted the same in the same way; warn when the programs differ."""
    known: dict[str, tuple[Any, str]] = {}
    for each in inputs:
        for field, value in _policy(each.spec):
            first, name = known.setdefault(field, (value, each.name))
            if value != first:
                raise SpecError(
                    f"{field} differs: {name} has {_told(first)}, {each.name} has "
                    f"{_told(value)}. Nothing was written; compute both with the same options"
                )
    software = versions(each.spec.software for each in inputs)
    several = [f"{name} {versions}" for name, versions in software.items() if ", " in versions]
    if several:
        warnings.warn(
            f"not all was made with the same software ({'; '.join(several)}), whose pixels may "
            "differ; the versions are recorded",
            DifferentSoftwareWarning,
            stacklevel=3,
        )


def _policy(spec: Spec) -> Iterator[tuple[str, Any]]:
    for field in spec.pipeline.__struct_fields__:
        yield f"pipeline.{field}", getattr(spec.pipeline, field)
    for field in ("weighting", "std", "ddof"):
        yield f"estimator.{field}", getattr(spec.estimator, field)
    percentiles = percentiles_of(spec)
    if percentiles is not None:
        yield "percentiles", percentiles
    yield "covariance", spec.covariance is not None
    yield "dataset.group_by", spec.dataset.group_by or "none"
    yield "estimator.level (--confidence)", spec.estimator.confidence


def _told(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(value) or "none"
    return {True: "one", False: "none"}[value] if isinstance(value, bool) else repr(value)


def _together(inputs: Sequence[_Input]) -> list[Part]:
    """Return the datasets of all inputs, shards of the same one joined."""
    found: dict[str, tuple[Part, str]] = {}
    for each in inputs:
        for part in each.parts:
            if part.digest in found:
                first, name = found[part.digest]
                found[part.digest] = _united(first, part, name, each.name), f"{name}, {each.name}"
            else:
                found[part.digest] = part, each.name
    cut = [(part, name) for part, name in found.values() if part.shards]
    if len(cut) > 1:
        (a, name_a), (b, name_b) = cut[:2]
        raise SpecError(
            f"dataset.digest differs: {name_a} is a shard of {a.files:,} files in "
            f"{places(a)}, {name_b} of {b.files:,} files in {places(b)}. Shards fit together "
            "when all saw the same files; merge those of each dataset first"
        )
    for (a, name_a), (b, name_b) in permutations(found.values(), 2):
        if inside(a, b):
            raise SpecError(
                f"dataset.contents: all files of {name_a} ({places(a)}) are in {name_b} "
                f"({places(b)}) too and would count twice. If these are other images under the "
                "same names, compute both in one run"
            )
    return [part for part, _ in found.values()]


def _united(a: Part, b: Part, name_a: str, name_b: str) -> Part:
    """Return shards of the same dataset as one."""
    _same_files(a, b, name_a, name_b)
    if not (a.shards and b.shards):
        raise SpecError(
            f"dataset.digest is the same in {name_a} and {name_b}: images of {places(a)} would "
            "count twice. If these are other images under the same names, compute both in one run"
        )
    twice = sorted({*a.shards.parts} & {*b.shards.parts})
    if twice:
        raise SpecError(
            f"estimator.shards.parts: shard {ranges(twice)} of {a.shards.of} is in {name_a} and "
            f"in {name_b}; its images would count twice"
        )
    parts = sorted(a.shards.parts + b.shards.parts)
    return replace(
        a,
        roots=sorted({*a.roots, *b.roots}),
        shards=_shards(a.shards.of, parts),
        images=a.images + b.images,
        pixels=a.pixels + b.pixels,
        skipped=a.skipped + b.skipped,
        checksum=(a.checksum + b.checksum) % CHECK,
        software=versions([a.software, b.software]),
        without=sorted([*(a.without or ()), *(b.without or ())], key=lambda hole: hole.digest)
        or UNSET,
    )


def _same_files(a: Part, b: Part, name_a: str, name_b: str) -> None:
    """Raise when the same files were selected or cut in different ways."""
    pairs = [
        (f"dataset.{field}", getattr(a, field), getattr(b, field)) for field in ("files", "bytes")
    ]
    if a.selected and b.selected:
        pairs += [
            (f"dataset.selected.{field}", getattr(a.selected, field), getattr(b.selected, field))
            for field in a.selected.__struct_fields__
        ]
    if a.groups and b.groups and a.groups != b.groups:
        name = next(name for name in (*a.groups, *b.groups) if a.files_of(name) != b.files_of(name))
        pairs.append((f"dataset.groups.{name}", a.files_of(name), b.files_of(name)))
    if a.shards and b.shards:
        pairs.append(("estimator.shards.of", a.shards.of, b.shards.of))
    for field, first, second in pairs:
        if first != second:
            raise SpecError(
                f"{field} differs: {name_a} has {first!r}, {name_b} has {second!r}; "
                "nothing was written"
            )


def _without(whole: Part, part: Part, everything: _Input, taken: _Input) -> Part | None:
    """Return what remains of a recorded dataset when some of its shards, or all of it, go."""
    _same_files(whole, part, everything.name, taken.name)
    of = next((each.shards.of for each in (whole, part) if each.shards), 1)
    have, go = _numbers(whole.shards, of), _numbers(part.shards, of)
    if not go <= have:
        missing = ranges(sorted(go - have))
        raise _not_contained(everything, taken, f"estimator.shards.parts: it has no {missing}")
    left = _less(whole, part, everything, taken)
    if have > go:
        return replace(left, shards=Shards(of=of, parts=sorted(have - go)))
    for field in ("images", "pixels", "skipped"):
        if getattr(left, field):
            held, gone = getattr(whole, field), getattr(part, field)
            text = f"counts.{field} differs: {held:,} of these files there, {gone:,} here"
            raise _not_contained(everything, taken, text)
    if left.checksum:
        raise _not_contained(everything, taken, "state: other images under the same names")
    if (part.without or []) != (whole.without or []):
        raise _not_contained(everything, taken, "dataset.without differs")
    return None


def _numbers(shards: Shards | UnsetType, of: int) -> set[int]:
    return set(shards.parts if shards else range(1, of + 1))


def _less(whole: Part, part: Part, everything: _Input, taken: _Input) -> Part:
    """Return the part with lower counts."""
    counts = {}
    for field in ("images", "pixels", "skipped"):
        counts[field] = getattr(whole, field) - getattr(part, field)
        if counts[field] < 0:
            raise _not_contained(everything, taken, f"counts.{field}: would be below zero")
    return replace(whole, checksum=(whole.checksum - part.checksum) % CHECK, **counts)


def _with_hole(whole: Part, part: Part, everything: _Input, taken: _Input) -> Part:
    """Return a dataset of whose files some, measured as a dataset of their own, do not count."""
    holes = list(whole.without or ())
    if any(hole.digest == part.digest for hole in holes):
        raise _not_contained(everything, taken, "dataset.without: it has been taken out before")
    holes = sorted([*holes, part], key=lambda hole: hole.digest)
    for field in ("files", "bytes"):
        if sum(getattr(hole, field) for hole in holes) > getattr(whole, field):
            raise _not_contained(everything, taken, f"dataset.{field}: would be below zero")
    return replace(_less(whole, part, everything, taken), without=holes)


def _holder(everything: _Input, taken: _Input) -> tuple[Part, list[Skipped]]:
    """Return the dataset that a spec is of some files of, and the names of its skipped ones there.

    Raises
    ------
    SpecError
        There is none, or several could be it.
    """
    if len(taken.parts) > 1:
        raise SpecError(
            f"dataset.parts: {everything.name} does not record all that {taken.name} was merged "
            "from; subtract the specs of its parts one by one"
        )
    [part] = taken.parts
    found = [(outer, *located(part, outer)) for outer in everything.parts]
    holders = [each for each in found if each[1] or not each[2]]
    holders = [each for each in holders if each[2]] or holders
    if not holders:
        text = f"dataset.contents: the files of {places(part)} are not among its files"
        raise _not_contained(everything, taken, text)
    if len(holders) > 1:
        raise SpecError(
            f"dataset.parts: {' or '.join(places(each[0]) for each in holders)} may hold "
            f"{places(part)}; subtract {taken.name} from the spec of that one, then merge"
        )
    outer, renames, _ = holders[0]
    return outer, _found(everything, taken, renames)


def _found(everything: _Input, taken: _Input, renames: list[Rename]) -> list[Skipped]:
    """Return the skipped files of a part under the names that they have in the whole."""
    there = Counter(everything.spec.skipped)
    fitting = []
    for rename in renames:
        renamed = [replace(each, name=rename(each.name)) for each in taken.spec.skipped]
        if Counter(renamed) <= there and renamed not in fitting:
            fitting.append(renamed)
    if not taken.spec.skipped:
        return []
    if len(fitting) == 1:
        return fitting[0]
    text = f"skipped: {taken.spec.skipped[0].name} is not to be told among its skipped files"
    raise _not_contained(everything, taken, text)


def _refusal(everything: _Input, taken: _Input, error: SpecError, where: str = "") -> SpecError:
    """Return why a state cannot be taken out of another."""
    if isinstance(error, LimitsError):
        return SpecError(
            f"{taken.name} cannot be subtracted from {everything.name}: {where}{error}. Nothing "
            "was written; merge the specs of what is to be left, or compute it again"
        )
    return _not_contained(everything, taken, f"{where}{error}")


def _not_contained(everything: _Input, taken: _Input, text: str) -> SpecError:
    return SpecError(
        f"{taken.name} is not contained in {everything.name}: {text}. Nothing was written"
    )


def _shards(of: int, parts: list[int]) -> Shards | UnsetType:
    return UNSET if len(parts) == of else Shards(of=of, parts=parts)


def _assembled(
    spec: Spec,
    state: State,
    parts: Iterable[Part],
    skipped: Iterable[Skipped],
    *,
    stamp: Stamp | None,
    groups: dict[str, State] | None,
) -> Spec:
    """Return the spec of a state and its parts, that counts as `spec` does."""
    whole = joined(parts)
    skipped = list(skipped)
    if not state.images and not whole.shards:
        raise SpecError(
            f"there is no image in it, only {len(skipped):,} skipped files; nothing was written"
        )
    return reassembled(
        spec,
        state,
        groups,
        estimator=replace(
            spec.estimator,
            coverage="shards" if whole.shards else "census",
            shards=whole.shards,
            images_listed=whole.images_listed,
        ),
        dataset=whole.dataset,
        skipped=skipped,
        software=whole.software,
        stamp=stamp,
    )
