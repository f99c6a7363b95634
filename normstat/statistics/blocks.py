"""One image, a block of pixels at a time → its record."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt

from normstat.errors import ImageError
from normstat.statistics.moments import Moments
from normstat.statistics.record import (
    Exact,
    Record,
    packed,
    packed_moments,
    packed_wide,
    too_large,
)
from normstat.statistics.state import FLOAT_BITS, Facts, Kind, kind_of

_NARROW = 256
_POINT = 2 * FLOAT_BITS  # fractional bits of products
# Of more channels, counts of 65,536 codes each would take too much memory.
_MAY_BE_WHOLE = ("gray-float", "rgb-float")
_GLANCE = 1000  # values that tell most floats from whole numbers


@dataclass(frozen=True)
class Block:
    """Some pixels of an image.

    Parameters
    ----------
    values
        Array of shape (channels, pixels) in the type of the kind.
    valid
        Boolean array that broadcasts to `values`: False does not count. None: all do.
    why
        What the others are counted as in `left_out`.
    window
        The rows and columns of the image that these are, row by row; None: all of it.
    left_out
        How many values do not count, by reason, where `why` is not the only one.
    """

    values: npt.NDArray[Any]
    valid: npt.NDArray[np.bool_] | None = None
    why: str = "masked"
    window: tuple[slice, slice] | None = None
    left_out: tuple[tuple[str, int], ...] | None = None


def counted(kind: str, facts: Facts, blocks: Iterable[Block], *, covariance: bool) -> Record:
    """Return the record of an image.

    Of floats, NaN and infinite values do not count; gray and colour of which all values are whole
    numbers of 16 bits with a sign are counted as such codes, which have exact percentiles. Products
    of channels are there if each pixel that has a value has one in all of them.

    Raises
    ------
    ImageError
        A channel has no value that counts.

    Examples
    --------
    >>> facts = Facts("F", 2, 1, False, False, False)
    >>> block = Block(np.array([[1.0, np.nan, 3.0]]))
    >>> counted("gray-float", facts, [block], covariance=False).left_out
    (('nan', 1),)
    """
    known = kind_of(kind)
    gathering = _Floats(known) if known.bins is None else _Codes(known)
    is_float = known.bins is None
    whole = _Whole(kind_of(kind.replace("float", "s16"))) if kind in _MAY_BE_WHOLE else None
    left_out: Counter[str] = Counter()
    products = [0] * (known.channels * (known.channels - 1) // 2)
    for block in blocks:
        values, valid = block.values, block.valid
        if valid is not None:
            valid = np.broadcast_to(valid, values.shape)
            if block.left_out is None:
                left_out[block.why] += int(valid.size - np.count_nonzero(valid))
            for why, count in block.left_out or ():
                left_out[why] += count
        if is_float:
            valid = _finite(values, valid, left_out)
        gathering.add(values, valid)
        if whole is not None and not whole.added(values, valid):
            whole = None
        if covariance and not _is_even(valid):
            covariance = False
        if covariance:
            rounded = is_float and whole is None
            of_block = _products(values, valid, rounded=rounded)
            shift = _POINT if is_float and not rounded else 0
            products = [a + (b << shift) for a, b in zip(products, of_block, strict=True)]
    content = gathering.content()
    if whole is not None:
        kind, content = whole.kind.name, whole.content()
        products = [product >> _POINT for product in products]
    found = tuple((why, left_out[why]) for why in sorted(left_out) if left_out[why])
    return Record(kind, facts, content, tuple(products) if covariance else (), found)


def _finite(
    values: npt.NDArray[Any], valid: npt.NDArray[np.bool_] | None, left_out: Counter[str]
) -> npt.NDArray[np.bool_] | None:
    finite: npt.NDArray[np.bool_] = np.isfinite(values)
    if finite.all():
        return valid
    missing = np.isnan(values)
    infinite = ~finite & ~missing
    if valid is not None:
        missing, infinite, finite = missing & valid, infinite & valid, finite & valid
    left_out["nan"] += int(np.count_nonzero(missing))
    left_out["infinite"] += int(np.count_nonzero(infinite))
    return finite


def _is_even(valid: npt.NDArray[np.bool_] | None) -> bool:
    """Return whether no pixel has values in some channels only."""
    return valid is None or bool((valid.any(axis=0) == valid.all(axis=0)).all())


def _products(
    values: npt.NDArray[Any], valid: npt.NDArray[np.bool_] | None, *, rounded: bool
) -> Iterator[int]:
    """Yield Σ xy of each pair of channels: of whole values exactly, of others in fixed point."""
    if valid is not None:
        values = values[:, valid.all(axis=0)]
    wide = values.astype(np.float64 if rounded else np.int64)
    for a, b in combinations(range(len(values)), 2):
        if rounded:  # without BLAS, see `Moments.of`
            with np.errstate(over="ignore", invalid="ignore"):
                product = float((wide[a] * wide[b]).sum())
            if not isfinite(product):
                raise too_large(float(np.abs(wide).max()))
            top, bottom = product.as_integer_ratio()
            yield (top << _POINT) // bottom
        else:
            yield int(np.dot(wide[a], wide[b]))


class _Codes:
    """Counts of every code, channel by channel."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self._counts = np.zeros((kind.channels, kind.bins or 0), np.int64)

    def add(self, values: npt.NDArray[Any], valid: npt.NDArray[np.bool_] | None) -> None:
        for channel, codes in enumerate(values):
            some = codes if valid is None else codes[valid[channel]]
            if self.kind.zero:
                some = some.astype(np.int32) - self.kind.zero
            # Not bincount, which makes int64 of the pixels and a table of its own for each block.
            np.add.at(self._counts[channel], some, 1)

    def content(self) -> bytes:
        _check_all(self._counts.sum(axis=1).tolist())
        if self.kind.bins == _NARROW:
            return packed(self._counts.ravel().tolist())
        return packed_wide(self._counts)


