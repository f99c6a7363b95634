"""A table of images, read again: every row is checked against its own exact sums."""

import csv
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from normstat.errors import NormstatError, SourceError
from normstat.names import printable
from normstat.per_image.formats import FACTS, OPTION, STATISTICS, THING, format_of, header
from normstat.per_image.row import Channel, Row, mean_and_std
from normstat.per_image.rows import Columns
from normstat.spec.values import integer
from normstat.statistics import Kind, kind_of
from normstat.statistics.kinds import FLOAT_BITS

_LONGEST = 40  # characters of a value in a message
_CLOSE = 1e-9  # what a program that rewrote the table may have rounded
_DYADIC = re.compile(r"(0|-?[1-9]\d*)(\*2\^[1-9]\d{0,3})?")


def is_table(path: Path) -> bool:
    """Whether a file is such a table, by its columns."""
    try:
        found = format_of(path).columns(path)
    except (NormstatError, OSError, ValueError):
        return False
    return set(FACTS) <= set(found)


@dataclass(frozen=True)
class Table:
    """The rows of a table, read and checked anew each time that they are asked for."""

    path: Path
    names: tuple[str, ...]

    @classmethod
    def at(cls, path: Path) -> "Table":
        """Find the channels of a table.

        Raises
        ------
        SourceError
            The file cannot be read, or is no table of ours.
        """
        with _told(path):
            found = format_of(path).columns(path)
        # Whoever adds columns of his own may well name one mean_.
        names = [name.removeprefix("squares_") for name in found if name.startswith("squares_")]
        wanted = header(Columns(tuple(names)))
        missing = [name for name in wanted if name not in found]
        if missing:
            raise SourceError(
                f"{path}: is not a whole table of --per-image; it has no column {missing[0]!r}"
            )
        return cls(path, tuple(names))

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows.

        Raises
        ------
        SourceError
            A line holds something else; the text names it.
        """
        with _told(self.path):
            for line, values in format_of(self.path).read(self.path):
                try:
                    yield self._row(values)
                except ValueError as error:
                    raise SourceError(
                        f"{self.path} {line}: {printable(str(error))}; the table must be as "
                        f"{OPTION} wrote it"
                    ) from error

    def _row(self, values: Mapping[str, Any]) -> Row:
        kind = kind_of(_text(values, "kind"))
        top = _number(values, "max_pixel_value")
        if top <= 0:
            raise ValueError(f"max_pixel_value is {top:g}, not above zero")
        there = [name for name in self.names if not _is_missing(_cell(values, f"count_{name}"))]
        own = there[:1] if kind.channels == 1 else there
        if len(own) != kind.channels:
            raise ValueError(f"{len(own)} channels, but {kind.name} has {kind.channels}")
        return Row(
            _text(values, "path"),
            _whole(values, "bytes"),
            _whole(values, "width"),
            _whole(values, "height"),
            _text(values, "mode"),
            kind.name,
            values.get("bands") or "",
            int(top) if top == int(top) else top,
            [_channel(values, name, kind, top) for name in own],
        )


def _channel(values: Mapping[str, Any], name: str, kind: Kind, top: float) -> Channel:
    """Return a channel whose every number agrees with its sums: a table is easily edited."""
    mean, std, low, high = (_number(values, f"{what}_{name}") for what in STATISTICS[:4])
    shares = [f"{what}_{name}" for what in STATISTICS[4:6]]
    count = _whole(values, f"count_{name}")
    total, squares = (_exactly(values, f"{what}_{name}") for what in STATISTICS[7:])
    s, q = (integer(str(each)) for each in (total, squares))
    if count < 1 or count * q < s * s:
        raise ValueError(f"count_{name}, sum_{name} and squares_{name} contradict each other")
    scale = 1 << FLOAT_BITS if kind.bins is None else 1
    expected = mean_and_std(count, s, q, Fraction(top) * scale)
    for what, found, right in zip(("mean", "std"), (mean, std), expected, strict=True):
        if not math.isclose(found, right, rel_tol=_CLOSE, abs_tol=_CLOSE):
            raise ValueError(f"{what}_{name} is {found!r}, but its sums give {right!r}")
    if not low <= high:
        raise ValueError(f"min_{name} is {low!r}, above max_{name}, {high!r}")
    clipped = [None if kind.bins is None else _number(values, share) for share in shares]
    return Channel(mean, std, low, high, clipped[0], clipped[1], count, total, squares)


def _cell(values: Mapping[str, Any], name: str) -> Any:
    if name not in values:
        raise ValueError(f"has no {name}")
    return values[name]


def _text(values: Mapping[str, Any], name: str) -> str:
    value = _cell(values, name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} is {_short(value)}, not text")
    return value


def _number(values: Mapping[str, Any], name: str) -> float:
    value = _cell(values, name)
    try:
        number = float(value) if isinstance(value, str | int | float) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number) or isinstance(value, bool):
        raise ValueError(f"{name} is {_short(value)}, not a finite number")
    return number


def _whole(values: Mapping[str, Any], name: str) -> int:
    value = _exactly(values, name)
    if isinstance(value, str) or value < 0:
        raise ValueError(f"{name} is {_short(value)}, not a count")
    return value


def _exactly(values: Mapping[str, Any], name: str) -> int | str:
    """Return an integer, which no program may have turned into a float in the meantime."""
    value = _cell(values, name)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _DYADIC.fullmatch(value):
        return int(value) if "*" not in value else value
    raise ValueError(f"{name} is {_short(value)}, not an exact integer")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _is_missing(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except NormstatError:
        raise
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}") from error
    except (ValueError, csv.Error) as error:
        raise SourceError(f"{path}: is not a {THING}: {printable(str(error))}") from error
