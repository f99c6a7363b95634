"""What a run tells of each image alone: a row of finished numbers and of exact sums."""

import os
import weakref
from array import array
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from tempfile import SpooledTemporaryFile

import msgspec
import numpy as np
from msgspec import UNSET

from normstat.errors import SourceError, SpecError
from normstat.names import escaped
from normstat.spec.model import Pipeline
from normstat.statistics import Kind, Record, kind_of
from normstat.statistics.exact import sqrt
from normstat.statistics.kinds import FLOAT_BITS, NARROW
from normstat.statistics.record import power_sums, unpacked, unpacked_moments, unpacked_wide
from normstat.statistics.state import dyadic

_IN_MEMORY = 16_000_000  # bytes of rows; the others wait in a temporary file
_MOST = 1 << 63

# In a name that is none of ours, these begin a formula when a spreadsheet opens the table.
# Control characters, those that turn the direction of a line or cannot be seen, surrogates.


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
    return _ENCODER.encode(row_of(name, size, record, pipeline))


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Row)


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


# --- the rows of a run ---


class Rows:
    """Rows in the order of the listing, whatever the order in which they come.

    They wait packed, in memory while they are few and else in a temporary file without a name; of
    each image two integers stay in memory.

    Parameters
    ----------
    folder
        Where the temporary file is made; by default where the system has such files.

    Examples
    --------
    >>> rows = Rows()
    >>> for place, name in [(7, "b.png"), (3, "a.png")]:
    ...     row = Row(name, 70, 1, 1, "L", "gray8", "", 255, [])
    ...     rows.add(place, msgspec.msgpack.encode(row))
    >>> [row.path for row in rows], len(rows)
    (['a.png', 'b.png'], 2)
    """

    def __init__(self, folder: str | None = None) -> None:
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY, dir=folder)  # noqa: SIM115
        weakref.finalize(self, self._file.close)  # whatever becomes of the run
        self._places = array("q")
        self._ends = array("q", [0])

    @classmethod
    def of(cls, rows: Iterable[Row]) -> "Rows":
        """Keep rows that come in order, so that they can be gone through again and again."""
        kept = cls()
        kept.extend(rows)
        return kept

    def extend(self, rows: Iterable[Row]) -> None:
        """Add rows behind those that were added in order."""
        for row in rows:
            self.add(len(self), _ENCODER.encode(row))

    def __len__(self) -> int:
        return len(self._places)

    def add(self, place: int, packed: bytes) -> None:
        """Take the row of the image at a place of the listing.

        Raises
        ------
        SourceError
            The disk has no room for it.
        """
        try:
            self._file.write(packed)
        except OSError as error:
            raise SourceError(
                f"the rows of --per-image cannot be kept until the end: {error.strerror}. Nothing "
                "was written; name a FILE on a disk with more room, about 300 bytes an image"
            ) from error
        self._places.append(place)
        self._ends.append(self._ends[-1] + len(packed))

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows that are there now."""
        places = np.array(self._places, np.int64)
        for index in map(int, np.argsort(places)):
            start, end = self._ends[index], self._ends[index + 1]
            self._file.seek(start)
            yield _DECODER.decode(self._file.read(end - start))
        self._file.seek(0, os.SEEK_END)


@dataclass(frozen=True)
class Columns:
    """The channels that a table has, and where those of an image stand among them.

    Images that are combined have the channels of the spec: gray beside colour stands three times,
    as it counts. Kinds that cannot be combined have their own columns each.
    """

    names: tuple[str, ...]
    combined: bool = True

    @classmethod
    def of(
        cls, kinds: Iterable[str], *, bands: Collection[str] = (), rgb: bool = False
    ) -> "Columns":
        """Return the columns for images of these kinds.

        Parameters
        ----------
        bands
            The names that images have for their channels, joined by commas; "" stands for none.
            They count where all images have the same.
        rgb
            Three channels even when every image is gray.

        >>> Columns.of(["gray16", "rgb8"]).names, Columns.of(["gray8"]).names
        (('R', 'G', 'B'), ('L',))
        >>> Columns.of(["bands2-16"], bands=["B04,B03"]).names
        ('B04', 'B03')
        >>> Columns.of(["rgb8", "gray-float"]).names
        ('L', 'R', 'G', 'B')
        """
        found = [kind_of(name) for name in sorted(set(kinds))]
        names = tuple(next(iter(bands)).split(",")) if len(bands) == 1 else ()
        # A name may hold a comma itself, and be there twice.
        if all(names) and {kind.channels for kind in found} == {len(set(names))} == {len(names)}:
            return cls(names)
        if len({kind.measure for kind in found}) > 1:
            return cls(tuple(dict.fromkeys(n for k in found for n in k.names)), False)
        if any(kind.is_colour or (rgb and kind.is_mixable) for kind in found):
            return cls(("R", "G", "B"))
        return cls(tuple(found[0].names) if found else ())

    def channels(self, row: Row) -> dict[str, Channel]:
        """Return the channels of an image by the names of their columns.

        Raises
        ------
        SpecError
            The image has other channels.
        """
        kind = kind_of(row.kind)
        if self.combined and len(row.channels) == 1 and len(self.names) > 1 and kind.is_mixable:
            return dict.fromkeys(self.names, row.channels[0])
        names = self.names if self.combined else kind.names
        if len(names) != len(row.channels):
            raise SpecError(f"{row.path}: {len(row.channels)} channels, expected {len(names)}")
        return dict(zip(names, row.channels, strict=True))
