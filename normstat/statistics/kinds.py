"""Kinds of pixels, told by names such as rgb8, gray-float or bands13-16."""

import re
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from normstat.errors import SpecError

NARROW = 256  # codes whose counts are kept one by one
EIGHT_TO_SIXTEEN = 257  # 65535 / 255: the same fraction of the range, exactly
# Float values count as integers of this fraction of one: every float64 above 1e-55 in size is one.
FLOAT_BITS = 256

_KIND = re.compile(
    r"(gray|rgb)(8|16)|(gray|rgb)-(s16|float)|bands(?P<bands>[1-9]\d*)-(8|16|s16|float)"
)
_DEPTHS = {"8": (256, 0), "16": (1 << 16, 0), "s16": (1 << 16, -(1 << 15)), "float": (None, 0)}


@dataclass(frozen=True)
class Kind:
    """A kind of pixel: its channels, the number of its codes, and the value of the first.

    Float values have no `bins`. Signed codes and float values are values of their own; other codes
    are fractions of the largest.
    """

    name: str
    channels: int
    bins: int | None
    zero: int

    @property
    def max_code(self) -> int:
        """What values are divided by: the largest code, or 1."""
        return 1 if self.bins is None or self.zero else self.bins - 1

    @property
    def is_colour(self) -> bool:
        """Whether gray images can stand beside it as three equal channels."""
        return self.name.startswith("rgb")

    @property
    def is_gray(self) -> bool:
        return self.name.startswith("gray")

    @property
    def has_range(self) -> bool:
        """Whether its codes are fractions of the largest."""
        return self.bins is not None and not self.zero

    @property
    def names(self) -> list[str]:
        """The names of its channels, unless an image has others."""
        if self.is_gray:
            return ["L"]
        return ["R", "G", "B"] if self.is_colour else [f"B{c + 1}" for c in range(self.channels)]

    @property
    def is_mixable(self) -> bool:
        """Whether its codes are fractions of a range that other kinds have too."""
        return self.has_range and not self.name.startswith("bands")

    @property
    def measure(self) -> str:
        """What it has in common with all kinds beside which it can stand."""
        if self.is_mixable:
            return "fractions of the range"
        return self.name if self.has_range else f"values of {self.name.rpartition('-')[0]}"

    @property
    def depth(self) -> str:
        """8, 16, s16 or float."""
        return _depth(self.name)


@cache
def kind_of(name: str) -> Kind:
    """Return a kind by its name: gray8, rgb8, gray16, rgb16, or layout-depth.

    The layout is gray, rgb or bandsN, the depth 8, 16, s16 (signed) or float.

    >>> kind_of("rgb8").channels, kind_of("bands13-16").max_code, kind_of("gray-s16").zero
    (3, 65535, -32768)

    Raises
    ------
    SpecError
        There is no such kind.
    """
    match = _matched(name)
    channels = int(match["bands"] or 0) or (3 if name.startswith("rgb") else 1)
    return Kind(name, channels, *_DEPTHS[_depth(name)])


def _depth(name: str) -> str:
    return name.rpartition("-")[2].lstrip("grayb")


def _matched(name: str) -> re.Match[str]:
    match = _KIND.fullmatch(name)
    if not match:
        raise SpecError(f"{name!r} is no kind of pixel")
    return match


class Facts(NamedTuple):
    """What is counted of an image beside its pixels; width and height are before any resize.

    `bands` are the names of its channels, joined by commas, where they are not those of its kind.
    """

    mode: str
    width: int
    height: int
    transparent: bool
    animated: bool
    padded: bool
    bands: str = ""
