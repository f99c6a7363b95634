"""An image without the pixels that a mask or their own value leaves out."""

import dataclasses
from typing import BinaryIO

import numpy as np
from msgspec import UNSET
from PIL import Image

from normstat.errors import ImageError, NormstatError
from normstat.images.opening import beyond, opened, reason_of
from normstat.images.sizes import RESAMPLING, resized
from normstat.masks import (
    Cover,
    LeftOut,
    cover_of,
    cover_of_codes,
    covered,
    joined,
    other_than,
    pictured,
)
from normstat.readers import Decoded
from normstat.sources.base import Masked, Opener
from normstat.spec.pipeline import Masks, Pipeline


def covered_image(decoded: Decoded, pipeline: Pipeline, opener: Opener) -> Decoded:
    """Return a whole image without the pixels that a mask or their own value leaves out.

    Which those are is found before any resize, which follows here. Padding is black and lies
    outside every mask.
    """
    cover = None
    if pipeline.masks is not UNSET:
        width, height = decoded.facts.width, decoded.facts.height
        cover = _mask(opener, pipeline, pipeline.masks, decoded.shape or (height, width))
    ignored = None if pipeline.ignore_value is UNSET else pipeline.ignore_value
    if decoded.image is None:
        if pipeline.resize or pipeline.crop:
            raise ImageError("--resize and --crop are for images of 8 bits, or of gray with 16")
        blocks = covered(decoded.blocks, cover, decoded.shape, ignored)
        return dataclasses.replace(decoded, blocks=blocks)
    if not (decoded.mask or pipeline.resize or pipeline.crop or ignored is not None):
        assert cover is not None  # noqa: S101 (or this would not be called)
        gone = (cover.size - int(np.count_nonzero(cover))) * len(decoded.image.getbands())
        left_out: LeftOut = (("masked", gone),) if gone else ()
        return dataclasses.replace(decoded, mask=pictured(cover), left_out=left_out)
    covers = [("transparent", decoded.mask, 255)] if decoded.mask else []
    if cover is not None:
        covers.append(("masked", pictured(cover), 0))
    if ignored is not None:
        covers.append(("ignored", other_than(decoded.image, ignored), 255 if ignored else 0))
    pixels, padded = resized(decoded.image, pipeline, RESAMPLING[pipeline.interpolation])
    fitted = [
        (why, resized(each, pipeline, Image.Resampling.NEAREST, fill)[0])
        for why, each, fill in covers
    ]
    mask, left_out = joined(fitted, len(pixels.getbands()))
    facts = decoded.facts._replace(padded=padded)
    return Decoded(decoded.kind, facts, pixels, mask, left_out=left_out)


def _mask(opener: Opener, pipeline: Pipeline, masks: Masks, shape: tuple[int, ...]) -> Cover:
    """Read the mask of an image of that shape."""
    if not isinstance(opener, Masked):
        raise ImageError("its mask is not known here")
    try:
        with opener.mask() as file:
            return _cover(file, pipeline, masks, shape)
    except ImageError as error:
        raise ImageError(f"mask {opener.name}: {error}") from error
    except NormstatError:
        raise
    except Exception as error:  # as in `read`
        raise ImageError(f"mask {opener.name}: {reason_of(error)}") from error


def _cover(file: BinaryIO, pipeline: Pipeline, masks: Masks, shape: tuple[int, ...]) -> Cover:
    # Labels have no channels: every axis of an array that holds one mask is of its pixels.
    plain = Pipeline(
        max_pixels=pipeline.max_pixels,
        frames=pipeline.frames,
        channel_axis="none",
        image_axis=pipeline.image_axis,
    )
    image = opened(file, plain)
    if not isinstance(image, Image.Image):
        decoded = beyond(file, image, plain)
        _check_shape(decoded.shape, shape)
        return cover_of_codes(decoded, masks)
    frames = getattr(image, "n_frames", 1) if pipeline.frames == "all" else 1
    size = image.size[::-1]
    _check_shape((frames, *size) if frames > 1 else size, shape)
    if frames == 1:
        return cover_of(image, masks)
    covers = []
    for frame in range(frames):
        image.seek(frame)
        covers.append(cover_of(image, masks))
    return np.stack(covers)


def _check_shape(found: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    """Raise unless a mask is as large as its image, but for sides of 1 before the others."""
    if _proper(found) != _proper(wanted):
        told = [" x ".join(map(str, reversed(shape))) for shape in (found, wanted)]
        raise ImageError(f"has {told[0]} pixels, the image {told[1]}")


def _proper(shape: tuple[int, ...]) -> tuple[int, ...]:
    while len(shape) > 2 and shape[0] == 1:  # noqa: PLR2004
        shape = shape[1:]
    return shape
