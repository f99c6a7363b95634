"""NumPy's .npy: an array of one image, whose axes are told by the pipeline."""

import mmap
from collections.abc import Iterable, Iterator
from io import SEEK_END, BytesIO
from math import prod
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from msgspec import UNSET
from PIL import Image

from normstat.errors import ImageError
from normstat.names import printable
from normstat.readers.base import Decoded, check_exact
from normstat.sources.arrays import Header, check_size, header_of
from normstat.sources.axes import Axes, Layout
from normstat.spec.pipeline import Pipeline
from normstat.statistics import Block, Facts

_PIECE = 1 << 18  # values in a block
_WHOLE = 1 << 22  # pixels that Pillow may count at once
_HELD = 64 << 20  # bytes of a file in memory that are let go of once they are counted
_COLOURS = 3
# The depth of each type of values, and the type that its blocks have.
_DEPTHS = {
    "u1": ("8", "u1"),
    "u2": ("16", "u2"),
    "i1": ("s16", "i2"),
    "i2": ("s16", "i2"),
    "f2": ("float", "f2"),
    "f4": ("float", "f4"),
    "f8": ("float", "f8"),
    "b1": ("float", "f8"),
    "u4": ("float", "f8"),
    "i4": ("float", "f8"),
    "u8": ("float", "f8"),
    "i8": ("float", "f8"),
}


def read(file: BinaryIO, pipeline: Pipeline) -> Decoded:
    """Read the image of an .npy file.

    Integers of 8 and 16 bits are codes; wider ones and truth values (0 and 1) are float values,
    as far as those can hold them.

    Raises
    ------
    ImageError
        The axes are not clear, the array holds several images, or the values are of a type that
        has no statistics; the text says what to try.
    """
    header = header_of(file)
    check_size(header, file.seek(0, SEEK_END))
    layout = Axes.of(pipeline).layout(header.shape)
    if layout.images is not None and header.shape[layout.images] > 1:
        raise ImageError(
            f"holds {header.shape[layout.images]:,} images, which are read when the file itself is "
            "named; --image-axis none says that it is a single image"
        )
    told = header.dtype.str[1:]
    if told not in _DEPTHS:
        raise ImageError(f"an array of {header.dtype}, which has no statistics here")
    pixels = prod(header.shape[axis] for axis in layout.pixels)
    if pixels > pipeline.max_pixels:
        raise ImageError(
            f"{pixels:,} pixels are over the limit of {pipeline.max_pixels:,}; "
            "--max-pixels raises it"
        )
    array, mapped = _values(file, header)
    view = _channels_first(array, layout)
    rows, names = _bands(len(view), pipeline)
    kind = _kind(len(rows), _DEPTHS[told][0], layout, named=bool(names))
    if pipeline.mode == "l" and kind.startswith("rgb"):
        raise ImageError("--mode l is for colour images that Pillow reads, not for arrays")
    shape = view.shape[1:]
    told_type = str(header.dtype.newbyteorder("=")) + (f"x{len(view)}" if len(view) > 1 else "")
    height, width = prod(shape[:-1]), shape[-1]
    facts = Facts(told_type, width, height, False, False, False, ",".join(names))
    flat = len(shape) == 2  # noqa: PLR2004 (only these does Pillow hold as they are)
    all_count = pipeline.nodata is UNSET
    if kind in {"gray8", "rgb8"} and flat and pixels <= _WHOLE and all_count:
        codes = np.moveaxis(view, 0, -1)
        image = Image.fromarray(np.ascontiguousarray(codes[..., 0] if len(view) == 1 else codes))
        return Decoded(kind, facts, image, shape=shape)
    blocks: Iterable[Block] = _blocks(view, rows, _DEPTHS[told][1], pipeline)
    if mapped is not None and not header.fortran:  # of Fortran order, each block is everywhere
        blocks = _let_go(blocks, mapped, header.dtype.itemsize)
    return Decoded(kind, facts, blocks=blocks, shape=shape)


