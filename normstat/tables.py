"""The table of images: written as CSV, JSON Lines or Parquet, and read again."""

import csv
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from normstat.atomic import written_whole
from normstat.errors import NormstatError, SourceError, UsageError
from normstat.names import printable
from normstat.per_image import Channel, Columns, Row, Rows, mean_and_std
from normstat.spec.files import check_target, is_special
from normstat.spec.model import integer
from normstat.statistics import Kind, State, kind_of
from normstat.statistics.kinds import FLOAT_BITS

# What a table tells of each image, before what it tells of each channel, as `mean_R`.
FACTS = (
    "path", "width", "height", "bytes", "mode", "kind", "bands", "max_pixel_value", "channels",
    "pixels",
)  # fmt: skip
STATISTICS = Channel.__struct_fields__

_OPTION = "--per-image"
_THING = "table of --per-image"
_AT_ONCE = 10_000  # rows of a Parquet file that are in memory
_TEXTS = {"path", "mode", "kind", "bands"}
_FLOATS = {"max_pixel_value", *STATISTICS[:6]}
_SUMS = {"sum", "squares"}
_HEAD = 1 << 20  # bytes in which the first line must end
_LONGEST = 40  # characters of a value in a message
_CLOSE = 1e-9  # what a program that rewrote the table may have rounded
_DYADIC = re.compile(r"(0|-?[1-9]\d*)(\*2\^[1-9]\d{0,3})?")


def header(columns: Columns) -> list[str]:
    """Return the names of a table's columns.

    >>> header(Columns.of(["gray8"]))[-4:]
    ['clipped_high_L', 'count_L', 'sum_L', 'squares_L']
    """
    return [*FACTS, *(f"{what}_{name}" for what in STATISTICS for name in columns.names)]


def cells(row: Row, columns: Columns) -> list[Any]:
    """Return the values of a row under the `header`; None where the image has no such channel."""
    found = columns.channels(row)
    own = [found.get(name) for name in columns.names]
    return [
        row.path,
        row.width,
        row.height,
        row.bytes,
        row.mode,
        row.kind,
        row.bands,
        row.max_pixel_value,
        len(row.channels),
        row.pixels,
        *(channel and getattr(channel, what) for what in STATISTICS for channel in own),
    ]


@dataclass(frozen=True)
class Destination:
    """Where the rows of a run go: nowhere, to whoever asked for them, or into a file."""

    rows: Rows | None = None
    path: Path | None = None

    @classmethod
    def of(
        cls,
        per_image: str | os.PathLike[str] | Rows | None,
        *,
        force: bool = False,
        inputs: Iterable[str] = (),
    ) -> "Destination":
        """Raise now what `write` would raise after hours of work.

        Parameters
        ----------
        force
            Replace a file that is no such table, or that is one of `inputs`.

        Raises
        ------
        UsageError
            The suffix is that of no table.
        NormstatError
            What writes Parquet is not installed.
        SourceError
            The file cannot be written, or may not be replaced.
        """
        if per_image is None or isinstance(per_image, Rows):
            return cls(per_image)
        path = Path(per_image)
        _format_of(path).check()
        check_target(
            path,
            force=force,
            inputs=inputs,
            option=_OPTION,
            thing=_THING,
            is_one=is_table,
            suggestion=Path(f"images{path.suffix}"),
        )
        # On the disk of the table, where there has to be room anyway.
        return cls(Rows(None if is_special(path) else str(path.resolve().parent)), path)

    def write(self, state: State, *, rgb: bool) -> None:
        """Write the file, if that is where the rows go.

        Parameters
        ----------
        state
            That of the images.
        rgb
            Three channels even when every image is gray.

        Raises
        ------
        SourceError
            The disk is full, or the folder gone.
        """
        if self.rows is not None and self.path is not None:
            unnamed = [""] if state.bands.total() < state.images else []
            columns = Columns.of(state.kinds, bands=[*state.bands, *unnamed], rgb=rgb)
            write_table(self.path, self.rows, columns)


def write_table(path: Path, rows: Rows, columns: Columns) -> None:
    """Write rows, beside the target first, so that the file is always a whole one.

    Raises
    ------
    SourceError
        The disk is full, or the folder gone.
    """
    write = _format_of(path).write
    try:
        if is_special(path):
            with path.open("wb") as file:
                write(file, rows, columns)
        else:
            with written_whole(path) as beside, beside.open("wb") as file:
                write(file, rows, columns)
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        if isinstance(error, NormstatError):
            raise
        raise SourceError(
            f"{path}: {error.strerror or error}; it was not written, what was there is untouched. "
            f"Name another place with {_OPTION}"
        ) from error


