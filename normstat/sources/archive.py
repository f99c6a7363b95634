"""Tar and zip archives. Nothing is unpacked: each image is read where it lies.

A plain tar and a zip are read at random, many images at a time. A compressed tar has no places to
go to: it is streamed, once to list it and once to read it, by a single worker.
"""

import bz2
import gzip
import lzma
import stat
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache, partial
from importlib import import_module
from io import BytesIO
from struct import Struct
from tarfile import (  # type: ignore[attr-defined]
    EmptyHeaderError,
    EOFHeaderError,
    HeaderError,
    ReadError,
    TarFile,
    TarInfo,
)
from typing import BinaryIO
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from normstat.errors import ImageError, SourceError
from normstat.sources.base import (
    MOST_BYTES,
    Listing,
    Matcher,
    Opener,
    Reference,
    Selection,
    Source,
    Watch,
    printable,
)
from normstat.sources.storage import Place, Range, Reader, Status, Storage, distinct
from normstat.sources.streams import openers_of, reason

_LINK = "is a link inside an archive, which is not followed"
_BLOCK = 1 << 20
_LISTED_AT_ONCE = 16  # archives that are far away
_TOO_LARGE = f"is said to have %s bytes; more than {MOST_BYTES:,} are not read"

_LOCAL_HEADER = Struct("<4s22xHH")  # of a zip's member: signature, bytes of name and extra
_HEADER_SIZE = 30
_SPARE = 128  # by how much a local header may be longer than the directory lets expect
_ENCRYPTED = 1


def list_archives(
    paths: Iterable[str], listing: Listing, selection: Selection, watch: Watch, *, alone: bool
) -> None:
    """List the images in archives.

    Members are named as in the archive, without a leading "./"; of two of one name the later
    counts. Links are not followed. What a damaged archive still tells counts, and it is named.

    Raises
    ------
    SourceError
        An archive does not exist.
    """
    places = distinct(paths, selection.storage_options)
    listing.roots += [place.title for place in places]
    alone = alone and len(places) == 1
    looks = partial(_Contents.of, matcher=selection.matcher(), alone=alone)
    with ThreadPoolExecutor(_LISTED_AT_ONCE) as pool:
        far = any("://" in place.path for place in places)
        for contents in pool.map(looks, places) if far else map(looks, places):
            contents.add_to(listing)
            watch(listing)


