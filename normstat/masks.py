"""Masks: which pixels of an image count, by the labels of a file beside it or by their own value.

A cover is what a mask comes to: an array that is true, or an image of mode L that is nonzero, where
pixels count.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import UNSET
from PIL import Image, ImageChops

from normstat.errors import ImageError
from normstat.readers import Decoded, assembled
from normstat.spec.pipeline import Masks
from normstat.statistics import Block

Cover = npt.NDArray[np.bool_]
LeftOut = tuple[tuple[str, int], ...]

# What compresses by changing values: around a zero there is noise that is none.
_LOSSY = {"JPEG", "MPO", "WEBP", "AVIF", "JPEG2000"}
_PHOTOMETRIC = 262  # the tag of a TIFF: 0 is white, and Pillow turns the codes round
_STRETCHED = 255  # what Pillow makes of the largest label of few bits
_BITS = {"L;2": 3, "L;4": 15}  # the largest label of a gray PNG or TIFF that Pillow stretches


def counting(codes: npt.NDArray[Any], masks: Masks) -> Cover:
    """Return which labels count; one that is not a number does not.

    >>> counting(np.array([0, 1, 2, 255]), Masks(foreground=[1, 255], ignore_label=255)).tolist()
    [False, True, False, False]
    """
    if masks.foreground == "all":
        found = np.ones(codes.shape, np.bool_)
    elif masks.foreground == "nonzero":
        found = codes != 0
    else:
        # Label by label: of a few, this is many times faster than any set.
        found = np.zeros(codes.shape, np.bool_)
        for label in masks.foreground:
            found |= codes == label
    if masks.ignore_label is not UNSET:
        found &= codes != masks.ignore_label
    if not np.issubdtype(codes.dtype, np.integer):
        found &= ~np.isnan(codes)
    return found


def cover_of(image: Image.Image, masks: Masks) -> Cover:
    """Return the cover of a mask that Pillow has opened and not yet loaded.

    Labels are what the file holds: the indices of a palette, not its colours, and the codes of a
    gray image of 1, 2 or 4 bits, not what they are stretched to.

    Raises
    ------
    ImageError
        It has colours, which are no labels, or a format that changes them or may have.
    """
    if image.format in _LOSSY:
        raise ImageError(f"{image.format}, which may have changed labels: store it as PNG")
    if image.format == "TIFF" and image.tag_v2.get(_PHOTOMETRIC) == 0:  # type: ignore[attr-defined]
        raise ImageError(
            "0 is white in this TIFF, so that its labels are not clear: store it as PNG"
        )
    top = _top(image)
    image.load()
    if image.mode == "1":
        image = image.convert("L")
    elif image.mode not in {"L", "P"} and not image.mode.startswith("I;16"):
        image = _as_gray(image)
    if top == _STRETCHED:
        return counting(np.asarray(image), masks)
    return counting(np.asarray(image), _stretched(masks, top))


def _stretched(masks: Masks, top: int) -> Masks:
    """Return a rule for labels up to `top` of which Pillow has made codes up to 255.

    >>> _stretched(Masks(foreground=[1, 4], ignore_label=3), 3)
    Masks(foreground=[85, 256], ignore_label=255)
    """

    def code(label: int) -> int:
        return round(label * _STRETCHED / top) if 0 <= label <= top else _STRETCHED + 1

    foreground, ignored = masks.foreground, masks.ignore_label
    return Masks(
        foreground=[code(each) for each in foreground]
        if isinstance(foreground, list)
        else foreground,
        ignore_label=UNSET if ignored is UNSET else code(ignored),
    )


def _top(image: Image.Image) -> int:
    """Return the label that Pillow turns into 255."""
    if image.mode == "1":
        return 1
    first = image.tile[0].args if image.tile else None  # type: ignore[attr-defined]
    if image.format == "PPM" and isinstance(first, tuple):
        return int(first[1])
    return _BITS.get(str(first[0] if isinstance(first, tuple) else first), _STRETCHED)


def _as_gray(image: Image.Image) -> Image.Image:
    """Return an image whose colours are all grays, and whose pixels are all opaque, as mode L."""
    bands = image.split()
    if image.mode in {"LA", "RGBA"} and bands[-1].getextrema() != (255, 255):
        raise ImageError("has transparent pixels, whose labels are not clear")
    if image.mode not in {"LA", "RGB", "RGBA"} or any(
        ImageChops.difference(bands[0], band).getbbox() for band in bands[1:3] if image.mode != "LA"
    ):
        raise ImageError("has colours, which are no labels: store it with a palette, or as gray")
    return bands[0]


def cover_of_codes(decoded: Decoded, masks: Masks) -> Cover:
    """Return the cover of a mask that a reader has opened, in its shape.

    Raises
    ------
    ImageError
        It has several channels.
    """
    codes, valid = assembled(decoded)
    if len(codes) > 1:
        raise ImageError(f"has {len(codes)} channels; a mask has one, with labels")
    found = counting(codes[0], masks)
    if valid is not None:
        found &= valid[0]
    return found.reshape(decoded.shape)


def pictured(cover: Cover) -> Image.Image:
    """Return a cover of two dimensions, but for sides of 1 before them, as an image of mode L."""
    cover = cover.reshape(cover.shape[-2:])
    return Image.fromarray(cover.view(np.uint8))


def other_than(pixels: Image.Image, value: float) -> Image.Image:
    """Return the cover of pixels of which any channel has another code than `value`.

    >>> other_than(Image.new("RGB", (1, 1), (0, 0, 1)), 0).getpixel((0, 0))
    1
    """
    if pixels.mode == "I;16":
        return pictured(np.asarray(pixels) != value)
    if not (0 <= value <= 255 and float(value).is_integer()):  # noqa: PLR2004
        return Image.new("L", pixels.size, 255)
    code = (int(value),) * len(pixels.getbands())
    apart = ImageChops.difference(pixels, Image.new(pixels.mode, pixels.size, code))
    return reduce(ImageChops.lighter, apart.split())


def joined(covers: Sequence[tuple[str, Image.Image]], channels: int) -> tuple[Image.Image, LeftOut]:
    """Return the cover of pixels that all covers have, and how many values each leaves out.

    What an earlier one leaves out is not counted again.
    """
    cover, left_out, gone = covers[0][1], [], 0
    for index, (why, each) in enumerate(covers):
        cover = ImageChops.darker(cover, each) if index else each
        now = cover.width * cover.height - int(np.count_nonzero(np.asarray(cover)))
        left_out.append((why, channels * (now - gone)))
        gone = now
    return cover, tuple(sorted((why, count) for why, count in left_out if count))


def covered(
    blocks: Iterable[Block], cover: Cover | None, shape: Sequence[int], ignored: float | None
) -> Iterator[Block]:
    """Yield the blocks of an image of a shape, with what a cover and a value leave out.

    As `assembled` does, they lay slices on top of each other.
    """
    sheet = None if cover is None else cover.reshape(-1, shape[-1])
    for block in blocks:
        values = block.values
        valid = np.ones(values.shape, np.bool_)
        if block.valid is not None:
            valid &= block.valid
        covers = [(block.why, valid.copy())]
        if sheet is not None:
            part = sheet if block.window is None else sheet[block.window]
            covers.append(("masked", np.broadcast_to(part.reshape(1, -1), values.shape)))
        if ignored is not None:
            other = (values != ignored).any(axis=0)
            covers.append(("ignored", np.broadcast_to(other, values.shape)))
        left_out, gone = [], 0
        for why, each in covers:
            valid &= each
            now = int(valid.size - np.count_nonzero(valid))
            left_out.append((why, now - gone))
            gone = now
        yield Block(values, valid, block.why, block.window, tuple(left_out))