class _Whole(_Codes):
    """Counts of float values as signed codes, as long as all of them are such."""

    def added(self, values: npt.NDArray[Any], valid: npt.NDArray[np.bool_] | None) -> bool:
        """Add the values of a block, unless one of them is no code."""
        some = values if valid is None else values[valid]
        if not all(map(self._are_codes, (some.ravel()[:_GLANCE], some))):
            return False
        self.add(values, valid)
        return True

    def _are_codes(self, values: npt.NDArray[Any]) -> bool:
        least, most = self.kind.zero, -self.kind.zero - 1
        return bool(
            not values.size
            or (
                values.min() >= least and values.max() <= most and (values == np.rint(values)).all()
            )
        )


class _Floats:
    """Moments and limits, channel by channel, merged in the order of the blocks."""

    def __init__(self, kind: Kind) -> None:
        self._moments = [Moments()] * kind.channels
        self._limits = [(float("inf"), float("-inf"))] * kind.channels

    def add(self, values: npt.NDArray[Any], valid: npt.NDArray[np.bool_] | None) -> None:
        for channel, each in enumerate(values):
            some = each if valid is None else each[valid[channel]]
            if some.size:
                self._moments[channel] = self._moments[channel].merged(Moments.of(some))
                low, high = self._limits[channel]
                self._limits[channel] = min(low, float(some.min())), max(high, float(some.max()))

    def content(self) -> bytes:
        _check_all([moments.count for moments in self._moments])
        return packed_moments(
            [
                Exact.of(moments, low, high)
                for moments, (low, high) in zip(self._moments, self._limits, strict=True)
            ]
        )


def _check_all(counts: Iterable[int]) -> None:
    for channel, count in enumerate(counts, 1):
        if not count:
            raise ImageError(f"no pixel of channel {channel} counts")
