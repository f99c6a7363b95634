"""The table of images: written as CSV, JSON Lines or Parquet, and read again."""

import csv
import math
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from normstat.atomic import written_whole
from normstat.errors import NormstatError, SourceError, UsageError
from normstat.per_image import Channel, Columns, Row, Rows
from normstat.sources.base import printable
from normstat.spec.files import check_target, is_special
from normstat.spec.model import integer
from normstat.statistics import kind_of

# What a table tells of each image, before what it tells of each channel, as `mean_R`.
FACTS = ("path", "width", "height", "bytes", "mode", "kind", "channels", "pixels")
STATISTICS = Channel.__struct_fields__

_OPTION = "--per-image"
_THING = "table of --per-image"
_AT_ONCE = 10_000  # rows of a Parquet file that are in memory
_TEXTS = {"path", "mode", "kind"}
_SUMS = {"sum", "squares"}
_HEAD = 1 << 20  # bytes in which the first line must end
_DYADIC = re.compile(r"(0|-?[1-9]\d*)(\*2\^[1-9]\d{0,3})?")

Cells = Sequence[Any]


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
            path, force=force, inputs=inputs, option=_OPTION, thing=_THING, is_one=is_table
        )
        # On the disk of the table, where there has to be room anyway.
        return cls(Rows(None if is_special(path) else str(path.resolve().parent)), path)

    def write(self, kinds: Iterable[str], *, rgb: bool) -> None:
        """Write the file, if that is where the rows go.

        Parameters
        ----------
        kinds
            Those of the images.
        rgb
            Three channels even when every image is gray.

        Raises
        ------
        SourceError
            The disk is full, or the folder gone.
        """
        if self.rows is not None and self.path is not None:
            floats = any(kind_of(kind).bins is None for kind in kinds)
            write_table(self.path, self.rows, Columns.of(kinds, rgb=rgb), floats=floats)


def write_table(path: Path, rows: Iterable[Row], columns: Columns, *, floats: bool) -> None:
    """Write rows, beside the target first, so that the file is always a whole one.

    Parameters
    ----------
    floats
        Whether some images have float values, whose sums are text.

    Raises
    ------
    SourceError
        The disk is full, or the folder gone.
    """
    names = header(columns)
    lines = (cells(row, columns) for row in rows)
    write = _format_of(path).write
    try:
        if is_special(path):
            with path.open("wb") as file:
                write(file, names, lines, floats)
        else:
            with written_whole(path) as beside, beside.open("wb") as file:
                write(file, names, lines, floats)
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
    """The rows of a table, read anew each time that they are asked for."""

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
        names = [name.removeprefix("mean_") for name in found if name.startswith("mean_")]
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
                except (ValueError, KeyError, TypeError) as error:
                    raise SourceError(
                        f"{self.path} {line}: {printable(str(error))}; the table must be as "
                        f"{_OPTION} wrote it"
                    ) from error

    def _row(self, values: Mapping[str, Any]) -> Row:
        kind = kind_of(str(values["kind"]))
        there = [name for name in self.names if not _is_missing(values[f"count_{name}"])]
        own = there[:1] if kind.channels == 1 else there
        if len(own) != kind.channels:
            raise ValueError(f"{len(own)} channels, but {kind.name} has {kind.channels}")
        row = msgspec.convert(
            [*(values[name] for name in ("path", "bytes", "width", "height", "mode", "kind")), []],
            Row,
            strict=False,
        )
        floats = kind.bins is None
        channels = [_channel(values, name, floats=floats) for name in own]
        return msgspec.structs.replace(row, channels=channels)


