"""One opened file → the pixels that count, or the reason why it does not.

The only module that knows Pillow's traps.
"""

import dataclasses
import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from math import prod
from threading import Lock
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from msgspec import UNSET
from msgspec.structs import replace
from PIL import Image, UnidentifiedImageError

from normstat.errors import ImageError, NormstatError
from normstat.masks import (
    Cover,
    cover_of,
    cover_of_codes,
    covered,
    joined,
    other_than,
    pictured,
)
from normstat.readers import Decoded, reader_by, told_by
from normstat.readers.bands import held
from normstat.readers.depths import avif_bits, jpeg2000_bits
from normstat.readers.pixels import from_array
from normstat.readers.subfiles import MASK, REDUCED, subfile_types
from normstat.sources.base import Masked, Opener
from normstat.spec.model import Masks, Pipeline
from normstat.statistics import Block, Facts, kind_of

# Asked in this order. Every one is told by its first bytes, none starts a program.
FORMATS = (
    "JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM", "JPEG2000", "AVIF", "QOI",
)  # fmt: skip

VANISHED = "vanished before it was read"  # the reason of a file that is not there

_RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "hamming": Image.Resampling.HAMMING,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
_GRAY = {"L", "1", "LA"}
_GRAY16 = {"I;16", "I;16B", "I;16L", "I;16N"}
_SIGNED = 2  # of the TIFF tag SampleFormat
_GDAL_METADATA, _GDAL_NODATA = 42112, 42113  # TIFF tags
_KINDS = {"L": "gray8", "RGB": "rgb8", "I;16": "gray16"}
# The readers of what Pillow would change, by its name of the format.
_BEYOND = {
    "AVIF": "avif", "JPEG2000": "jpeg2000", "PNG": "png", "PPM": "netpbm", "TIFF": "tiff",
}  # fmt: skip
_MANY_PIXELS = 1 << 25  # from which on a TIFF is read by tiles, if it can be
_LOSSLESS = {"raw", "packbits", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "lzma", "zstd"}
_SCALED = {"L;2": 85, "L;4": 17}  # what Pillow multiplies the codes of these by
# Formats whose frames are animations or pages.
_WITH_FRAMES = {"AVIF", "GIF", "PNG", "TIFF", "WEBP"}
_ALPHA = {"LA", "PA", "RGBA", "RGBa", "La"}
_REFUSED = {
    "I": "32-bit integer pixels",
    "F": "float pixels",
    "La": "gray with premultiplied alpha, which Pillow cannot convert",
}


@contextmanager
def undisturbed() -> Iterator[None]:
    """Silence what decoders say about files beside reading them, for the whole process.

    Their warnings come without the file's name, and may tell what is in it. Pillow's own limit has
    a zone that only warns; `read` applies that of the pipeline.
    """
    _QUIET.enter()
    try:
        yield
    finally:
        _QUIET.leave()


