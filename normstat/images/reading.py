"""One opened file → the pixels that count, or the reason why it does not."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import BinaryIO

import numpy as np
from msgspec import UNSET
from msgspec.structs import replace
from PIL import Image

from normstat.errors import ImageError, NormstatError
from normstat.images.covering import covered_image
from normstat.images.frames import frames_of, together
from normstat.images.modes import (
    ALPHA,
    GRAY,
    GRAY16,
    as_it_is,
    kind_of_mode,
    native_mode,
    scale_transparent_code,
    with_policy,
)
from normstat.images.opening import beyond, check_whole, opened, reason_of
from normstat.images.sizes import check_size, fitted, resized_size
from normstat.readers import Decoded, reader_by
from normstat.readers.pixels import from_array
from normstat.sources.base import Opener
from normstat.spec.pipeline import Pipeline
from normstat.statistics import Facts, kind_of


@contextmanager
def read(opener: Opener, pipeline: Pipeline) -> Iterator[Decoded]:
    """Open and decode one image as the pipeline says; it stays open for the `with` block.

    Raises
    ------
    ImageError
        It is gone, is no image, is damaged, is too large, or Pillow would give other pixels than
        the file holds. The text is the reason, in a few words.
    """
    try:
        with opener() as file:
            if pipeline.masks is UNSET and pipeline.ignore_value is UNSET:
                yield _decode(file, pipeline)
            else:
                whole = replace(pipeline, resize=None, crop=None)
                yield covered_image(_decode(file, whole), pipeline, opener)
    except NormstatError:
        raise
    # Damaged files raise from every corner of every decoder: OSError, ValueError, SyntaxError,
    # TypeError, KeyError, struct.error, MemoryError ... Whatever it is, it is this file's.
    except Exception as error:
        raise ImageError(reason_of(error)) from error


def foreseen(opener: Opener, pipeline: Pipeline) -> tuple[int, int, int]:
    """Return width, height and bands that `read` would give, from the header alone.

    Raises
    ------
    ImageError
        As `read` does.
    """
    try:
        with opener() as file:
            image = opened(file, pipeline)
            if not isinstance(image, Image.Image):
                found = reader_by(image)(file, pipeline)
                *slices, width = found.shape
                return width, prod(slices), kind_of(found.kind).channels
            check_size(image.size, pipeline)
            frames = len(frames_of(image, file)) if pipeline.frames == "all" else 1
    except ImageError:
        raise
    except Exception as error:  # as in `read`
        raise ImageError(reason_of(error)) from error
    bands = 1 if pipeline.mode == "l" or image.mode in GRAY | GRAY16 else 3
    if pipeline.channels == "native":
        bands = Image.getmodebands(native_mode(image))
    width, height = resized_size(image.size, pipeline.resize) if pipeline.resize else image.size
    if pipeline.crop:
        width = height = pipeline.crop
    return width, height * frames, bands


def _decode(file: BinaryIO, pipeline: Pipeline) -> Decoded:
    image = opened(file, pipeline)
    if not isinstance(image, Image.Image):
        return beyond(file, image, pipeline)
    if pipeline.frames == "all":
        places = frames_of(image, file)
        if len(places) > 1:
            return together(image, places, file, pipeline)
    size = image.size
    check_size(size, pipeline)
    mode = image.mode
    animated = bool(getattr(image, "is_animated", False))
    transparent = mode in ALPHA or "transparency" in image.info
    if "transparency" in image.info:
        scale_transparent_code(image)
    image.load()
    if pipeline.bands is not UNSET or pipeline.nodata is not UNSET:
        return _selected(image, mode, pipeline, animated=animated)
    pixels, mask = with_policy(image, pipeline, transparent=transparent)
    pixels, mask, padded = fitted(pixels, mask, pipeline)
    facts = Facts(mode, *size, transparent, animated, padded)
    kind, names = kind_of_mode(pixels.mode)
    return Decoded(kind, facts._replace(bands=names) if names else facts, pixels, mask)


def _selected(image: Image.Image, mode: str, pipeline: Pipeline, *, animated: bool) -> Decoded:
    """Return the bands that were asked for, without the values that stand for none."""
    check_whole(pipeline)
    if image.mode in {"P", "PA"} and pipeline.nodata is not UNSET:
        raise ImageError("--nodata is for codes, which a palette does not have")
    pixels = as_it_is(image)
    codes = np.asarray(pixels)
    top = int(np.iinfo(codes.dtype).max)
    return from_array(codes, top, pipeline, mode=mode, bands=pixels.getbands(), animated=animated)
