"""NumPy's files: the arrays of .npy and .npz, whose images are read where they lie."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from io import BytesIO
from math import prod
from pathlib import PurePosixPath
from struct import Struct
from typing import Any, BinaryIO, NamedTuple
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy as np
import numpy.typing as npt

from normstat.errors import ImageError, SourceError
from normstat.names import printable
from normstat.sources.axes import Axes
from normstat.sources.base import MOST_BYTES, Listing, Opener, Reference, Watch
from normstat.sources.selection import Selection
from normstat.sources.storage import Container, Place, Range, Reader, distinct
from normstat.sources.streams import openers_of, reason

_MOST_IMAGES = 1 << 26
_MAPPED = 64 << 20  # bytes from which a file is not read at once
_LOCAL_HEADER = Struct("<26xHH")  # of a zip's member: bytes of name and extra
_ENCRYPTED = 1
_LONGEST_HEADER = 10_000
_LONGEST_START = 12  # bytes up to the end of the header's length


class Header(NamedTuple):
    """What the head of an .npy file tells; `offset` is where the values start."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: "np.dtype[Any]"
    offset: int

    @property
    def size(self) -> int:
        """The bytes of the file."""
        return self.offset + prod(self.shape) * self.dtype.itemsize


def header_of(file: BinaryIO) -> Header:
    """Read the head of an .npy file.

    Raises
    ------
    ImageError
        The array holds Python objects, which would be a program to run, or nothing.
    Exception
        Whatever NumPy raises for a damaged one.
    """
    start = file.read(_LONGEST_START)
    width = 2 if start[6:7] == b"\x01" else 4
    rest = 8 + width + int.from_bytes(start[8 : 8 + width], "little") - len(start)
    if not 0 <= rest <= _LONGEST_HEADER:
        raise ImageError("damaged: its header has no likely length")
    return _parsed(start + file.read(rest))


@lru_cache(maxsize=64)
def _parsed(head: bytes) -> Header:
    """Read a head, which is the same for all images of an array."""
    file = BytesIO(head)
    version = np.lib.format.read_magic(file)
    readers = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    if version not in readers:
        raise ImageError("an array of named fields, or of a later .npy format: not read")
    shape, fortran, dtype = readers[version](file, max_header_size=_LONGEST_HEADER)
    if dtype.hasobject:
        raise ImageError("an array of Python objects, which are programs and are not opened")
    if any(length < 0 for length in shape):
        raise ImageError("damaged: its header tells a negative length")
    if not prod(shape) * dtype.itemsize:
        raise ImageError(f"an array of shape {' x '.join(map(str, shape))}, which holds nothing")
    return Header(shape, fortran, dtype, file.tell())


def check_size(header: Header, size: int) -> None:
    """Raise when a file of so many bytes is shorter than its head tells."""
    if size < header.size:
        raise ImageError(f"damaged: its header tells {header.size:,} bytes, it has {size:,}")


def head_of(header: Header) -> bytes:
    """Return the head of an .npy file."""
    file = BytesIO()
    fields = {
        "descr": np.lib.format.dtype_to_descr(header.dtype),
        "fortran_order": header.fortran,
        "shape": header.shape,
    }
    np.lib.format.write_array_header_1_0(file, fields)
    return file.getvalue()


def list_arrays(
    paths: Iterable[str], listing: Listing, selection: Selection, watch: Watch, *, alone: bool
) -> None:
    """List the images that arrays hold: one an array, or as many as its axis of images is long.

    They are named by their numbers from 0 on, in an .npz below the name of their array. Only the
    heads of arrays are read. Patterns choose among the arrays of an .npz.

    Raises
    ------
    SourceError
        A file does not exist.
    """
    places = distinct(paths, selection.storage_options)
    listing.roots += [place.title for place in places]
    alone = alone and len(places) == 1
    for place in places:
        lists = _list_npz if place.title.lower().partition("?")[0].endswith(".npz") else _list_npy
        try:
            lists(place, listing, selection, "" if alone else f"{place.title}/")
        except FileNotFoundError:
            raise SourceError(f"{printable(place.title)}: no such file or folder") from None
        except ImageError as error:
            listing.unreadable.append((place.title, str(error)))
        # A damaged head raises from every corner of the parser.
        except Exception as error:  # noqa: BLE001
            listing.unreadable.append((place.title, reason(error)))
        watch(listing)


