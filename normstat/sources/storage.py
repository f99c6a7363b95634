"""How the bytes of a container are reached, wherever it lies."""

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from errno import EINVAL, EISDIR
from functools import partial
from typing import Any, BinaryIO, NamedTuple, Protocol

from normstat.registry import Entry, Registry

STORAGES = Registry(
    "storage",
    {
        "local": Entry("normstat.sources.storage:LocalStorage", "files of this machine"),
        "remote": Entry("normstat.sources.remote:remote_storage", "any URL", extra="remote"),
    },
)


class Range(NamedTuple):
    """Some bytes of a file; all from `start` on when `size` is None."""

    path: str
    start: int = 0
    size: int | None = None


class Status(NamedTuple):
    """The bytes of a file, and a number that changes when the file does (64 bits, signed)."""

    size: int
    version: int


Reader = Callable[[], bytes]


class Storage(Protocol):
    """A place that holds files. Small, hashable, and picklable into another process.

    Whatever goes wrong is an OSError: FileNotFoundError when there is no such file.
    """

    def __hash__(self) -> int: ...

    @property
    def here_only(self) -> bool:
        """Whether no other process can reach it."""
        ...

    def status(self, path: str) -> Status:
        """Return size and version of a file; a folder raises IsADirectoryError."""
        ...

    def open(self, path: str) -> BinaryIO:
        """Return a file to read from, seekable, which the caller closes."""
        ...

    def readers(self, ranges: Iterable[Range]) -> Iterator[Reader]:
        """Yield for each range, in order, what returns its bytes: fewer only where the file ends.

        What is far away may read ahead of what it yields. A failure is raised by the reader.
        """
        ...

    def identity(self, path: str) -> str:
        """Return a name that means the same file from any folder and on any day."""
        ...


@dataclass(frozen=True)
class LocalStorage:
    """Files of this machine.

    >>> storage = LocalStorage()
    >>> next(storage.readers([Range("sample_data/photos/coast/coast-01.jpg", 6, 4)]))()
    b'JFIF'
    """

    here_only = False

    def status(self, path: str) -> Status:
        info = os.stat(path)  # noqa: PTH116
        if stat.S_ISDIR(info.st_mode):
            raise IsADirectoryError(EISDIR, os.strerror(EISDIR), path)
        if not stat.S_ISREG(info.st_mode):
            raise OSError(EINVAL, "not a regular file", path)
        return Status(info.st_size, info.st_mtime_ns)

    def open(self, path: str) -> BinaryIO:
        return open(path, "rb")  # noqa: PTH123

    def readers(self, ranges: Iterable[Range]) -> Iterator[Reader]:
        for each in ranges:
            yield partial(_read, each)

    def identity(self, path: str) -> str:
        return os.path.realpath(path)


def _read(each: Range) -> bytes:
    with open(each.path, "rb", buffering=0) as file:  # noqa: PTH123
        if each.size is None:
            file.seek(each.start)
            return file.readall()
        return os.pread(file.fileno(), each.size, each.start)


class Place(NamedTuple):
    """Where a file lies: in which storage, under which path for any process, as it may be told."""

    storage: Storage
    path: str
    title: str

    @classmethod
    def of(cls, given: str, options: Mapping[str, Any]) -> "Place":
        """Return the place of a path or URL.

        Raises
        ------
        NormstatError
            The extra that it needs is not installed.
        """
        if "://" not in given:
            return cls(LocalStorage(), os.path.abspath(given), given)  # noqa: PTH100
        storage: Storage = STORAGES.load("remote")(given, options)
        return cls(storage, given, storage.identity(given))  # a URL may hold secrets


def distinct(given: Iterable[str], options: Mapping[str, Any]) -> list[Place]:
    """Return the places, each once."""
    places = {}
    for path in sorted(given, reverse=True):
        place = Place.of(path, options)
        places[place.storage.identity(place.path)] = place
    return sorted(places.values(), key=lambda place: place.title)


@dataclass(frozen=True)
class Container:
    """A file that holds images, whose names start with `label`."""

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
