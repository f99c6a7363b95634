"""The rows of a run, which wait for it to end, and the columns that hold them."""

import os
import weakref
from array import array
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile

import numpy as np

from normstat.errors import SourceError, SpecError
from normstat.per_image.row import DECODER, ENCODER, Channel, Row
from normstat.statistics import kind_of

_IN_MEMORY = 16_000_000  # bytes of rows; the others wait in a temporary file


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
    >>> import msgspec
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
            self.add(len(self), ENCODER.encode(row))

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
            yield DECODER.decode(self._file.read(end - start))
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