class _Quiet:
    """What `undisturbed` sets when the first thread enters and sets back when the last leaves."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0
        self._before = ExitStack()

    def enter(self) -> None:
        with self._lock:
            if not self._inside:
                self._before.callback(setattr, Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
                self._before.enter_context(warnings.catch_warnings())
                warnings.filterwarnings("ignore", module=r"(PIL|pydicom|nibabel)\.")
                for log in map(logging.getLogger, ("PIL", "pydicom", "tifffile")):
                    self._before.callback(log.setLevel, log.level)
                    log.setLevel(logging.CRITICAL + 1)
                Image.MAX_IMAGE_PIXELS = None
            self._inside += 1

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._before.close()


_QUIET = _Quiet()


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
                yield _covered(file, pipeline, opener)
    except NormstatError:
        raise
    # Damaged files raise from every corner of every decoder: OSError, ValueError, SyntaxError,
    # TypeError, KeyError, struct.error, MemoryError ... Whatever it is, it is this file's.
    except Exception as error:
        raise ImageError(_reason(error)) from error


def foreseen(opener: Opener, pipeline: Pipeline) -> tuple[int, int, int]:
    """Return width, height and bands that `read` would give, from the header alone.

    Raises
    ------
    ImageError
        As `read` does.
    """
    try:
        with opener() as file:
            image = _open(file, pipeline)
            if not isinstance(image, Image.Image):
                found = reader_by(image)(file, pipeline)
                *slices, width = found.shape
                return width, prod(slices), kind_of(found.kind).channels
            frames = len(_frames(image, file)) if pipeline.frames == "all" else 1
    except ImageError:
        raise
    except Exception as error:  # as in `read`
        raise ImageError(_reason(error)) from error
    bands = 1 if pipeline.mode == "l" or image.mode in _GRAY | _GRAY16 else 3
    if pipeline.channels == "native":
        bands = len(_as_it_is(image).getbands())
    width, height = resized_size(image.size, pipeline.resize) if pipeline.resize else image.size
    if pipeline.crop:
        width = height = pipeline.crop
    return width, height * frames, bands


def _decode(file: BinaryIO, pipeline: Pipeline) -> Decoded:
    image = _open(file, pipeline)
    if not isinstance(image, Image.Image):
        return _beyond(file, image, pipeline)
    if pipeline.frames == "all":
        places = _frames(image, file)
        if len(places) > 1:
            return _together(image, places, file, pipeline)
    size = image.size
    _check_size(size, pipeline)
    mode = image.mode
    animated = bool(getattr(image, "is_animated", False))
    transparent = mode in _ALPHA or "transparency" in image.info
    if "transparency" in image.info:
        _scale_transparent_code(image)
    image.load()
    if pipeline.bands is not UNSET or pipeline.nodata is not UNSET:
        return _selected(image, mode, pipeline, animated=animated)
    pixels, mask = _pixels(image, pipeline, transparent=transparent)
    pixels, mask, padded = _fitted(pixels, mask, pipeline)
    facts = Facts(mode, *size, transparent, animated, padded)
    kind, names = _kind(pixels.mode)
    return Decoded(kind, facts._replace(bands=names) if names else facts, pixels, mask)


def _check_size(size: tuple[int, int], pipeline: Pipeline) -> None:
    _check_pixels(size, pipeline.max_pixels)
    if pipeline.resize:
        # A thin image grows without bound when its short side does.
        _check_pixels(resized_size(size, pipeline.resize), pipeline.max_pixels)


def _fitted(
    pixels: Image.Image, mask: Image.Image | None, pipeline: Pipeline
) -> tuple[Image.Image, Image.Image | None, bool]:
    """Return pixels and mask in the mode and size that are asked for, and whether it was padded."""
    if pipeline.mode == "l" and pixels.mode == "RGB":
        pixels = pixels.convert("L")
    padded = False
    if pipeline.resize or pipeline.crop:
        resampling = _RESAMPLING[pipeline.interpolation]
        pixels, padded = resized_and_cropped(pixels, pipeline.resize, pipeline.crop, resampling)
        if mask:
            mask, _ = resized_and_cropped(
                mask, pipeline.resize, pipeline.crop, Image.Resampling.NEAREST, fill=255
            )
    return pixels, mask, padded


def _kind(mode: str) -> tuple[str, str]:
    """Return the kind of pixels of a mode, and the names of their channels where it has none."""
    kind = _KINDS.get(mode)
    if kind is not None:
        return kind, ""
    names = Image.new(mode, (1, 1)).getbands()
    return f"bands{len(names)}-8", ",".join(names)


# --- all frames of a file as one image ---


def _frames(image: Image.Image, file: BinaryIO) -> list[int]:
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


def _together(image: Image.Image, places: list[int], file: BinaryIO, pipeline: Pipeline) -> Decoded:
    """Return all frames as one image, as they are shown one after the other."""
    if pipeline.bands is not UNSET or pipeline.nodata is not UNSET:
        raise ImageError("--bands and --nodata are for one frame: leave out --frames all")
    frames = partial(_shown, image, places, file, pipeline)
    first = next(frames())
    mode = first.pixels.mode
    if (mode, pipeline.channels) != ("RGB", UNSET):  # nothing is more than RGB
        mode = _common_mode({frame.pixels.mode for frame in frames()})
    kind, names = _kind(mode)
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
        if image.format == "TIFF" and (loss := _loss(image, file, pipeline)):
            raise ImageError(f"page {place + 1}: {loss}")
        _check_size(image.size, pipeline)
        raw = str(image.tile[0].args) if image.tile else ""  # type: ignore[attr-defined]
        # A copy, because the next frame is drawn on this one and on what is known of it.
        frame = image.copy()
        transparent = frame.mode in _ALPHA or "transparency" in frame.info
        if raw in _SCALED and "transparency" in frame.info:
            frame.info["transparency"] = code * _SCALED[raw]  # that of the first, unscaled
        pixels, mask = _pixels(frame, pipeline, transparent=transparent)
        pixels, mask, padded = _fitted(pixels, mask, pipeline)
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


def _pixels(
    image: Image.Image, pipeline: Pipeline, *, transparent: bool
) -> tuple[Image.Image, Image.Image | None]:
    """Return what counts of a loaded image, and a mask if not all of it does."""
    if transparent and pipeline.alpha != "drop":
        return _with_alpha(image, pipeline.alpha)
    if pipeline.channels == "native":
        return _as_it_is(image), None
    image.info.pop("transparency", None)
    return _plain(image), None


def _selected(image: Image.Image, mode: str, pipeline: Pipeline, *, animated: bool) -> Decoded:
    """Return the bands that were asked for, without the values that stand for none."""
    _check_whole(pipeline)
    if image.mode in {"P", "PA"} and pipeline.nodata is not UNSET:
        raise ImageError("--nodata is for codes, which a palette does not have")
    pixels = _as_it_is(image)
    codes = np.asarray(pixels)
    top = int(np.iinfo(codes.dtype).max)
    return from_array(codes, top, pipeline, mode=mode, bands=pixels.getbands(), animated=animated)


def _scale_transparent_code(image: Image.Image) -> None:
    """Bring the transparent code of 2 and 4-bit gray to 8 bits, as Pillow does with the pixels."""
    raw = str(image.tile[0].args) if image.tile else ""  # type: ignore[attr-defined]
    image.info["transparency"] *= _SCALED.get(raw, 1)


def _check_pixels(size: tuple[int, int], limit: int) -> None:
    width, height = size
    if width * height > limit:
        raise ImageError(
            f"{width} x {height} pixels are over the limit of {limit:,}; --max-pixels raises it"
        )


def _open(file: BinaryIO, pipeline: Pipeline) -> Image.Image | str:
    """Return an image of which only the header was read, or the reader that it needs."""
    if pipeline.columns:
        return "table"
    try:
        image = Image.open(file, formats=FORMATS)
    except UnidentifiedImageError:
        reader = told_by(file)
        if reader is None:
            raise ImageError(_what_it_is_instead(file)) from None
        return reader
    loss = _loss(image, file, pipeline)
    if not loss:
        return "tiff" if image.format == "TIFF" and _is_better_in_tiles(image, pipeline) else image
    beyond = _BEYOND.get(image.format or "")
    if beyond is None or (beyond == "netpbm" and image.mode == "F"):
        raise ImageError(f"{loss}: not read yet")
    if beyond != "tiff":
        _check_pixels(image.size, pipeline.max_pixels)
    return beyond


def _beyond(file: BinaryIO, reader: str, pipeline: Pipeline) -> Decoded:
    """Read what Pillow cannot, or would change."""
    _check_whole(pipeline)
    file.seek(0)
    return reader_by(reader)(file, pipeline)


def _check_whole(pipeline: Pipeline) -> None:
    if pipeline.resize or pipeline.crop:
        raise ImageError(
            "--resize and --crop are for images of 8 bits, or of gray with 16, "
            "without --bands and --nodata"
        )


def _what_it_is_instead(file: BinaryIO) -> str:
    file.seek(0)
    start = file.read(64)
    if not start:
        return "empty file"
    if start.startswith((b"%!PS", b"\xc5\xd0\xd3\xc6")):
        return "PostScript, which is a program and is not opened"
    if start.isascii() and start.decode().replace("\n", "").replace("\r", "").isprintable():
        return "text, not an image"
    return "not an image in a known format, or its header is damaged"


def _loss(image: Image.Image, file: BinaryIO, pipeline: Pipeline) -> str | None:
    """Return why Pillow would not give the codes that the file holds, from the header alone."""
    if image.mode in _REFUSED and not _is_plain_pgm16(image):
        return _REFUSED[image.mode]
    # Pillow reads JPEG of no other depth, and most files are JPEG.
    bits = 8 if image.format == "JPEG" else _bits(image, file)
    if image.mode not in _GRAY16 and bits > 8:  # noqa: PLR2004
        return "more than 8 bits a channel, of which Pillow would keep 8"
    if image.mode in _GRAY16 and bits != 16:  # noqa: PLR2004
        return f"{bits}-bit gray, whose codes Pillow would change"
    if image.format == "TIFF":
        return _tiff_loss(image, pipeline)
    return None


def _tiff_loss(image: Image.Image, pipeline: Pipeline) -> str | None:
    tags = image.tag_v2  # type: ignore[attr-defined]
    samples, extra = tags.get(277, 1), set(tags.get(338, ()))
    asked = pipeline.bands is not UNSET or pipeline.nodata is not UNSET
    losses = {
        "signed samples, which Pillow reads as unsigned": _SIGNED in tags.get(339, (1,)),
        "16-bit TIFF in which 0 is white, which Pillow does not invert": (
            image.mode in _GRAY16 and tags.get(262) == 0
        ),
        "bands, of which Pillow would drop some": (
            samples > 4 or (samples == 2 and not extra & {1, 2})  # noqa: PLR2004
        ),
        "channels in pages, of which Pillow sees the first": _has_channel_pages(
            str(tags.get(270, "")), samples
        ),
        "names of bands, which Pillow does not tell": asked
        or (pipeline.channels == "native" and _GDAL_METADATA in tags),
        "a value that stands for none": (
            _GDAL_NODATA in tags and _has_nodata(tags[_GDAL_NODATA], image.mode)
        ),
    }
    return next((loss for loss, is_so in losses.items() if is_so), None)


def _has_channel_pages(description: str, samples: int) -> bool:
    """Whether ImageJ, OME or tifffile says that pages are channels."""
    if description.startswith("ImageJ="):
        found = re.search(r"^channels=(\d+)", description, re.MULTILINE)
    elif description.startswith('{"shape"'):
        return '"axes"' in description and "C" in description.partition('"axes"')[2][:20]
    elif description.endswith("OME>"):
        found = re.search(r'\bSizeC="(\d+)"', description)
    else:
        return False
    return found is not None and int(found[1]) > samples


def _has_nodata(text: object, mode: str) -> bool:
    try:
        value = float(str(text).strip(" \0"))
    except ValueError:
        return False
    return held(value, np.dtype(np.uint16 if mode in _GRAY16 else np.uint8)) is not None


def _is_better_in_tiles(image: Image.Image, pipeline: Pipeline) -> bool:
    """Whether a TIFF is so large that it is read by tiles, when the extra for that is there."""
    pixels = image.width * image.height
    if pixels <= min(_MANY_PIXELS, pipeline.max_pixels) or pipeline.resize or pipeline.crop:
        return False
    composited = image.mode in _ALPHA and pipeline.alpha not in {"drop", "mask"}
    if composited or set(image.tag_v2.get(258, (1,))) - {8, 16}:  # type: ignore[attr-defined]
        return False
    if pixels <= pipeline.max_pixels and image.info.get("compression") not in _LOSSLESS:
        return False  # another decoder would give slightly other pixels
    try:
        reader_by("tiff")
    except ImageError:
        return False
    return image.mode in {"L", "P", "RGB", "RGBA", "LA", "RGBX", *_GRAY16}


def _is_plain_pgm16(image: Image.Image) -> bool:
    """Whether mode I is only Pillow's way to hold an unscaled 16-bit PGM."""
    return image.format == "PPM" and image.tile[0].args == "I;16B"  # type: ignore[attr-defined]