def is_table(path: Path) -> bool:
    """Whether a file is such a table, by its columns."""
    try:
        found = _format_of(path).columns(path)
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
            found = _format_of(path).columns(path)
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
            for line, values in _format_of(self.path).read(self.path):
                try:
                    yield self._row(values)
                except ValueError as error:
                    raise SourceError(
                        f"{self.path} {line}: {printable(str(error))}; the table must be as "
                        f"{_OPTION} wrote it"
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
        raise SourceError(f"{path}: is not a {_THING}: {printable(str(error))}") from error


# --- formats ---


Write = Callable[[BinaryIO, Rows, Columns], None]


@dataclass(frozen=True)
class _Format:
    """How tables are written and read; `read` yields each row with the place to name it by."""

    write: Write
    columns: Callable[[Path], Sequence[str]]
    read: Callable[[Path], Iterator[tuple[str, Mapping[str, Any]]]]
    check: Callable[[], None] = lambda: None


def _format_of(path: Path) -> _Format:
    found = _FORMATS.get(path.suffix.lower())
    if found is None:
        raise UsageError(
            f"{printable(str(path))}: a table of images is written to a file that ends in "
            f"{', '.join(_FORMATS)}"
        )
    return found


def _write_csv(file: BinaryIO, rows: Rows, columns: Columns) -> None:
    # Text is always quoted: whatever a name holds, no program that splits at other signs sees
    # a cell begin in the middle of it.
    lines = chain([header(columns)], (cells(row, columns) for row in rows))
    file.writelines((",".join(map(_csv_cell, line)) + "\n").encode() for line in lines)


def _csv_cell(value: Any) -> str:
    if isinstance(value, str):
        return '"' + value.replace('"', '""') + '"'
    return "" if value is None else repr(value)


def _csv_columns(path: Path) -> list[str]:
    with path.open("rb") as file:
        line = file.readline(_HEAD).decode("utf-8-sig")
    return next(csv.reader([line]), [])


def _read_csv(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        names = next(reader)
        try:
            for values in reader:
                if len(values) not in (0, len(names)):
                    raise ValueError(f"{len(values)} cells below a heading of {len(names)}")
                if values:
                    yield f"line {reader.line_num}", dict(zip(names, values, strict=True))
        except (ValueError, csv.Error) as error:
            text = printable(str(error))
            raise SourceError(f"{path} line {max(2, reader.line_num)}: {text}") from error


def _write_jsonl(file: BinaryIO, rows: Rows, columns: Columns) -> None:
    encoder, names = msgspec.json.Encoder(), header(columns)
    lines = (dict(zip(names, cells(row, columns), strict=True)) for row in rows)
    file.writelines(encoder.encode(line) + b"\n" for line in lines)


def _jsonl_columns(path: Path) -> list[str]:
    with path.open("rb") as file:
        line = file.readline(_HEAD)
    found = msgspec.json.decode(line or b"{}")
    return list(found) if isinstance(found, dict) else []


def _read_jsonl(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    yield f"line {number}", msgspec.json.decode(line, type=dict[str, Any])
                except msgspec.DecodeError as error:
                    raise SourceError(f"{path} line {number}: {error}") from error


def _check_parquet() -> None:
    try:
        import pyarrow.parquet  # noqa: F401, PLC0415 (an extra)
    except ModuleNotFoundError as error:
        raise NormstatError(
            "a table in Parquet needs pyarrow, which is not installed: "
            "pip install 'normstat[parquet]'; .csv and .jsonl need nothing"
        ) from error


def _write_parquet(file: BinaryIO, rows: Rows, columns: Columns) -> None:
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import parquet as pq  # noqa: PLC0415

    names = header(columns)
    # A column has one type: sums are text where one is, of floats or beyond 64 bits.
    wide = any(
        isinstance(each.sum, str) or isinstance(each.squares, str)
        for row in rows
        for each in row.channels
    )

    def type_of(name: str) -> "pa.DataType":
        what = name if name in FACTS else name.rpartition("_")[0]
        if what in _TEXTS or (wide and what in _SUMS):
            return pa.string()
        return pa.float64() if what in _FLOATS else pa.int64()

    schema = pa.schema([(name, type_of(name)) for name in names])
    texts = [index for index, field in enumerate(schema) if field.type == pa.string()]
    lines = (cells(row, columns) for row in rows)
    with pq.ParquetWriter(file, schema) as writer:
        while batch := list(islice(lines, _AT_ONCE)):
            for line in batch:
                for index in texts:
                    line[index] = None if line[index] is None else str(line[index])
            found = [
                pa.array(values, field.type)
                for values, field in zip(zip(*batch, strict=True), schema, strict=True)
            ]
            writer.write_batch(pa.record_batch(found, schema=schema))


def _parquet_columns(path: Path) -> list[str]:
    _check_parquet()
    from pyarrow import parquet as pq  # noqa: PLC0415

    return list(pq.read_schema(path).names)


def _read_parquet(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import parquet as pq  # noqa: PLC0415

    number = 0
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_AT_ONCE):
                for row in batch.to_pylist():
                    number += 1
                    yield f"row {number}", row
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, NormstatError):
            raise
        text = printable(str(error))
        raise SourceError(f"{path}: cannot be read after row {number}: {text}") from error


_JSON_LINES = _Format(_write_jsonl, _jsonl_columns, _read_jsonl)
_FORMATS = {
    ".csv": _Format(_write_csv, _csv_columns, _read_csv),
    ".jsonl": _JSON_LINES,
    ".ndjson": _JSON_LINES,
    ".parquet": _Format(_write_parquet, _parquet_columns, _read_parquet, _check_parquet),
}
