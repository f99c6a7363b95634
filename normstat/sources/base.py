"""What every kind of source offers."""

import hashlib
import os
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import BinaryIO, NamedTuple, Protocol

from normstat.names import natural_key, printable

# Larger than any image that is read; what claims more is not worth its memory.
MOST_BYTES = 1 << 30


# By how much larger chunks of far sources are: a tenth of the time would be lost otherwise.
_FAR = 8

Opener = Callable[[], BinaryIO]


@dataclass(frozen=True, slots=True)
class Masked:
    """Opens an image; `mask` opens its mask, which has this name."""

    image: Opener
    mask: Opener
    name: str

    def __call__(self) -> BinaryIO:
        return self.image()


# Is told, now and then, of a listing that grows.
Watch = Callable[["Listing"], object]


class Reference(NamedTuple):
    """One image of a source: its name, where in its container it is, and its bytes."""

    name: str
    place: int
    size: int


class Source(Protocol):
    """Opens images by reference. Small, and picklable into another process."""

    @property
    def whole(self) -> bool:
        """Whether its images are read in one go, so that no chunk may end between them."""
        ...

    @property
    def here_only(self) -> bool:
        """Whether no other process can open its images."""
        ...

    @property
    def far(self) -> bool:
        """Whether it reads ahead to hide a latency, which each chunk has to wait for once."""
        ...

    def openers(self, images: Iterable[Reference]) -> Iterator[Opener]:
        """Yield for each image, in order, what opens it: a seekable file, which the caller closes.

        A failure is raised by the opener, not by the iterator, so that the next image has its turn.
        """
        ...

    def identity(self, name: str) -> str:
        """Return a name that means the same image from any folder and on any day."""
        ...


@dataclass(frozen=True)
class Portion:
    """Some images of one source, for one worker."""

    source: Source
    names: list[str]
    places: "array[int]"
    sizes: "array[int]"
    groups: "array[int] | None" = None
    masks: "Listing | None" = None

    def __len__(self) -> int:
        return len(self.names)

    def opened(self) -> Iterator[tuple[str, Opener]]:
        """Yield each name with what opens the image."""
        references = map(Reference, self.names, self.places, self.sizes)
        openers = self.source.openers(references)
        if self.masks is not None:
            openers = map(Masked, openers, self.masks.openers(), self.masks.names)
        return zip(self.names, openers, strict=True)

    def halves(self) -> list["Portion"]:
        """Return the portion in two, or nothing when it is a single image."""
        if len(self) == 1:
            return []
        middle = len(self) // 2
        return [self._part(slice(0, middle)), self._part(slice(middle, None))]

    def _part(self, rows: slice) -> "Portion":
        groups = None if self.groups is None else self.groups[rows]
        masks = self.masks and self.masks.pick(range(len(self))[rows])
        return Portion(
            self.source, self.names[rows], self.places[rows], self.sizes[rows], groups, masks
        )


def _longs() -> "array[int]":
    return array("q")


