"""What is known of each image, kept in a file: a second run reads only what is new or changed.

One row an image and policy, in SQLite with its rollback journal: a single file, which can be
shared over a network drive and read in a folder that cannot be written.
"""

import hashlib
import json
import os
import sqlite3
import stat
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, Literal
from zlib import crc32

import msgspec
from PIL import features

from normstat.counting import SOFTWARE, Question
from normstat.errors import CacheError
from normstat.sources import Listing
from normstat.sources.directory import FileSource
from normstat.spec.model import Pipeline
from normstat.statistics import Facts, Record, kind_of
from normstat.statistics.record import narrowed

FORMAT = 1  # of the file
RULES = 2  # raise it when normstat finds other pixels or facts in the same file than before

_OURS = 0x4E53_5443  # the application_id, "NSTC"
_PAGE = 16_384  # bytes; a row has 600 to 6,000, so that little is left over
_PATIENCE = 60.0  # seconds to wait for other processes
_NARROW = 256  # bins of a kind whose counts are kept one by one
_LOCAL, _LOCAL_MASKED = 1, 2  # what `local` is of files of this machine
_PERIOD = 0.5  # seconds between commits
_MOST_WAITING = 64_000_000  # bytes that wait for a commit
_DECODERS = ("jpg", "jpg_2000", "zlib", "libtiff", "webp", "avif")
# Packages that decode what Pillow does not.
_READERS = ("imagecodecs", "nibabel", "pydicom", "tifffile")

_POLICIES = "id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, words TEXT NOT NULL"
_IMAGES = (
    "policy INTEGER NOT NULL, name BLOB NOT NULL, local INTEGER NOT NULL, size INTEGER NOT NULL,"
    " version INTEGER NOT NULL, stored INTEGER NOT NULL, checksum INTEGER NOT NULL,"
    " kind BLOB NOT NULL, facts BLOB NOT NULL, content BLOB NOT NULL, rest BLOB NOT NULL"
)
_MAKE = (
    f"CREATE TABLE policies ({_POLICIES})",
    f"CREATE TABLE images ({_IMAGES})",
    "CREATE UNIQUE INDEX images_by_name ON images (policy, name)",
    f"PRAGMA application_id = {_OURS}",
    f"PRAGMA user_version = {FORMAT}",
)
_FIND = (
    "SELECT size, version, checksum, kind, facts, content, rest FROM images"
    " WHERE policy = ? AND name = ?"
)
_KEEP = "INSERT OR REPLACE INTO images VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_DROP = "DELETE FROM images WHERE rowid = ? AND size = ? AND version = ?"


