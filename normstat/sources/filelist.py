"""Lists of images: text with a path a line, or a column of a table."""

import csv
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

import msgspec

from normstat.errors import SourceError, UsageError
from normstat.names import printable, unescaped
from normstat.registry import unknown
from normstat.sources.base import Listing, Watch
from normstat.sources.directory import FileSource
from normstat.sources.selection import Selection
from normstat.sources.storage import LocalStorage

STANDARD_INPUT = "-"
_TABLES = {".csv": ",", ".tsv": "\t", ".jsonl": "", ".ndjson": ""}
_PARQUET = b"PAR1"  # what its files begin with

# The columns of a table that `compute --per-image` wrote, in which names are escaped.
_OF_IMAGES = {"path", "width", "height", "mode", "kind", "max_pixel_value"}

Lists = Callable[[Iterable[str], Selection, Watch], Listing]


def list_named(places: list[str], selection: Selection, watch: Watch, lists: Lists) -> Listing:
    """List the images that a list names.

    Its paths are relative to the folder that is the only source, or, without a source, to the
    current folder. With any other sources they are the names that those give to their images.
    Suffixes do not matter for what is named; patterns do. What is named and is not there is told
    in `unreadable`. URLs in the list are read from where they lead.

    Parameters
    ----------
    selection
        `files_from` is the list: text with a path a line (`null`: each ends with a NUL), "-" for
        that on standard input, or CSV, TSV and JSON Lines with the paths in `column`, which may be
        left out when there is only one.
    lists
        Lists sources without a list.

    Raises
    ------
    SourceError
        The list cannot be read.
    UsageError
        It has no such column, or needs one to be named; it is a Parquet file.
    """
    named = _Named.read(selection)
    if not places or (len(places) == 1 and os.path.isdir(places[0])):  # noqa: PTH112
        listing = named.local(places[0] if places else "", selection, watch)
        urls = [path for path in named.paths if "://" in path]
        if urls:
            listing.extend(lists(urls, selection, watch))
        return listing
    return named.among(lists(places, selection, watch))


