"""What is kept of one image: its exact counts or moments, packed small."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from normstat.errors import ImageError
from normstat.statistics.histogram import Counts
from normstat.statistics.kinds import FLOAT_BITS, Facts
from normstat.statistics.moments import Moments

_TWO_BYTES = (1 << 16) - 1
_FOUR_BYTES = 1 << 32


class Record(NamedTuple):
    """One image: the kind of its pixels, its facts, and its packed counts or moments.

    When the covariance is wanted, `products` has Σ xy for each pair of channels over the pixels
    that have a value in all, and `uneven` n, Σ x and Σ x² of each channel over the others, if there
    are any. `left_out` has how many values do not count, by reason.
    """

    kind: str
    facts: Facts
    content: bytes
    products: tuple[int, ...] = ()
    left_out: tuple[tuple[str, int], ...] = ()
    uneven: tuple[int, ...] = ()


def packed(counts: Sequence[int]) -> bytes:
    """Return counts in four bytes each, or in eight when one needs them."""
    try:
        return array("I", counts).tobytes()
    except OverflowError:
        return array("Q", counts).tobytes()


def narrowed(content: bytes, numbers: int) -> bytes:
    """Return so many packed counts in two bytes each when they fit, to be kept on a disk.

    >>> [len(narrowed(packed([7, most]), 2)) for most in (65535, 65536, 1 << 40)]
    [4, 8, 16]
    """
    if len(content) != 4 * numbers:
        return content
    counts = np.frombuffer(content, np.uint32)
    return content if counts.max() > _TWO_BYTES else counts.astype(np.uint16).tobytes()


def unpacked(rows: Sequence[bytes], numbers: int) -> Counts:
    """Return rows of so many packed numbers each, narrowed or not, as an int64 array.

    >>> unpacked([packed([1, 2]), packed([3, 1 << 40])], 2).tolist()
    [[1, 2], [3, 1099511627776]]
    """
    counts = np.empty((len(rows), numbers), np.int64)
    sizes = np.fromiter(map(len, rows), np.int64, len(rows))
    for size in np.unique(sizes).tolist():
        same = np.flatnonzero(sizes == size)
        joined = b"".join([rows[row] for row in same.tolist()])
        counts[same] = np.frombuffer(joined, f"u{size // numbers}").reshape(len(same), numbers)
    return counts


def packed_wide(counts: Counts) -> bytes:
    """Return counts of shape (channels, bins), of which most are zero, as the codes that occur."""
    parts = []
    for channel in counts:
        codes = np.flatnonzero(channel > 0)  # of booleans it is four times as fast
        used = channel[codes]
        width = 4 if used.max(initial=0) < _FOUR_BYTES else 8
        head = np.array([len(codes), width], np.uint32)
        numbers = used.astype(f"u{width}")
        parts += [head.tobytes(), codes.astype(np.uint16).tobytes(), numbers.tobytes()]
    return b"".join(parts)


def unpacked_wide(content: bytes) -> list[tuple[npt.NDArray[np.int64], Counts]]:
    """Return the codes that occur in each channel, and how often.

    >>> counts = np.zeros((1, 65536), np.int64)
    >>> counts[0, 300] = 7
    >>> [(codes.tolist(), used.tolist()) for codes, used in unpacked_wide(packed_wide(counts))]
    [([300], [7])]
    """
    channels, start = [], 0
    while start < len(content):
        length, width = np.frombuffer(content, np.uint32, 2, start).tolist()
        codes = np.frombuffer(content, np.uint16, length, start + 8)
        used = np.frombuffer(content, f"u{width}", length, start + 8 + 2 * length)
        channels.append((codes.astype(np.int64), used.astype(np.int64)))
        start += 8 + (2 + width) * length
    return channels


def power_sums(values: npt.NDArray[np.int64], counts: Counts) -> tuple[int, int, int]:
    """Return Σ n, Σ n·v and Σ n·v² over values that occur n times each, exactly.

    >>> power_sums(np.array([0, 65535]), np.array([1, 1 << 40]))
    (1099511627777, 72056494526300160, 4722222368781080985600)
    """
    # In two parts: squares times counts of a large image would not fit into 64 bits.
    squares = values * values
    high, low = squares >> 16, squares & 0xFFFF
    total = (int(high @ counts) << 16) + int(low @ counts)
    return int(counts.sum()), int(values @ counts), total


@dataclass(frozen=True)
class Exact:
    """The moments of one channel of float values, as integers.

    `s` is Σ x and `q` is Σ x² in fixed point of `FLOAT_BITS` fractional bits a factor. They are
    made of moments that were rounded within the image; between images nothing is rounded, so that
    images add up to the same in any order.
    """

    n: int
    s: int
    q: int
    low: float
    high: float

    @classmethod
    def of(cls, moments: Moments, low: float, high: float) -> "Exact":
        """Return moments of at least one value.

        Raises
        ------
        ImageError
            The values are too small to be told from zero, or their squares too large.
        """
        largest = max(abs(low), abs(high))
        if largest >= _LARGEST or not isfinite(moments.m2):
            raise too_large(largest)
        n = moments.count
        s = n * _fixed(moments.mean, FLOAT_BITS)
        return cls(n, s, _fixed(moments.m2, 2 * FLOAT_BITS) + s * s // n, low, high)

    def to_text(self) -> str:
        return f"{self.n} {self.s:x} {self.q:x} {self.low.hex()} {self.high.hex()}"

    @classmethod
    def from_text(cls, text: str) -> "Exact":
        n, s, q, low, high = text.split()
        return cls(int(n), int(s, 16), int(q, 16), float.fromhex(low), float.fromhex(high))


def _fixed(value: float, bits: int) -> int:
    """Return a float as an integer of 2⁻ᵇⁱᵗˢ, with all of its digits or not at all."""
    top, bottom = value.as_integer_ratio()
    shift = bits - bottom.bit_length() + 1
    if shift >= 0:
        return top << shift
    if abs(value) < 2.0 ** (_DIGITS - bits):
        raise ImageError(f"values as small as {value:.2g}, which float statistics cannot hold")
    return top >> -shift


_DIGITS = 60  # bits to keep, a few more than a float has
_LARGEST = 1e154  # the root of the largest float


def too_large(value: float) -> ImageError:
    """Return the error for values whose squares are beyond floats."""
    return ImageError(f"values as large as {value:.2g}, whose squares floats cannot hold")


def packed_moments(channels: Sequence[Exact]) -> bytes:
    """Return the moments of all channels as text in ASCII.

    >>> moments = Exact.of(Moments(2, 1.5, 0.5), 1.0, 2.0)
    >>> unpacked_moments(packed_moments([moments])) == [moments]
    True
    >>> moments.s >> FLOAT_BITS, moments.q >> 2 * FLOAT_BITS
    (3, 5)
    """
    return "\n".join(each.to_text() for each in channels).encode()


def unpacked_moments(content: bytes) -> list[Exact]:
    """Return what `packed_moments` packed."""
    return [Exact.from_text(line) for line in content.decode().split("\n")]
