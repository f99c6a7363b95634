"""Reads whatever fsspec has a URL for: object stores, web servers, archives on them.

What costs time there is latency, so many reads are under way at once.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from errno import EISDIR
from functools import lru_cache, partial
from hashlib import blake2b
from io import SEEK_CUR, SEEK_END, SEEK_SET, BufferedReader, BytesIO, RawIOBase
from os import strerror
from typing import Any, BinaryIO, cast

from normstat.errors import UsageError
from normstat.sources.ahead import BYTES, read_ahead
from normstat.sources.base import Opener, Reference
from normstat.sources.filesystems import located
from normstat.sources.persistence import check_answering, insist
from normstat.sources.storage import Range, Reader, Status
from normstat.sources.urls import below, is_web, joined, protocols, public, to_link

_BLOCK = 1 << 22  # bytes that a sequential read fetches at once
_UNSAFE = {"memory"}  # what other processes do not see
# What stores call that which changes with a file.
_MARKS = (
    "ETag", "etag", "LastModified", "Last-Modified", "last_modified", "mtime", "modified",
    "created", "date_time", "generation", "md5Hash", "Content-MD5", "Digest", "checksum", "sha",
    "oid", "CRC",
)  # fmt: skip


@dataclass(frozen=True)
class RemoteStorage:
    """Files that have a URL.

    Parameters
    ----------
    options
        What the store is opened with, as JSON. May hold secrets.

    Examples
    --------
    >>> import fsspec
    >>> fsspec.filesystem("memory").pipe_file("/x/a.txt", b"some bytes")
    >>> storage = remote_storage("memory://x", {})
    >>> storage.status("memory://x/a.txt").size
    10
    >>> next(storage.readers([Range("memory://x/a.txt", 5, 100)]))()
    b'bytes'
    """

    options: str = field(default="{}", repr=False)
    here_only: bool = False

    def status(self, path: str) -> Status:
        info = insist(partial(self.info, path))
        if info["type"] == "directory":
            raise IsADirectoryError(EISDIR, strerror(EISDIR), public(path))
        return Status(info.get("size") or 0, version(info))

    def open(self, path: str) -> BinaryIO:
        size = self.status(path).size
        return cast(
            "BinaryIO", BufferedReader(_RemoteFile(partial(self._some, path), size), _BLOCK)
        )

    def readers(self, ranges: Iterable[Range]) -> Iterator[Reader]:
        calls = (
            (
                partial(insist, partial(self._range, *each)),
                BYTES if each.size is None else each.size,
            )
            for each in ranges
        )
        for reader in read_ahead(calls):
            check_answering("the store")
            yield reader

    def identity(self, path: str) -> str:
        return public(path)

    def located(self, url: str) -> tuple[Any, str]:
        """Return the file system that a URL is on, for this thread, and its path there."""
        return located(url, self.options)

    def info(self, url: str) -> dict[str, Any]:
        """Return what the store tells of a file or folder."""
        system, path = self.located(url)
        info: dict[str, Any] = system.info(path)
        return info

    def _range(self, url: str, start: int, size: int | None) -> bytes:
        """Return a part of a file, also from a server that only gives whole ones."""
        found = self._some(url, start, size)
        if size is not None and len(found) > size:
            return found[start : start + size]
        if start and is_web(url) and len(found) == _size(self, url):
            return found[start:] if size is None else found[start : start + size]
        return found

    def _some(self, url: str, start: int, size: int | None) -> bytes:
        system, path = self.located(url)
        if start == 0 and size is None:
            return _bytes(system.cat_file(path))
        return _bytes(system.cat_file(path, start=start, end=size and start + size))


@lru_cache
def _size(storage: RemoteStorage, url: str) -> int:
    return storage.status(url).size


def _bytes(found: Any) -> bytes:
    return found if isinstance(found, bytes) else bytes(found)


def remote_storage(url: str, options: Mapping[str, Any]) -> RemoteStorage:
    """Return the storage of a URL.

    Raises
    ------
    UsageError
        The options are not what JSON can hold, which other processes could not be given.
    """
    try:
        text = json.dumps(dict(options), sort_keys=True)
    except TypeError as error:
        raise UsageError(f"storage options must be plain data: {error}") from error
    return RemoteStorage(text, bool(_UNSAFE.intersection(protocols(url))))


class _RemoteFile(RawIOBase):
    """A file that is read in pieces, or at once where the server gives nothing less."""

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        self._read = read
        self._size = size
        self._position = 0
        self._whole: bytes | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        start = {SEEK_SET: 0, SEEK_CUR: self._position, SEEK_END: self._size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        start, size = self._position, min(len(buffer), self._size - self._position)
        if size <= 0:
            return 0
        found = b"" if self._whole else insist(partial(self._read, start, size))
        if len(found) > size or (start and len(found) == self._size):
            self._whole = found
        if self._whole:
            found = self._whole[start : start + size]
        buffer[: len(found)] = found
        self._position += len(found)
        return len(found)


def version(info: Mapping[str, Any]) -> int:
    """Return a number that is another one when the file is another.

    A store that tells neither time nor tag gives no way to know; then it is new each time.

    >>> version({"ETag": "a", "size": 1}) == version({"ETag": "a", "size": 1})
    True
    """
    marks = [f"{name}={info[name]}" for name in _MARKS if info.get(name)]
    text = "\n".join([*marks, str(info.get("size"))] if marks else [str(time.time_ns())])
    digest = blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


@dataclass(frozen=True)
class RemoteSource:
    """Images below a URL, which is told with its secrets; their names start with `label`."""

    storage: RemoteStorage
    root: str = field(repr=False)
    label: str
    whole = False
    far = True

    @property
    def here_only(self) -> bool:
        return self.storage.here_only

    def openers(self, images: Iterable[Reference]) -> Iterator[Opener]:
        calls = ((partial(insist, partial(self._content, image)), image.size) for image in images)
        for reader in read_ahead(calls):
            check_answering(public(self.root))
            yield partial(_opened, reader)

    def identity(self, name: str) -> str:
        return public(below(self.root, name.removeprefix(self.label)))

    def _content(self, image: Reference) -> bytes:
        system, base = self.storage.located(self.root)
        path = image.name.removeprefix(self.label)
        if is_web(self.root):
            path = to_link(path)
        found = _bytes(system.cat_file(joined(base, path)))
        if len(found) < image.size:
            raise ConnectionError(f"only {len(found):,} of {image.size:,} bytes came")
        return found


def _opened(reader: Reader) -> BinaryIO:
    return BytesIO(reader())
