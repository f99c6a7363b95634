"""Collects images into a state, a chunk at a time."""

from abc import ABC, abstractmethod
from collections import Counter

import numpy as np

from normstat.statistics.clusters import ImageSums
from normstat.statistics.histogram import Histogram
from normstat.statistics.kind_state import KindState
from normstat.statistics.kinds import NARROW, Facts, Kind, kind_of
from normstat.statistics.record import (
    Record,
    power_sums,
    unpacked,
    unpacked_moments,
    unpacked_wide,
)
from normstat.statistics.state import State

_CODES = np.arange(256, dtype=np.int64)
_FULL = 1024  # rows that wait: a stream may have millions


class Collector:
    """Gathers the records of images and reduces them together when the chunk is full.

    Parameters
    ----------
    ddof
        See `ImageSums`.
    covariance
        Whether each image also brings the products of its channels.

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
        self._left_out: Counter[str] = Counter()
        self._kinds: dict[str, _Gathered] = {}

    def add(self, record: Record) -> None:
        """Add one image."""
        gathered = self._kinds.get(record.kind)
        if gathered is None:
            gathered = self._kinds[record.kind] = self._gathering(kind_of(record.kind))
        gathered.add(record)
        if self._covariance:
            gathered.add_products(record.products, record.uneven)
        self._facts[record.facts] += 1
        for why, values in record.left_out:
            self._left_out[why] += values

    def _gathering(self, kind: Kind) -> "_Gathered":
        sums = ImageSums(kind.channels, self._ddof)
        if kind.bins is None:
            return _Float(kind, sums)
        return _Narrow(kind, sums) if kind.bins == NARROW else _Wide(kind, sums)

    def state(self) -> State:
        """Return the state of all that was added."""
        kinds = {}
        for name, gathered in self._kinds.items():
            kinds[name] = gathered.finish()
            if self._covariance:
                kinds[name].products = gathered.products
                kinds[name].uneven = gathered.uneven if any(gathered.uneven) else None
        state = State(kinds, left_out=self._left_out)
        for facts, images in self._facts.items():
            state.note(facts, images)
        return state


class _Gathered(ABC):
    """The images of one kind."""

    def __init__(self, kind: Kind, sums: ImageSums) -> None:
        self.products = [0] * (kind.channels * (kind.channels - 1) // 2)
        self.uneven = [0] * (3 * kind.channels)
        self._kind = kind
        self._sums = sums

    @abstractmethod
    def add(self, record: Record) -> None: ...

    def add_products(self, products: tuple[int, ...], uneven: tuple[int, ...]) -> None:
        self.products = [a + b for a, b in zip(self.products, products, strict=True)]
        if uneven:
            self.uneven = [a + b for a, b in zip(self.uneven, uneven, strict=True)]

    @abstractmethod
    def finish(self) -> KindState: ...


class _Narrow(_Gathered):
    """Images of 256 codes: their rows wait, and are added up as a matrix."""

    def __init__(self, kind: Kind, sums: ImageSums) -> None:
        super().__init__(kind, sums)
        self._histogram = Histogram.empty(kind.channels, NARROW)
        self._rows: list[bytes] = []

    def add(self, record: Record) -> None:
        self._rows.append(record.content)
        if len(self._rows) == _FULL:
            self._reduce()

    def finish(self) -> KindState:
        self._reduce()
        return KindState(self._histogram, self._sums)

    def _reduce(self) -> None:
        if not self._rows:
            return
        channels = self._kind.channels
        counts = unpacked(self._rows, channels * NARROW).reshape(-1, channels, NARROW)
        sums, squares = counts @ _CODES, counts @ _CODES**2
        pixels = counts.sum(axis=2)
        self._sums.add(pixels.T.tolist(), sums.T.tolist(), squares.T.tolist())
        self._histogram.counts += counts.sum(axis=0)
        self._rows = []


class _Wide(_Gathered):
    """Images of 65,536 codes: each is added at once, by the codes that occur in it."""

    def __init__(self, kind: Kind, sums: ImageSums) -> None:
        super().__init__(kind, sums)
        self._histogram = Histogram.empty(kind.channels, 1 << 16)

    def add(self, record: Record) -> None:
        pixels, sums, squares = [], [], []
        for channel, (codes, counts) in enumerate(unpacked_wide(record.content)):
            self._histogram.counts[channel][codes] += counts
            n, s, q = power_sums(codes + self._kind.zero, counts)
            pixels.append([n])
            sums.append([s])
            squares.append([q])
        self._sums.add(pixels, sums, squares)

    def finish(self) -> KindState:
        return KindState(self._histogram, self._sums)


class _Float(_Gathered):
    """Images of float values."""

    def __init__(self, kind: Kind, sums: ImageSums) -> None:
        super().__init__(kind, sums)
        self._limits = [(float("inf"), float("-inf"))] * kind.channels

    def add(self, record: Record) -> None:
        channels = unpacked_moments(record.content)
        self._limits = [
            (min(low, each.low), max(high, each.high))
            for (low, high), each in zip(self._limits, channels, strict=True)
        ]
        self._sums.add(
            [[each.n] for each in channels],
            [[each.s] for each in channels],
            [[each.q] for each in channels],
        )

    def finish(self) -> KindState:
        return KindState(None, self._sums, limits=self._limits)