def _list_npy(place: Place, listing: Listing, selection: Selection, label: str) -> None:
    status = place.storage.status(place.path)
    with place.storage.open(place.path) as file:
        header = header_of(file)
    check_size(header, status.size)
    array = Array.of(
        place,
        status.version,
        label=label,
        header=header,
        start=header.offset,
        axes=selection.axes,
    )
    array.add_to(listing, label, place.title)


def _list_npz(place: Place, listing: Listing, selection: Selection, label: str) -> None:
    status, matcher = place.storage.status(place.path), selection.matcher()
    with place.storage.open(place.path) as file, ZipFile(file) as archive:
        arrays = {
            info.filename.removesuffix(".npy"): info
            for info in archive.infolist()
            if info.filename.endswith(".npy")
        }
        listing.passed_over += len(archive.infolist()) - len(arrays)
        for name, info in arrays.items():
            if not matcher.allows(name):
                listing.passed_over += 1
                continue
            try:
                if any(str(parent) in arrays for parent in PurePosixPath(name).parents):
                    raise ImageError("is named as if it lay in another array")
                header, start = _member(file, archive, info)
                array = Array.of(
                    place,
                    status.version,
                    label=label,
                    header=header,
                    start=start,
                    axes=selection.axes,
                    member=info.filename,
                )
                array.add_to(listing, f"{label}{name}/", f"{label}{name}")
            except ImageError as error:
                listing.unreadable.append((f"{label}{name}", str(error)))
            except Exception as error:  # noqa: BLE001 (as above)
                listing.unreadable.append((f"{label}{name}", reason(error)))


def _member(file: BinaryIO, archive: ZipFile, info: ZipInfo) -> tuple[Header, int | None]:
    """Return the head of an array in a zip, and where its values start if it is not compressed."""
    if info.flag_bits & _ENCRYPTED:
        raise ImageError("is encrypted")
    with archive.open(info) as member:
        header = header_of(member)  # type: ignore[arg-type]  # it reads and tells, which is enough
    check_size(header, info.file_size)
    if info.compress_type != ZIP_STORED:
        return header, None
    file.seek(info.header_offset)
    name, extra = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
    return header, info.header_offset + _LOCAL_HEADER.size + name + extra + header.offset


