"""Tables of numbers: CSV, TSV and Parquet, whose columns are told by the pipeline."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import islice
from typing import BinaryIO

from normstat.errors import ImageError, SourceError, UsageError
from normstat.names import printable
from normstat.registry import unknown
from normstat.sources.base import Listing, Watch
from normstat.sources.selection import Selection
from normstat.sources.storage import distinct
from normstat.sources.streams import reason

# Words for a value that is not there, in any case.
MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "-nan", "null", "none", "nil", "?"})
_NUMBER = re.compile(r"[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf|infinity)", re.IGNORECASE)
_LOOKED = 100  # rows that tell which columns are numbers
_SHOWN = 20
_NO_TABLE = "no UTF-8 text and no Parquet, which tables are read from"
_PATTERN = re.compile(r"[*?\[]")


class Text:
    """A table as text: the names of its columns, and an iterator of its rows.

    Columns end at a tab if the first line has one, else at a semicolon if it has one, else at a
    comma.

    Raises
    ------
    ImageError
        It is no text in UTF-8.
    """

    def __init__(self, file: BinaryIO) -> None:
        file.seek(0)
        # "\ufeff" is what some programs start a file with.
        self._text = io.TextIOWrapper(file, "utf-8-sig", newline="")
        try:
            first = self._text.readline()
        except UnicodeDecodeError as error:
            raise ImageError(_NO_TABLE) from error
        delimiter = next((mark for mark in "\t;" if mark in first), ",")
        self._text.seek(0)
        self._reader = csv.reader(self._text, delimiter=delimiter, strict=True)
        self.names = [name.strip() for name in next(self._reader, [])]

    @property
    def line(self) -> int:
        """The number of the last line that was read, from 1."""
        return self._reader.line_num

    def rows(self) -> Iterator[list[str]]:
        """Yield the rows; lines without anything are none.

        Raises
        ------
        ImageError
            A row has more or fewer values than there are columns, or is no CSV in UTF-8.
        """
        columns = len(self.names)
        try:
            for row in self._reader:
                if len(row) == columns:
                    yield row
                elif row:
                    raise ImageError(
                        f"line {self.line} has {len(row)} values for {columns} columns"
                    )
        except UnicodeDecodeError as error:
            raise ImageError(
                f"{_NO_TABLE}; it has the byte {error.object[error.start]:#x}"
            ) from error
        except csv.Error as error:
            raise ImageError(f"line {self.line}: {error}") from error

    def release(self) -> None:
        """Give the file back open."""
        self._text.detach()


def is_number(text: str) -> bool:
    """Whether a text is a decimal number.

    >>> is_number("-1.5e3"), is_number("1_000"), is_number("1,5")
    (True, False, False)
    """
    return _NUMBER.fullmatch(text.strip()) is not None


def is_missing(text: str) -> bool:
    """Whether a text says that there is no value.

    >>> is_missing(" NaN "), is_missing(""), is_missing("0")
    (True, True, False)
    """
    return text.strip().lower() in MISSING


def picked(names: Sequence[str], asked: Iterable[str]) -> list[int]:
    """Return which columns are meant by names and patterns, each once.

    >>> picked(["id", "f1", "f2"], ["f*"])
    [1, 2]

    Raises
    ------
    ImageError
        There is no such column, or there are two of the name.
    """
    found: dict[int, None] = {}
    for each in asked:
        rows = [row for row, name in enumerate(names) if name == each]
        if not rows and _PATTERN.search(each):
            rows = [row for row, name in enumerate(names) if fnmatchcase(name, each)]
        if not rows:
            columns = {printable(name): None for name in names}
            raise ImageError(unknown("column", each, columns))
        name, times = Counter(names[row] for row in rows).most_common(1)[0]
        if times > 1:
            raise ImageError(f"{times} columns are named {printable(name)}: rename them")
        found |= dict.fromkeys(rows)
    return list(found)


def refuse_tables(
    paths: Iterable[str],
    listing: Listing,  # noqa: ARG001 (as every lister)
    selection: Selection,
    watch: Watch,  # noqa: ARG001
    *,
    alone: bool,  # noqa: ARG001
) -> None:
    """Say which columns of numbers a table has, when none were asked for.

    Raises
    ------
    SourceError
        It does not exist or is no table.
    UsageError
        Always otherwise.
    """
    place = distinct(paths, selection.storage_options)[0]
    title = printable(place.title)
    try:
        with place.storage.open(place.path) as file:
            text = Text(file)
            some = list(islice(text.rows(), _LOOKED))
            text.release()
    except FileNotFoundError:
        raise SourceError(f"{title}: no such file or folder") from None
    except ImageError as error:
        raise SourceError(f"{title}: {error}") from error
    except (OSError, ValueError) as error:
        raise SourceError(f"{title}: {printable(reason(error))}") from error
    names = numeric(text.names, some)
    shown = ",".join(printable(name) for name in names[:_SHOWN])
    shown += f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    raise UsageError(
        f"{title} is a table; --columns says which of its columns are the channels, '*' all. "
        + (f"Columns of numbers: {shown}" if names else "None of its columns is of numbers")
        + ". For a list of images there is --files-from"
    )


def numeric(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the names of the columns that hold numbers in some rows, and nothing else.

    >>> numeric(["id", "x"], [["a", "1"], ["b", ""]])
    ['x']
    """
    found = []
    for column, name in enumerate(names):
        texts = [row[column] for row in rows if not is_missing(row[column])]
        if texts and all(map(is_number, texts)):
            found.append(name)
    return found
