"""Whatever fsspec has a URL for: object stores, web servers, archives on them.

What costs time there is latency, so many reads are under way at once.
"""

import json
import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from errno import EISDIR, ENOENT
from functools import lru_cache, partial
from hashlib import blake2b
from io import SEEK_CUR, SEEK_END, SEEK_SET, BufferedReader, BytesIO, RawIOBase
from os import strerror
from typing import Any, BinaryIO, cast
from urllib.parse import quote, unquote

import fsspec
from fsspec.asyn import AsyncFileSystem
from fsspec.utils import glob_translate

from normstat.errors import NormstatError, SourceError, UsageError
from normstat.registry import unknown
from normstat.sources.ahead import BYTES, CALLS, read_ahead
from normstat.sources.base import Listing, Matcher, Opener, Reference, Selection, Watch
from normstat.sources.persistence import check_answering, insist
from normstat.sources.storage import Range, Reader, Status
from normstat.sources.urls import below, is_web, protocols, public, split, split_pattern

_CONNECT = 10  # seconds for a connection
_WAIT = 30  # seconds for the next bytes
_CONNECTIONS = 8 * CALLS  # at once, in one process
_BLOCK = 1 << 22  # bytes that a sequential read fetches at once
_UNSAFE = {"memory"}  # what other processes do not see
# What stores call that which changes with a file.
_MARKS = (
    "ETag", "etag", "LastModified", "Last-Modified", "last_modified", "mtime", "modified",
    "created", "date_time", "generation", "md5Hash", "Content-MD5", "Digest", "checksum", "sha",
    "oid", "CRC",
)  # fmt: skip

# Sessions that a dying program leaves open are no news for whoever has not asked for a log.
for _name in ("asyncio", "aiobotocore", "botocore", "fsspec", "s3fs"):
    logging.getLogger(_name).addHandler(logging.NullHandler())


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
        """Return the file system that a URL is on, for this thread, and its path there.

        Raises
        ------
        NormstatError
            What the protocol needs is not installed.
        UsageError
            There is no such protocol, or it has no such options.
        """
        key = url, self.options
        if key not in _SHARED:
            with _LOCK:
                system, path = _located(url, self.options, threading.get_ident())
                if not system.async_impl:
                    return system, path
                _SHARED.setdefault(key, (system, path))
        return _SHARED[key]

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


# File systems that run on fsspec's own loop are for all threads; each of the others is for one.
_SHARED: dict[tuple[str, str], tuple[Any, str]] = {}
_LOCK = threading.Lock()


@lru_cache(maxsize=1024)
def _located(url: str, options: str, thread: int) -> tuple[Any, str]:
    """Open the file system for a thread; fsspec knows by itself which thread asks."""
    del thread
    chain = protocols(url)
    given = json.loads(options)
    known = fsspec.available_protocols()
    try:
        nested = {name: dict(given.pop(name, {})) for name in chain}
        # What is named after other protocols is for other sources.
        nested[chain[0]] |= {name: each for name, each in given.items() if name not in known}
        kept = {name: _merged(_defaults(name), nested[name]) for name in nested}
        system, path = fsspec.url_to_fs(url, **kept)
    except ImportError as error:
        raise NormstatError(f"{public(url)}: {_told(error, chain)}") from error
    except ValueError as error:
        strange = [name for name in chain if name not in known]
        if strange:
            told = unknown("protocol", strange[0], dict.fromkeys(known))
            raise UsageError(f"{public(url)}: {told}") from error
        raise UsageError(f"{public(url)}: {public(str(error))}") from error
    except TypeError as error:
        raise UsageError(f"{public(url)}: storage options do not fit: {error}") from error
    if isinstance(getattr(system, "retries", None), int):
        system.retries = 1  # `insist` tries again; trying in trying multiplies
    return system, path


def _told(error: ImportError, chain: list[str]) -> str:
    """Return what to install."""
    if {"http", "https", "s3", "s3a"}.issuperset(chain):
        return f"needs {error.name or 'a package'}: pip install 'normstat[remote]'"
    return " ".join(str(error).split())


def _defaults(protocol: str) -> dict[str, Any]:
    """Return the options that let a store answer soon or not at all, once a call."""
    if protocol in {"s3", "s3a"}:
        return {
            "max_concurrency": 1,  # else it asks for the size before each read
            "config_kwargs": {
                "connect_timeout": _CONNECT,
                "read_timeout": _WAIT,
                "max_pool_connections": _CONNECTIONS,
                "retries": {"total_max_attempts": 1},
            },
        }
    if protocol in {"http", "https"}:
        from aiohttp import ClientTimeout  # noqa: PLC0415 (not every store needs it)

        timeout = ClientTimeout(total=None, sock_connect=_CONNECT, sock_read=_WAIT)
        return {"client_kwargs": {"timeout": timeout}}
    return {}