@dataclass(frozen=True)
class Array(Container):
    """The images of one array. The place of an image is its number.

    Parameters
    ----------
    member
        The name of the array in its .npz.
    start
        Where the values start in the file; None: they are compressed.
    axis
        Along which its images lie; None: it is one image.
    """

    header: Header
    start: int | None
    axis: int | None
    member: str | None = None

    @classmethod
    def of(
        cls,
        place: Place,
        version: int,
        *,
        label: str,
        header: Header,
        start: int | None,
        axes: Axes,
        member: str | None = None,
    ) -> "Array":
        """Return the array with the axis that its images lie along.

        Raises
        ------
        ImageError
            It is not clear which that is, or its images are too many or too large.
        """
        axis = axes.layout(header.shape).images
        array = cls(place.storage, place.path, version, label, header, start, axis, member)
        if axis is not None and header.shape[axis] > _MOST_IMAGES:
            raise ImageError(f"holds {header.shape[axis]:,} images; {_MOST_IMAGES:,} are read")
        if array.image_bytes > MOST_BYTES and not array._is_plain:
            raise ImageError(
                f"an image of it has {array.image_bytes:,} bytes; more than {MOST_BYTES:,} are "
                "read only of an .npy of one image on this machine"
            )
        return array

    @property
    def image_bytes(self) -> int:
        """The bytes of an image's values."""
        header = self.header
        images = 1 if self.axis is None else header.shape[self.axis]
        return prod(header.shape) // images * header.dtype.itemsize

    @property
    def whole(self) -> bool:
        return self.start is None

    @property
    def _is_plain(self) -> bool:
        """Whether it is an .npy file on this machine that is one image."""
        return self.member is None and self.axis is None and not self.far

    def add_to(self, listing: Listing, label: str, name: str) -> None:
        """Add its images; that of an array which is one image is named as the array is."""
        listing.enter(self)
        if self.axis is None:
            listing.add(name, self.image_bytes, self.version)
            return
        for number in range(self.header.shape[self.axis]):
            listing.add(f"{label}{number}", self.image_bytes, self.version, number)

    def identity(self, name: str) -> str:
        if self.member is None and self.axis is None:
            return self.storage.identity(self.path)
        return super().identity(name)

    def openers(self, images: Iterable[Reference]) -> Iterator[Opener]:
        if self._is_plain and self.image_bytes > _MAPPED:
            for _ in images:
                yield partial(self.storage.open, self.path)  # which the reader maps into memory
            return
        wanted = list(images)
        head = head_of(self._image)
        if self.start is None or not self._lies_in_a_row:
            stream = self._contents({image.place for image in wanted}, head)
            yield from openers_of(wanted, stream)
            return
        ranges = (
            Range(self.path, self.start + image.place * self.image_bytes, self.image_bytes)
            for image in wanted
        )
        for reader in self.storage.readers(ranges):
            yield partial(_opened, head, reader, self.image_bytes)

    @property
    def _image(self) -> Header:
        """The header of one image: the axis stays, so that it is read by the same rule."""
        shape = list(self.header.shape)
        if self.axis is not None:
            shape[self.axis] = 1
        return self.header._replace(shape=tuple(shape))

    @property
    def _lies_in_a_row(self) -> bool:
        """Whether the values of an image follow each other."""
        shape, axis = self.header.shape, self.axis
        if axis is None:
            return True
        return prod(shape[axis + 1 :] if self.header.fortran else shape[:axis]) == 1

    def _contents(self, places: set[int], head: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield images in the order of their places."""
        if self.start is None:
            with (
                self.storage.open(self.path) as file,
                ZipFile(file) as archive,
                archive.open(self.member or "") as values,
            ):
                header_of(values)  # type: ignore[arg-type]
                if self._lies_in_a_row:
                    for place in range(max(places) + 1):
                        content = _complete(values.read(self.image_bytes), self.image_bytes)
                        if place in places:
                            yield place, head + content
                    return
                yield from self._slices(self._loaded(values), places, head)  # type: ignore[arg-type]
        else:
            yield from self._slices(self._mapped(self.start), places, head)

    def _mapped(self, start: int) -> npt.NDArray[Any]:
        header = self.header
        if self.far:
            with self.storage.open(self.path) as file:
                file.seek(start)
                return self._loaded(file)
        order = "F" if header.fortran else "C"
        return np.memmap(self.path, header.dtype, "r", start, header.shape, order)  # type: ignore[call-overload,no-any-return]

    def _loaded(self, file: BinaryIO) -> npt.NDArray[Any]:
        header = self.header
        size = header.size - header.offset
        if size > MOST_BYTES:
            raise ImageError(
                f"its images do not follow each other, and its {size:,} bytes are too many to hold "
                "at once: save it with the images along the first axis, in C order"
            )
        flat = np.frombuffer(_complete(file.read(size), size), header.dtype)
        return flat.reshape(header.shape, order="F" if header.fortran else "C")

    def _slices(
        self, array: npt.NDArray[Any], places: set[int], head: bytes
    ) -> Iterator[tuple[int, bytes]]:
        order: Any = "F" if self.header.fortran else "C"
        for place in sorted(places):
            yield place, head + array.take([place], self.axis).tobytes(order)


def _opened(head: bytes, reader: Reader, size: int) -> BinaryIO:
    return BytesIO(head + _complete(reader(), size))


def _complete(content: bytes, size: int) -> bytes:
    if len(content) < size:
        raise ImageError("damaged: the array ends in the middle of it")
    return content
