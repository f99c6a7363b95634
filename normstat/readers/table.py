"""Tables: the columns that a pipeline names are the channels, each row is a pixel."""

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from msgspec import UNSET

from normstat.errors import ImageError
from normstat.names import printable
from normstat.readers.base import Decoded, check_exact
from normstat.sources.table import Text, is_missing, is_number, picked
from normstat.spec.pipeline import Pipeline
from normstat.statistics import Block, Facts

_ROWS = 1 << 15  # in a block, on which the last bits of a mean depend
_PARQUET = b"PAR1"

Columns = tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]


def read(file: BinaryIO, pipeline: Pipeline) -> Decoded:
    """Read columns of CSV, TSV or Parquet, which the first bytes tell.

    Missing values do not count: empty ones, null, NaN, and in text NA, None and the like. They
    are left out of their column alone.

    Raises
    ------
    ImageError
        There is no such column, or a value is no number; the text says where.
    """
    file.seek(0)
    if file.read(len(_PARQUET)) == _PARQUET:
        mode, names, rows, parts = _parquet(file, pipeline)
    else:
        mode, names, rows, parts = _text(file, pipeline)
    if not rows:
        raise ImageError("a table without rows")
    if rows > pipeline.max_pixels:
        raise ImageError(
            f"{rows:,} rows are over the limit of {pipeline.max_pixels:,}; --max-pixels raises it"
        )
    commas = [name for name in names if "," in name]
    if commas:
        raise ImageError(f"the column {printable(commas[0])} has a comma in its name: rename it")
    bands = ",".join(printable(name) for name in names)
    facts = Facts(f"{mode}x{len(names)}", rows, 1, False, False, False, bands)
    blocks = _blocks(parts, rows, pipeline)
    return Decoded(f"bands{len(names)}-float", facts, blocks=blocks, shape=(1, rows))


def _blocks(parts: Iterator[Columns], rows: int, pipeline: Pipeline) -> Iterator[Block]:
    """Yield blocks of equal numbers of rows, whatever the parts are."""
    start = 0
    for values, missing in _equal(parts):
        end = start + values.shape[1]
        if end > rows:
            break
        valid = ~(missing | np.isnan(values))
        window = slice(0, 1), slice(start, end)
        if isinstance(pipeline.nodata, float | int):
            valid &= values != pipeline.nodata
        yield Block(values, valid, "missing", window)
        start = end
    if start != rows:
        raise ImageError("changed while it was read")


def _equal(parts: Iterator[Columns]) -> Iterator[Columns]:
    waiting: list[Columns] = []
    held = 0
    for part in parts:
        waiting.append(part)
        held += part[0].shape[1]
        while held >= _ROWS:
            values, missing = _joined(waiting)
            yield values[:, :_ROWS], missing[:, :_ROWS]
            waiting, held = [(values[:, _ROWS:], missing[:, _ROWS:])], held - _ROWS
    if held:
        yield _joined(waiting)


def _joined(parts: Sequence[Columns]) -> Columns:
    if len(parts) == 1:
        return parts[0]
    values, missing = zip(*parts, strict=True)
    return np.concatenate(values, axis=1), np.concatenate(missing, axis=1)


# --- text ---


def _text(file: BinaryIO, pipeline: Pipeline) -> tuple[str, list[str], int, Iterator[Columns]]:
    text = Text(file)
    if not text.names:
        raise ImageError("empty file")
    columns = picked(text.names, pipeline.columns or [])
    # Once only to count: apply has to know the size, and a table may not fit into memory.
    rows = sum(1 for _ in text.rows())
    text.release()
    names = [text.names[column] for column in columns]
    return "table", names, rows, _texts(file, columns)


def _texts(file: BinaryIO, columns: list[int]) -> Iterator[Columns]:
    text = Text(file)
    rows: list[list[str]] = []
    lines: list[int] = []
    for row in text.rows():
        rows.append(row)
        lines.append(text.line)
        if len(rows) == _ROWS:
            yield _numbers(rows, lines, columns, text.names)
            rows, lines = [], []
    if rows:
        yield _numbers(rows, lines, columns, text.names)
    text.release()


def _numbers(
    rows: list[list[str]], lines: list[int], columns: list[int], names: list[str]
) -> Columns:
    values = np.empty((len(columns), len(rows)))
    missing = np.zeros(values.shape, np.bool_)
    for channel, column in enumerate(columns):
        texts = [row[column] for row in rows]
        try:
            values[channel] = list(map(float, texts))
            plain = not any("_" in each for each in texts)  # which Python takes for a number
        except ValueError:
            plain = False
        if plain:
            continue
        for index, each in enumerate(texts):
            if is_missing(each):
                missing[channel, index] = True
                values[channel, index] = np.nan
            elif is_number(each):
                values[channel, index] = float(each)
            else:
                raise ImageError(
                    f"line {lines[index]}, column {printable(names[column])}: "
                    f"{printable(each[:40])!r} is no number; leave the column out of --columns"
                )
    return values, missing


# --- Parquet ---


def _parquet(file: BinaryIO, pipeline: Pipeline) -> tuple[str, list[str], int, Iterator[Columns]]:
    try:
        from pyarrow import parquet as pq  # noqa: PLC0415 (an extra)
    except ModuleNotFoundError:
        raise ImageError(
            "Parquet needs 'pyarrow', which is not installed: pip install 'normstat[parquet]'"
        ) from None
    file.seek(0)
    table = pq.ParquetFile(file, pre_buffer=False, buffer_size=1 << 20)
    schema = table.schema_arrow
    columns = picked(schema.names, pipeline.columns or [])
    for column in columns:
        _check_type(schema.field(column))
    names = [schema.names[column] for column in columns]
    return "table", names, table.metadata.num_rows, _batches(table, names, pipeline)


def _check_type(field: Any) -> None:
    import pyarrow as pa  # noqa: PLC0415 (an extra)

    kind = field.type
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_null)
    if not any(test(kind) for test in tests):
        raise ImageError(
            f"column {printable(field.name)} is {kind}, not numbers; leave it out of --columns"
        )


def _batches(table: Any, names: list[str], pipeline: Pipeline) -> Iterator[Columns]:
    for batch in table.iter_batches(_ROWS, columns=names):
        values = np.empty((len(names), batch.num_rows))
        missing = np.zeros(values.shape, np.bool_)
        for channel, name in enumerate(names):
            column = _column(batch.column(name), name, pipeline)
            values[channel], missing[channel] = column
        yield values, missing


def _column(
    column: Any, name: str, pipeline: Pipeline
) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    import pyarrow as pa  # noqa: PLC0415 (an extra)

    missing = np.asarray(column.is_null())
    if pa.types.is_null(column.type):
        return np.full(len(column), np.nan), missing
    if column.null_count:
        column = column.fill_null(False if pa.types.is_boolean(column.type) else 0)
    found = np.asarray(column)
    some = found if pipeline.nodata is UNSET else found[found != pipeline.nodata]
    try:
        check_exact(some)
    except ImageError as error:
        raise ImageError(f"column {printable(name)} has {error}") from error
    return found.astype(np.float64), missing
