"""What Pillow would lose or change of a file, told from its header."""

import re
from typing import BinaryIO

import numpy as np
from msgspec import UNSET
from PIL import Image

from normstat.errors import ImageError
from normstat.images.modes import ALPHA, GRAY16
from normstat.readers import reader_by
from normstat.readers.bands import held
from normstat.readers.depths import avif_bits, jpeg2000_bits
from normstat.readers.subfiles import has_mask
from normstat.spec.pipeline import Pipeline

_SIGNED = 2  # of the TIFF tag SampleFormat
_GDAL_METADATA, _GDAL_NODATA = 42112, 42113  # TIFF tags
_MANY_PIXELS = 1 << 25  # from which on a TIFF is read by tiles, if it can be
_LOSSLESS = {"raw", "packbits", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "lzma", "zstd"}
_REFUSED = {
    "I": "32-bit integer pixels",
    "F": "float pixels",
    "La": "gray with premultiplied alpha, which Pillow cannot convert",
}


def loss_of(image: Image.Image, file: BinaryIO, pipeline: Pipeline) -> str | None:
    """Return why Pillow would not give the codes that the file holds, from the header alone."""
    if image.mode in _REFUSED and not _is_plain_pgm16(image):
        return _REFUSED[image.mode]
    # Pillow reads JPEG of no other depth, and most files are JPEG.
    bits = 8 if image.format == "JPEG" else _bits(image, file)
    if image.mode not in GRAY16 and bits > 8:  # noqa: PLR2004
        return "more than 8 bits a channel, of which Pillow would keep 8"
    if image.mode in GRAY16 and bits != 16:  # noqa: PLR2004
        return f"{bits}-bit gray, whose codes Pillow would change"
    if image.format == "TIFF":
        return _tiff_loss(image, file, pipeline)
    return None


def _tiff_loss(image: Image.Image, file: BinaryIO, pipeline: Pipeline) -> str | None:
    tags = image.tag_v2  # type: ignore[attr-defined]
    samples, extra = tags.get(277, 1), set(tags.get(338, ()))
    asked = pipeline.bands is not UNSET or pipeline.nodata is not UNSET
    losses = {
        "signed samples, which Pillow reads as unsigned": _SIGNED in tags.get(339, (1,)),
        "16-bit TIFF in which 0 is white, which Pillow does not invert": (
            image.mode in GRAY16 and tags.get(262) == 0
        ),
        "bands, of which Pillow would drop some": (
            samples > 4  # noqa: PLR2004
            or samples > len(image.getbands()) == 1
            or (samples == 2 and not extra & {1, 2})  # noqa: PLR2004
        ),
        "channels in pages, of which Pillow sees the first": _has_channel_pages(
            str(tags.get(270, "")), samples
        ),
        "planes that only its description tells of": pipeline.frames == "all"
        and not getattr(image, "is_animated", False)
        and _has_hidden_planes(str(tags.get(270, ""))),
        "names of bands, which Pillow does not tell": asked
        or (pipeline.channels == "native" and _GDAL_METADATA in tags),
        "a value that stands for none": (
            _GDAL_NODATA in tags and _has_nodata(tags[_GDAL_NODATA], image.mode)
        ),
    }
    loss = next((loss for loss, is_so in losses.items() if is_so), None)
    if loss is None and not image.tell() and has_mask(file, anywhere=pipeline.frames == "all"):
        return "a mask in a page of its own, which Pillow does not apply"
    return loss


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


def _has_hidden_planes(description: str) -> bool:
    """Whether ImageJ or tifffile has put several planes behind a single header."""
    if description.startswith("ImageJ="):
        found = re.search(r"^images=(\d+)", description, re.MULTILINE)
        return found is not None and int(found[1]) > 1
    return description.startswith('{"shape"') and '"truncated": true' in description


def _has_nodata(text: object, mode: str) -> bool:
    try:
        value = float(str(text).strip(" \0"))
    except ValueError:
        return False
    return held(value, np.dtype(np.uint16 if mode in GRAY16 else np.uint8)) is not None


def is_better_in_tiles(image: Image.Image, pipeline: Pipeline) -> bool:
    """Whether a TIFF is so large that it is read by tiles, when the extra for that is there."""
    pixels = image.width * image.height
    if pixels <= min(_MANY_PIXELS, pipeline.max_pixels) or pipeline.resize or pipeline.crop:
        return False
    composited = image.mode in ALPHA and pipeline.alpha not in {"drop", "mask"}
    if composited or set(image.tag_v2.get(258, (1,))) - {8, 16}:  # type: ignore[attr-defined]
        return False
    if pixels <= pipeline.max_pixels and image.info.get("compression") not in _LOSSLESS:
        return False  # another decoder would give slightly other pixels
    try:
        reader_by("tiff")
    except ImageError:
        return False
    return image.mode in {"L", "P", "RGB", "RGBA", "LA", "RGBX", *GRAY16}


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
