"""Slices of stored codes and how they are rescaled → blocks of the values that they stand for."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from msgspec import UNSET
from PIL import Image

from normstat.errors import ImageError
from normstat.readers.base import Decoded, check_exact
from normstat.spec.pipeline import Pipeline
from normstat.statistics import Block, Facts

Codes = npt.NDArray[Any]

_NARROW = 2  # bytes
_LEAST, _MOST = -(1 << 15), (1 << 15) - 1
_DEPTHS = {"u1": "8", "u2": "16", "i1": "s16", "i2": "s16"}


class Scale(NamedTuple):
    """A stored code stands for slope·code + intercept."""

    slope: float
    intercept: float

    @property
    def is_whole(self) -> bool:
        """Whether integers stay integers."""
        return float(self.slope).is_integer() and float(self.intercept).is_integer()

    def of_integers(self, codes: Codes) -> Codes:
        """Return the values as int64, or as int32 where that is enough."""
        slope, intercept = int(self.slope), int(self.intercept)
        narrow = codes.dtype.itemsize <= _NARROW and slope == 1 and abs(intercept) < 1 << 30
        values: Codes = codes.astype(np.int32 if narrow else np.int64)
        if slope != 1:
            values *= slope
        values += intercept
        return values

    def of_floats(self, codes: Codes) -> Codes:
        """Return the values as float64."""
        values: Codes = codes.astype(np.float64)
        values *= self.slope
        values += self.intercept
        return values


class Slice(NamedTuple):
    """Stored codes of shape (channels, pixels), where they count, and what they stand for."""

    codes: Codes
    valid: npt.NDArray[np.bool_] | None = None
    scale: Scale | None = None


@dataclass(frozen=True)
class Volume:
    """An image in slices of stored codes.

    Parameters
    ----------
    mode
        What it is called in `by_mode`.
    shape
        Of one channel: (..., height, width).
    layout
        gray, rgb or bandsN.
    dtype
        Of the codes.
    limits
        The smallest and the largest that a code can be; of floats, none.
    scales
        All that occur in its slices. Without any, codes are fractions of their range.
    slices
        Starts from the first; whole rows, in their order.
    bands
        Names of the channels, joined by commas, where they are not those of the layout.
    """

    mode: str
    shape: tuple[int, ...]
    layout: str
    dtype: np.dtype[Any]
    limits: tuple[int, int] | None
    scales: frozenset[Scale]
    slices: Callable[[], Iterable[Slice]]
    bands: str = ""


_AS_IS = Scale(1, 0)


def check_slice(width: int, height: int, pipeline: Pipeline) -> None:
    """Refuse a volume of which even one slice is too large.

    Raises
    ------
    ImageError
        It has more pixels than the pipeline allows.
    """
    if width < 1 or height < 1:
        raise ImageError(f"a slice of {width} x {height} pixels has none")
    if width * height > pipeline.max_pixels:
        raise ImageError(
            f"a slice of {width} x {height} pixels is over the limit of {pipeline.max_pixels:,}; "
            "--max-pixels raises it"
        )


def check_bands(pipeline: Pipeline) -> None:
    """Refuse to choose bands where there are none.

    Raises
    ------
    ImageError
        The pipeline asks for bands.
    """
    if pipeline.bands is not UNSET:
        raise ImageError("has no bands to choose from: leave out --bands")


def decoded(volume: Volume, pipeline: Pipeline) -> Decoded:
    """Return a volume as an image in blocks.

    Codes that are rescaled by integers stay integers where all fit 16 bits with a sign, so that
    their percentiles are exact; other values are floats. What does not fit by its header is looked
    at first, because the headers of computed tomographs claim more than they hold.

    Raises
    ------
    ImageError
        The pipeline asks for what a volume does not have.
    """
    *_, height, width = volume.shape
    check_slice(width, height, pipeline)
    if pipeline.mode == "l" and volume.layout == "rgb":
        volume = _in_gray(volume)
    nodata = None if pipeline.nodata is UNSET else pipeline.nodata
    depth = _depth(volume, nodata)
    if volume.layout.startswith("bands") and pipeline.mode != "auto":
        raise ImageError(f"--mode {pipeline.mode} is for gray and colour: leave it out")
    if pipeline.mode == "rgb" and depth in {"s16", "float"}:
        volume = _in_rgb(volume)
    dash = "-" if volume.layout.startswith("bands") or depth in {"s16", "float"} else ""
    return Decoded(
        f"{volume.layout}{dash}{depth}",
        Facts(volume.mode, width, height, False, False, False, volume.bands),
        blocks=_blocks(volume, depth, nodata),
        shape=volume.shape,
    )


def _in_gray(volume: Volume) -> Volume:
    if volume.dtype != np.uint8 or volume.scales:
        raise ImageError("--mode l is for colours of 8 bits: leave it out")

    def slices() -> Iterator[Slice]:
        for codes, valid, _ in volume.slices():
            pixels = np.ascontiguousarray(codes.T).reshape(1, -1, 3)
            gray = np.asarray(Image.fromarray(pixels).convert("L"))
            yield Slice(gray, valid)

    return replace(volume, layout="gray", slices=slices)


def _in_rgb(volume: Volume) -> Volume:
    """Repeat values of their own; fractions of a range are repeated when all images are known."""
    if volume.layout != "gray":
        return volume

    def slices() -> Iterator[Slice]:
        for piece in volume.slices():
            yield piece._replace(codes=np.repeat(piece.codes, 3, axis=0))

    return replace(volume, layout="rgb", slices=slices)


def _depth(volume: Volume, nodata: float | None) -> str:
    if not volume.scales:
        return _DEPTHS.get(volume.dtype.str[1:], "float")
    whole = all(scale.is_whole for scale in volume.scales)
    if volume.limits is None or not whole:
        return "float"
    ends = [
        int(scale.slope) * code + int(scale.intercept)
        for scale in volume.scales
        for code in volume.limits
    ]
    if not _fits(ends) and volume.dtype.itemsize <= _NARROW:
        ends = [end for piece in volume.slices() for end in _ends(piece, nodata)]
    return "s16" if _fits(ends) else "float"


def _fits(values: list[int]) -> bool:
    return not values or (min(values) >= _LEAST and max(values) <= _MOST)


def _ends(piece: Slice, nodata: float | None) -> list[int]:
    values = (piece.scale or _AS_IS).of_integers(piece.codes)
    valid = _valid(values, piece.valid, nodata)
    if valid is not None:
        values = values[np.broadcast_to(valid, values.shape)]
    return [int(values.min()), int(values.max())] if values.size else []


def _blocks(volume: Volume, depth: str, nodata: float | None) -> Iterator[Block]:
    height, width, row = prod(volume.shape[:-1]), volume.shape[-1], 0
    for piece in volume.slices():
        rows = slice(row, row + piece.codes.shape[1] // width)
        values = _values(piece, volume, depth, nodata)
        valid = _valid(values, piece.valid, nodata)
        if depth == "s16":
            values = values.astype(np.int16)  # what does not fit does not count
        why = "padding" if nodata is None else "nodata"
        yield Block(values, valid, why, (rows, slice(0, width)))
        row = rows.stop
    if row != height:
        raise ImageError(f"damaged: {row:,} of {height:,} rows are there")


def _values(piece: Slice, volume: Volume, depth: str, nodata: float | None) -> Codes:
    codes, scale = piece.codes, piece.scale or _AS_IS
    if not volume.scales:
        return _exact_floats(codes, nodata) if depth == "float" else codes
    return scale.of_floats(codes) if depth == "float" else scale.of_integers(codes)


def _exact_floats(codes: Codes, nodata: float | None) -> Codes:
    check_exact(codes if nodata is None else codes[codes != nodata])
    floats: Codes = codes.astype(np.float64)
    return floats


def _valid(
    values: Codes, valid: npt.NDArray[np.bool_] | None, nodata: float | None
) -> npt.NDArray[np.bool_] | None:
    """Return what counts: by the file, unless it is told which value stands for none."""
    return valid if nodata is None else values != nodata
