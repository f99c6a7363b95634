"""PNG, JPEG 2000, AVIF and Radiance HDR beyond 8 bits, through imagecodecs."""

import re
from typing import BinaryIO

import imagecodecs

from normstat.errors import ImageError
from normstat.readers.base import Decoded
from normstat.readers.depths import avif_bits, jpeg2000_bits
from normstat.readers.pixels import from_array
from normstat.spec.pipeline import Pipeline

_HEAD = 1 << 16  # bytes in which a format tells its depth
_SIZE = re.compile(rb"\n-Y (\d{1,9}) \+X (\d{1,9})\n")


def read_png(file: BinaryIO, pipeline: Pipeline) -> Decoded:
    """Return a PNG of 16 bits a channel."""
    content = file.read()
    codes = imagecodecs.png_decode(content)
    return from_array(codes, 65535, pipeline)


def read_jpeg2000(file: BinaryIO, pipeline: Pipeline) -> Decoded:
    """Return a JPEG 2000 of more than 8 bits a channel."""
    content = file.read()
    top = (1 << jpeg2000_bits(content[:_HEAD])) - 1
    return from_array(imagecodecs.jpeg2k_decode(content), top, pipeline)


def read_avif(file: BinaryIO, pipeline: Pipeline) -> Decoded:
    """Return the first image of an AVIF of 10 or 12 bits a channel."""
    content = file.read()
    codes = imagecodecs.avif_decode(content, index=0)
    return from_array(codes, (1 << avif_bits(content[:_HEAD])) - 1, pipeline)


def read_hdr(file: BinaryIO, pipeline: Pipeline) -> Decoded:
    """Return a Radiance HDR: floats, whose shared exponent is of 8 bits."""
    content = file.read()
    size = _SIZE.search(content[:_HEAD])
    if not size:
        raise ImageError("a Radiance HDR whose rows do not run from the top left, or damaged")
    height, width = int(size[1]), int(size[2])
    if width * height > pipeline.max_pixels:
        raise ImageError(
            f"{width} x {height} pixels are over the limit of {pipeline.max_pixels:,}; "
            "--max-pixels raises it"
        )
    if b"32-bit_rle_xyze" in content[: size.start()]:
        raise ImageError("a Radiance HDR of XYZ colours, which are not RGB")
    return from_array(imagecodecs.rgbe_decode(content), 0, pipeline)