@dataclass
class _Named:
    """The paths of a list, and its rows that have none."""

    title: str
    paths: list[str] = field(default_factory=list)
    bad_rows: list[tuple[str, str]] = field(default_factory=list)

    @classmethod
    def read(cls, selection: Selection) -> "_Named":
        path = selection.files_from or STANDARD_INPUT
        named = cls("standard input" if path == STANDARD_INPUT else path)
        suffix = PurePath(path).suffix.lower()
        if suffix == ".parquet":
            raise _no_list(named.title)
        if suffix not in _TABLES and selection.column is not None:
            raise UsageError(
                f"column is for lists in CSV, TSV and JSON Lines ({', '.join(_TABLES)}), and for "
                f"Parquet; {printable(named.title)} is read as text"
            )
        if suffix in _TABLES and selection.null:
            raise UsageError(f"null is for lists of text; {printable(path)} is a table")
        content = _content(path, named.title)
        if content.startswith(_PARQUET):
            raise _no_list(named.title)
        if suffix in _TABLES:
            named._take(_rows(content, named.title, suffix), selection.column)
        else:
            lines = content.split(b"\0" if selection.null else b"\n")
            if not selection.null:
                lines = [line.removesuffix(b"\r") for line in lines]
            named.paths = [os.fsdecode(line) for line in lines if line]
        return named

    def _take(self, rows: Iterator[tuple[int, Any]], column: str | None) -> None:
        columns: dict[str, None] = {}
        for line, row in rows:
            here = dict.fromkeys(row) if isinstance(row, dict) else {}
            columns |= here
            if column is None and len(columns) == 1:
                column = next(iter(columns))
            if column is None:
                raise UsageError(
                    f"{printable(self.title)} has several columns; --column says which holds the "
                    f"paths: {', '.join(printable(str(each)) for each in columns)}"
                )
            value = row[column] if column in here else None
            if isinstance(value, str) and value:
                self.paths.append(value)
            else:
                self.bad_rows.append((f"{self.title} line {line}", f"has no path in {column!r}"))
        if columns and column not in columns:
            names = {str(each): None for each in columns}
            raise UsageError(f"{printable(self.title)}: {unknown('column', str(column), names)}")

    def local(self, root: str, selection: Selection, watch: Watch) -> Listing:
        """List them as files below a folder, or anywhere."""
        listing = Listing([root or "."], unreadable=self.bad_rows)
        listing.enter(FileSource(os.path.abspath(root), os.path.realpath(root)))  # noqa: PTH100
        matcher, status = selection.matcher(), LocalStorage().status
        folders, seen = dict[str, str](), set[str]()
        for path in self.paths:
            if "://" in path:
                continue
            name = path.removeprefix("./")
            place = os.path.join(root, name)  # noqa: PTH118
            folder, base = os.path.split(place)
            try:
                if folder not in folders:
                    folders[folder] = os.path.realpath(folder)
                real = f"{folders[folder]}/{base}"
                if real in seen:
                    continue
                seen.add(real)
                if not matcher.allows(name):
                    listing.passed_over += 1
                    continue
                size, version = status(place)
            except FileNotFoundError:
                listing.unreadable.append((name, f"is in {self.title}, but there is no such file"))
            except (OSError, ValueError) as error:  # ValueError: a NUL in a path
                why = error.strerror if isinstance(error, OSError) else error
                listing.unreadable.append((name, f"not read: {why}"))
            else:
                listing.add(name, size, version)
        watch(listing)
        return listing

    def among(self, listing: Listing) -> Listing:
        """Pick them from what was listed."""
        wanted = {path.removeprefix("./") for path in self.paths}
        rows = [row for row, name in enumerate(listing.names) if name in wanted]
        picked = listing.pick(rows)
        picked.passed_over += len(listing) - len(rows)
        known = {name for name, _ in listing.unreadable}
        missing = wanted.difference(picked.names, known)
        picked.unreadable += self.bad_rows
        picked.unreadable += [(name, f"is in {self.title}, but not there") for name in missing]
        return picked


def _no_list(title: str) -> UsageError:
    return UsageError(
        f"{printable(title)} is a Parquet file, and a list is text, or a table in CSV, TSV or JSON "
        "Lines: write its column of paths as one (--per-image writes .csv and .jsonl). Images that "
        "are in a Parquet file are read when it is named as source"
    )


def table_rows(path: str) -> Iterator[tuple[int, Any]]:
    """Yield the number of each line of a table and its row: of CSV, TSV or JSON Lines.

    A row is a dict, unless a line of JSON holds something else.

    Raises
    ------
    UsageError
        The suffix is none of a table.
    SourceError
        The file cannot be read.
    """
    suffix = PurePath(path).suffix.lower()
    if suffix not in _TABLES:
        raise UsageError(f"{printable(path)}: is no table ({', '.join(_TABLES)})")
    return _rows(_content(path, path), path, suffix)


def _rows(content: bytes, title: str, suffix: str) -> Iterator[tuple[int, Any]]:
    text = content.decode("utf-8-sig", "surrogateescape")
    read = _delimited if _TABLES[suffix] else _json_lines
    for line, row in read(text, title, _TABLES[suffix]):
        if isinstance(row, dict) and row.keys() >= _OF_IMAGES and isinstance(row["path"], str):
            row["path"] = unescaped(row["path"])
        yield line, row


def _content(path: str, title: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if path == STANDARD_INPUT else Path(path).read_bytes()
    except OSError as error:
        raise SourceError(f"{printable(title)}: {error.strerror}; nothing was read") from error


def _delimited(text: str, title: str, delimiter: str) -> Iterator[tuple[int, Any]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise SourceError(f"{printable(title)} line {reader.reader.line_num}: {error}") from error


def _json_lines(text: str, title: str, _: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            yield number, msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
            raise SourceError(
                f"{printable(title)} line {number}: not valid JSON: {printable(str(error))}"
            ) from error
