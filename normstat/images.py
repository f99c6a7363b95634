"""One opened file → the pixels that count, or the reason why it does not.

The only module that knows Pillow's traps.
"""

import dataclasses
import struct
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from math import prod
from threading import Lock
from typing import BinaryIO

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
from normstat.sources.base import Masked, Opener
from normstat.spec.model import Masks, Pipeline
from normstat.statistics import Facts, kind_of

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
_KINDS = {"L": "gray8", "RGB": "rgb8", "I;16": "gray16"}
# The readers of what Pillow would change, by its name of the format.
_BEYOND: dict[str, str] = {}
_ALPHA = {"LA", "PA", "RGBA", "RGBa", "La"}
_REFUSED = {
    "I": "32-bit integer pixels",
    "F": "float pixels",
    "La": "gray with premultiplied alpha, which Pillow cannot convert",
}


@contextmanager
def undisturbed() -> Iterator[None]:
    """Silence what Pillow says about files beside reading them, for the whole process.

    Its warnings come without the file's name, and its own limit has a zone that only warns;
    `read` applies that of the pipeline.
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
                warnings.filterwarnings("ignore", module=r"PIL\.")
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
            image = _open(file)
            if not isinstance(image, Image.Image):
                found = reader_by(image)(file, pipeline)
                *slices, width = found.shape
                return width, prod(slices), kind_of(found.kind).channels
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
    return width, height, bands


def _decode(file: BinaryIO, pipeline: Pipeline) -> Decoded:
    image = _open(file)
    if not isinstance(image, Image.Image):
        return _beyond(file, image, pipeline)
    size = image.size
    _check_pixels(size, pipeline.max_pixels)
    if pipeline.resize:
        # A thin image grows without bound when its short side does.
        _check_pixels(resized_size(size, pipeline.resize), pipeline.max_pixels)
    mode = image.mode
    animated = bool(getattr(image, "is_animated", False))
    transparent = mode in _ALPHA or "transparency" in image.info
    if "transparency" in image.info:
        _scale_transparent_code(image)
    image.load()
    if transparent and pipeline.alpha != "drop":
        pixels, mask = _with_alpha(image, pipeline.alpha)
    elif pipeline.channels == "native":
        pixels, mask = _as_it_is(image), None
    else:
        image.info.pop("transparency", None)
        pixels, mask = _plain(image), None
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
    facts = Facts(mode, *size, transparent, animated, padded)
    kind = _KINDS.get(pixels.mode)
    if kind is None:
        names = pixels.getbands()
        kind, facts = f"bands{len(names)}-8", facts._replace(bands=",".join(names))
    return Decoded(kind, facts, pixels, mask)


def _scale_transparent_code(image: Image.Image) -> None:
    """Bring the transparent code of 2 and 4-bit gray to 8 bits, as Pillow does with the pixels."""
    raw = str(image.tile[0].args) if image.tile else ""  # type: ignore[attr-defined]
    factor = {"L;2": 85, "L;4": 17}.get(raw)
    if factor:
        image.info["transparency"] *= factor


def _check_pixels(size: tuple[int, int], limit: int) -> None:
    width, height = size
    if width * height > limit:
        raise ImageError(
            f"{width} x {height} pixels are over the limit of {limit:,}; --max-pixels raises it"
        )


def _open(file: BinaryIO) -> Image.Image | str:
    """Return an image of which only the header was read, or the reader that it needs."""
    try:
        image = Image.open(file, formats=FORMATS)
    except UnidentifiedImageError:
        reader = told_by(file)
        if reader is None:
            raise ImageError(_what_it_is_instead(file)) from None
        return reader
    loss = _loss(image, file)
    if not loss:
        return image
    beyond = _BEYOND.get(image.format or "")
    if beyond is None:
        raise ImageError(loss)
    return beyond


def _beyond(file: BinaryIO, reader: str, pipeline: Pipeline) -> Decoded:
    """Read what Pillow cannot, or would change."""
    if pipeline.resize or pipeline.crop:
        raise ImageError("--resize and --crop are for images of 8 bits, or of gray with 16")
    file.seek(0)
    return reader_by(reader)(file, pipeline)


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


def _loss(image: Image.Image, file: BinaryIO) -> str | None:
    """Return why Pillow would not give the codes that the file holds, from the header alone."""
    if image.mode in _REFUSED and not _is_plain_pgm16(image):
        return f"{_REFUSED[image.mode]}: not read yet"
    # Pillow reads JPEG of no other depth, and most files are JPEG.
    bits = 8 if image.format == "JPEG" else _bits(image, file)
    if image.mode not in _GRAY16 and bits > 8:  # noqa: PLR2004
        return "more than 8 bits a channel, of which Pillow would keep 8: not read yet"
    if image.mode in _GRAY16 and bits != 16:  # noqa: PLR2004
        return f"{bits}-bit gray, whose codes Pillow would change: not read yet"
    if image.format == "TIFF":
        return _tiff_loss(image)
    return None


def _tiff_loss(image: Image.Image) -> str | None:
    tags = image.tag_v2  # type: ignore[attr-defined]
    if _SIGNED in tags.get(339, (1,)):
        return "TIFF with signed samples, which Pillow reads as unsigned"
    if image.mode in _GRAY16 and tags.get(262) == 0:
        return "16-bit TIFF in which 0 is white, which Pillow does not invert"
    return None


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
            return _jpeg2000_bits(_head(file))
        case "AVIF":
            return _avif_bits(_head(file))
        case _:
            return 16 if ";16" in str(first) else 8


def _head(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(1 << 16)


def _jpeg2000_bits(head: bytes) -> int:
    """Return the depth in the SIZ marker (ISO/IEC 15444-1, A.5.1)."""
    siz = head.find(b"\xff\x4f\xff\x51")
    if siz < 0:
        return 16
    (channels,) = struct.unpack_from(">H", head, siz + 40)
    return max((head[siz + 42 + 3 * channel] & 0x7F) + 1 for channel in range(channels))


def _avif_bits(head: bytes) -> int:
    """Return the depth in the av1C box (AV1 Codec ISO Media File Format Binding, 2.3)."""
    box = head.find(b"av1C")
    if box < 0:
        return 16
    high, twelve = head[box + 6] & 0x40, head[box + 6] & 0x20
    return 12 if twelve else 10 if high else 8


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
    pixels, padded = _fitted(decoded.image, pipeline, _RESAMPLING[pipeline.interpolation])
    fitted = [
        (why, _fitted(each, pipeline, Image.Resampling.NEAREST, fill)[0])
        for why, each, fill in covers
    ]
    mask, left_out = joined(fitted, len(pixels.getbands()))
    facts = decoded.facts._replace(padded=padded)
    return Decoded(decoded.kind, facts, pixels, mask, left_out=left_out)


def _fitted(
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
    image = _open(file)
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
