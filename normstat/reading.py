"""A listing is read: by workers, or out of the cache; what is found is added up."""

import os
import warnings
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import chain, islice
from typing import Protocol

from normstat.backends.recovery import map_surviving
from normstat.cache import Cache
from normstat.counting import Answer, Question, Task, answer, known, lost
from normstat.engine import Engine
from normstat.errors import CacheError, ImageError, SourceError
from normstat.grouping import Grouping
from normstat.images import VANISHED
from normstat.names import printable
from normstat.per_image import Rows, packed_row
from normstat.sources import Listing
from normstat.statistics import Record, State

# Small enough that a cancelled run ends at once, large enough that handing over costs nothing.
CHUNK_IMAGES = 512
CHUNK_BYTES = 2_000_000


class Observer(Protocol):
    """Is told how a run goes on. Subclass it and override what you want to know."""

    def listing(self, found: Listing) -> None:
        """Names are being found; more may come."""

    def listed(self, listing: Listing) -> None:
        """All names are known."""

    def expected(self, images: int) -> None:
        """So many images will be read, by what is known now."""

    def advanced(self, images: int, size: int) -> None:
        """So many more images of so many bytes are done."""

    def cached(self, images: int) -> None:
        """So many more of the images that are done are in the cache."""

    def warned(self, text: str) -> None:
        """Something went wrong that does not cost the run."""


