"""Collects images of one kind into its state, a chunk at a time."""

import struct
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from normstat.statistics.clusters import ImageSums
from normstat.statistics.histogram import Counts, Histogram
from normstat.statistics.state import Kind, KindState

_CODES = np.arange(256, dtype=np.int64)


class Collector:
    """Gathers images of one kind and reduces them together when the chunk is full.

    Parameters
    ----------
    kind
        Channels and bins.
    ddof
        See `ImageSums`.
    covariance
        Whether each colour image also brings the counts of its channel differences.

    Examples
    --------
    >>> collector = Collector(Kind(1, 255), ddof=0, covariance=False)
    >>> collector.add_counts([0, 3] + [0] * 254)
    >>> collector.finish().images.s
    [3]
    """

    def __init__(self, kind: Kind, *, ddof: int, covariance: bool) -> None:
        self._kind = kind
        self._row = struct.Struct(f"{kind.channels * kind.bins}q")
        self._rows: list[bytes] = []
        self._differences: list[Sequence[int]] = []
        self._wide = Histogram.empty(kind.channels, kind.bins)
        self._sums = ImageSums(kind.channels, ddof)
        self._covariance = covariance

    def add_counts(self, counts: Sequence[int]) -> None:
        """Add an 8-bit image by its counts, 256 a channel."""
        # Packed: 768 Python integers a row would be ten times the memory of a tiny image.
        self._rows.append(self._row.pack(*counts))

    def add_differences(self, counts: Sequence[int]) -> None:
        """Add the counts of |r−g|, |r−b| and |g−b| of the image that was added."""
        self._differences.append(counts)

    def add_codes(self, codes: npt.NDArray[np.uint16]) -> None:
        """Add a 16-bit gray image by its codes."""
        codes = codes.ravel()
        self._wide.counts[0] += np.bincount(codes, minlength=self._kind.bins)
        wide = codes.astype(np.int64)
        self._sums.add([codes.size], [[int(wide.sum())]], [[int(np.dot(wide, wide))]])

    def finish(self) -> KindState:
        """Return the state of all that was added."""
        histogram = self._wide
        if self._rows:
            counts: Counts = np.frombuffer(b"".join(self._rows), dtype=np.int64)
            counts = counts.reshape(len(self._rows), self._kind.channels, self._kind.bins)
            histogram = Histogram(counts.sum(axis=0))
            sums, squares = counts @ _CODES, counts @ _CODES**2
            pixels = counts[:, 0].sum(axis=1)
            self._sums.add(pixels.tolist(), sums.T.tolist(), squares.T.tolist())
        return KindState(histogram, self._sums, self._products())

    def _products(self) -> list[int] | None:
        """Σ rg = (Σ r² + Σ g² − Σ (r−g)²) / 2, and so for each pair: exact integers."""
        if not self._covariance:
            return None
        if self._kind.channels == 1:
            return []
        counts = np.array(self._differences, dtype=np.int64).reshape(-1, 3, 256).sum(axis=0)
        differences = (counts @ _CODES**2).tolist()
        q = self._sums.q
        pairs = [(0, 1), (0, 2), (1, 2)]
        return [(q[a] + q[b] - d) // 2 for (a, b), d in zip(pairs, differences, strict=True)]