def _bits(image: Image.Image, file: BinaryIO) -> int:
    """Return how many bits a channel the file holds, where Pillow's mode does not tell."""
    first = image.tile[0].args if image.tile else None  # type: ignore[attr-defined]
    match image.format:
        case "PPM":
            return int(first[1]).bit_length() if isinstance(first, tuple) else 8
        case "TIFF":
            return int(max(image.tag_v2.get(258, (1,))))  # type: ignore[attr-defined]
        case "BMP" | "DIB":
            return 8  # "BGR;16" is 16 bits a pixel
        case "JPEG2000":
            return jpeg2000_bits(_head(file))
        case "AVIF":
            return avif_bits(_head(file))
        case _:
            return 16 if ";16" in str(first) else 8


def _head(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(1 << 16)


def _plain(image: Image.Image) -> Image.Image:
    """Return an image without transparency as L, RGB or I;16."""
    if image.mode in {"L", "RGB", "I;16"}:
        return image
    if image.mode in _GRAY16 or image.mode == "I":
        return Image.fromarray(np.asarray(image).astype("<u2"))
    return image.convert("L" if image.mode in _GRAY else "RGB")


def _as_it_is(image: Image.Image) -> Image.Image:
    """Return an image with the channels of its file; of a palette, its colours."""
    if image.mode in {"P", "PA"} or "transparency" in image.info:
        clear = image.mode == "PA" or "transparency" in image.info
        return image.convert("RGBA" if clear else "RGB")
    return _plain(image) if image.mode in _GRAY16 | {"1", "I"} else image


def _with_alpha(image: Image.Image, alpha: str) -> tuple[Image.Image, Image.Image | None]:
    """Return the pixels and the mask that a policy other than drop makes of a transparent image."""
    if image.mode in _GRAY16:
        return _gray16_with_alpha(image, alpha)
    full = image.convert("RGBA")
    mask = full.getchannel("A") if alpha == "mask" else None
    if alpha == "premultiply":
        full = full.convert("RGBa")
    elif alpha != "mask":
        full = Image.alpha_composite(Image.new("RGBA", full.size, alpha), full)
    if image.mode in _GRAY:
        return full.getchannel(0), mask
    return Image.merge("RGB", full.split()[:3]), mask


def _gray16_with_alpha(image: Image.Image, alpha: str) -> tuple[Image.Image, Image.Image]:
    if alpha != "mask":
        raise ImageError(
            f"16-bit gray with a transparent code: use --alpha drop or mask, not {alpha}"
        )
    shown = np.asarray(image) != image.info["transparency"]
    return _plain(image), Image.fromarray(shown.astype(np.uint8) * 255)


def resized_size(size: tuple[int, int], resize: int) -> tuple[int, int]:
    """Return the size after torchvision's Resize(`resize`): the long side is rounded down.

    >>> resized_size((500, 375), 256), resized_size((375, 500), 256)
    ((341, 256), (256, 341))
    """
    width, height = size
    if width > height:
        return int(resize * width / height), resize
    return resize, int(resize * height / width)


def resized_and_cropped(
    image: Image.Image,
    resize: int | None,
    crop: int | None,
    resampling: Image.Resampling,
    *,
    fill: int = 0,
) -> tuple[Image.Image, bool]:
    """Apply torchvision's Resize(`resize`) and CenterCrop(`crop`), with its rounding.

    The short side becomes `resize`, the long one int(resize·long/short). The crop starts at
    int(round(d/2)), half to even, after an image smaller than the crop was padded with `fill`.

    Returns
    -------
    image, padded
        The new image, and whether it had to be padded.
    """
    if resize and min(image.size) != resize:
        image = image.resize(resized_size(image.size, resize), resampling)
    padded = crop is not None and min(image.size) < crop
    if crop:
        if padded:
            image = _padded(image, crop, fill)
        left = round((image.width - crop) / 2)
        top = round((image.height - crop) / 2)
        image = image.crop((left, top, left + crop, top + crop))
    return image, padded


def _padded(image: Image.Image, crop: int, fill: int) -> Image.Image:
    width, height = max(image.width, crop), max(image.height, crop)
    canvas = Image.new(image.mode, (width, height), (fill,) * len(image.getbands()))
    canvas.paste(image, ((width - image.width) // 2, (height - image.height) // 2))
    return canvas


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return VANISHED
    if isinstance(error, OSError) and error.strerror:
        return f"not read: {error.strerror}"
    if isinstance(error, MemoryError):
        return "does not fit into memory"
    text = " ".join(str(error).split())
    return f"damaged: {text or type(error).__name__}"


# --- masks ---


def _covered(file: BinaryIO, pipeline: Pipeline, opener: Opener) -> Decoded:
    """Decode an image without the pixels that a mask or their own value leaves out.

    Which those are is found before any resize. Padding is black and lies outside every mask.
    """
    decoded = _decode(file, replace(pipeline, resize=None, crop=None))
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
    covers = [("transparent", decoded.mask, 255)] if decoded.mask else []
    if cover is not None:
        covers.append(("masked", pictured(cover), 0))
    if ignored is not None:
        covers.append(("ignored", other_than(decoded.image, ignored), 255 if ignored else 0))
    pixels, padded = _resized(decoded.image, pipeline, _RESAMPLING[pipeline.interpolation])
    fitted = [
        (why, _resized(each, pipeline, Image.Resampling.NEAREST, fill)[0])
        for why, each, fill in covers
    ]
    mask, left_out = joined(fitted, len(pixels.getbands()))
    facts = decoded.facts._replace(padded=padded)
    return Decoded(decoded.kind, facts, pixels, mask, left_out=left_out)


def _resized(
    image: Image.Image, pipeline: Pipeline, resampling: Image.Resampling, fill: int = 0
) -> tuple[Image.Image, bool]:
    if pipeline.resize:
        _check_pixels(resized_size(image.size, pipeline.resize), pipeline.max_pixels)
    if not (pipeline.resize or pipeline.crop):
        return image, False
    return resized_and_cropped(image, pipeline.resize, pipeline.crop, resampling, fill=fill)


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
        raise ImageError(f"mask {opener.name}: {_reason(error)}") from error


def _cover(file: BinaryIO, pipeline: Pipeline, masks: Masks, shape: tuple[int, ...]) -> Cover:
    plain = Pipeline(max_pixels=pipeline.max_pixels, frames=pipeline.frames)
    image = _open(file, plain)
    if not isinstance(image, Image.Image):
        decoded = _beyond(file, image, plain)
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
        covers.append(np.asarray(cover_of(image, masks)) > 0)
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
