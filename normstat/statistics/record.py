"""What is kept of one image: its exact counts, packed small."""

from array import array
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from normstat.statistics.histogram import Counts
from normstat.statistics.state import Facts

_FOUR_BYTES = 1 << 32


class Record(NamedTuple):
    """One image: the kind of its pixels, its facts and its packed counts.

    `differences` has the packed counts of |r−g|, |r−b| and |g−b| when the covariance is wanted.
    """

    kind: str
    facts: Facts
    counts: bytes
    differences: bytes = b""


def packed(counts: Sequence[int]) -> bytes:
    """Return counts in as few of two, four or eight bytes each as the largest of them needs."""
    for code in "HI":
        try:
            return array(code, counts).tobytes()
        except OverflowError:
            continue
    return array("Q", counts).tobytes()


def unpacked(rows: Sequence[bytes], numbers: int) -> Counts:
    """Return rows that `packed` made, of so many numbers each, as an int64 array of as many rows.

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
        codes = np.flatnonzero(channel)
        used = channel[codes]
        width = 4 if used.max(initial=0) < _FOUR_BYTES else 8
        head = np.array([len(codes), width], np.uint32)
        parts += [
            head.tobytes(),
            codes.astype(np.uint16).tobytes(),
            used.astype(f"u{width}").tobytes(),
        ]
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
