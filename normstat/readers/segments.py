"""The codes of a TIFF, a few rows, tiles or strips at a time, of several planes together."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from normstat.errors import ImageError

JPEG = {6, 7}  # compressions that hold YCbCr and give RGB
_PIECE = 1 << 18  # pixels that are counted together

# What planes have in some rows and columns: of each (rows, columns, samples).
Part = tuple[list[npt.NDArray[Any]], slice, slice]


@dataclass(frozen=True)
class Plane:
    """One or all channels of the image: a page, or one sample of a planar page.

    `offset` is where its codes lie one after the other, uncompressed; None: in segments.
    """

    page: Any
    sample: int
    offset: int | None


def parts_of(tiff: Any, planes: list[Plane], fill: Any) -> Iterator[Part]:
    """Yield planes in parts.

    Parameters
    ----------
    fill
        The code of tiles that are not in the file: GDAL leaves out those without values.
    """
    if all(plane.offset is not None for plane in planes):
        return _rows(tiff, planes)
    parts = _segments(tiff, planes, fill)
    return parts if planes[0].page.keyframe.is_tiled else _gathered(parts)


def _rows(tiff: Any, planes: list[Plane]) -> Iterator[Part]:
    """Yield rows of planes that lie uncompressed in the file."""
    page = planes[0].page.keyframe
    _, _, height, width, samples = page.shaped
    dtype = page.dtype.newbyteorder(tiff.byteorder)
    row = width * samples * dtype.itemsize
    step = max(1, _PIECE // width)
    for start in range(0, height, step):
        rows = min(step, height - start)
        found = []
        for plane in planes:
            content = _read(tiff, (plane.offset or 0) + start * row, rows * row)
            codes = np.frombuffer(content, dtype).reshape(rows, width, samples)
            found.append(codes.astype(page.dtype.newbyteorder("="), copy=False))
        yield found, slice(start, start + rows), slice(0, width)


def _segments(tiff: Any, planes: list[Plane], fill: Any) -> Iterator[Part]:
    """Yield the decoded tiles or strips of planes, those of one place together."""
    keyframe = planes[0].page.keyframe
    per_plane = prod(keyframe.chunked) // keyframe.shaped[0]
    height, width = int(keyframe.imagelength), int(keyframe.imagewidth)
    for place in range(per_plane):
        found, rows, columns = [], slice(0), slice(0)
        for plane in planes:
            codes, (top, left) = _segment(tiff, plane.page, plane.sample * per_plane + place, fill)
            codes = codes[: height - top, : width - left]
            rows = slice(top, top + codes.shape[0])
            columns = slice(left, left + codes.shape[1])
            found.append(codes)
        if len({codes.shape for codes in found}) > 1:
            raise ImageError("damaged: channels of unlike sizes")
        yield found, rows, columns


def _segment(
    tiff: Any, page: Any, index: int, fill: Any
) -> tuple[npt.NDArray[Any], tuple[int, int]]:
    """Return one tile or strip of shape (rows, columns, samples), and its first row and column."""
    keyframe = page.keyframe
    if index >= len(page.dataoffsets) or index >= len(page.databytecounts):
        raise ImageError("damaged: tiles or strips are missing")
    count = int(page.databytecounts[index])
    content = _read(tiff, int(page.dataoffsets[index]), count) if count else None
    tables = {"jpegtables": page.jpegtables} if keyframe.compression in JPEG else {}
    codes, (_, _, top, left, _), shape = keyframe.decode(content, index, **tables)
    if codes is None:
        codes = np.full(shape, fill or 0, keyframe.dtype.newbyteorder("="))
    return codes[0], (int(top), int(left))


def _gathered(parts: Iterator[Part]) -> Iterator[Part]:
    """Put strips together until they are worth counting."""
    waiting: list[list[npt.NDArray[Any]]] = []
    first, last, pixels, columns = 0, 0, 0, slice(0)
    for found, rows, columns in parts:
        if not waiting:
            first = rows.start
        waiting.append(found)
        last, pixels = rows.stop, pixels + found[0].shape[0] * found[0].shape[1]
        if pixels >= _PIECE:
            yield _joined(waiting), slice(first, last), columns
            waiting, pixels = [], 0
    if waiting:
        yield _joined(waiting), slice(first, last), columns


def _joined(waiting: list[list[npt.NDArray[Any]]]) -> list[npt.NDArray[Any]]:
    if len(waiting) == 1:
        return waiting[0]
    return [np.concatenate(each) for each in zip(*waiting, strict=True)]


def _read(tiff: Any, offset: int, count: int) -> bytes:
    file = tiff.filehandle
    if offset + count > file.size:
        raise ImageError(f"damaged: the file ends {offset + count - file.size:,} bytes early")
    file.seek(offset)
    content: bytes = file.read(count)
    return content
