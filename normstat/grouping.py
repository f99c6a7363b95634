"""Which group each image is in: its class, split, camera or site."""

import os
import re
from abc import ABC, abstractmethod
from array import array
from collections import Counter
from dataclasses import dataclass
from typing import Any

from normstat.errors import ImageError, UsageError
from normstat.names import natural_place, printable
from normstat.registry import unknown
from normstat.sources.base import Listing
from normstat.sources.filelist import table_rows
from normstat.spec.dataset import Dataset

MOST_GROUPS = 100_000  # each has 8 kB in the spec, or far more of 16-bit images
NONE = -1  # the number of an image that is in no group
_KINDS = {"parent": "", "top": "", "regex": "PATTERN", "csv": "FILE:COLUMN"}
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://")


@dataclass(frozen=True)
class Grouping:
    """The groups of a listing.

    `names` are in natural order and printable; `numbers` has for each image the place of its group
    among them, or `NONE`, and `missing` says by its name why an image has no group.
    """

    rule: str
    names: list[str]
    numbers: "array[int]"
    missing: dict[str, str]

    def sizes(self) -> dict[str, int]:
        """Return how many images each group has."""
        counts = Counter(self.numbers)
        return {name: counts[number] for number, name in enumerate(self.names)}

    def rows(self, name: str) -> list[int]:
        """Return the rows of the images of a group."""
        number = self.names.index(name) if name in self.names else NONE
        return [row for row, each in enumerate(self.numbers) if each == number != NONE]


class Rule(ABC):
    """Says which group an image is in; `text` is the rule as the user gave it.

    Examples
    --------
    >>> listing = Listing([], names=["train/cat/1.png", "train/dog/1.png", "val/cat/1.png"])
    >>> parsed("top").over(listing).sizes()
    {'train': 2, 'val': 1}
    >>> parsed("regex:(cat|dog)").over(listing).sizes()
    {'cat': 2, 'dog': 1}
    """

    text: str
    path: str | None = None  # of a table that is read

    @abstractmethod
    def group(self, name: str) -> str:
        """Return the group of an image.

        Raises
        ------
        ImageError
            It is in none; the text is the reason.
        """

    def over(self, listing: Listing) -> Grouping:
        """Return the groups of a listing.

        Raises
        ------
        UsageError
            No image is in any.
        """
        found: list[str | None] = []
        missing: dict[str, str] = {}
        for name in listing.names:
            try:
                found.append(self.group(name))
            except ImageError as error:
                found.append(None)
                missing[name] = f"in no group: {error}"
        shown = {group: printable(group) for group in found if group is not None}
        if missing and not shown:
            name, reason = next(iter(missing.items()))
            raise UsageError(
                f"group_by {printable(self.text)}: none of {len(missing):,} images is in a group; "
                f"the first, {printable(name)}, is {reason}"
            )
        if len(shown) > MOST_GROUPS:
            raise UsageError(
                f"group_by {printable(self.text)}: {len(shown):,} groups of {len(found):,} images, "
                f"more than the {MOST_GROUPS:,} that a spec can hold; is it a name of each image?"
            )
        names = sorted(set(shown.values()), key=natural_place)
        if len(names) < len(shown):
            twice = Counter(shown.values()).most_common(1)[0][0]
            raise UsageError(f"group_by {printable(self.text)}: two groups are printed as {twice}")
        place = {name: number for number, name in enumerate(names)}
        numbers = array("q", [NONE if each is None else place[shown[each]] for each in found])
        return Grouping(printable(self.text), names, numbers, missing)


@dataclass
class _Folder(Rule):
    """The folder that holds an image, or the first one of its name; "." without any."""

    text: str

    def group(self, name: str) -> str:
        path = _SCHEME.sub("", name).removeprefix("./")
        if self.text == "parent":
            return path.rpartition("/")[0] or "."
        first, slash, _ = path.lstrip("/").partition("/")
        return first if slash else "."


@dataclass
class _Match(Rule):
    """What a regular expression finds: its named group, its first group, or the whole match."""

    text: str
    pattern: re.Pattern[str]

    def group(self, name: str) -> str:
        match = self.pattern.search(name)
        if match is None:
            raise ImageError("its name does not match")
        named = next(iter(self.pattern.groupindex), None)
        found: str | None = match[named] if named else match[min(1, self.pattern.groups)]
        if not found:
            raise ImageError("the match is empty")
        return found


