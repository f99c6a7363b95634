"""Tar archives. A compressed one is streamed, once to list it and once to read it."""

import bz2
import gzip
import lzma
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from io import BytesIO
from tarfile import (  # type: ignore[attr-defined]
    EmptyHeaderError,
    EOFHeaderError,
    HeaderError,
    ReadError,
    TarFile,
    TarInfo,
)
from typing import BinaryIO

from normstat.errors import ImageError
from normstat.sources.base import Opener, Reference
from normstat.sources.members import CUT_OFF, LINK, Members, complete
from normstat.sources.storage import Container, Range, Reader
from normstat.sources.streams import openers_of

HEAD = 8  # bytes that tell a compression
_BLOCK = 1 << 20


@dataclass(frozen=True)
class TarArchive(Container):
    """A plain tar. The place of an image is that of its bytes.

    That of a sparse one, whose bytes do not lie in a row, is the complement of its header's.
    """

    whole = False

    def fill(self, members: Members) -> None:
        with self.storage.open(self.path) as file:
            for _, member in _members(file):
                place = ~member.offset if member.issparse() else member.offset_data
                refusal = _refusal(member)
                if place > 0 and place + member.size > members.status.size:
                    refusal = CUT_OFF
                _add_member(members, member, place, refusal)

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
class CompressedTar(Container):
    """A tar in gzip, bzip2, xz or Zstandard. The place of an image is its number among all."""

    whole = True

    def fill(self, members: Members) -> None:
        with self._stream() as file:
            for place, (_, member) in enumerate(_members(file)):
                _add_member(members, member, place, _refusal(member))

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
            head = file.read(HEAD)
            file.seek(0)
            decompress = decompressor(head)
            if decompress is None:
                raise ReadError("is not compressed any more")
            return _Decompressed(file, decompress(file))
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


def decompressor(head: bytes) -> Callable[[BinaryIO], BinaryIO] | None:
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


def _add_member(members: Members, member: TarInfo, place: int, refusal: str) -> None:
    if not member.isdir():
        members.add(member.name, member.size, place, refusal)


def _refusal(member: TarInfo) -> str:
    if member.issym() or member.islnk():
        return LINK
    return "" if member.isreg() else "not a regular file"


def _content(tar: TarFile, member: TarInfo | None) -> bytes:
    file = tar.extractfile(member) if member else None
    if member is None or file is None:
        raise ImageError("is no file any more")
    return complete(file.read(), member.size)


def _exactly(reader: Reader, size: int) -> BinaryIO:
    return BytesIO(complete(reader(), size))
