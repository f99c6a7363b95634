"""A part taken out of a spec again."""

from collections import Counter

from msgspec import UnsetType
from msgspec.structs import replace

from normstat.contents import places
from normstat.errors import SpecError
from normstat.merging.inputs import Given, Input, agree, read_inputs, same_files
from normstat.merging.result import assembled
from normstat.parts import CHECK, Rename, located
from normstat.sources.shards import ranges
from normstat.spec.dataset import Part, Shards, Skipped
from normstat.spec.model import Spec, Stamp
from normstat.statistics import LimitsError, State


class _NotContainedError(SpecError):
    """What is to be taken out is not in there; the text says what of it."""


def subtract(whole: Given, part: Given, *, stamp: Stamp | None = None) -> Spec:
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
    >>> subtract(normstat.merge(coast, night), night) == coast
    True
    """
    everything, taken = read_inputs([whole, part])
    agree([everything, taken])
    try:
        parts, gone = _parts_left(everything, taken)
        if not parts:
            raise SpecError(
                f"nothing is left: {taken.name} is all of {everything.name}; nothing was written"
            )
        return assembled(
            everything.spec,
            _state_left(everything.state, taken.state),
            parts,
            _skipped_left(everything.spec.skipped, gone),
            stamp=stamp,
            groups=_groups_left(everything.groups, taken.groups),
        )
    except LimitsError as error:
        raise SpecError(
            f"{taken.name} cannot be subtracted from {everything.name}: {error}. Nothing "
            "was written; merge the specs of what is to be left, or compute it again"
        ) from error
    except _NotContainedError as error:
        raise SpecError(
            f"{taken.name} is not contained in {everything.name}: {error}. Nothing was written"
        ) from error


def _parts_left(everything: Input, taken: Input) -> tuple[list[Part], list[Skipped]]:
    """Return the datasets that are left, and the skipped files that are not."""
    parts = {each.digest: each for each in everything.parts}
    if not all(each.digest in parts for each in taken.parts):
        outer, gone = _holder(everything, taken)
        parts[outer.digest] = _with_hole(outer, taken.parts[0])
        return list(parts.values()), gone
    for each in taken.parts:
        same_files(parts[each.digest], each, everything.name, taken.name)
        left = _without(parts.pop(each.digest), each)
        if left:
            parts[each.digest] = left
    return list(parts.values()), taken.spec.skipped


def _state_left(whole: State, part: State, where: str = "") -> State:
    try:
        return whole.subtracted(part)
    except SpecError as error:
        kind = LimitsError if isinstance(error, LimitsError) else _NotContainedError
        raise kind(f"{where}{error}") from error


def _groups_left(
    whole: dict[str, State] | None, part: dict[str, State] | None
) -> dict[str, State] | None:
    if whole is None:
        return None
    left = dict(whole)
    for name, state in (part or {}).items():
        left[name] = _state_left(left.get(name, State()), state, f"group {name}: ")
    return left


def _skipped_left(whole: list[Skipped], gone: list[Skipped]) -> list[Skipped]:
    skipped = Counter(whole)
    skipped.subtract(gone)
    if min(skipped.values(), default=0) < 0:
        raise _NotContainedError("skipped: other files were skipped")
    return list(skipped.elements())


def _without(whole: Part, part: Part) -> Part | None:
    """Return what remains of a recorded dataset when some of its shards, or all of it, go."""
    of = next((each.shards.of for each in (whole, part) if each.shards), 1)
    have, go = _numbers(whole.shards, of), _numbers(part.shards, of)
    if not go <= have:
        missing = ranges(sorted(go - have))
        raise _NotContainedError(f"estimator.shards.parts: it has no {missing}")
    left = _less(whole, part)
    if have > go:
        return replace(left, shards=Shards(of=of, parts=sorted(have - go)))
    for field in ("images", "pixels", "skipped"):
        if getattr(left, field):
            held, gone = getattr(whole, field), getattr(part, field)
            text = f"counts.{field} differs: {held:,} of these files there, {gone:,} here"
            raise _NotContainedError(text)
    if left.checksum:
        raise _NotContainedError("state: other images under the same names")
    if (part.without or []) != (whole.without or []):
        raise _NotContainedError("dataset.without differs")
    return None


def _numbers(shards: Shards | UnsetType, of: int) -> set[int]:
    return set(shards.parts if shards else range(1, of + 1))


def _less(whole: Part, part: Part) -> Part:
    """Return the part with lower counts."""
    counts = {}
    for field in ("images", "pixels", "skipped"):
        counts[field] = getattr(whole, field) - getattr(part, field)
        if counts[field] < 0:
            raise _NotContainedError(f"counts.{field}: would be below zero")
    return replace(whole, checksum=(whole.checksum - part.checksum) % CHECK, **counts)


def _with_hole(whole: Part, part: Part) -> Part:
    """Return a dataset of whose files some, measured as a dataset of their own, do not count."""
    holes = list(whole.without or ())
    if any(hole.digest == part.digest for hole in holes):
        raise _NotContainedError("dataset.without: it has been taken out before")
    holes = sorted([*holes, part], key=lambda hole: hole.digest)
    for field in ("files", "bytes"):
        if sum(getattr(hole, field) for hole in holes) > getattr(whole, field):
            raise _NotContainedError(f"dataset.{field}: would be below zero")
    return replace(_less(whole, part), without=holes)


def _holder(everything: Input, taken: Input) -> tuple[Part, list[Skipped]]:
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
        raise _NotContainedError(text)
    if len(holders) > 1:
        raise SpecError(
            f"dataset.parts: {' or '.join(places(each[0]) for each in holders)} may hold "
            f"{places(part)}; subtract {taken.name} from the spec of that one, then merge"
        )
    outer, renames, _ = holders[0]
    return outer, _found(everything, taken, renames)


def _found(everything: Input, taken: Input, renames: list[Rename]) -> list[Skipped]:
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
    raise _NotContainedError(text)
