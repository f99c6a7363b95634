"""The datasets that a spec is the sum of, what they come to, and whether one lies in another."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from normstat.contents import are_files
from normstat.names import natural_key, natural_place
from normstat.sources.base import digest_of
from normstat.spec.dataset import Dataset, Files, Part, Shards
from normstat.spec.model import Spec
from normstat.spec.state import StateText
from normstat.spec.values import integer

CHECK = 2**53 - 111  # a prime that JSON can hold

# What a name in one dataset is in another that holds it.
Rename = Callable[[str], str]

_Value = TypeVar("_Value")


def parts_of(spec: Spec) -> list[Part]:
    """Return the datasets that a spec was merged from; of a plain one, itself."""
    dataset = spec.dataset
    if dataset.parts:
        return dataset.parts
    return [
        Part(
            **_fields(dataset),
            shards=spec.estimator.shards,
            images=spec.counts.images,
            pixels=pixels_of(spec.state),
            skipped=spec.counts.skipped,
            checksum=checksum(spec.state),
            software=spec.software,
            without=dataset.without,
        )
    ]


class Whole(NamedTuple):
    """What a spec tells of the datasets that it was merged from."""

    dataset: Dataset
    images_listed: int
    shards: Shards | UnsetType
    software: dict[str, str]


def checksum(state: StateText) -> int:
    """Return a number that other states hardly share, and that adds up, modulo `CHECK`, as they do.

    It is the sum of all sums over images, each times a factor that follows from its name.
    """
    total = 0
    for kind, text in state.kinds.items():
        for name, values in msgspec.to_builtins(text.images).items():
            for channel, value in enumerate(values if isinstance(values, list) else [values]):
                factor = hashlib.sha256(f"{kind} {name} {channel}".encode()).digest()
                total += integer(str(value)) * int.from_bytes(factor[:8])
    return total % CHECK


def pixels_of(state: StateText) -> int:
    """Return how many pixels of the first channel count, which adds up as states do.

    `counts.pixels` is that of the channel with most, which another part may have most of.
    """
    return sum(integer(str(n)) for kind in state.kinds.values() for n in kind.images.n[:1])


def joined(parts: Iterable[Part]) -> Whole:
    """Return what a spec tells of its parts, whose order does not matter."""
    parts = sorted(parts, key=_place)
    listed = sum(part.files - sum(each.files for each in part.without or ()) for part in parts)
    shards = next((part.shards for part in parts if part.shards), UNSET)
    software = versions(part.software for part in parts)
    if len(parts) == 1:
        dataset = Dataset(**_fields(parts[0]), without=parts[0].without)
        return Whole(dataset, listed, shards, software)
    dataset = Dataset(
        roots=sorted({root for part in parts for root in part.roots}),
        selected=_common(part.selected for part in parts),
        files=sum(part.files for part in parts),
        bytes=sum(part.bytes for part in parts),
        digest=digest_of((part.digest, part.files) for part in parts),
        contents=[],
        group_by=_common(part.group_by for part in parts) or UNSET,
        groups=_added(part.groups for part in parts),
        parts=parts,
    )
    return Whole(dataset, listed, shards, software)


def _added(groups: Iterable[dict[str, int] | UnsetType]) -> dict[str, int] | UnsetType:
    total: Counter[str] = Counter()
    for each in groups:
        if each is UNSET:
            return UNSET
        total.update(each)
    return {name: total[name] for name in sorted(total, key=natural_place)}


def versions(software: Iterable[dict[str, str]]) -> dict[str, str]:
    """Return each program with every version that was used.

    >>> versions([{"pillow": "12.1.0"}, {"pillow": "12.1.0, 13.0.0"}])
    {'pillow': '12.1.0, 13.0.0'}
    """
    first, *others = software
    if all(other == first for other in others):
        return first
    found: dict[str, set[str]] = {}
    for each in (first, *others):
        for program, version in each.items():
            found.setdefault(program, set()).update(version.split(", "))
    return {
        program: ", ".join(sorted(found[program], key=natural_key)) for program in sorted(found)
    }


def located(part: Files, whole: Files) -> tuple[list[Rename], bool]:
    """Return how a dataset's names may read in another that holds it, and whether that is sure.

    It is sure when both tell each file: every file of the part is there with its size then. None
    and sure means that it does not lie in there.
    """
    renames = _renames(part, whole)
    if not (part.contents and are_files(part) and are_files(whole)):
        return list(renames), False
    there = {entry.name: entry.bytes for entry in whole.contents}
    return [rename for rename in renames if _holds(there, part, rename)], True


def inside(part: Files, whole: Part) -> bool:
    """Whether a dataset is surely a folder of another, or what that was before it grew.

    Both have to tell each file, and the root of one has to be that of the other or lie below it.
    What has been taken out is not in there.
    """
    if any(hole.digest == part.digest or inside(part, hole) for hole in whole.without or ()):
        return False
    if not (part.contents and are_files(part) and are_files(whole)):
        return False
    there = {entry.name: entry.bytes for entry in whole.contents}
    return any(_holds(there, part, rename) for rename in _by_roots(part, whole))


def _holds(there: dict[str, int], part: Files, rename: Rename) -> bool:
    return all(there.get(rename(entry.name)) == entry.bytes for entry in part.contents)


def _renames(part: Files, whole: Files) -> Iterator[Rename]:
    yield from _by_roots(part, whole)
    first, tried = part.contents[0].name.removeprefix("./"), set()
    for entry in whole.contents:
        folder = entry.name.removesuffix(first)
        if entry.name.endswith(first) and (not folder or folder.endswith("/")):
            tried.add(folder)
    yield from (partial(_moved, "", folder) for folder in sorted(tried))


def _by_roots(part: Files, whole: Files) -> Iterator[Rename]:
    """Names are relative to the root of a dataset when it has one, else they start with theirs."""
    inner = f"{part.roots[0].rstrip('/')}/" if len(part.roots) == 1 else ""
    outer = f"{whole.roots[0].rstrip('/')}/" if len(whole.roots) == 1 else ""
    if not inner:
        yield partial(_moved, outer, "")
    elif inner.startswith(outer):
        yield partial(_moved, "", inner.removeprefix(outer))


def _moved(strip: str, folder: str, name: str) -> str:
    return folder + name.removeprefix(strip)


def _fields(files: Files) -> dict[str, Any]:
    return {name: getattr(files, name) for name in Files.__struct_fields__}


def _place(part: Part) -> tuple[list[str], str]:
    return [natural_key(root) for root in part.roots], part.digest


def _common(values: Iterable[_Value]) -> _Value | None:
    """Return what all are, or None when they differ."""
    first, *others = values
    return first if all(other == first for other in others) else None
