"""Collects images into a state, a chunk at a time."""

from collections import Counter

import numpy as np

from normstat.statistics.clusters import ImageSums
from normstat.statistics.histogram import Histogram
from normstat.statistics.record import Record, unpacked, unpacked_wide
from normstat.statistics.state import KINDS, Facts, Kind, KindState, State

_CODES = np.arange(256, dtype=np.int64)
_NARROW = 256  # bins that are kept one by one
_FULL = 1024  # rows that wait: a stream may have millions


class Collector:
    """Gathers the records of images and reduces them together when the chunk is full.

    Parameters
    ----------
    ddof
        See `ImageSums`.
    covariance
        Whether each colour image also brings the counts of its channel differences.

    Examples
    --------
    >>> from normstat.statistics.record import packed
    >>> collector = Collector(ddof=0, covariance=False)
    >>> facts = Facts("L", 1, 1, False, False, False)
    >>> collector.add(Record("gray8", facts, packed([0, 3] + [0] * 254)))
    >>> collector.state().kinds["gray8"].images.s
    [3]
    """

    def __init__(self, *, ddof: int, covariance: bool) -> None:
        self._ddof = ddof
        self._covariance = covariance
        self._facts: Counter[Facts] = Counter()
        self._kinds: dict[str, _Narrow | _Wide] = {}

    def add(self, record: Record) -> None:
        """Add one image."""
        gathered = self._kinds.get(record.kind)
        if gathered is None:
            kind = KINDS[record.kind]
            gather = _Narrow if kind.bins == _NARROW else _Wide
            gathered = self._kinds[record.kind] = gather(kind, self._ddof, self._covariance)
        gathered.add(record)
        self._facts[record.facts] += 1

    def state(self) -> State:
        """Return the state of all that was added."""
        state = State({name: gathered.finish() for name, gathered in self._kinds.items()})
        for facts, images in self._facts.items():
            state.note(facts, images)
        return state


class _Narrow:
    """Images of 256 codes: their rows wait, and are added up as a matrix."""

    def __init__(self, kind: Kind, ddof: int, covariance: bool) -> None:
        self._kind = kind
        self._sums = ImageSums(kind.channels, ddof)
        self._covariance = covariance
        self._histogram = Histogram.empty(kind.channels, kind.bins)
        self._difference_squares = np.zeros(3, np.int64)
        self._rows: list[bytes] = []
        self._differences: list[bytes] = []

    def add(self, record: Record) -> None:
        self._rows.append(record.counts)
        if record.differences:
            self._differences.append(record.differences)
        if len(self._rows) == _FULL:
            self._reduce()

    def finish(self) -> KindState:
        self._reduce()
        return KindState(self._histogram, self._sums, self._products())

    def _reduce(self) -> None:
        if not self._rows:
            return
        channels = self._kind.channels
        counts = unpacked(self._rows, channels * _NARROW).reshape(-1, channels, _NARROW)
        sums, squares = counts @ _CODES, counts @ _CODES**2
        pixels = counts[:, 0].sum(axis=1)
        self._sums.add(pixels.tolist(), sums.T.tolist(), squares.T.tolist())
        self._histogram.counts += counts.sum(axis=0)
        if self._differences:
            rows = unpacked(self._differences, 3 * _NARROW).reshape(-1, 3, _NARROW)
            self._difference_squares += rows.sum(axis=0) @ _CODES**2
        self._rows, self._differences = [], []

    def _products(self) -> list[int] | None:
        """Σ rg = (Σ r² + Σ g² − Σ (r−g)²) / 2, and so for each pair: exact integers."""
        if not self._covariance:
            return None
        if self._kind.channels == 1:
            return []
        differences = self._difference_squares.tolist()
        q = self._sums.q
        pairs = [(0, 1), (0, 2), (1, 2)]
        return [(q[a] + q[b] - d) // 2 for (a, b), d in zip(pairs, differences, strict=True)]


class _Wide:
    """Images of 65,536 codes: each is added at once, by the codes that occur in it."""

    def __init__(self, kind: Kind, ddof: int, covariance: bool) -> None:
        self._histogram = Histogram.empty(kind.channels, kind.bins)
        self._sums = ImageSums(kind.channels, ddof)
        self._covariance = covariance

    def add(self, record: Record) -> None:
        sums, squares, pixels = [], [], 0
        for channel, (codes, counts) in enumerate(unpacked_wide(record.counts)):
            self._histogram.counts[channel][codes] += counts
            pixels = int(counts.sum())
            sums.append([int(codes @ counts)])
            # In two parts: codes² · counts of a large image would not fit into 64 bits.
            high, low = np.divmod(codes * codes, 1 << 16)
            squares.append([(int(high @ counts) << 16) + int(low @ counts)])
        self._sums.add([pixels], sums, squares)

    def finish(self) -> KindState:
        return KindState(self._histogram, self._sums, [] if self._covariance else None)