class Reading:
    """Reads images of a listing, and adds up what is found.

    Parameters
    ----------
    listing
        Where the images are.
    question
        What is asked of each.
    engine
        What runs the workers.
    cache
        A file that knows images of earlier runs, and gets to know the others.
    fail
        Raise at the first image that cannot be read.
    observer
        Is told of progress.
    rows
        Is given a row of each image that is read, when the question asks for one.
    grouping
        Which group each image of the listing is in. What has none is skipped.

    Raises
    ------
    CacheError
        See `Cache`.
    """

    def __init__(
        self,
        listing: Listing,
        question: Question,
        engine: Engine,
        *,
        cache: str | os.PathLike[str] | None = None,
        fail: bool = False,
        observer: Observer | None = None,
        rows: Rows | None = None,
        grouping: Grouping | None = None,
    ) -> None:
        self.listing = listing if grouping is None else replace(listing, groups=grouping.numbers)
        self.states: dict[int, State] = {}
        self.skipped: list[tuple[str, str]] = []
        self._question = question
        self._engine = engine
        self._cache = None if cache is None else Cache(cache, question)
        self._decoded = False
        self._fail = fail
        self._observer = observer
        self._rows = rows
        self._grouping = grouping

    @property
    def state(self) -> State:
        """Of all that was read."""
        return State.of_all(self.states.values())

    def expect(self, images: int) -> None:
        """Tell the observer how many images will be read, by what is known now."""
        if self._observer:
            self._observer.expected(images)

    def read(self, rows: Sequence[int] | None = None) -> None:
        """Read the images of some rows of the listing, or all, as far as no cache knows them.

        Raises
        ------
        ImageError
            One cannot be read, and `fail` is set.
        CacheError
            The cache turns out to be damaged before anything was decoded.
        """
        wanted = range(len(self.listing)) if rows is None else sorted(rows)
        unknown = self._unknown(self._with_group(wanted))
        if not unknown:
            return
        listing = self.listing
        if len(unknown) < len(listing):
            listing = listing.pick(unknown)
        chunks = list(listing.chunks(images=CHUNK_IMAGES, size=CHUNK_BYTES))
        engine = self._engine.over(listing, len(chunks))
        tasks = (Task(self._question, listing.portion(chunk)) for chunk in chunks)
        # Answers come in the order of the chunks, whatever was cut on the way.
        order = chain.from_iterable(chunks)
        # An interrupt must end the workers now, not when the results are forgotten.
        with closing(map_surviving(engine, answer, tasks, cut=Task.parts, lost=lost)) as results:
            for found in results:
                if self._engine.is_elsewhere:
                    _check_sight(listing, found.skipped)
                if self._fail and found.skipped:
                    fail(*found.skipped[0], cache=self._cache)
                self._add(found.states)
                self.skipped += found.skipped
                self._keep([unknown[place] for place in islice(order, found.images)], found)
                self._advance(found.images, found.size)  # what is told to be done is kept

    def close(self) -> None:
        """Let the cache keep what it does not have yet."""
        self._flush()
        if self._cache:
            self._cache.close()

    def _add(self, states: Mapping[int, State]) -> None:
        for group, state in states.items():
            before = self.states.get(group)
            self.states[group] = state if before is None else before.merged(state)

    def _with_group(self, rows: Sequence[int]) -> Sequence[int]:
        """Skip the images that are in no group; return the rows of the others."""
        groups = self.listing.groups
        if self._grouping is None or groups is None or min(groups, default=0) >= 0:
            return rows
        out = self.listing.pick([row for row in rows if groups[row] < 0])
        self.skipped += [(name, self._grouping.missing[name]) for name in out.names]
        if self._fail and out:
            fail(*self.skipped[-len(out)])
        self._advance(len(out), sum(out.sizes))
        return [row for row in rows if groups[row] >= 0]

    def _known(self, rows: Iterable[int], records: Sequence[Record]) -> dict[int, State]:
        """Return the states of the groups whose images have these rows and records."""
        numbers = self.listing.groups
        if numbers is None:
            return {0: known(records, self._question)}
        groups: defaultdict[int, list[Record]] = defaultdict(list)
        for row, record in zip(rows, records, strict=True):
            groups[numbers[row]].append(record)
        return {group: known(some, self._question) for group, some in groups.items()}

    def _unknown(self, wanted: Sequence[int]) -> Sequence[int]:
        """Add what the cache knows; return the rows of the images that it does not."""
        if not self._cache:
            return wanted
        missing: list[int] = []
        start = 0
        try:
            for start in range(0, len(wanted), CHUNK_IMAGES):
                rows = wanted[start : start + CHUNK_IMAGES]
                records, unread = self._cache.find(self.listing, rows)
                missing += unread
                if records:
                    self._take(rows, unread, records)
        except CacheError as error:
            if not self._decoded:
                raise
            missing += wanted[start:]
            self._lose_cache(error)
        return missing

    def _take(self, rows: Sequence[int], unread: Sequence[int], records: list[Record]) -> None:
        """Count the images that the cache knows."""
        there = sorted(set(rows).difference(unread))
        self._add(self._known(there, records))
        names, sizes = self.listing.names, self.listing.sizes
        self._advance(len(there), sum(sizes[row] for row in there))
        self._cached(len(there))
        if self._rows is not None:
            pipeline = self._question.pipeline
            for row, record in zip(there, records, strict=True):
                self._rows.add(row, packed_row(names[row], sizes[row], record, pipeline))

    def _keep(self, rows: Sequence[int], found: Answer) -> None:
        self._decoded = True
        if self._rows is not None:
            row_of = {self.listing.names[row]: row for row in rows}
            for name, packed in found.rows:
                self._rows.add(row_of[name], packed)
        if self._cache:
            self._cache.keep(self.listing, rows, found.records)
            if self._cache.due:
                self._flush()

    def _flush(self) -> None:
        if not self._cache:
            return
        try:
            self._cached(self._cache.flush())
        except CacheError as error:
            self._lose_cache(error)

    def _advance(self, images: int, size: int) -> None:
        if self._observer:
            self._observer.advanced(images, size)

    def _cached(self, images: int) -> None:
        if self._observer:
            self._observer.cached(images)

    def _lose_cache(self, error: CacheError) -> None:
        """Go on without a cache: it must not cost the run."""
        text = f"{error}. The run goes on, nothing more is kept"
        if self._cache:
            self._cache.close()
            self._cache = None
        warn(self._observer, text)


def warn(observer: Observer | None, text: str) -> None:
    """Tell what a run lacks that goes on."""
    if observer:
        observer.warned(text)
    else:
        warnings.warn(text, RuntimeWarning, stacklevel=2)


def fail(name: str, reason: str, cache: Cache | None = None) -> None:
    """Raise for an image that cannot be read."""
    written = f"Only {cache.path} was written" if cache else "Nothing was written"
    raise ImageError(
        f"{printable(name)}: {printable(reason)}. {written}; "
        "--on-error skip leaves such files out and names them"
    )


def _check_sight(listing: Listing, skipped: list[tuple[str, str]]) -> None:
    """Stop when workers elsewhere miss what is here; it would be left out of a census."""
    for name, reason in skipped:
        if reason != VANISHED:
            continue
        try:
            listing.opener(listing.names.index(name))().close()
        except OSError:
            continue  # it did vanish
        raise SourceError(
            f"{printable(name)}: is here, but a worker of the cluster does not see it. Nothing was "
            "written; all machines need the images under the same path"
        )
