"""What every kind of source offers."""

import hashlib
import os
import re
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import translate
from typing import BinaryIO, Protocol

# Signed formats that Pillow reads without help; EPS and PS are missing on purpose: opening one
# starts Ghostscript, and a data folder must not start programs.
EXTENSIONS = (
    "avif", "bmp", "dib", "gif", "j2k", "jfif", "jp2", "jpe", "jpeg", "jpg", "mpo",
    "pbm", "pgm", "png", "pnm", "ppm", "qoi", "tif", "tiff", "webp",
)  # fmt: skip

_DIGITS = re.compile(r"\d+")


class Source(Protocol):
    """Opens one image by its name. Small, and picklable into another process."""

    def open(self, name: str) -> BinaryIO:
        """Return a seekable binary file; the caller closes it."""
        ...

    @property
    def root(self) -> str:
        """What names are relative to; empty when they stand for themselves."""
        ...

    def modified(self, name: str) -> float:
        """Return when the image was last changed, in seconds since 1970."""
        ...


@dataclass(frozen=True)
class Selection:
    """Which files of a folder are images to read.

    Parameters
    ----------
    include, exclude
        Shell patterns, tried on the path below the folder, on the name of the file and on the
        name of each folder above it. `*` matches across `/`. A file is taken when any `include`
        matches (or none is given) and no `exclude` does.
    extensions
        Suffixes that are taken, without the dot; case does not matter.
    follow_symlinks
        Enter linked folders too. Linked files are always taken.
    hidden
        Take names that start with a dot too.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    extensions: tuple[str, ...] = EXTENSIONS
    follow_symlinks: bool = False
    hidden: bool = False

    def matcher(self) -> "Matcher":
        return Matcher(self)


class Matcher:
    """The compiled form of a `Selection`.

    >>> match = Selection(include=("train",), exclude=("*_mask.png",)).matcher()
    >>> match.takes("train/a/1.PNG"), match.takes("val/1.png"), match.takes("train/1_mask.png")
    (True, False, False)
    """

    def __init__(self, selection: Selection) -> None:
        self._suffixes = {suffix.lower().lstrip(".") for suffix in selection.extensions}
        self._hidden = selection.hidden
        self._include = _any_of(selection.include)
        self._exclude = _any_of(selection.exclude)

    def sees(self, name: str) -> bool:
        """Whether a bare file or folder name is looked at at all."""
        return self._hidden or not name.startswith(".")

    def takes(self, path: str) -> bool:
        """Whether the file at `path`, relative to the folder, is selected."""
        _, dot, suffix = path.rpartition(".")
        if not dot or suffix.lower() not in self._suffixes:
            return False
        if self._include and not _matches(self._include, path):
            return False
        return not (self._exclude and _matches(self._exclude, path))


def _any_of(patterns: Iterable[str]) -> re.Pattern[str] | None:
    joined = "|".join(translate(pattern.rstrip("/")) for pattern in patterns)
    return re.compile(joined) if joined else None


def _matches(pattern: re.Pattern[str], path: str) -> bool:
    return bool(pattern.match(path)) or any(pattern.match(part) for part in path.split("/"))


@dataclass
class Listing:
    """The images that were found, in natural order, and what could not be listed.

    `names` are unique; `sizes` are bytes. Both are kept flat because a listing can hold millions.
    """

    source: Source
    roots: list[str]
    names: list[str] = field(default_factory=list)
    sizes: "array[int]" = field(default_factory=lambda: array("q"))
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    passed_over: int = 0
    links_not_entered: int = 0

    def __len__(self) -> int:
        return len(self.names)

    def sort(self) -> None:
        """Put the names into natural order (2 before 10), the folders' files together."""
        self.unreadable.sort()
        keys = [natural_key(name) for name in self.names]
        order = sorted(range(len(keys)), key=self.names.__getitem__)
        order.sort(key=keys.__getitem__)
        self.names = [self.names[index] for index in order]
        self.sizes = array("q", (self.sizes[index] for index in order))

    def first(self, count: int) -> "Listing":
        """Return the listing cut to its first `count` images."""
        return Listing(
            self.source,
            self.roots,
            self.names[:count],
            self.sizes[:count],
            self.unreadable,
            self.passed_over,
            self.links_not_entered,
        )

    def digest(self) -> str:
        """Return the SHA-256 over the sorted names and sizes: equal when the same files are there.

        >>> Listing(None, [], ["b.png", "a.png"], array("q", [2, 1])).digest()[:15]
        'sha256:d6b3dc12'
        """
        order = sorted(range(len(self)), key=self.names.__getitem__)
        return digest_of((self.names[index], self.sizes[index]) for index in order)

    def chunks(self, *, images: int, size: int) -> Iterator[tuple[list[str], int]]:
        """Cut the listing into runs of at most `images` names or about `size` bytes.

        Yields the names and their bytes. The cuts depend on the listing alone.
        """
        start = total = 0
        for index, each in enumerate(self.sizes):
            total += each
            if total >= size or index + 1 - start == images:
                yield self.names[start : index + 1], total
                start, total = index + 1, 0
        if start < len(self.names):
            yield self.names[start:], total


def digest_of(files: Iterable[tuple[str, int]]) -> str:
    """Return the SHA-256 over names and sizes, in the order given."""
    hasher = hashlib.sha256()
    for name, size in files:
        hasher.update(b"%s\0%d\n" % (os.fsencode(name), size))
    return f"sha256:{hasher.hexdigest()}"


def natural_key(name: str) -> str:
    """Return a string that sorts as people count: numbers by value, folders before what follows.

    A run of digits is led by the character of its length, so that comparing strings compares
    numbers; one string a name keeps a million keys small.

    >>> sorted(["a/img10", "a/img9", "a.b/img1"], key=natural_key)
    ['a/img9', 'a/img10', 'a.b/img1']
    """
    return _DIGITS.sub(_with_length, name.replace("/", "\0"))


def _with_length(match: re.Match[str]) -> str:
    digits = match.group().lstrip("0")
    # Digits sort where digits stand in the alphabet, whatever their length.
    return f"0{chr(len(digits))}{digits}"


def printable(name: str) -> str:
    r"""Return `name` with every character escaped that a terminal, a line or UTF-8 cannot hold.

    >>> printable("two words\nand a newline.png")
    'two words\\nand a newline.png'
    >>> printable("caf\udce9.jpg")
    'caf\\xe9.jpg'
    """
    raw = name.encode("utf-8", "surrogateescape")
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode()
        for char in raw.decode("utf-8", "backslashreplace")
    )