@dataclass
class Listing:
    """The images that were found, in natural order, and what could not be listed.

    `names` are unique. The arrays have one number an image: its bytes, its version (which changes
    when the image does: nanoseconds of the last change, where there is a clock), its place within
    its source, and which of `sources` it is from. All is flat because a listing can hold millions.
    `groups` has the number of each image's group when the images are to be told apart, `masks`
    the mask of each, in the order of the images.
    """

    roots: list[str]
    sources: list[Source] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    sizes: "array[int]" = field(default_factory=_longs)
    versions: "array[int]" = field(default_factory=_longs)
    places: "array[int]" = field(default_factory=_longs)
    owners: "array[int]" = field(default_factory=_longs)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    passed_over: int = 0
    containers: set[str] = field(default_factory=set)  # patterns of archives that were passed over
    links_not_entered: int = 0
    groups: "array[int] | None" = None
    masks: "Listing | None" = None

    def __len__(self) -> int:
        return len(self.names)

    def enter(self, source: Source) -> None:
        """Let the images that are added from now on belong to `source`."""
        self.sources.append(source)

    def add(self, name: str, size: int, version: int, place: int = 0) -> None:
        """Add an image of the source that was entered last."""
        self.names.append(name)
        self.sizes.append(size)
        self.versions.append(version)
        self.places.append(place)
        self.owners.append(len(self.sources) - 1)

    def extend(self, other: "Listing") -> None:
        """Add all that another listing has."""
        owners = [owner + len(self.sources) for owner in other.owners]
        self.sources += other.sources
        self.names += other.names
        self.sizes += other.sizes
        self.versions += other.versions
        self.places += other.places
        self.owners.extend(owners)
        self.unreadable += other.unreadable
        self.passed_over += other.passed_over

    def sort(self) -> None:
        """Put the names into natural order (2 before 10), the folders' files together."""
        self.unreadable.sort()
        keys = [natural_key(name) for name in self.names]
        order = sorted(range(len(keys)), key=self.names.__getitem__)
        order.sort(key=keys.__getitem__)
        picked = self.pick(order)
        self.names, self.sizes, self.versions = picked.names, picked.sizes, picked.versions
        self.places, self.owners = picked.places, picked.owners

    def pick(self, rows: Sequence[int]) -> "Listing":
        """Return the listing of some of its images."""
        return replace(
            self,
            names=[self.names[row] for row in rows],
            sizes=_picked(self.sizes, rows),
            versions=_picked(self.versions, rows),
            places=_picked(self.places, rows),
            owners=_picked(self.owners, rows),
            groups=None if self.groups is None else _picked(self.groups, rows),
            masks=self.masks and self.masks.pick(rows),
        )

    def portion(self, rows: Sequence[int]) -> Portion:
        """Return some images, all of one source, as work for one worker."""
        source = self.sources[self.owners[rows[0]]]
        if isinstance(rows, range):
            part = slice(rows.start, rows.stop)
            groups = None if self.groups is None else self.groups[part]
            masks = self.masks and self.masks.pick(rows)
            names, places, sizes = self.names[part], self.places[part], self.sizes[part]
            return Portion(source, names, places, sizes, groups, masks)
        picked = self.pick(rows)
        return Portion(
            source, picked.names, picked.places, picked.sizes, picked.groups, picked.masks
        )

    def openers(self) -> Iterator[Opener]:
        """Yield what opens each image, of whatever source."""
        for run in self._runs():
            for _, opener in self.portion(run).opened():
                yield opener

    def opener(self, row: int) -> Opener:
        """Return what opens one image."""
        return next(self.portion(range(row, row + 1)).opened())[1]

    def identity(self, row: int) -> str:
        """Return a name of an image that means the same from any folder."""
        return self.sources[self.owners[row]].identity(self.names[row])

    def overlooked(self) -> str:
        """Return a sentence about archives that only lay in a folder; empty without any."""
        if not self.containers:
            return ""
        named = " ".join(printable(pattern) for pattern in sorted(self.containers))
        return f". Archives are read when they are named: {named}"

    def digest(self) -> str:
        """Return the SHA-256 over the sorted names and sizes: equal when the same files are there.

        >>> Listing([], names=["b.png", "a.png"], sizes=array("q", [2, 1])).digest()[:15]
        'sha256:d6b3dc12'
        """
        return self.digest_of(sorted(range(len(self)), key=self.names.__getitem__))

    def digest_of(self, rows: Sequence[int]) -> str:
        """Return the SHA-256 over names and sizes of some images, and of their masks."""
        files = ((self.names[row], self.sizes[row]) for row in rows)
        if self.masks is None:
            return digest_of(files)
        masks = ((f"{self.masks.names[row]}\0mask", self.masks.sizes[row]) for row in rows)
        return digest_of(chain(files, masks))

    def chunks(self, *, images: int, size: int) -> Iterator[Sequence[int]]:
        """Cut the listing into runs of at most `images` rows or about `size` bytes of one source.

        A source that is read in one go is one run, in the order in which its images come. The cuts
        depend on the listing alone.
        """
        streams = self._streams()
        for run in self._runs():
            owner = self.owners[run.start]
            source = self.sources[owner]
            if not source.whole:
                yield from self._cut(run, images, size * _FAR if source.far else size)
            elif owner in streams:
                yield streams.pop(owner)

    def _runs(self) -> Iterator[range]:
        """Yield the rows of one source that follow each other."""
        start = 0
        for row in range(1, len(self.owners)):
            if self.owners[row] != self.owners[start]:
                yield range(start, row)
                start = row
        if self.names:
            yield range(start, len(self.names))

    def _cut(self, run: range, images: int, size: int) -> Iterator[range]:
        start, total = run.start, 0
        for row in run:
            total += self.sizes[row]
            if total >= size or row + 1 - start == images:
                yield range(start, row + 1)
                start, total = row + 1, 0
        if start < run.stop:
            yield range(start, run.stop)

    def _streams(self) -> "dict[int, array[int]]":
        """Return the rows of each source that is read in one go, in the order of their places."""
        whole = {owner for owner, source in enumerate(self.sources) if source.whole}
        streams = {owner: _longs() for owner in whole}
        for row in sorted(range(len(self)) if whole else (), key=self.places.__getitem__):
            if self.owners[row] in whole:
                streams[self.owners[row]].append(row)
        return streams


def _picked(values: "array[int]", rows: Iterable[int]) -> "array[int]":
    return array("q", map(values.__getitem__, rows))


def digest_of(files: Iterable[tuple[str, int]]) -> str:
    """Return the SHA-256 over names and sizes, in the order given."""
    hasher = hashlib.sha256()
    for name, size in files:
        hasher.update(b"%s\0%d\n" % (os.fsencode(name), size))
    return f"sha256:{hasher.hexdigest()}"
