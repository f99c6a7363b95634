"""One image, a block of pixels at a time → its record."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from math import isfinite
from typing import Any

import numpy as np
import numpy.typing as npt

from normstat.errors import ImageError
from normstat.statistics.kinds import FLOAT_BITS, NARROW, Facts, Kind, kind_of
from normstat.statistics.moments import Moments
from normstat.statistics.record import (
    Exact,
    Record,
    packed,
    packed_moments,
    packed_wide,
    too_large,
)

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
    numbers of 16 bits with a sign are counted as such codes, which have exact percentiles.

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
    joint = _Joint(known)
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
        if covariance:
            joint.add(values, valid, rounded=is_float and whole is None)
    _check_all(gathering.totals(), known, facts, left_out)
    content = gathering.content()
    if whole is not None:
        kind, content = whole.kind.name, whole.content()
    products, uneven = joint.sums(whole=whole is not None) if covariance else ((), ())
    found = tuple((why, left_out[why]) for why in sorted(left_out) if left_out[why])
    return Record(kind, facts, content, products, found, uneven)


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


class _Joint:
    """Sums over the pixels that have a value in all channels, and what is apart from them.

    Those of floats are in fixed point; they are exact as long as no value is `rounded`.
    """

    def __init__(self, kind: Kind) -> None:
        self._point = FLOAT_BITS if kind.bins is None else 0
        self._products = [0] * (kind.channels * (kind.channels - 1) // 2)
        self._uneven = [0] * (3 * kind.channels)

    def add(
        self, values: npt.NDArray[Any], valid: npt.NDArray[np.bool_] | None, *, rounded: bool
    ) -> None:
        """Add a block."""
        shift = 0 if rounded else self._point
        if valid is not None:
            in_all = valid.all(axis=0)
            apart = valid & ~in_all
            if apart.any():
                for channel, each in enumerate(values):
                    sums = _rounded_sums if rounded else _whole_sums
                    for degree, total in enumerate(sums(each[apart[channel]])):
                        self._uneven[3 * channel + degree] += total << shift * degree
            values = values[:, in_all]
        wide = values.astype(np.float64 if rounded else np.int64)
        for place, (a, b) in enumerate(combinations(wide, 2)):
            if rounded:  # without BLAS, see `Moments.of`
                with np.errstate(over="ignore", invalid="ignore"):
                    product = float((a * b).sum())
                if not isfinite(product):
                    raise too_large(float(np.abs(wide).max()))
                top, bottom = product.as_integer_ratio()
                self._products[place] += (top << 2 * self._point) // bottom
            else:
                self._products[place] += int(np.dot(a, b)) << 2 * shift

    def sums(self, *, whole: bool) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return products and what is apart, as integers when all values were `whole` numbers."""
        shift = self._point if whole else 0
        uneven = [each >> shift * (place % 3) for place, each in enumerate(self._uneven)]
        products = tuple(each >> 2 * shift for each in self._products)
        return products, tuple(uneven) if any(uneven) else ()


def _whole_sums(values: npt.NDArray[Any]) -> tuple[int, int, int]:
    wide = values.astype(np.int64)
    return wide.size, int(wide.sum()), int(np.dot(wide, wide))


def _rounded_sums(values: npt.NDArray[Any]) -> tuple[int, int, int]:
    if not values.size:
        return 0, 0, 0
    found = Exact.of(Moments.of(values), float(values.min()), float(values.max()))
    return found.n, found.s, found.q


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

    def totals(self) -> list[int]:
        """Return how many values of each channel count."""
        totals: list[int] = self._counts.sum(axis=1).tolist()
        return totals

    def content(self) -> bytes:
        if self.kind.bins == NARROW:
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

    def totals(self) -> list[int]:
        """Return how many values of each channel count."""
        return [moments.count for moments in self._moments]

    def content(self) -> bytes:
        return packed_moments(
            [
                Exact.of(moments, low, high)
                for moments, (low, high) in zip(self._moments, self._limits, strict=True)
            ]
        )


def _check_all(totals: list[int], kind: Kind, facts: Facts, left_out: Counter[str]) -> None:
    """Refuse an image with a channel of which nothing counts."""
    names = facts.bands.split(",") if facts.bands else kind.names
    empty = [name for name, total in zip(names, totals, strict=True) if not total]
    if empty:
        which = "" if len(empty) == len(totals) else f" of {' and '.join(empty)}"
        why = " or ".join(sorted(why for why, count in left_out.items() if count))
        raise ImageError(f"no pixel{which} counts" + (f": all are {why}" if why else ""))
