"""Files that Pillow cannot read, or not without loss: one module a kind.

A reader is a function of an open file and the pipeline that returns a `Decoded`. A new one is a
module and a row in `READERS`; what Pillow does not know at all also needs a row in `SIGNATURES`.
"""

from typing import BinaryIO

from normstat.errors import ImageError, NormstatError
from normstat.readers.base import Decoded, Reader, assembled
from normstat.registry import Registry

__all__ = ["READERS", "SIGNATURES", "Decoded", "Reader", "assembled", "reader_by", "told_by"]

READERS = Registry("reader", {})

# Reader, offset and bytes that tell a file which Pillow does not know.
SIGNATURES: tuple[tuple[str, int, bytes], ...] = ()

_ENOUGH = 512  # bytes that hold every signature


def told_by(file: BinaryIO) -> str | None:
    """Return the name of the reader that a file's first bytes ask for."""
    file.seek(0)
    head = file.read(_ENOUGH)
    file.seek(0)
    for name, offset, signature in SIGNATURES:
        if head.startswith(signature, offset):
            return name
    return None


def reader_by(name: str) -> Reader:
    """Return a reader.

    Raises
    ------
    ImageError
        Its extra is not installed; the text has the install line.
    """
    try:
        reader: Reader = READERS.load(name)
    except NormstatError as error:
        raise ImageError(str(error)) from error
    return reader
