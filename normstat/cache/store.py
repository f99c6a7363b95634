"""The records of images, found and kept."""

import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from zlib import crc32

from normstat.cache.file import LOCAL, LOCAL_MASKED, connected, told, transaction
from normstat.cache.policy import words_of
from normstat.counting import Question
from normstat.sources import Listing
from normstat.sources.directory import FileSource
from normstat.statistics import Facts, Record, kind_of
from normstat.statistics.kinds import NARROW
from normstat.statistics.record import narrowed

_PERIOD = 0.5  # seconds between commits
_MOST_WAITING = 64_000_000  # bytes that wait for a commit

_FIND = (
    "SELECT size, version, checksum, kind, facts, content, rest FROM images"
    " WHERE policy = ? AND name = ?"
)
_KEEP = "INSERT OR REPLACE INTO images VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


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
    >>> from normstat.spec.pipeline import Pipeline
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
        self._connection = connected(self.path, create=True)
        try:
            with told(self.path):
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
        with told(self.path), transaction(self._connection, "DEFERRED"):
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
            if kind.bins == NARROW:
                kept = narrowed(kept, kind.channels * NARROW)
            content = (record.kind.encode(), _packed(record.facts), kept, _rest(record))
            local = LOCAL * isinstance(listing.sources[listing.owners[row]], FileSource)
            if local and listing.masks is not None:
                local = LOCAL_MASKED
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
        with told(self.path):
            if self._waiting:
                with transaction(self._connection, "IMMEDIATE"):
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


def _digest(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()


def _record(name: bytes, found: tuple[Any, ...]) -> Record:
    size, version, checksum, kind, facts, content, rest = found
    try:
        sound = checksum == _checksum(name, size, version, (kind, facts, content, rest))
    except TypeError:  # a damaged row can hold values of any type
        sound = False
    if not sound:
        raise sqlite3.DatabaseError("a row does not match its checksum")
    products, left_out, uneven = json.loads(rest) if rest else ((), (), ())
    return Record(
        _text(kind),
        _unpacked(facts),
        content,
        tuple(map(int, products)),
        tuple((why, count) for why, count in left_out),
        tuple(map(int, uneven)),
    )


def _rest(record: Record) -> bytes:
    if not record.products and not record.left_out:
        return b""
    numbers = (list(map(str, each)) for each in (record.products, record.uneven))
    return json.dumps([next(numbers), record.left_out, next(numbers)]).encode()


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