def _merged(defaults: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return the options that were given over the defaults, level by level."""
    both = defaults | given
    for name in defaults.keys() & given.keys():
        if isinstance(defaults[name], dict) and isinstance(given[name], dict):
            both[name] = _merged(defaults[name], given[name])
    return both


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
            path = _to_link(path)
        found = _bytes(system.cat_file(_joined(base, path)))
        if len(found) < image.size:
            raise ConnectionError(f"only {len(found):,} of {image.size:,} bytes came")
        return found


def _opened(reader: Reader) -> BinaryIO:
    return BytesIO(reader())


def _joined(base: str, path: str) -> str:
    """Return a path below a folder of a store, whose root is "", "/" or a host."""
    if not (base and path):
        return base or path
    return f"{base.rstrip('/')}/{path}"


def list_remote(
    urls: Iterable[str], listing: Listing, selection: Selection, watch: Watch, *, alone: bool
) -> None:
    """List the images of folders, prefixes, patterns and single files that have URLs.

    A file that is reached twice counts once, and the order of `urls` does not matter.

    Raises
    ------
    SourceError
        There is no such file, folder or bucket, or the store does not let us in.
    UsageError
        URLs differ only in what is secret.
    """
    # In this order a folder comes before what lies in it.
    roots = sorted(set(urls), key=lambda url: url.rstrip("/"))
    before = len(listing)
    told = dict(zip(map(public, roots), roots, strict=True))
    for url in roots:
        if told[public(url)] != url and "?" in url:
            raise UsageError(
                f"{public(url)}: is named with several queries; those may be secret and cannot be "
                "told, so that one image could not be told from another"
            )
        listing.roots.append(public(url))
        place = _Place.of(url, remote_storage(url, selection.storage_options))
        place.add_to(listing, selection, watch, alone=alone and len(roots) == 1)
    if len(roots) > 1:
        _drop_doubles(listing, before)


def _drop_doubles(listing: Listing, start: int) -> None:
    """Let each image count once, under the first of its names."""
    first: dict[str, int] = {}
    for row in range(start, len(listing)):
        first.setdefault(listing.identity(row), row)
    if len(first) < len(listing) - start:
        kept = listing.pick([*range(start), *first.values()])
        listing.names, listing.sizes, listing.versions = kept.names, kept.sizes, kept.versions
        listing.places, listing.owners = kept.places, kept.owners


@dataclass(frozen=True)
class _Place:
    """A single file, a folder of a store, or of a folder what fits a pattern."""

    storage: RemoteStorage
    url: str
    pattern: re.Pattern[str] | None = None
    single: dict[str, Any] | None = None

    @classmethod
    def of(cls, url: str, storage: RemoteStorage) -> "_Place":
        """Find out what a URL means: what is there under that very name, else a pattern."""
        try:
            system, _ = insist(partial(storage.located, url))  # which may look into an archive
        except OSError as error:
            raise _refused(url, error) from error
        system.invalidate_cache()
        if is_web(url) and url.endswith("/"):
            return cls(storage, url)
        folder, wildcards = split_pattern(url)
        try:
            info = insist(partial(storage.info, url))
        except OSError as error:
            if wildcards:
                return cls(storage, folder, re.compile(glob_translate(wildcards)))
            raise _refused(url, error) from error
        is_folder = info["type"] == "directory"
        if is_web(url) and "?" not in url:  # the web has pages for folders
            is_folder = info.get("mimetype") == "text/html"
        return cls(storage, url, single=None if is_folder else info)

    def add_to(self, listing: Listing, selection: Selection, watch: Watch, *, alone: bool) -> None:
        if self.single:
            self._add_single(listing, self.single)
        else:
            self._add_folder(listing, selection.matcher(), watch, alone=alone)
        system, _ = self.storage.located(self.url)
        system.invalidate_cache()  # a kilobyte a file

    def _add_single(self, listing: Listing, info: dict[str, Any]) -> None:
        """Add a file, whatever its suffix, to those of the same folder."""
        folder, base = split(self.url)
        path = _from_link(base) if is_web(self.url) else base
        source = RemoteSource(self.storage, folder, public(folder) + "/")
        if "::" in self.url or "?" in self.url or folder.endswith("://") or not path:
            path, source = "", RemoteSource(self.storage, self.url, public(self.url))
        if source not in listing.sources[-1:]:
            listing.enter(source)
        listing.add(source.label + path, info.get("size") or 0, version(info))

    def _add_folder(self, listing: Listing, matcher: Matcher, watch: Watch, *, alone: bool) -> None:
        label = "" if alone else public(self.url).rstrip("/") + "/"
        source = RemoteSource(self.storage, self.url, label)
        listing.enter(source)
        for files in self._files(listing, label, matcher):
            taken = []
            for path, info in files:
                if matcher.takes(path):
                    taken.append((path, info))
                else:
                    listing.passed_over += 1
            for (path, _), reader in zip(taken, self._with_sizes(taken), strict=True):
                try:
                    info = reader()
                except OSError as error:
                    listing.unreadable.append((label + path, f"not read: {error.strerror}"))
                else:
                    listing.add(label + path, info.get("size") or 0, version(info))
            watch(listing)

    def _with_sizes(self, files: "list[_File]") -> Iterator[Callable[[], dict[str, Any]]]:
        """Yield what returns all that is known of a file; some listings are names alone."""
        if all(info.get("size") is not None for _, info in files):
            return (partial(dict[str, Any], info) for _, info in files)
        urls = (below(self.url, _to_link(path) if is_web(self.url) else path) for path, _ in files)
        return read_ahead((partial(insist, partial(self.storage.info, url)), 0) for url in urls)

    def _files(self, listing: Listing, label: str, matcher: Matcher) -> "Iterator[list[_File]]":
        """Yield the files of each folder, many folders being asked for at once."""
        waiting = [""]
        while waiting:
            deeper: list[str] = []
            calls = ((partial(insist, partial(self._entries, folder)), 0) for folder in waiting)
            for folder, reader in zip(waiting, read_ahead(calls), strict=True):
                try:
                    entries = reader()
                except OSError as error:
                    if not folder:
                        raise _refused(self.url, error) from error
                    why = f"folder not read: {error.strerror}"
                    listing.unreadable.append((f"{label}{folder}/", why))
                    continue
                files = []
                for path, info in entries:
                    if not all(map(matcher.sees, path.split("/"))):
                        continue
                    if info["type"] == "directory":
                        deeper.append(path)
                    elif self._fits(path):
                        files.append((path, info))
                yield files
            waiting = deeper

    def _fits(self, path: str) -> bool:
        if self.pattern is None:
            return True
        parts = path.split("/")
        return any(self.pattern.match("/".join(parts[:end])) for end in range(1, len(parts) + 1))

    def _entries(self, folder: str) -> "list[_File]":
        """Return what lies in a folder, or below it where one question tells all of that.

        The first level is asked for folder by folder even there, so that many are asked at once.
        """
        system, base = self.storage.located(self.url)
        web = is_web(self.url)
        path = _joined(base, _to_link(folder) if web else folder)
        if folder and _has_flat_names(system):
            found = list(system.find(path, detail=True).values())
        else:
            found = system.ls(path.rstrip("/") + "/" if web else path, detail=True)
        start = base.strip("/") + "/" if base.strip("/") else ""
        entries = {}
        for info in found:
            name = info["name"].lstrip("/")
            if not name.startswith(start):
                continue
            name = name[len(start) :]
            if web:
                name = _from_link(name)
            if info["type"] == "directory":
                name = name.rstrip("/")
            if name and not name.endswith("/"):  # some stores mark folders with empty files
                entries[name] = info
        return list(entries.items())


_File = tuple[str, dict[str, Any]]


def _has_flat_names(system: Any) -> bool:
    """Whether a store has its own way to list everything below a prefix."""
    return isinstance(system, AsyncFileSystem) and type(system)._find is not AsyncFileSystem._find


def _to_link(path: str) -> str:
    return quote(path, errors="surrogateescape")


def _from_link(link: str) -> str:
    """Return the path that a link stands for, or nothing when it does not lead downwards.

    >>> _from_link("two%20words.png"), _from_link("../up.png"), _from_link("?sort=name")
    ('two words.png', '', '')
    """
    path = unquote(link.partition("?")[0], errors="surrogateescape").removeprefix("./")
    parts = path.split("/")
    if link.startswith(("?", "#")) or ".." in parts:
        return ""
    # With a slash inside a name it is no path of ours: then the link is looked for, and named.
    return path if path.count("/") == link.count("/") else link


def _refused(url: str, error: OSError) -> SourceError:
    """Return what to tell about a place that cannot be listed."""
    reason = error.strerror or str(error)
    text = f"{public(url)}: {reason}"
    if isinstance(error, FileNotFoundError):
        why = "" if reason in url or reason == strerror(ENOENT) else f" ({reason})"
        text = f"{public(url)}: no such file or folder{why}"
    if isinstance(error, PermissionError) or "credentials" in text:
        text += (
            "; the usual environment variables and files of the store give the credentials, "
            """or --storage-options; '{"anon": true}' is for public buckets"""
        )
    return SourceError(f"{text}; nothing was read")
