"""Images that come out of a stream, one after the other."""

from collections.abc import Iterable, Iterator
from functools import partial
from io import BytesIO
from typing import BinaryIO

from normstat.errors import ImageError
from normstat.sources.base import Opener, Reference


def openers_of(
    images: Iterable[Reference], stream: Iterator[tuple[int, bytes | ImageError]]
) -> Iterator[Opener]:
    """Yield what opens each image, in the order in which they are asked for.

    Parameters
    ----------
    stream
        Yields place and content of these images, or why there is none, in the order of the stream.
        One that comes before it is asked for waits in memory. When the stream fails, so does every
        image that has not come.
    """
    early: dict[int, bytes | ImageError] = {}
    failure = ImageError("is not in it any more")
    for image in images:
        while image.place not in early:
            try:
                place, content = next(stream)
            except StopIteration:
                early[image.place] = failure
            except Exception as error:  # noqa: BLE001 (a decoder's; it is told with each image)
                failure = ImageError(reason(error))
            else:
                early[place] = content
        yield partial(_opened, early.pop(image.place))


def reason(error: Exception) -> str:
    """Return in one line why something cannot be read."""
    if isinstance(error, OSError) and error.strerror:
        return f"not read: {error.strerror}"
    return f"damaged: {' '.join(str(error).split()) or type(error).__name__}"


def _opened(content: bytes | ImageError) -> BinaryIO:
    if isinstance(content, ImageError):
        raise content
    return BytesIO(content)
