"""How tables of images are written and read: CSV, JSON Lines and Parquet."""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from normstat.errors import NormstatError, SourceError, UsageError
from normstat.names import printable
from normstat.per_image.row import Channel, Row
from normstat.per_image.rows import Columns, Rows

# What a table tells of each image, before what it tells of each channel, as `mean_R`.
FACTS = (
    "path", "width", "height", "bytes", "mode", "kind", "bands", "max_pixel_value", "channels",
    "pixels",
)  # fmt: skip
STATISTICS = Channel.__struct_fields__

OPTION = "--per-image"
THING = f"table of {OPTION}"
_AT_ONCE = 10_000  # rows of a Parquet file that are in memory
_TEXTS = {"path", "mode", "kind", "bands"}
_FLOATS = {"max_pixel_value", *STATISTICS[:6]}
_SUMS = {"sum", "squares"}
_HEAD = 1 << 20  # bytes in which the first line must end


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


Write = Callable[[BinaryIO, Rows, Columns], None]


@dataclass(frozen=True)
class _Format:
    """How tables are written and read; `read` yields each row with the place to name it by."""

    write: Write
    columns: Callable[[Path], Sequence[str]]
    read: Callable[[Path], Iterator[tuple[str, Mapping[str, Any]]]]
    check: Callable[[], None] = lambda: None


def format_of(path: Path) -> _Format:
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
    try:
        found = msgspec.json.decode(line or b"{}")
    except msgspec.DecodeError as error:  # in msgspec 0.20 not a ValueError, as which it is caught
        raise ValueError(str(error)) from error
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
