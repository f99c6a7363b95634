"""The file: an SQLite database with one row an image and policy, and what its errors mean."""

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from normstat.errors import CacheError

FORMAT = 1  # of the file
LOCAL, LOCAL_MASKED = 1, 2  # what `local` is of files of this machine

_OURS = 0x4E53_5443  # the application_id, "NSTC"
_PAGE = 16_384  # bytes; a row has 600 to 6,000, so that little is left over
_PATIENCE = 60.0  # seconds to wait for other processes

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


def connected(path: Path, *, create: bool) -> sqlite3.Connection:
    _check_place(path, create=create)
    with told(path):
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
    with transaction(connection, "IMMEDIATE"):
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
def transaction(
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
def told(path: Path) -> Iterator[None]:
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
