"""Parquet files with a column of images: the files themselves, as Hugging Face stores them.

A row group is read in one go, a batch of rows at a time.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa
from pyarrow import parquet as pq

from normstat.errors import ImageError, SourceError, UsageError
from normstat.names import printable
from normstat.registry import unknown
from normstat.sources.base import Listing, Opener, Reference, Watch
from normstat.sources.selection import Selection
from normstat.sources.storage import Container, Place, Storage, distinct
from normstat.sources.streams import openers_of, reason

_BATCH_BYTES = 4 << 20
_MOST_ROWS = 256  # in a batch
_BUFFER = 1 << 20


def list_parquet(
    paths: Iterable[str], listing: Listing, selection: Selection, watch: Watch, *, alone: bool
) -> None:
    """List the rows of Parquet files, named by their numbers from 0 on.

    The size of an image is its share of what its row group's column has: that of each is only
    known when it is read.

    Parameters
    ----------
    selection
        `column` has the images: binary, or a struct with the field `bytes`. It may be left out
        when there is only one such column.

    Raises
    ------
    SourceError
        A file does not exist.
    UsageError
        There is no such column, or none or several that could be meant.
    """
    places = distinct(paths, selection.storage_options)
    listing.roots += [place.title for place in places]
    column = None if selection.files_from else selection.column
    for place in places:
        label = "" if alone and len(places) == 1 else f"{place.title}/"
        try:
            _list_one(place, listing, column, label)
        except FileNotFoundError:
            raise SourceError(f"{printable(place.title)}: no such file or folder") from None
        except (OSError, pa.ArrowException) as error:
            listing.unreadable.append((place.title, reason(error)))
        watch(listing)


def _list_one(place: Place, listing: Listing, column: str | None, label: str) -> None:
    storage, path, title = place
    version, first = storage.status(path).version, 0
    with _opened(storage, path, version) as file:
        leaf = _leaf(file, printable(title), column)
        leaves = [file.schema.column(index).path for index in range(len(file.schema))]
        at = leaves.index(leaf)
        for group in range(file.num_row_groups):
            part = file.metadata.row_group(group)
            rows, size = part.num_rows, part.column(at).total_uncompressed_size
            listing.enter(RowGroup(storage, path, version, label, leaf, group))
            for row in range(rows):
                share = size * (row + 1) // rows - size * row // rows
                listing.add(f"{label}{first + row}", share, version, row)
            first += rows


@contextmanager
def _opened(storage: Storage, path: str, version: int) -> Iterator[pq.ParquetFile]:
    known = _metadata(storage, path, version)
    with (
        storage.open(path) as source,
        # Both, or a whole column of a row group is read at once.
        pq.ParquetFile(source, metadata=known, buffer_size=_BUFFER, pre_buffer=False) as file,
    ):
        yield file


@lru_cache(maxsize=8)
def _metadata(storage: Storage, path: str, version: int) -> pq.FileMetaData:  # noqa: ARG001
    """Return what the end of a file tells; read once a process while the file is as it was."""
    with storage.open(path) as source:
        return pq.read_metadata(source)


def _leaf(file: pq.ParquetFile, title: str, wanted: str | None) -> str:
    """Return the path of the column with the bytes of the images."""
    leaves = {
        field.name: leaf for field in file.schema_arrow if (leaf := _leaf_of(field)) is not None
    }
    if wanted is None and len(leaves) == 1:
        return next(iter(leaves.values()))
    if wanted in leaves:
        return leaves[wanted]
    names = ", ".join(printable(name) for name in leaves)
    if wanted is not None and wanted not in file.schema_arrow.names:
        columns = {printable(name): None for name in file.schema_arrow.names}
        raise UsageError(f"{title}: {unknown('column', wanted, columns)}")
    if wanted is not None:
        raise UsageError(
            f"{title}: column {wanted!r} is {file.schema_arrow.field(wanted).type}, not binary and "
            f"not a struct with bytes; {f'such are: {names}' if names else 'none is'}"
        )
    if leaves:
        raise UsageError(
            f"{title} has several columns of bytes; --column says which has the images: {names}"
        )
    raise UsageError(
        f"{title} has no column of images: binary, or a struct with the field bytes. --columns "
        "reads it as a table of numbers. There are: "
        + ", ".join(printable(f"{field.name} ({field.type})") for field in file.schema_arrow)
    )


def _leaf_of(field: "pa.Field") -> str | None:
    kind = field.type
    if _is_binary(kind):
        return str(field.name)
    if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        return f"{field.name}.bytes" if _is_binary(kind.field("bytes").type) else None
    return None


def _is_binary(kind: "pa.DataType") -> bool:
    tests = pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view
    return any(test(kind) for test in tests) or pa.types.is_fixed_size_binary(kind)


@dataclass(frozen=True)
class RowGroup(Container):
    """The rows of one row group. The place of an image is the number of its row in there."""

    leaf: str
    group: int
    whole = True

    def openers(self, images: Iterable[Reference]) -> Iterator[Opener]:
        wanted = list(images)
        size = sum(image.size for image in wanted) // max(1, len(wanted))
        rows = max(1, min(_MOST_ROWS, _BATCH_BYTES // max(1, size)))
        yield from openers_of(wanted, self._contents({image.place for image in wanted}, rows))

    def _contents(self, places: set[int], rows: int) -> Iterator[tuple[int, bytes | ImageError]]:
        last, place = max(places), -1
        with _opened(self.storage, self.path, self.version) as file:
            batches = file.iter_batches(rows, row_groups=[self.group], columns=[self.leaf])
            for batch in batches:
                for value in batch.column(0):
                    place += 1
                    if place in places:
                        yield place, _bytes_of(value.as_py())
                if place >= last:
                    return


def _bytes_of(value: object) -> bytes | ImageError:
    content = value.get("bytes") if isinstance(value, dict) else value
    if isinstance(content, bytes):
        return content
    return ImageError("its row has no bytes; a path alone is not followed")
