"""All frames of a file as one image: animations, and the pages of a TIFF."""

from collections.abc import Iterator
from functools import partial
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from msgspec import UNSET
from PIL import Image

from normstat.errors import ImageError
from normstat.images.losses import loss_of
from normstat.images.modes import ALPHA, SCALED, kind_of_mode, with_policy
from normstat.images.sizes import check_size, fitted
from normstat.readers import Decoded
from normstat.readers.subfiles import MASK, REDUCED, subfile_types
from normstat.spec.pipeline import Pipeline
from normstat.statistics import Block, Facts

# Formats whose frames are animations or pages.
_WITH_FRAMES = {"AVIF", "GIF", "PNG", "TIFF", "WEBP"}


def frames_of(image: Image.Image, file: BinaryIO) -> list[int]:
    """Return the frames that an animation shows, or the pages of a TIFF.

    What a file holds beside these is the same picture once more: smaller copies and masks of TIFF
    pages, the still image of an animated PNG, and the other pictures of a JPEG from a camera.
    """
    if image.format not in _WITH_FRAMES:
        return [0]
    if image.format == "TIFF":
        types = subfile_types(file)
        return [page for page, kind in enumerate(types) if not kind & (REDUCED | MASK)] or [0]
    first = 1 if getattr(image, "default_image", False) else 0
    return list(range(first, getattr(image, "n_frames", 1))) or [0]


def together(image: Image.Image, places: list[int], file: BinaryIO, pipeline: Pipeline) -> Decoded:
    """Return all frames as one image, as they are shown one after the other."""
    if pipeline.bands is not UNSET or pipeline.nodata is not UNSET:
        raise ImageError("--bands and --nodata are for one frame: leave out --frames all")
    frames = partial(_shown, image, places, file, pipeline)
    first = next(frames())
    mode = first.pixels.mode
    if (mode, pipeline.channels) != ("RGB", UNSET):  # nothing is more than RGB
        mode = _common_mode({frame.pixels.mode for frame in frames()})
    kind, names = kind_of_mode(mode)
    width, height = first.pixels.size
    return Decoded(
        kind,
        first.facts._replace(bands=names),
        blocks=_blocks(frames(), mode, first.pixels.size),
        shape=(len(places), height, width),
    )


class _Frame(NamedTuple):
    """One frame as it is shown."""

    pixels: Image.Image
    mask: Image.Image | None
    facts: Facts


def _shown(
    image: Image.Image, places: list[int], file: BinaryIO, pipeline: Pipeline
) -> Iterator[_Frame]:
    code: Any = image.info.get("transparency")
    for place in places:
        try:
            image.seek(place)
        except SyntaxError as error:
            raise ImageError(f"frame {place + 1}: {error}") from error
        if image.format == "TIFF" and (loss := loss_of(image, file, pipeline)):
            raise ImageError(f"page {place + 1}: {loss}")
        check_size(image.size, pipeline)
        raw = str(image.tile[0].args) if image.tile else ""  # type: ignore[attr-defined]
        # A copy, because the next frame is drawn on this one and on what is known of it.
        frame = image.copy()
        transparent = frame.mode in ALPHA or "transparency" in frame.info
        if raw in SCALED and "transparency" in frame.info:
            frame.info["transparency"] = code * SCALED[raw]  # that of the first, unscaled
        pixels, mask = with_policy(frame, pipeline, transparent=transparent)
        pixels, mask, padded = fitted(pixels, mask, pipeline)
        facts = Facts(image.mode, *image.size, transparent, animated=True, padded=padded)
        yield _Frame(pixels, mask, facts)


def _common_mode(modes: set[str]) -> str:
    if len(modes) == 1:
        return modes.pop()
    if not modes <= {"L", "LA", "RGB", "RGBA"}:
        raise ImageError(f"frames of unlike kinds: {', '.join(sorted(modes))}")
    return "RGBA" if modes & {"LA", "RGBA"} else "RGB"


def _blocks(frames: Iterator[_Frame], mode: str, size: tuple[int, int]) -> Iterator[Block]:
    width, height = size
    for number, (pixels, mask, _) in enumerate(frames):
        if pixels.size != size:
            other = "{} x {}".format(*pixels.size)
            raise ImageError(
                f"frames of unlike sizes, {width} x {height} and {other}: "
                "--resize N --crop N makes them agree"
            )
        if pixels.mode != mode:
            if "I;16" in {pixels.mode, mode}:
                raise ImageError(f"frames of unlike kinds: {pixels.mode}, {mode}")
            pixels = pixels.convert(mode)  # noqa: PLW2901
        codes = np.asarray(pixels).reshape(width * height, -1).T
        valid = None if mask is None else np.asarray(mask).ravel() > 0
        rows = slice(number * height, (number + 1) * height)
        yield Block(codes, valid, "transparent", (rows, slice(0, width)))