@dataclass
class _Contents:
    """What an archive holds: size and place of each image by name, and what will not be read."""

    label: str
    source: Source
    version: int
    images: dict[str, tuple[int, int]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    passed_over: int = 0
    damage: tuple[str, str] | None = None

    @classmethod
    def of(cls, place: Place, matcher: Matcher, *, alone: bool) -> "_Contents":
        """Look into an archive; its content decides what it is."""
        storage, path, title = place
        label = "" if alone else f"{title}/"
        try:
            status = storage.status(path)
            with storage.open(path) as file:
                head = file.read(_HEADER_SIZE)
        except FileNotFoundError:
            raise SourceError(f"{printable(title)}: no such file or folder") from None
        except OSError as error:
            raise SourceError(
                f"{printable(title)}: {error.strerror or error}; nothing was read"
            ) from error
        kind: type[ZipArchive | TarArchive | CompressedTar] = TarArchive
        if title.lower().endswith(".zip") or head.startswith(b"PK\x03\x04"):
            kind = ZipArchive
        elif _decompressor(head):
            kind = CompressedTar
        source = kind(storage, path, status.version, label)
        contents = cls(label, source, status.version)
        try:
            source.fill(contents, matcher, status)
        # A damaged archive raises from every corner of every decoder, as images do.
        except Exception as error:  # noqa: BLE001
            contents.damage = title, reason(error)
        return contents

    def add(self, member: str, size: int, place: int, matcher: Matcher, refusal: str = "") -> None:
        """Note a member that is a file, or why it will not be read."""
        name = member.removeprefix("./")
        if not (matcher.sees_all_of(name) and matcher.takes(name)):
            self.passed_over += 1
            return
        if size > MOST_BYTES:
            refusal = _TOO_LARGE % f"{size:,}"
        # The later of two takes the place of the earlier, as when they are unpacked.
        self.images.pop(name, None)
        self.refused.pop(name, None)
        if refusal:
            self.refused[name] = refusal
        else:
            self.images[name] = (size, place)

    def add_to(self, listing: Listing) -> None:
        listing.enter(self.source)
        for name, (size, place) in self.images.items():
            listing.add(self.label + name, size, self.version, place)
        listing.unreadable += [(self.label + name, why) for name, why in self.refused.items()]
        listing.unreadable += [self.damage] if self.damage else []
        listing.passed_over += self.passed_over


@dataclass(frozen=True)
class _Archive:
    """An archive; the names of its images start with `label`."""

    storage: Storage
    path: str
    version: int
    label: str

    @property
    def here_only(self) -> bool:
        return self.storage.here_only

    @property
    def far(self) -> bool:
        return "://" in self.path

    def identity(self, name: str) -> str:
        return f"{self.storage.identity(self.path)}/{name.removeprefix(self.label)}"


@dataclass(frozen=True)
class TarArchive(_Archive):
    """A plain tar. The place of an image is that of its bytes.

    That of a sparse one, whose bytes do not lie in a row, is the complement of its header's.
    """

    whole = False

    def fill(self, contents: _Contents, matcher: Matcher, status: Status) -> None:
        with self.storage.open(self.path) as file:
            for _, member in _members(file):
                place = ~member.offset if member.issparse() else member.offset_data
                refusal = _refusal(member)
                if place > 0 and place + member.size > status.size:
                    refusal = "damaged: the archive ends in the middle of it"
                _add_member(contents, member, place, matcher, refusal)

    def openers(self, images: Iterable[Reference]) -> Iterator[Opener]:
        wanted = list(images)
        readers = self.storage.readers(
            Range(self.path, image.place, image.size) for image in wanted if image.place >= 0
        )
        for image in wanted:
            if image.place < 0:
                yield partial(self._sparse, ~image.place)
            else:
                yield partial(_exactly, next(readers), image.size)

    def _sparse(self, header: int) -> BinaryIO:
        with self.storage.open(self.path) as file:
            file.seek(header)
            tar = TarFile(fileobj=file, mode="r")
            return BytesIO(_content(tar, tar.next()))


@dataclass(frozen=True)
class CompressedTar(_Archive):
    """A tar in gzip, bzip2, xz or Zstandard. The place of an image is its number among all."""

    whole = True

    def fill(self, contents: _Contents, matcher: Matcher, status: Status) -> None:  # noqa: ARG002
        with self._stream() as file:
            for place, (_, member) in enumerate(_members(file)):
                _add_member(contents, member, place, matcher, _refusal(member))

    def openers(self, images: Iterable[Reference]) -> Iterator[Opener]:
        wanted = list(images)
        yield from openers_of(wanted, self._contents({image.place for image in wanted}))

    def _contents(self, places: set[int]) -> Iterator[tuple[int, bytes | ImageError]]:
        last = max(places)
        with self._stream() as file:
            for place, (tar, member) in enumerate(_members(file)):
                if place in places:
                    yield place, _content(tar, member)
                if place == last:
                    return

    def _stream(self) -> "_Decompressed":
        file = self.storage.open(self.path)
        try:
            head = file.read(_HEADER_SIZE)
            file.seek(0)
            decompressor = _decompressor(head)
            if decompressor is None:
                raise ReadError("is not compressed any more")
            return _Decompressed(file, decompressor(file))
        except BaseException:
            file.close()
            raise


class _Decompressed:
    """A decompressor and its file, which are closed together."""

    def __init__(self, file: BinaryIO, stream: BinaryIO) -> None:
        self._file, self._stream = file, stream

    def __enter__(self) -> BinaryIO:
        return self._stream

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self._file.close()


def _decompressor(head: bytes) -> Callable[[BinaryIO], BinaryIO] | None:
    """Return what undoes a compression, by the first bytes of the file."""
    for magic, opened in _DECOMPRESSORS.items():
        if head.startswith(magic):
            return opened
    return None


def _gunzip(file: BinaryIO) -> BinaryIO:
    return gzip.GzipFile(fileobj=file)  # type: ignore[return-value]


def _zstd(file: BinaryIO) -> BinaryIO:
    if sys.version_info < (3, 14):
        raise ReadError(
            "Zstandard needs Python 3.14; with an older one decompress it first: zstd -d"
        )
    stream: BinaryIO = import_module("compression.zstd").ZstdFile(file)
    return stream


_DECOMPRESSORS: dict[bytes, Callable[[BinaryIO], BinaryIO]] = {
    b"\x1f\x8b": _gunzip,
    b"BZh": bz2.BZ2File,  # type: ignore[dict-item]
    b"\xfd7zXZ\0": lzma.LZMAFile,  # type: ignore[dict-item]
    b"\x28\xb5\x2f\xfd": _zstd,
}


class _Header(TarInfo):
    """A header that is not silent where tarfile takes damage for the end of the archive."""

    @classmethod
    def fromtarfile(cls, tarfile: TarFile) -> "_Header":
        try:
            return super().fromtarfile(tarfile)
        except EOFHeaderError:
            raise
        except EmptyHeaderError as error:
            raise ReadError(
                "the mark of the archive's end is missing; it may have been cut off"
            ) from error
        except HeaderError as error:
            raise ReadError(f"{error} at byte {tarfile.offset:,}") from error


def _members(file: BinaryIO) -> Iterator[tuple[TarFile, TarInfo]]:
    """Yield every member, whose content can be read until the next is drawn.

    Raises ReadError, or what the decompressor raises, where an archive is damaged.
    """
    tar = TarFile(fileobj=file, mode="r", tarinfo=_Header, encoding="utf-8")
    before = -1
    while member := tar.next():
        if tar.offset <= before:
            raise ReadError("a header leads backwards")
        before = tar.offset
        yield tar, member
        tar.members.clear()  # type: ignore[attr-defined]  # else it keeps a million of them
    # To the very end: there a decompressor compares its checksum.
    while block := file.read(_BLOCK):
        if block.strip(b"\0"):
            raise ReadError(
                "something follows the mark of the archive's end and is not read; archives that "
                "were joined with cat must be named one by one"
            )


def _add_member(
    contents: _Contents, member: TarInfo, place: int, matcher: Matcher, refusal: str
) -> None:
    if not member.isdir():
        contents.add(member.name, member.size, place, matcher, refusal)


def _refusal(member: TarInfo) -> str:
    if member.issym() or member.islnk():
        return _LINK
    return "" if member.isreg() else "not a regular file"


def _content(tar: TarFile, member: TarInfo | None) -> bytes:
    file = tar.extractfile(member) if member else None
    if member is None or file is None:
        raise ImageError("is no file any more")
    return _complete(file.read(), member.size)


def _exactly(reader: Reader, size: int) -> BinaryIO:
    return BytesIO(_complete(reader(), size))


def _complete(content: bytes, size: int) -> bytes:
    if len(content) < size:
        raise ImageError("damaged: the archive ends in the middle of it")
    return content


@dataclass(frozen=True, slots=True)
class _Member:
    """What a zip's directory tells of a file."""

    name: str
    size: int
    start: int
    compressed: int
    checksum: int
    method: int
    encrypted: bool
    link: bool
    header: int  # bytes of the local header, as far as can be foreseen

    @classmethod
    def of(cls, info: ZipInfo) -> "_Member":
        return cls(
            info.filename,
            info.file_size,
            info.header_offset,
            info.compress_size,
            info.CRC,
            info.compress_type,
            bool(info.flag_bits & _ENCRYPTED),
            stat.S_ISLNK(info.external_attr >> 16),
            _HEADER_SIZE + len(info.orig_filename.encode()) + len(info.extra),
        )


@lru_cache(maxsize=8)
def _directory(storage: Storage, path: str, version: int) -> list[_Member]:  # noqa: ARG001
    """Return the files of a zip in order; parsed once a process while the zip is as it was."""
    with storage.open(path) as file, ZipFile(file) as archive:
        return [_Member.of(info) for info in archive.infolist() if not info.is_dir()]


@dataclass(frozen=True)
class ZipArchive(_Archive):
    """A zip. The place of an image is its number among the files."""

    whole = False

    def fill(self, contents: _Contents, matcher: Matcher, status: Status) -> None:  # noqa: ARG002
        for place, member in enumerate(_directory(self.storage, self.path, self.version)):
            refusal = _LINK if member.link else ""
            contents.add(member.name, member.size, place, matcher, refusal)

    def openers(self, images: Iterable[Reference]) -> Iterator[Opener]:
        try:
            directory = _directory(self.storage, self.path, self.version)
        except Exception as error:  # noqa: BLE001 (as when it was listed)
            yield from openers_of(images, _failing(error))
            return
        members = [directory[image.place] for image in images]
        readers = self.storage.readers(
            Range(self.path, member.start, member.header + member.compressed + _SPARE)
            for member in members
        )
        for member, reader in zip(members, readers, strict=True):
            yield partial(self._opened, member, reader)

    def _opened(self, member: _Member, reader: Reader) -> BinaryIO:
        if member.encrypted:
            raise ImageError("is encrypted")
        raw = reader()
        signature, name, extra = _LOCAL_HEADER.unpack_from(raw.ljust(_HEADER_SIZE, b"\0"))
        if signature != b"PK\x03\x04":
            raise ImageError("damaged: it does not lie where the zip's directory says")
        start = _HEADER_SIZE + name + extra
        packed = raw[start : start + member.compressed]
        if len(packed) < member.compressed:
            # Its local header is longer than could be foreseen.
            rest = Range(self.path, member.start + start, member.compressed)
            packed = _complete(next(self.storage.readers([rest]))(), member.compressed)
        return BytesIO(_unpacked(member, packed))


def _unpacked(member: _Member, packed: bytes) -> bytes:
    """Return the content of a file, which never takes more memory than it is said to have."""
    most = member.size + 1
    if member.method == ZIP_STORED:
        content = packed
    elif member.method == ZIP_DEFLATED:
        content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, most)
    elif member.method == ZIP_BZIP2:
        content = bz2.BZ2Decompressor().decompress(packed, most)
    else:
        raise ImageError(f"is compressed by method {member.method}; deflate is read")
    if len(content) != member.size:
        raise ImageError(f"damaged: it has not the {member.size:,} bytes that it is said to have")
    if zlib.crc32(content) != member.checksum:
        raise ImageError("damaged: its checksum is wrong")
    return content


def _failing(error: Exception) -> Iterator[tuple[int, bytes | ImageError]]:
    raise error
    yield