def _channel(values: Mapping[str, Any], name: str, *, floats: bool) -> Channel:
    plain = [values[f"{what}_{name}"] for what in STATISTICS[:6]]
    plain = [None if _is_missing(value) else value for value in plain]
    count, total, squares = (
        _exactly(values[f"{what}_{name}"], f"{what}_{name}") for what in STATISTICS[6:]
    )
    channel = msgspec.convert([*plain, integer(str(count)), 0, 0], Channel, strict=False)
    channel = msgspec.structs.replace(channel, sum=total, squares=squares)
    if not all(map(math.isfinite, (channel.mean, channel.std, channel.min, channel.max))):
        raise ValueError(f"channel {name} has a number that is not finite")
    n, s, q = (integer(str(each)) for each in (count, total, squares))
    if n < 1 or n * q < s * s:
        raise ValueError(f"the sums of channel {name} contradict each other")
    if not floats and (isinstance(total, str) and "*" in total):
        raise ValueError(f"sum_{name} is that of float values, but the kind is of codes")
    return channel


def _exactly(value: Any, name: str) -> int | str:
    """Return an integer, which no program may have turned into a float in the meantime."""
    if isinstance(value, int):
        return value
    if isinstance(value, str) and _DYADIC.fullmatch(value):
        return int(value) if "*" not in value else value
    raise ValueError(f"{name} is {value!r}, not an exact integer")


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


Write = Callable[[BinaryIO, list[str], Iterable[Cells], bool], None]


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


def _write_csv(file: BinaryIO, names: list[str], rows: Iterable[Cells], _: bool) -> None:
    # Text is always quoted: whatever a name holds, no program that splits at other signs sees
    # a cell begin in the middle of it.
    file.writelines((",".join(map(_csv_cell, row)) + "\n").encode() for row in chain([names], rows))


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
        reader = csv.DictReader(file)
        for row in reader:
            yield f"line {reader.line_num}", row


def _write_jsonl(file: BinaryIO, names: list[str], rows: Iterable[Cells], _: bool) -> None:
    encoder = msgspec.json.Encoder()
    file.writelines(encoder.encode(dict(zip(names, row, strict=True))) + b"\n" for row in rows)


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


def _write_parquet(file: BinaryIO, names: list[str], rows: Iterable[Cells], floats: bool) -> None:
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import parquet as pq  # noqa: PLC0415

    def type_of(name: str) -> "pa.DataType":
        what = name.rpartition("_")[0] if name not in FACTS else name
        if what in _TEXTS or (floats and what in _SUMS):
            return pa.string()
        return pa.int64() if what in (*FACTS, "count", *_SUMS) else pa.float64()

    schema = pa.schema([(name, type_of(name)) for name in names])
    texts = [index for index, name in enumerate(names) if schema.field(name).type == pa.string()]
    rows = iter(rows)
    with pq.ParquetWriter(file, schema) as writer:
        while batch := [list(row) for row in islice(rows, _AT_ONCE)]:
            for row in batch:
                for index in texts:
                    row[index] = row[index] if row[index] is None else str(row[index])
            try:
                columns = [
                    pa.array(values, field.type)
                    for values, field in zip(zip(*batch, strict=True), schema, strict=True)
                ]
            except (OverflowError, pa.ArrowInvalid, TypeError) as error:
                raise NormstatError(
                    "a sum is more than the 2^63 that Parquet holds; write .csv or .jsonl"
                ) from error
            writer.write_batch(pa.record_batch(columns, schema=schema))


def _parquet_columns(path: Path) -> list[str]:
    _check_parquet()
    from pyarrow import parquet as pq  # noqa: PLC0415

    return list(pq.read_schema(path).names)


def _read_parquet(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    from pyarrow import parquet as pq  # noqa: PLC0415

    with pq.ParquetFile(path) as file:
        number = 0
        for batch in file.iter_batches(_AT_ONCE):
            for row in batch.to_pylist():
                yield f"row {number}", row
                number += 1


_JSON_LINES = _Format(_write_jsonl, _jsonl_columns, _read_jsonl)
_FORMATS = {
    ".csv": _Format(_write_csv, _csv_columns, _read_csv),
    ".jsonl": _JSON_LINES,
    ".ndjson": _JSON_LINES,
    ".parquet": _Format(_write_parquet, _parquet_columns, _read_parquet, _check_parquet),
}
