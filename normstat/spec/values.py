"""The values that fields of a spec have, and the numbers that are written as text."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

SPEC_VERSION = 1
LEVEL = 0.95  # of half-widths, unless asked
MOST_SHARDS = 100_000

Mode = Literal["auto", "rgb", "l"]
Alpha = Literal["drop", "mask", "white", "black", "premultiply"]
Frames = Literal["first", "all"]
Channels = Literal["auto", "native"]
Axis = Annotated[int, Meta(ge=-64, le=63)] | Literal["none"]
Interpolation = Literal["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]
Weighting = Literal["pixel", "image"]
Std = Literal["pooled", "mean-of-images", "rms-of-images"]
Ddof = Literal[0, 1]
Coverage = Literal["census", "first", "sample", "shards"]

# Neither NaN nor infinite: JSON has no such numbers, and nothing can be divided by them.
Number = Annotated[float, Meta(ge=-1e300, le=1e300)]
MaxPixelValue = Annotated[int, Meta(ge=1)] | Annotated[float, Meta(gt=0, le=1e300)]
Level = Annotated[float, Meta(gt=0, lt=1)]
Size = Annotated[int, Meta(ge=1)]
Count = Annotated[int, Meta(ge=0, le=2**53)]
Seed = Annotated[int, Meta(ge=0, le=2**53)]
# Sums outgrow the 2**53 up to which every JSON parser keeps integers, so they are text.
Integer = Annotated[str, Meta(pattern=r"^(0|-?[1-9]\d*(\*2\^[1-9]\d{0,3})?)$")]
Integers = list[Integer]
Counts256 = Annotated[
    str,
    Meta(
        pattern=r"^\d+(\*\d+)?( \d+(\*\d+)?)*$",
        description="Count of each code from 0 on; `0*7` stands for seven zeros.",
    ),
]
Name = Annotated[str, Meta(min_length=1)]
# Names of groups are shown on terminals, which control characters would steer.
GroupName = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
Word = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$")]
Digest = Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]{64}$")]


def integer(text: str) -> int:
    """Return the value of an `Integer`.

    >>> integer("-12"), integer("3*2^4")
    (-12, 48)
    """
    digits, _, zeros = text.partition("*2^")
    return int(digits) << int(zeros or 0)


def dyadic(value: int) -> str:
    """Return an integer as "odd*2^n": sums of floats end in hundreds of zero bits.

    >>> dyadic(0), dyadic(3), dyadic(-3 << 500)
    ('0', '3', '-3*2^500')
    """
    zeros = (value & -value).bit_length() - 1
    return f"{value >> zeros}*2^{zeros}" if zeros > 0 else str(value)


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a spec: immutable, and strict about its fields."""