class Cache:
    """The records of images under the policy of one question.

    A record counts when size and version of the image are equal to those that it was made of.
    Which is newer does not matter, because clocks go backwards.

    Parameters
    ----------
    path
        A file of ours, or a name for one.
    question
        What is asked of each image.

    Raises
    ------
    CacheError
        The file is something else, damaged or of another format, or it cannot be made. What is
        there is left as it is.

    Examples
    --------
    >>> import tempfile
    >>> from normstat.counting import Task, answer
    >>> from normstat.sources import Selection, list_files
    >>> listing = list_files(["sample_data/photos"], Selection())
    >>> question = Question(Pipeline(), keep_records=True)
    >>> cache = Cache(Path(tempfile.mkdtemp(), "cache.sqlite"), question)
    >>> cache.find(listing, range(3))
    ([], [0, 1, 2])
    >>> found = answer(Task(question, listing.portion(range(2))))
    >>> cache.keep(listing, range(2), found.records)
    >>> cache.flush()
    2
    >>> records, missing = cache.find(listing, range(3))
    >>> len(records), missing
    (2, [2])
    >>> cache.close()
    """

    def __init__(self, path: str | os.PathLike[str], question: Question) -> None:
        self.path = Path(path)
        self._words = words_of(question.pipeline)
        self._covariance = question.covariance
        self._waiting: list[tuple[Any, ...]] = []
        self._size = 0
        self._committed = time.monotonic()
        self._connection = _connected(self.path, create=True)
        try:
            with _told(self.path):
                self._policy = self._policy_id()
        except BaseException:
            self._connection.close()
            raise

    def find(self, listing: Listing, rows: Sequence[int]) -> tuple[list[Record], list[int]]:
        """Return the records of some images, and the rows of those that have to be read.

        Raises
        ------
        CacheError
            The file is damaged, or cannot be read.
        """
        records, missing = [], []
        with _told(self.path), _transaction(self._connection, "DEFERRED"):
            for row in rows:
                name = os.fsencode(listing.identity(row))
                found = self._connection.execute(_FIND, (self._policy, name)).fetchone()
                if found is None or found[:2] != (listing.sizes[row], listing.versions[row]):
                    missing.append(row)
                    continue
                record = _record(name, found)
                colour = kind_of(record.kind).channels > 1
                if self._covariance and colour and not record.products:
                    missing.append(row)
                else:
                    records.append(record)
        return records, missing

    def keep(
        self, listing: Listing, rows: Iterable[int], records: Iterable[tuple[str, Record]]
    ) -> None:
        """Take records of some of these rows, to be written by the next `flush`."""
        stored = int(time.time())
        row_of = {listing.names[row]: row for row in rows}
        for name, record in records:
            row = row_of[name]
            identity = os.fsencode(listing.identity(row))
            version = (listing.sizes[row], listing.versions[row])
            kept = record.content
            kind = kind_of(record.kind)
            if kind.bins == _NARROW:
                kept = narrowed(kept, kind.channels * _NARROW)
            content = (record.kind.encode(), _packed(record.facts), kept, _rest(record))
            local = _LOCAL * isinstance(listing.sources[listing.owners[row]], FileSource)
            if local and listing.masks is not None:
                local = _LOCAL_MASKED
            checksum = _checksum(identity, *version, content)
            self._waiting.append((identity, local, *version, stored, checksum, *content))
            self._size += len(kept) + len(content[-1])

    @property
    def due(self) -> bool:
        """Whether enough time or records have gathered for a commit."""
        return time.monotonic() - self._committed > _PERIOD or self._size > _MOST_WAITING

    def flush(self) -> int:
        """Write what was taken; return how many records that were.

        Raises
        ------
        CacheError
            The disk is full, the file was removed, cannot be written or is in use for too long.
        """
        with _told(self.path):
            if self._waiting:
                with _transaction(self._connection, "IMMEDIATE"):
                    policy = self._make_policy()
                    self._connection.executemany(_KEEP, ((policy, *row) for row in self._waiting))
                self._policy = policy
        written = len(self._waiting)
        self._waiting.clear()
        self._size = 0
        self._committed = time.monotonic()
        return written

    def close(self) -> None:
        """Close the file; what was not flushed is forgotten."""
        self._connection.close()

    def _policy_id(self) -> int | None:
        query = "SELECT id FROM policies WHERE digest = ?"
        found = self._connection.execute(query, (_digest(self._words),)).fetchone()
        return int(found[0]) if found else None

    def _make_policy(self) -> int | None:
        self._connection.execute(
            "INSERT OR IGNORE INTO policies (digest, words) VALUES (?, ?)",
            (_digest(self._words), self._words),
        )
        return self._policy_id()


def words_of(pipeline: Pipeline) -> str:
    """Return, as JSON, all that decides what is found in the same file."""
    policy = {
        "pipeline": msgspec.to_builtins(pipeline),
        "software": _software(),
        "rules": RULES,
        "byteorder": sys.byteorder,
    }
    return json.dumps(policy, sort_keys=True)


@lru_cache(maxsize=1)
def _software() -> dict[str, str | None]:
    """Return the versions of Pillow, of the libraries that decode for it, and of other readers."""
    return (
        {"pillow": SOFTWARE["pillow"]}
        | {name: features.version(name) for name in _DECODERS}
        | {name: _installed(name) for name in _READERS}
    )


