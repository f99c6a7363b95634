"""What every reader gives: an image whose pixels can be counted, whole or in blocks."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Any, BinaryIO, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from normstat.errors import ImageError
from normstat.spec.pipeline import Pipeline
from normstat.statistics import Block, Facts, kind_of

_EXACT = 1 << 53  # up to which every integer is a float64
_NARROWER = 4  # bytes of integers that always are


@dataclass(slots=True)
class Decoded:
    """An image ready to be counted.

    Parameters
    ----------
    kind
        The name of a `statistics.Kind`.
    facts
        What is known of it beside its pixels.
    image, mask
        What Pillow decodes: an image of 8-bit channels or of mode I;16, and a mask that is nonzero
        where pixels count, if there is one.
    blocks
        Everything else. They can be read once, while the file is open.
    shape
        Of one channel of what comes in blocks, or of an array: (height, width), or (slices, height,
        width) ...
    left_out
        How many values the mask leaves out, by reason; empty where only alpha does.
    """

    kind: str
    facts: Facts
    image: Image.Image | None = None
    mask: Image.Image | None = None
    blocks: Iterable[Block] = ()
    shape: tuple[int, ...] = ()
    left_out: tuple[tuple[str, int], ...] = ()


class Reader(Protocol):
    """Decodes an open file as a pipeline says; what it yields in blocks is read from it later."""

    def __call__(self, file: BinaryIO, pipeline: Pipeline) -> Decoded:
        """Return the image.

        Raises
        ------
        ImageError
            The pipeline asks for what this kind of file does not have.
        """
        ...


def check_exact(values: npt.NDArray[Any]) -> None:
    """Check that floats hold each of some values, as they do all integers up to 2^53.

    Raises
    ------
    ImageError
        They are integers, and one is larger.
    """
    wide = values.dtype.kind in "iu" and values.itemsize > _NARROWER and values.size
    if wide and (values.max() > _EXACT or values.min() < -_EXACT):
        raise ImageError("integers beyond 2^53, which floats cannot hold")


def middle(decoded: Decoded) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_] | None]:
    """Return what `assembled` does, but of a stack only the slice in the middle."""
    codes, valid = assembled(decoded)
    height = decoded.shape[-2] if decoded.image is None else codes.shape[1]
    start = codes.shape[1] // height // 2 * height
    shown = slice(start, start + height)
    return codes[:, shown], None if valid is None else valid[:, shown]


def assembled(decoded: Decoded) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_] | None]:
    """Put the blocks of an image together, or the channels that Pillow holds.

    Returns
    -------
    codes
        Shape (channels, height, width) in the type of the kind, where the height is that of all
        slices on top of each other.
    valid
        Where they count, in the same shape; None: everywhere.

    Examples
    --------
    >>> facts = Facts("F", 2, 1, False, False, False)
    >>> block = Block(np.array([[1.5, 2.5]]))
    >>> assembled(Decoded("gray-float", facts, blocks=[block], shape=(1, 2)))[0].tolist()
    [[[1.5, 2.5]]]
    """
    if decoded.image is not None:
        planes = np.stack([np.asarray(band) for band in decoded.image.split()])
        if decoded.mask is None:
            return planes, None
        return planes, np.repeat(np.asarray(decoded.mask)[None] != 0, len(planes), axis=0)
    size = (kind_of(decoded.kind).channels, prod(decoded.shape[:-1]), decoded.shape[-1])
    codes: npt.NDArray[Any] | None = None
    valid: npt.NDArray[np.bool_] | None = None
    for block in decoded.blocks:
        rows, columns = block.window or (slice(0, size[1]), slice(0, size[2]))
        part = (slice(None), rows, columns)
        shape = (size[0], rows.stop - rows.start, columns.stop - columns.start)
        if codes is None:
            codes = np.empty(size, block.values.dtype)
        codes[part] = block.values.reshape(shape)
        if block.valid is not None:
            if valid is None:
                valid = np.ones(size, np.bool_)
            # A pixel can be left out for several reasons, each in a mask of its own.
            valid[part] &= np.broadcast_to(block.valid, block.values.shape).reshape(shape)
    return np.empty(size) if codes is None else codes, valid
