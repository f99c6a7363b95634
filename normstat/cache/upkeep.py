"""Looking into a cache, and clearing it up."""

import json
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import msgspec

from normstat.cache.file import LOCAL_MASKED, connected, told, transaction
from normstat.cache.policy import words_of
from normstat.spec.pipeline import Pipeline

_DROP = "DELETE FROM images WHERE rowid = ? AND size = ? AND version = ?"


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
    with closing(connected(path, create=False)) as connection, told(path):
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
    with closing(connected(path, create=False)) as connection, told(path):
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
            with transaction(connection, "IMMEDIATE"):
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
    now = version if local == LOCAL_MASKED else status.st_mtime_ns
    return "" if (status.st_size, now) == (size, version) else "changed"
