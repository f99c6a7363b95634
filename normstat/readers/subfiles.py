"""What the pages of a TIFF are: pictures, or smaller copies and masks of these.

The chain of pages is walked by itself, because Pillow stops at a page that it cannot decode.
"""

import struct
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import BinaryIO, NamedTuple

REDUCED, MASK = 1, 4  # bits of the tag NewSubfileType (TIFF 6.0, section 8)

_NEW_SUBFILE_TYPE = 254
_LONG = 4  # the type of four bytes; two, as some writers use, is SHORT
_MOST = 1 << 16  # pages


class _Form(NamedTuple):
    """How numbers are written: in TIFF, or in BigTIFF."""

    order: str
    offset: str
    entries: str
    value: int  # bytes of an entry before its value

    def number(self, file: BinaryIO, code: str) -> int:
        size = struct.calcsize(self.order + code)
        (found,) = struct.unpack(self.order + code, file.read(size))
        return int(found)


def has_mask(file: BinaryIO, *, anywhere: bool) -> bool:
    """Whether a picture has a mask in a page of its own: the first, or any (`anywhere`)."""
    # A damaged chain has told what it can; places in a BigTIFF can be beyond what a file has.
    with suppress(struct.error, OverflowError):
        for kind in islice(subfile_types(file), 1, None):
            if kind & (REDUCED | MASK) == MASK:
                return True
            if not kind & (REDUCED | MASK) and not anywhere:
                break
    return False


def subfile_types(file: BinaryIO) -> Iterator[int]:
    """Yield the NewSubfileType of each page, 0 where a page does not tell.

    Raises
    ------
    struct.error
        The chain of pages leads out of the file.
    """
    file.seek(0)
    order = "<" if file.read(2) == b"II" else ">"
    form = _Form(order, "L", "H", 8)
    if form.number(file, "H") == 43:  # noqa: PLR2004 (BigTIFF)
        form = _Form(order, "Q", "Q", 12)
        file.seek(8)
    seen: set[int] = set()
    place = form.number(file, form.offset)
    while place and place not in seen and len(seen) < _MOST:
        seen.add(place)
        file.seek(place)
        entries = form.number(file, form.entries)
        size = form.value + struct.calcsize(form.order + form.offset)
        content = file.read(entries * size) if entries < _MOST else b""
        place = form.number(file, form.offset)
        yield _type(content, size, form)


def _type(entries: bytes, size: int, form: _Form) -> int:
    for start in range(0, len(entries) - size + 1, size):
        tag, kind = struct.unpack_from(f"{form.order}HH", entries, start)
        if tag == _NEW_SUBFILE_TYPE:
            code = "L" if kind == _LONG else "H"
            return int(struct.unpack_from(form.order + code, entries, start + form.value)[0])
    return 0