def _installed(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _digest(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()


# --- rows ---


def _record(name: bytes, found: tuple[Any, ...]) -> Record:
    size, version, checksum, kind, facts, content, rest = found
    try:
        sound = checksum == _checksum(name, size, version, (kind, facts, content, rest))
    except TypeError:  # a damaged row can hold values of any type
        sound = False
    if not sound:
        raise sqlite3.DatabaseError("a row does not match its checksum")
    products, left_out = json.loads(rest) if rest else ((), ())
    return Record(
        _text(kind),
        _unpacked(facts),
        content,
        tuple(map(int, products)),
        tuple((why, count) for why, count in left_out),
    )


def _rest(record: Record) -> bytes:
    if not record.products and not record.left_out:
        return b""
    return json.dumps([list(map(str, record.products)), record.left_out]).encode()


def _checksum(name: bytes, size: int, version: int, row: tuple[bytes, ...]) -> int:
    kind, facts, content, rest = row
    head = b"%d %d %b %b %b" % (size, version, kind, facts, name)
    return crc32(rest, crc32(content, crc32(head)))


@lru_cache(maxsize=4096)
def _packed(facts: Facts) -> bytes:
    return json.dumps(facts).encode()


@lru_cache(maxsize=4096)
def _unpacked(facts: bytes) -> Facts:
    return Facts(*json.loads(facts))


@lru_cache(maxsize=16)
def _text(word: bytes) -> str:
    return word.decode()


# --- the file ---


def _connected(path: Path, *, create: bool) -> sqlite3.Connection:
    _check_place(path, create=create)
    with _told(path):
        uri = f"{path.absolute().as_uri()}?mode={'rwc' if create else 'rw'}"
        connection = sqlite3.connect(uri, uri=True, timeout=_PATIENCE, isolation_level=None)
        connection.text_factory = bytes  # what a damaged file holds may be no text
        try:
            if create:
                _make(connection, path)
            _check(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def _check_place(path: Path, *, create: bool) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if not create:
            raise CacheError(f"{path}: no such file") from None
        if not path.parent.is_dir():
            raise CacheError(
                f"{path}: the folder {path.parent} does not exist; make it first"
            ) from None
    except OSError as error:
        raise CacheError(f"{path}: {error.strerror}") from error
    else:
        if not stat.S_ISREG(mode):
            kind = "folder" if stat.S_ISDIR(mode) else "device or pipe"
            raise CacheError(f"{path}: is a {kind}; name a file for the cache")


def _make(connection: sqlite3.Connection, path: Path) -> None:
    """Fill an empty file, unless another process does so in the meantime."""
    if path.stat().st_size:
        return
    connection.execute(f"PRAGMA page_size = {_PAGE}")
    with _transaction(connection, "IMMEDIATE"):
        if not _pragma(connection, "application_id"):
            for statement in _MAKE:
                connection.execute(statement)


def _check(connection: sqlite3.Connection, path: Path) -> None:
    if _pragma(connection, "application_id") != _OURS:
        raise CacheError(f"{path}: is not a cache of normstat; nothing was done. Name another file")
    found = _pragma(connection, "user_version")
    if found != FORMAT:
        raise CacheError(
            f"{path}: has version {found} of the cache's format, this normstat reads version "
            f"{FORMAT}; nothing was done. Name another file, or use the normstat that made it"
        )


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


@contextmanager
def _transaction(
    connection: sqlite3.Connection, kind: Literal["DEFERRED", "IMMEDIATE"]
) -> Iterator[None]:
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # it rolls back by itself after some errors
            connection.execute("ROLLBACK")
        raise


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Say what SQLite's errors mean for this file."""
    try:
        yield
    except sqlite3.Error as error:
        name = getattr(error, "sqlite_errorname", "")
        if name.startswith("SQLITE_BUSY"):
            text = f"in use by another process for more than {_PATIENCE:g} s"
        elif name == "SQLITE_READONLY_DBMOVED":
            text = "was removed or replaced"
        elif isinstance(error, sqlite3.OperationalError):
            text = f"cannot be read or written: {error}"
        else:
            text = (
                f"is damaged, or is not a cache ({error}); it was left as it is. "
                "Delete it to begin anew, or name another file"
            )
        raise CacheError(f"{path}: {text}") from error


# --- what a cache holds ---


@dataclass(frozen=True)
class Held:
    """The rows of one policy; `current` when this installation could have made them.

    `pipeline` is None when another normstat knows options that this one does not.
    """

    pipeline: Pipeline | None
    software: dict[str, str | None]
    rows: int
    current: bool


@dataclass(frozen=True)
class Contents:
    """What a cache holds; `oldest` and `newest` are when rows were stored, in seconds since 1970.

    `bytes` is the size of the images, `file_bytes` that of the cache.
    """

    rows: int
    images: int
    bytes: int
    file_bytes: int
    oldest: int | None
    newest: int | None
    policies: list[Held]


def contents(path: str | os.PathLike[str]) -> Contents:
    """Return what a cache holds.

    Raises
    ------
    CacheError
        As `Cache` does; or there is no such file.
    """
    path = Path(path)
    with closing(_connected(path, create=False)) as connection, _told(path):
        return _contents(connection, path)


def _contents(connection: sqlite3.Connection, path: Path) -> Contents:
    rows, oldest, newest = connection.execute(
        "SELECT count(*), min(stored), max(stored) FROM images"
    ).fetchone()
    images, size = connection.execute(
        "SELECT count(*), coalesce(sum(size), 0) FROM (SELECT size FROM images GROUP BY name)"
    ).fetchone()
    policies = connection.execute(
        "SELECT words, count(images.rowid) FROM policies"
        " LEFT JOIN images ON images.policy = policies.id GROUP BY policies.id"
    ).fetchall()
    held = [_held(words, count) for words, count in policies]
    return Contents(rows, images, size, path.stat().st_size, oldest, newest, held)


def _held(words: bytes, rows: int) -> Held:
    try:
        policy = json.loads(words)
        software = {str(name): version for name, version in policy["software"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise sqlite3.DatabaseError("a policy cannot be read") from error
    try:
        pipeline = msgspec.convert(policy["pipeline"], Pipeline)
    except msgspec.ValidationError:
        return Held(None, software, rows, current=False)
    return Held(pipeline, software, rows, current=words_of(pipeline).encode() == words)


@dataclass(frozen=True)
class Pruned:
    """What was dropped, and the bytes of the file before and after."""

    gone: int
    changed: int
    outdated: int
    kept: int
    before: int
    after: int

    @property
    def dropped(self) -> int:
        return self.gone + self.changed + self.outdated


def prune(path: str | os.PathLike[str], *, outdated: bool = False, dry_run: bool = False) -> Pruned:
    """Drop the rows of files of this machine that are gone or have changed, and shrink the cache.

    Parameters
    ----------
    outdated
        Drop what other versions of the decoders found too.
    dry_run
        Only count.

    Raises
    ------
    CacheError
        As `Cache` does; there is no such file; or the disk has no room for the copy that
        shrinking needs, in which case the rows are dropped already.
    """
    path = Path(path)
    with closing(_connected(path, create=False)) as connection, _told(path):
        before = path.stat().st_size
        doomed: dict[str, list[tuple[int, int, int]]] = {"gone": [], "changed": [], "outdated": []}
        current = {
            number: not outdated or _held(words, 0).current
            for number, words in connection.execute("SELECT id, words FROM policies")
        }
        rows = 0
        query = "SELECT rowid, policy, name, local, size, version FROM images"
        for rowid, policy, name, local, size, version in connection.execute(query):
            rows += 1
            verdict = _verdict(name, size, version, local) if local else ""
            if not verdict and not current.get(policy):
                verdict = "outdated"
            if verdict:
                doomed[verdict].append((rowid, size, version))
        if not dry_run:
            with _transaction(connection, "IMMEDIATE"):
                for found in doomed.values():
                    connection.executemany(_DROP, found)
                connection.execute(
                    "DELETE FROM policies WHERE id NOT IN (SELECT policy FROM images)"
                )
            connection.execute("VACUUM")
        counts = {verdict: len(found) for verdict, found in doomed.items()}
        kept = rows - sum(counts.values())
        return Pruned(**counts, kept=kept, before=before, after=path.stat().st_size)


def _verdict(name: bytes, size: int, version: int, local: int) -> str:
    """Return why a row is of no use; nothing when its file is as it was.

    The version of an image with a mask depends on both, and the mask is not known here.
    """
    try:
        status = os.stat(name)  # noqa: PTH116 (names are bytes)
    except (FileNotFoundError, NotADirectoryError):
        return "gone"
    except OSError:
        return ""  # it may be there
    now = version if local == _LOCAL_MASKED else status.st_mtime_ns
    return "" if (status.st_size, now) == (size, version) else "changed"
