"""The row of one image: finished numbers and exact sums, of every channel."""

from collections.abc import Iterator
from fractions import Fraction

import msgspec
import numpy as np
from msgspec import UNSET

from normstat.names import escaped
from normstat.spec.pipeline import Pipeline
from normstat.spec.values import dyadic
from normstat.statistics import Kind, Record, kind_of
from normstat.statistics.exact import sqrt
from normstat.statistics.kinds import FLOAT_BITS, NARROW
from normstat.statistics.record import power_sums, unpacked, unpacked_moments, unpacked_wide

_MOST = 1 << 63


class Channel(msgspec.Struct, frozen=True, array_like=True):
    r"""One channel of one image.

    `mean` to `max` are in units of code / max_pixel_value of the row. The clipped shares are of the
    pixels at the smallest code and at the largest, or at max_pixel_value where that was asked for;
    floats have no such codes. `count`, `sum` and `squares` are exact: Σ 1, Σ code and
    Σ code², of floats as text "odd*2^n" in units of 2⁻²⁵⁶ and 2⁻⁵¹².
    """

    mean: float
    std: float
    min: float
    max: float
    clipped_low: float | None
    clipped_high: float | None
    count: int
    sum: int | str
    squares: int | str


class Row(msgspec.Struct, frozen=True, array_like=True):
    """One image: `path` is escaped, see `escaped`; width and height are before any resize.

    `bands` has the names of the channels, joined by commas, where they are not those of the kind.
    """

    path: str
    bytes: int
    width: int
    height: int
    mode: str
    kind: str
    bands: str
    max_pixel_value: int | float
    channels: list[Channel]

    @property
    def pixels(self) -> int:
        """How many pixels count, in the channel that has most."""
        return max(channel.count for channel in self.channels)


def row_of(name: str, size: int, record: Record, pipeline: Pipeline) -> Row:
    """Return the row of an image.

    Without a max_pixel_value of the pipeline, that of the image's kind counts.

    Examples
    --------
    >>> from normstat.statistics import Facts
    >>> from normstat.statistics.record import packed
    >>> facts = Facts("L", 2, 2, False, False, False)
    >>> record = Record("gray8", facts, packed([1] + [0] * 254 + [3]))
    >>> [channel] = row_of("a.png", 70, record, Pipeline()).channels
    >>> channel.mean, channel.clipped_low, channel.clipped_high, channel.sum
    (0.75, 0.25, 0.75, 765)
    """
    facts, kind = record.facts, kind_of(record.kind)
    asked = pipeline.max_pixel_value
    top: int | float = kind.max_code if asked is UNSET else asked
    if kind.bins is None:
        channels = list(_of_floats(record, top))
    else:
        last = kind.bins - 1
        # What is clipped at 12 bits in 16 is at 4095.
        is_top = kind.has_range and top <= last and top == int(top)
        channels = list(_of_codes(record, kind, top, int(top) if is_top else last))
    return Row(
        escaped(name),
        size,
        facts.width,
        facts.height,
        escaped(facts.mode),
        kind.name,
        escaped(facts.bands),
        int(top) if top == int(top) else top,
        channels,
    )


def packed_row(name: str, size: int, record: Record, pipeline: Pipeline) -> bytes:
    """Return the row of an image as few bytes, to be handed to `Rows`."""
    return ENCODER.encode(row_of(name, size, record, pipeline))


ENCODER = msgspec.msgpack.Encoder()
DECODER = msgspec.msgpack.Decoder(Row)


def _of_codes(record: Record, kind: Kind, top: float, last: int) -> Iterator[Channel]:
    unit, zero = Fraction(top), kind.zero
    if kind.bins == NARROW:
        table = unpacked([record.content], kind.channels * NARROW).reshape(-1, NARROW)
        used = [np.flatnonzero(counts) for counts in table]
        pairs = [(codes, counts[codes]) for codes, counts in zip(used, table, strict=True)]
    else:
        pairs = unpacked_wide(record.content)
    for codes, counts in pairs:
        count, total, squares = power_sums(codes + zero, counts)
        first_code, last_code = int(codes[0]), int(codes[-1])
        yield Channel(
            *mean_and_std(count, total, squares, unit),
            float((first_code + zero) / unit),
            float((last_code + zero) / unit),
            int(counts[0]) / count if first_code == 0 else 0.0,
            int(counts[codes == last].sum()) / count,
            count,
            _exact(total),
            _exact(squares),
        )


def _of_floats(record: Record, top: float) -> Iterator[Channel]:
    unit = Fraction(top) * (1 << FLOAT_BITS)
    for each in unpacked_moments(record.content):
        yield Channel(
            *mean_and_std(each.n, each.s, each.q, unit),
            each.low / top,
            each.high / top,
            None,
            None,
            each.n,
            dyadic(each.s),
            dyadic(each.q),
        )


def mean_and_std(n: int, s: int, q: int, unit: Fraction) -> tuple[float, float]:
    """Return mean and population std of n values, from Σ v and Σ v², in so many as one.

    >>> mean_and_std(2, 255, 255**2, Fraction(255))
    (0.5, 0.5)
    """
    top, bottom = unit.denominator, n * unit.numerator
    return s * top / bottom, sqrt(Fraction(max(n * q - s * s, 0) * top**2, bottom**2))


def _exact(value: int) -> int | str:
    return value if -_MOST <= value < _MOST else str(value)
