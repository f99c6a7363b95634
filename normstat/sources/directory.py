"""Folders, walked recursively, and single files."""

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from normstat.errors import SourceError
from normstat.sources.base import Listing, Opener, Reference, Watch
from normstat.sources.selection import Selection, container

_FEW = 3  # kinds of archives that are pointed out


@dataclass(frozen=True)
class FileSource:
    """Images that are files below `root`, which is absolute, or anywhere.

    `home` is the same place without links.
    """

    root: str
    home: str
    whole = False
    here_only = False
    far = False

    def openers(self, images: Iterable[Reference]) -> Iterator[Opener]:
        for image in images:
            yield partial(opened, os.path.join(self.root, image.name), image.size)  # noqa: PTH118

    def identity(self, name: str) -> str:
        return os.path.normpath(os.path.join(self.home, name))  # noqa: PTH118


def opened(path: str, size: int) -> BinaryIO:
    """Return the content of a file of about so many bytes; a very large one stays on its disk."""
    if size > _LARGE:
        return Path(path).open("rb", buffering=0)
    # One read instead of a decoder's dozens: a tenth of the time of a tiny image.
    descriptor = os.open(path, _FLAGS)
    try:
        content = os.read(descriptor, size + 1)
        if len(content) != size:  # it has changed since it was listed, or is very large
            while more := os.read(descriptor, _PIECE):
                content += more
    finally:
        os.close(descriptor)
    return BytesIO(content)


_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_PIECE = 1 << 24
_LARGE = 1 << 26  # bytes


def list_local(
    paths: Iterable[str], listing: Listing, selection: Selection, watch: Watch, *, alone: bool
) -> None:
    """List the image files of folders and the files that are named themselves.

    A folder or file that is reached twice (named twice, nested, linked) counts once, and the
    order of `paths` does not matter.

    Raises
    ------
    SourceError
        A path does not exist, or a folder that was named cannot be read.
    """
    roots = _distinct(paths)
    folders = [root for root in roots if _is_folder(root)]
    alone = alone and roots == folders and len(roots) == 1
    listing.roots += roots
    root = roots[0] if alone else ""
    # Absolute, for workers that were started elsewhere.
    listing.enter(FileSource(os.path.abspath(root), os.path.realpath(root)))  # noqa: PTH100 (links stay)
    walk = _Walk(listing, selection, watch)
    for root in folders:
        walk.named_folder("" if alone else root.rstrip("/"), root)
    walk.linked_folders()
    walk.named_files(root for root in roots if root not in folders)


def _distinct(paths: Iterable[str]) -> list[str]:
    """Return one spelling of each place, parents before what lies in them."""
    spellings: dict[str, str] = {}
    for path in sorted(paths, reverse=True):
        if not os.path.lexists(path):
            raise SourceError(f"{path}: no such file or folder")
        # A linked folder is the folder; a linked file is an entry of its own.
        real = os.path.realpath(path) if _is_folder(path) else "/".join(_place(path))
        spellings[real] = path
    return [spellings[real] for real in sorted(spellings)]


def _is_folder(path: str) -> bool:
    # Unlike Path.is_dir, it does not raise for a link into a forbidden folder.
    return os.path.isdir(path)  # noqa: PTH112


def _place(path: str) -> tuple[str, str]:
    folder, base = os.path.split(path)
    return os.path.realpath(folder), base


class _Walk:
    """Fills a listing, remembering each real folder so that none is entered twice."""

    def __init__(self, listing: Listing, selection: Selection, watch: Watch) -> None:
        self.listing = listing
        self._watch = watch
        self._matcher = selection.matcher()
        self._follow = selection.follow_symlinks
        self._seen: dict[str, str] = {}
        # Links wait until all real folders are walked, so that a file keeps its real name.
        self._links: list[tuple[str, str, int]] = []

    def named_folder(self, label: str, path: str) -> None:
        """Walk a source; its files are named `label/...`."""
        if not os.access(path, os.R_OK | os.X_OK):
            raise SourceError(f"{path}: permission denied; nothing was read")
        # Patterns see the path below the source, not the source itself.
        self._walk(label, path, len(label) + 1 if label else 0)

    def linked_folders(self) -> None:
        """Walk the linked folders that were met, and those met while doing so."""
        while self._links:
            links, self._links = sorted(self._links), []
            for link in links:
                self._walk(*link)

    def named_files(self, paths: Iterable[str]) -> None:
        """Add files that were named, whatever their suffix, unless a walk found them."""
        known: set[str] = set()
        for path in paths:
            known = known or set(self.listing.names)
            folder, base = _place(path)
            if f"{self._seen.get(folder)}/{base}" not in known:
                self._file(path, Path(path).stat)

    def _walk(self, label: str, path: str, base: int) -> None:
        waiting = [(label, path, os.path.realpath(path))]
        while waiting:
            here, path, real = waiting.pop()
            if real in self._seen:
                continue
            self._seen[real] = here
            try:
                entries = list(os.scandir(path))
            except OSError as error:
                self.listing.unreadable.append((f"{here}/", f"folder not read: {error.strerror}"))
                continue
            for entry in entries:
                if not self._matcher.sees(entry.name):
                    continue
                name = f"{here}/{entry.name}" if here else entry.name
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((name, entry.path, f"{real}/{entry.name}"))
                elif entry.is_symlink() and _is_folder(entry.path):
                    self._linked_folder(name, entry.path, base)
                elif self._matcher.takes(name[base:]):
                    self._file(name, entry.stat)
                else:
                    self._passed_over(entry)
            self._watch(self.listing)

    def _passed_over(self, entry: "os.DirEntry[str]") -> None:
        self.listing.passed_over += 1
        found = container(entry.name)
        if found and len(self.listing.containers) < _FEW:
            folder = entry.path.removesuffix(entry.name)
            self.listing.containers.add(f"{folder}*{entry.name[-len(found[1]) :]}")

    def _linked_folder(self, name: str, path: str, base: int) -> None:
        if self._follow:
            self._links.append((name, path, base))
        else:
            self.listing.links_not_entered += 1

    def _file(self, name: str, status: Callable[[], os.stat_result]) -> None:
        try:
            info = status()
        except FileNotFoundError:
            self.listing.unreadable.append((name, "broken symbolic link"))
        except OSError as error:
            self.listing.unreadable.append((name, f"not read: {error.strerror}"))
        else:
            if stat.S_ISREG(info.st_mode):
                self.listing.add(name, info.st_size, info.st_mtime_ns)
            else:
                self.listing.unreadable.append((name, "not a regular file"))
