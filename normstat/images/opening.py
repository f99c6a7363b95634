"""A file → its header in Pillow, or the reader that it needs."""

from typing import BinaryIO

from PIL import Image, UnidentifiedImageError

from normstat.errors import ImageError
from normstat.images.losses import is_better_in_tiles, loss_of
from normstat.images.sizes import check_pixels
from normstat.readers import Decoded, reader_by, told_by
from normstat.spec.pipeline import Pipeline

# Asked in this order. Every one is told by its first bytes, none starts a program.
FORMATS = (
    "JPEG", "PNG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM", "JPEG2000", "AVIF", "QOI",
)  # fmt: skip
VANISHED = "vanished before it was read"  # the reason of a file that is not there
# The readers of what Pillow would change, by its name of the format.
_BEYOND = {
    "AVIF": "avif", "JPEG2000": "jpeg2000", "PNG": "png", "PPM": "netpbm", "TIFF": "tiff",
}  # fmt: skip


def opened(file: BinaryIO, pipeline: Pipeline) -> Image.Image | str:
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
    loss = loss_of(image, file, pipeline)
    if not loss:
        return "tiff" if image.format == "TIFF" and is_better_in_tiles(image, pipeline) else image
    beyond = _BEYOND.get(image.format or "")
    if beyond is None or (beyond == "netpbm" and image.mode == "F"):
        raise ImageError(f"{loss}: not read yet")
    if beyond != "tiff":
        check_pixels(image.size, pipeline.max_pixels)
    return beyond


def beyond(file: BinaryIO, reader: str, pipeline: Pipeline) -> Decoded:
    """Read what Pillow cannot, or would change."""
    check_whole(pipeline)
    file.seek(0)
    return reader_by(reader)(file, pipeline)


def check_whole(pipeline: Pipeline) -> None:
    if pipeline.resize or pipeline.crop:
        raise ImageError(
            "--resize and --crop are for images of 8 bits, or of gray with 16, "
            "without --bands, --nodata and a mask in the file"
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


def reason_of(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return VANISHED
    if isinstance(error, OSError) and error.strerror:
        return f"not read: {error.strerror}"
    if isinstance(error, MemoryError):
        return "does not fit into memory"
    text = " ".join(str(error).split())
    return f"damaged: {text or type(error).__name__}"
