"""Which group each image is in: its class, split, camera or site."""

import os
import re
from abc import ABC, abstractmethod
from array import array
from collections import Counter
from dataclasses import dataclass
from typing import Any

from normstat.errors import ImageError, UsageError
from normstat.registry import unknown
from normstat.sources.base import Listing, natural_place, printable
from normstat.sources.filelist import table_rows

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
    root of the disk. Which column has them shows: the one in which most images are found.
    """

    def __init__(self, text: str, path: str, column: str) -> None:
        self.text = text
        self._path = path
        self._column = column
        self._columns: dict[str, list[Any]] = {}
        self._prefixes = [""]
        self._values: dict[str, Any] = {}
        self._paths = ""
        rows = [row if isinstance(row, dict) else {} for _, row in table_rows(path)]
        if not any(rows):
            raise UsageError(f"{printable(path)}: has no row below its heading")
        known = {str(key): key for row in rows for key in row if key is not None}
        if column not in known:
            raise UsageError(f"{printable(path)}: {unknown('column', column, known)}")
        self._columns = {key: [row.get(known[key]) for row in rows] for key in known}

    def over(self, listing: Listing) -> Grouping:
        self._look(listing)
        return super().over(listing)

    def _look(self, listing: Listing) -> None:
        """Find the column of paths."""
        if len(listing.roots) == 1:
            root = listing.roots[0].rstrip("/")
            self._prefixes = ["", f"{_clean(root)}/"]
            if "://" not in root:
                self._prefixes.append(f"{os.path.abspath(root)}/")  # noqa: PTH100
        hits: dict[str, int] = {}
        for key in self._columns:
            if key != self._column or len(self._columns) == 1:
                paths = {_clean(value) for value in self._columns[key] if isinstance(value, str)}
                hits[key] = sum(
                    any(each + name in paths for each in self._prefixes)
                    for name in map(_clean, listing.names)
                )
        most = max(hits.values())
        best = [key for key, count in hits.items() if count == most]
        if listing.names and not most:
            raise UsageError(
                f"{printable(self._path)}: no column has the names of the images, such as "
                f"{printable(listing.names[0])}"
            )
        if most and len(best) > 1:
            raise UsageError(
                f"{printable(self._path)}: {' and '.join(map(printable, best))} both name the "
                "images, which is the path? Leave one out"
            )
        self._paths = best[0]
        self._read()

    def _read(self) -> None:
        """Take the table in; a path that has two groups has none."""
        self._values = {}
        for path, value in zip(
            self._columns[self._paths], self._columns[self._column], strict=True
        ):
            if not isinstance(path, str):
                continue
            name, text = _clean(path), _text(value)
            before = self._values.setdefault(name, text)
            if before != text:
                self._values[name] = ImageError(
                    f"{self._path} has it twice, with other {self._column}"
                )

    def group(self, name: str) -> str:
        clean = _clean(name)
        found = next(
            (self._values[each + clean] for each in self._prefixes if each + clean in self._values),
            ImageError(f"it is not in {self._path}"),
        )
        if isinstance(found, ImageError):
            raise found
        if not found:
            raise ImageError(f"it has no {self._column} in {self._path}")
        return str(found)


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


def _forms() -> str:
    return ", ".join(f"{kind}:{more}" if more else kind for kind, more in _KINDS.items())


def _clean(path: str) -> str:
    return path.removeprefix("./")


def _text(value: Any) -> str:
    """Return a value of a table as the name of a group; empty for what is none."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else ""
