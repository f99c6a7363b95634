"""Exact counts of integer codes."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from normstat.errors import SpecError

Counts = npt.NDArray[np.int64]


class Histogram:
    """How often each code occurs, channel by channel. Everything else follows in integers.

    Parameters
    ----------
    counts
        int64 array of shape (channels, bins).

    Examples
    --------
    >>> h = Histogram.of(np.array([[0, 0, 255]], dtype=np.uint8), bins=256)
    >>> h.sums(), h.square_sums(), h.minima(), h.maxima()
    ([255], [65025], [0], [255])
    >>> h.merged(Histogram.empty(1, 256)) == h
    True
    """

    def __init__(self, counts: Counts) -> None:
        self.counts = counts

    @classmethod
    def empty(cls, channels: int, bins: int) -> "Histogram":
        return cls(np.zeros((channels, bins), dtype=np.int64))

    @classmethod
    def of(cls, codes: npt.NDArray[np.integer], *, bins: int) -> "Histogram":
        """Count an array of codes of shape (channels, pixels)."""
        return cls(np.stack([np.bincount(channel, minlength=bins) for channel in codes]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Histogram) and np.array_equal(self.counts, other.counts)

    __hash__ = None  # type: ignore[assignment]

    @property
    def channels(self) -> int:
        return int(self.counts.shape[0])

    @property
    def bins(self) -> int:
        return int(self.counts.shape[1])

    def merged(self, other: "Histogram") -> "Histogram":
        """Return the histogram of both."""
        return Histogram(self.counts + other.counts)

    def subtracted(self, other: "Histogram") -> "Histogram":
        """Return the histogram without what `other` counted.

        Raises
        ------
        SpecError
            A count would be below zero.
        """
        counts = self.counts - other.counts
        if (counts < 0).any():
            raise SpecError("histogram: counts would be below zero")
        return Histogram(counts)

    def repeated(self, channels: int) -> "Histogram":
        """Return a gray histogram as that of `channels` equal channels."""
        return Histogram(np.repeat(self.counts, channels, axis=0))

    def spread(self, factor: int, bins: int) -> "Histogram":
        """Return the histogram of codes multiplied by `factor`, on `bins` bins."""
        wide = Histogram.empty(self.channels, bins)
        wide.counts[:, : (self.bins - 1) * factor + 1 : factor] = self.counts
        return wide

    def grouped(self, size: int) -> list[list[int]]:
        """Return counts with each `size` neighbouring codes in one bin."""
        grouped: list[list[int]] = self.counts.reshape(self.channels, -1, size).sum(axis=2).tolist()
        return grouped

    def sums(self) -> list[int]:
        """Σ code, exact."""
        return [sum(code * count for code, count in self._used(c)) for c in range(self.channels)]

    def square_sums(self) -> list[int]:
        """Σ code², exact."""
        return [
            sum(code * code * count for code, count in self._used(c)) for c in range(self.channels)
        ]

    def minima(self) -> list[int]:
        return [int(np.flatnonzero(channel)[0]) for channel in self.counts]

    def maxima(self) -> list[int]:
        return [int(np.flatnonzero(channel)[-1]) for channel in self.counts]

    def percentile(self, percent: Fraction) -> list[Fraction]:
        """Return the exact percentile of each channel, linear between order statistics.

        The definition is number 7 of Hyndman and Fan, "Sample Quantiles in Statistical Packages",
        1996: the default of `numpy.percentile`.

        >>> h = Histogram.of(np.array([[1, 2, 3, 10]]), bins=256)
        >>> h.percentile(Fraction(50)), h.percentile(Fraction(100))
        ([Fraction(5, 2)], [Fraction(10, 1)])
        """
        results = []
        for channel in self.counts.cumsum(axis=1):
            last = int(channel[-1]) - 1  # its own: a value can be left out of one channel alone
            place = last * percent / 100
            low = place.numerator // place.denominator
            below, above = np.searchsorted(channel, [low, min(low + 1, last)], "right")
            results.append(int(below) + (place - low) * int(above - below))
        return results

    def _used(self, channel: int) -> list[tuple[int, int]]:
        counts = self.counts[channel]
        codes = np.flatnonzero(counts)
        return list(zip(codes.tolist(), counts[codes].tolist(), strict=True))

    def to_text(self) -> list[str]:
        """Return one line a channel: the counts from code 0 on, `0*7` for seven zeros.

        >>> Histogram.of(np.array([[0, 0, 5]]), bins=8).to_text()
        ['2 0*4 1 0*2']
        """
        return [" ".join(self._runs(channel)) for channel in range(self.channels)]

    def _runs(self, channel: int) -> list[str]:
        counts = self.counts[channel]
        codes = np.flatnonzero(counts)
        gaps = np.diff(codes, prepend=-1, append=self.bins) - 1
        *before, last = map(_zeros, gaps.tolist())
        words = [f"{gap}{count}" for gap, count in zip(before, counts[codes].tolist(), strict=True)]
        return [*words, last.rstrip()] if last else words

    @classmethod
    def from_text(cls, lines: Sequence[str], *, bins: int) -> "Histogram":
        """Read what `to_text` wrote.

        Raises
        ------
        SpecError
            A line does not hold `bins` counts.
        """
        counts = []
        for line in lines:
            channel: list[int] = []
            for run in line.split(" "):
                value, _, times = run.partition("*")
                channel.extend([int(value)] * min(int(times or 1), bins + 1))
            if len(channel) != bins:
                raise SpecError(f"holds {len(channel)} counts, expected {bins}")
            counts.append(channel)
        return cls(np.array(counts, dtype=np.int64))


def _zeros(times: int) -> str:
    return f"0*{times} " if times > 1 else "0 " * times
