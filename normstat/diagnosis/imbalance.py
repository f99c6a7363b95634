"""The gradient imbalance of the first layer: how large the inputs are, channel by channel.

A first-layer weight's gradient is the error at its unit times its input, so that with inputs of
unlike size, or against the bias's input of 1, one learning rate cannot suit all weights (LeCun et
al., Efficient BackProp, 1998, section 4.3).
"""

from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate

import numpy as np

from normstat.diagnosis.preprocessing import Preprocessing
from normstat.statistics import Histogram


class Magnitudes:
    """E|x| after any affine map of single channels, exact, from a histogram.

    Parameters
    ----------
    histogram
        Of codes.
    top
        The code that counts as 1.

    Examples
    --------
    >>> from normstat.diagnosis.preprocessing import _affine
    >>> counts = np.zeros((1, 256), np.int64)
    >>> counts[0, [0, 255]] = 1, 3
    >>> magnitudes = Magnitudes(Histogram(counts), Fraction(255))
    >>> magnitudes.after(_affine("0–1", "", [0.0], [1.0]))
    [0.75]
    >>> magnitudes.after(_affine("centered", "", [0.75], [1.0]))
    [0.375]
    """

    def __init__(self, histogram: Histogram, top: Fraction) -> None:
        self._top = top
        self._channels: list[tuple[list[int], list[int], list[int]]] = []
        for counts in histogram.counts:
            codes = np.flatnonzero(counts).tolist()
            used = counts[codes].tolist()
            # Python's integers: a sum of 2^53 codes of 16 bits does not fit into 64.
            sums = accumulate(code * count for code, count in zip(codes, used, strict=True))
            self._channels.append((codes, [0, *accumulate(used)], [0, *sums]))

    def after(self, preprocessing: Preprocessing) -> list[float] | None:
        """Return E|x| a channel; None when channels are mixed, whose joint counts are not kept."""
        if preprocessing.problem or not preprocessing.by_channel:
            return None
        return [
            float(self._of_channel(channel, preprocessing.matrix[channel][channel], offset))
            for channel, offset in enumerate(preprocessing.offset)
        ]

    def _of_channel(self, channel: int, scale: Fraction, offset: Fraction) -> Fraction:
        codes, counts, sums = self._channels[channel]
        scale /= self._top
        # scale > 0, so x is negative below one code and positive above it.
        below = bisect_right(codes, -offset / scale)
        pixels, total = counts[-1] - 2 * counts[below], sums[-1] - 2 * sums[below]
        return (scale * total + offset * pixels) / Fraction(counts[-1])


def imbalance(mean_abs: Sequence[float] | None) -> float | None:
    """Return the largest over the smallest input, the 1 of the bias among them.

    >>> imbalance([120.0, 60.0]), imbalance([0.8, 0.5]), imbalance([0.0])
    (120.0, 2.0, None)
    """
    if not mean_abs or min(mean_abs) == 0:
        return None
    return max(1.0, *mean_abs) / min(1.0, *mean_abs)