class _Table(Rule):
    """A column of a table, another column of which has the paths of the images.

    The paths are names of the listing, or these below the only source as it was given or from the
    root of the disk. Which column has them shows: the one of whose rows most name an image.
    """

    def __init__(self, text: str, path: str, column: str) -> None:
        self.text = text
        self.path = self._path = path
        self._column = column
        self._columns = _columns(path)
        self._groups: dict[str, str | ImageError] = {}
        if not self._columns:
            raise UsageError(f"{printable(path)}: has no row below its heading")
        if column not in self._columns:
            raise UsageError(f"{printable(path)}: {unknown('column', column, self._columns)}")

    def over(self, listing: Listing) -> Grouping:
        self._groups = self._found(set(map(_clean, listing.names)), _folders(listing))
        return super().over(listing)

    def _found(self, names: set[str], folders: list[str]) -> dict[str, str | ImageError]:
        """Return the groups of names; one with two groups has none."""
        found: dict[str, str | ImageError] = {}
        paths = self._paths(names, folders)
        for name, value in zip(paths, self._columns[self._column], strict=True):
            group = _text(value)
            if found.setdefault(name, group) != group:
                found[name] = ImageError(f"{self._path} has it twice, with other {self._column}")
        return found

    def _paths(self, names: set[str], folders: list[str]) -> list[str]:
        """Return the name that each row is of, empty for one of no image."""
        named = {
            column: [_name(value, names, folders) for value in values]
            for column, values in self._columns.items()
            if column != self._column or len(self._columns) == 1
        }
        hits = {column: sum(map(bool, rows)) for column, rows in named.items()}
        most = max(hits.values())
        best = [column for column, count in hits.items() if count == most]
        if names and not most:
            raise UsageError(
                f"{printable(self._path)}: no column has the names of the images, such as "
                f"{printable(min(names))}"
            )
        if most and len(best) > 1:
            raise UsageError(
                f"{printable(self._path)}: {' and '.join(map(printable, best))} both name the "
                "images, which is the path? Leave one out"
            )
        return named[best[0]]

    def group(self, name: str) -> str:
        found = self._groups.get(_clean(name))
        if found is None:
            raise ImageError(f"it is not in {self._path}")
        if isinstance(found, ImageError):
            raise found
        if not found:
            raise ImageError(f"it has no {self._column} in {self._path}")
        return found


def _columns(path: str) -> dict[str, list[Any]]:
    """Return a table by its columns; None where a row lacks one."""
    columns: dict[str, list[Any]] = {}
    count = 0
    for _, row in table_rows(path):
        for key, value in row.items() if isinstance(row, dict) else ():
            if key is not None:  # under which the csv module puts what is too much
                column = columns.setdefault(str(key), [])
                column.extend([None] * (count - len(column)))
                column.append(value)
        count += 1
    for column in columns.values():
        column.extend([None] * (count - len(column)))
    return columns


def _folders(listing: Listing) -> list[str]:
    """Return what paths may begin with that are names of the only source otherwise."""
    if len(listing.roots) != 1:
        return []
    root = listing.roots[0].rstrip("/")
    inside = [] if "://" in root else [f"{os.path.abspath(root)}/"]  # noqa: PTH100
    return [f"{_clean(root)}/", *inside]


def _name(value: Any, names: set[str], folders: list[str]) -> str:
    """Return the name that a path means; empty when it is of no image."""
    if not isinstance(value, str):
        return ""
    path = _clean(value)
    if path in names:
        return path
    for folder in folders:
        if path.startswith(folder) and path[len(folder) :] in names:
            return path[len(folder) :]
    return ""


def parsed(text: str) -> Rule:
    """Read a rule as the option has it; a table is read at once.

    Raises
    ------
    UsageError
        It is no rule, or the table has no such column.
    SourceError
        The table cannot be read.

    Examples
    --------
    >>> parsed("parent").group("train/cat/1.png"), parsed("regex:_([a-z]+)_").group("1_left_0.png")
    ('train/cat', 'left')
    """
    kind, _, rest = text.partition(":")
    if kind not in _KINDS:
        raise UsageError(unknown("group_by", kind, _KINDS) + f". It can be {_forms()}")
    if bool(rest) != bool(_KINDS[kind]):
        raise UsageError(f"group_by {printable(text)} is incomplete or too long: {_forms()}")
    if kind == "regex":
        try:
            return _Match(text, re.compile(rest))
        except re.error as error:
            raise UsageError(
                f"group_by {printable(text)}: not a regular expression: {error}"
            ) from error
    if kind == "csv":
        path, colon, column = rest.rpartition(":")
        if not (path and colon and column):
            raise UsageError(f"group_by {printable(text)} names no column: csv:FILE:COLUMN")
        return _Table(text, path, column)
    return _Folder(text)


def within(listing: Listing, dataset: Dataset) -> Listing:
    """Return the images of a listing that a spec of `dataset` is of: all, or those of its group."""
    if not (dataset.group and dataset.group_by):
        return listing
    return listing.pick(parsed(dataset.group_by).over(listing).rows(dataset.group))


def _forms() -> str:
    return ", ".join(f"{kind}:{more}" if more else kind for kind, more in _KINDS.items())


def _clean(path: str) -> str:
    return path.removeprefix("./")


def _text(value: Any) -> str:
    """Return a value of a table as the name of a group; empty for what is none."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else ""
