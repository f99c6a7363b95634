"""What a dataset consists of, as a spec remembers it, and what has changed since."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from normstat.errors import SourceError, UsageError
from normstat.grouping import Grouping
from normstat.names import natural_key, natural_place, printable
from normstat.sources import Listing, Selection
from normstat.sources.base import digest_of
from normstat.spec.model import (
    SELECTED,
    Dataset,
    Entry,
    Files,
    Part,
    Selected,
    Shards,
    Spec,
    StateText,
    integer,
)

MOST_ENTRIES = 1000
CHECK = 2**53 - 111  # a prime that JSON can hold

# What a name in one dataset is in another that holds it.
Rename = Callable[[str], str]

_Value = TypeVar("_Value")


def described(listing: Listing, selection: Selection, grouping: Grouping | None = None) -> Dataset:
    """Return what a spec tells of the files that were there."""
    return Dataset(
        roots=sorted(printable(root) for root in listing.roots),
        selected=_selected(selection),
        files=len(listing),
        bytes=sum(listing.sizes),
        digest=listing.digest(),
        contents=_contents(listing),
        group_by=grouping.rule if grouping else UNSET,
        groups=grouping.sizes() if grouping else UNSET,
    )


def selection_of(dataset: Files) -> Selection:
    """Return the selection that a spec was made with.

    Raises
    ------
    UsageError
        It was merged from datasets that were selected differently.
    SourceError
        It was a list on standard input.
    """
    selected = dataset.selected
    if selected is None:
        raise UsageError("the datasets that were merged have no selection in common")
    if selected.files_from == "-":
        raise SourceError(
            "the spec was made from a list on standard input, which cannot be read again; "
            "keep the list in a file: normstat compute --files-from LIST"
        )
    fields: dict[str, Any] = {name: getattr(selected, name) for name in SELECTED}
    for name, value in fields.items():
        if isinstance(value, list):
            fields[name] = tuple(value)
    return Selection(**fields)


def _selected(selection: Selection) -> Selected:
    """Return what a spec tells of a selection; `selection_of` is the way back."""
    fields: dict[str, Any] = {name: getattr(selection, name) for name in SELECTED}
    for name, value in fields.items():
        if isinstance(value, tuple):
            fields[name] = list(value)
        elif isinstance(value, str):
            fields[name] = printable(value)
    return Selected(**fields | {"extensions": sorted(selection.extensions)})


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


def places(files: Files) -> str:
    """Return the roots of a dataset in one line."""
    return " ".join(files.roots)


def located(part: Files, whole: Files) -> tuple[list[Rename], bool]:
    """Return how a dataset's names may read in another that holds it, and whether that is sure.

    It is sure when both tell each file: every file of the part is there with its size then. None
    and sure means that it does not lie in there.
    """
    renames = _renames(part, whole)
    if not (part.contents and _are_files(part) and _are_files(whole)):
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
    if not (part.contents and _are_files(part) and _are_files(whole)):
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


def _contents(listing: Listing) -> list[Entry]:
    """Every file; of many, every folder; of many folders, those a level up, and so on."""
    if len(listing) <= MOST_ENTRIES:
        return [
            Entry(
                name=printable(name),
                files=1,
                bytes=size,
                digest=None if listing.masks is None else listing.digest_of([row]),
            )
            for row, (name, size) in enumerate(zip(listing.names, listing.sizes, strict=True))
        ]
    folders: dict[str, list[int]] = defaultdict(list)
    for index, name in enumerate(listing.names):
        folders[name.rpartition("/")[0]].append(index)
    while len(folders) > MOST_ENTRIES:
        folders = _a_level_up(folders)
    return [_entry(listing, folder, indexes) for folder, indexes in folders.items()]


def _a_level_up(folders: dict[str, list[int]]) -> dict[str, list[int]]:
    """Join the deepest folders with those that hold them."""
    depth = max(folder.count("/") for folder in folders)
    joined: dict[str, list[int]] = defaultdict(list)
    for folder, indexes in folders.items():
        deepest = folder.count("/") == depth
        joined[folder.rpartition("/")[0] if deepest else folder] += indexes
    return {folder: sorted(indexes) for folder, indexes in joined.items()}


def _entry(listing: Listing, folder: str, indexes: list[int]) -> Entry:
    return Entry(
        name=printable(f"{folder or '.'}/"),
        files=len(indexes),
        bytes=sum(listing.sizes[index] for index in indexes),
        digest=listing.digest_of(indexes),
    )


@dataclass
class Changes:
    """How a dataset differs from what a spec remembers, entry by entry."""

    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    def joined(self, other: "Changes") -> "Changes":
        return Changes(
            self.added + other.added, self.removed + other.removed, self.changed + other.changed
        )

    def lines(self) -> Iterator[str]:
        """Yield one line an entry."""
        for name, word in (("added", "+"), ("removed", "-"), ("changed", "~")):
            yield from (f"{word} {line}" for line in getattr(self, name))


def changes(before: Files, now: Files) -> Changes:
    """Return what was added, removed and changed.

    Files are compared by name and size, folders by their digest. When one side lists files and
    the other folders, the folders are what both know.
    """
    found = Changes()
    old, new = _entries(before), _entries(now)
    if _are_files(before) != _are_files(now):
        old, new = _summed(before), _summed(now)
    for name in old.keys() | new.keys():
        if name not in old:
            found.added.append(name + _files(new[name]))
        elif name not in new:
            found.removed.append(name + _files(old[name]))
        elif old[name] != new[name]:
            found.changed.append(f"{name}: {_difference(old[name], new[name])}")
    for names in (found.added, found.removed, found.changed):
        names.sort()
    return found


def _entries(dataset: Files) -> dict[str, Entry]:
    return {entry.name: entry for entry in dataset.contents}


def _are_files(dataset: Files) -> bool:
    return not any(entry.name.endswith("/") for entry in dataset.contents)


def _summed(dataset: Files) -> dict[str, Entry]:
    """Return the first folder of each entry with its files and bytes."""
    sums: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for entry in dataset.contents:
        folder, slash, _ = entry.name.partition("/")
        files, size = sums[folder + slash if slash else "./"]
        sums[folder + slash if slash else "./"] = files + entry.files, size + entry.bytes
    return {name: Entry(name=name, files=files, bytes=size) for name, (files, size) in sums.items()}


def _files(entry: Entry) -> str:
    return f" ({entry.files:,} files)" if entry.name.endswith("/") else ""


def _difference(old: Entry, new: Entry) -> str:
    if old.files != new.files:
        return f"{new.files:,} files, were {old.files:,}"
    if old.bytes != new.bytes:
        return f"{new.bytes:,} bytes, were {old.bytes:,}"
    if not new.name.endswith("/"):
        return "its mask has another name or size"
    return f"as many files and bytes ({new.files:,}), but other names or sizes"
