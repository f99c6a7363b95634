"""Zip archives, without unpacking them: each image is read and decompressed where it lies."""

import bz2
import stat
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from io import BytesIO
from struct import Struct
from typing import BinaryIO
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from normstat.errors import ImageError
from normstat.sources.base import Opener, Reference
from normstat.sources.members import LINK, Members, complete
from normstat.sources.storage import Container, Range, Reader, Storage
from normstat.sources.streams import openers_of

SIGNATURE = b"PK\x03\x04"
_LOCAL_HEADER = Struct("<4s22xHH")  # of a zip's member: signature, bytes of name and extra
_HEADER_SIZE = 30
_SPARE = 128  # by how much a local header may be longer than the directory lets expect
_ENCRYPTED = 1


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
class ZipArchive(Container):
    """A zip. The place of an image is its number among the files."""

    whole = False

    def fill(self, members: Members) -> None:
        for place, member in enumerate(_directory(self.storage, self.path, self.version)):
            refusal = LINK if member.link else ""
            members.add(member.name, member.size, place, refusal)

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
        if signature != SIGNATURE:
            raise ImageError("damaged: it does not lie where the zip's directory says")
        start = _HEADER_SIZE + name + extra
        packed = raw[start : start + member.compressed]
        if len(packed) < member.compressed:
            # Its local header is longer than could be foreseen.
            rest = Range(self.path, member.start + start, member.compressed)
            packed = complete(next(self.storage.readers([rest]))(), member.compressed)
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