def _values(file: BinaryIO, header: Header) -> tuple[npt.NDArray[Any], mmap.mmap | None]:
    """Return the array, which stays in the file when that is one, and what maps it."""
    order: Any = "F" if header.fortran else "C"
    # No copy; a view of the memory of a BytesIO could not be closed.
    mapped = None if isinstance(file, BytesIO) else mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    content = file.getvalue() if isinstance(file, BytesIO) else mapped
    assert content is not None  # noqa: S101 (one of both)
    flat = np.frombuffer(content, header.dtype, prod(header.shape), header.offset)
    return flat.reshape(header.shape, order=order), mapped


def _let_go(blocks: Iterable[Block], mapped: mmap.mmap, itemsize: int) -> Iterator[Block]:
    """Yield blocks, and keep what was read of a mapped file from filling the memory."""
    held = 0
    for block in blocks:
        yield block
        held += block.values.size * itemsize
        if held >= _HELD and hasattr(mmap, "MADV_DONTNEED"):
            mapped.madvise(mmap.MADV_DONTNEED)  # of a file: what is touched again is read again
            held = 0


def _channels_first(array: npt.NDArray[Any], layout: Layout) -> npt.NDArray[Any]:
    """Return a view of shape (channels, pixels ...)."""
    if layout.channels is None:
        array = array[None]
        order = (0, *(axis + 1 for axis in layout.pixels))
    else:
        order = (layout.channels, *layout.pixels)
    rest = () if layout.images is None else (layout.images + (layout.channels is None),)
    shape = [array.shape[axis] for axis in order]
    return array.transpose(*order, *rest).reshape(shape)


def _kind(channels: int, depth: str, layout: Layout, *, named: bool) -> str:
    joined = depth if depth in {"8", "16"} else f"-{depth}"
    if layout.channels is None and not named:
        return f"gray{joined}"
    if channels == _COLOURS and layout.is_colour and not named:
        return f"rgb{joined}"
    if channels == 1 and len(layout.pixels) > 1 and not named:
        return f"gray{joined}"
    return f"bands{channels}-{depth}"


def _bands(channels: int, pipeline: Pipeline) -> tuple[list[int], list[str]]:
    """Return which channels are read, and their names where they get any."""
    if not pipeline.bands:
        return list(range(channels)), []
    asked = list(pipeline.bands)
    if all(band.isdecimal() for band in asked):
        rows = [int(band) - 1 for band in asked]
        if not all(0 <= row < channels for row in rows):
            raise ImageError(f"has the channels 1 to {channels}, not {', '.join(asked)} (--bands)")
        return rows, [f"B{band}" for band in asked]
    if len(asked) != channels:
        raise ImageError(f"has {channels} channels without names; --bands names {len(asked)}")
    if any("," in band for band in asked):
        raise ImageError("the name of a channel (--bands) has a comma")
    return list(range(channels)), [printable(band) for band in asked]


def _blocks(
    view: npt.NDArray[Any], rows: list[int], dtype: str, pipeline: Pipeline
) -> Iterator[Block]:
    all_rows = rows == list(range(len(view)))
    for values, window in _pieces(view, 0):
        flat = (values if all_rows else values[rows]).reshape(len(rows), -1)
        valid = None if pipeline.nodata is UNSET else flat != pipeline.nodata
        if dtype == "f8":
            check_exact(flat if valid is None else flat[valid])
        yield Block(flat.astype(dtype, copy=False), valid, "nodata", window)


def _pieces(
    view: npt.NDArray[Any], first: int
) -> Iterator[tuple[npt.NDArray[Any], tuple[slice, slice]]]:
    """Cut an array of shape (channels, pixels ...) so that no piece is large.

    Yields
    ------
    piece, window
        The window is of rows and columns, where all slices lie below each other.
    """
    shape = view.shape[1:]
    if len(shape) == 1:
        step = max(1, _PIECE // len(view))
        for start in range(0, shape[0], step):
            part = view[:, start : start + step]
            columns = slice(start, start + part.shape[1])
            yield part, (slice(first, first + 1), columns)
        return
    rows = prod(shape[1:-1])
    each = len(view) * rows * shape[-1]
    if each > 2 * _PIECE:
        for index in range(shape[0]):
            yield from _pieces(view[:, index], first + index * rows)
        return
    step = max(1, _PIECE // each)
    for start in range(0, shape[0], step):
        part = view[:, start : start + step]
        begin = first + start * rows
        window = slice(begin, begin + part.shape[1] * rows), slice(0, shape[-1])
        yield part, window
