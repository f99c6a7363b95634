"""What a dataset consists of, as a spec remembers it, and what has changed since."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from msgspec import UNSET

from normstat.errors import SourceError, UsageError
from normstat.grouping import Grouping
from normstat.names import printable
from normstat.sources import Listing, Selection
from normstat.spec.dataset import SELECTED, Dataset, Entry, Files, Selected

MOST_ENTRIES = 1000


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


def places(files: Files) -> str:
    """Return the roots of a dataset in one line."""
    return " ".join(files.roots)


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
    if are_files(before) != are_files(now):
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


def are_files(dataset: Files) -> bool:
    """Whether the contents tell each file, and not folders."""
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
