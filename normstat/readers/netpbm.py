"""PGM and PPM whose codes do not fill 8 bits or 16: as they are, not scaled as Pillow does."""

import re
from typing import BinaryIO

import numpy as np

from normstat.errors import ImageError
from normstat.readers.base import Decoded
from normstat.readers.pixels import from_array
from normstat.spec.pipeline import Pipeline

_HEADER = re.compile(rb"P([2356])" + 3 * rb"\s(?:\s|#[^\n]*\n)*(\d{1,9})" + rb"\s")
_TEXT = b"23"
_TWO_BYTES = range(256, 65536)


def read(file: BinaryIO, pipeline: Pipeline) -> Decoded:
    """Return a PGM or PPM with a largest code above 255.

    Raises
    ------
    ImageError
        It is damaged.
    """
    content = file.read()
    header = _HEADER.match(content)
    if not header or int(header[4]) not in _TWO_BYTES:
        raise ImageError("damaged: a PGM or PPM whose header cannot be read")
    width, height, top = (int(header[group]) for group in (2, 3, 4))
    shape = (height, width, 3 if header[1] in b"36" else 1)
    wanted = int(np.prod(shape))
    if header[1] in _TEXT:
        codes = np.array(content[header.end() :].split()[:wanted], np.int64)
    else:
        codes = np.frombuffer(content[header.end() :][: 2 * wanted], ">u2").astype(np.int64)
    if codes.size < wanted:
        raise ImageError(f"damaged: {codes.size} of {wanted} codes")
    if codes.size and not 0 <= int(codes.min()) <= int(codes.max()) <= top:
        raise ImageError(f"damaged: codes beyond {top}")
    return from_array(codes.astype(np.uint16).reshape(shape), top, pipeline)
