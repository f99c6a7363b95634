"""Images that have URLs, found: in folders, under prefixes, by patterns, one by one.

What costs time there is latency, so many folders are asked for at once.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from errno import ENOENT
from functools import partial
from os import strerror
from typing import Any

from normstat.errors import SourceError, UsageError
from normstat.sources.ahead import read_ahead
from normstat.sources.base import Listing, Watch
from normstat.sources.filesystems import has_flat_names, pattern_of
from normstat.sources.persistence import insist
from normstat.sources.remote import RemoteSource, RemoteStorage, remote_storage, version
from normstat.sources.selection import Matcher, Selection
from normstat.sources.urls import (
    below,
    from_link,
    is_web,
    joined,
    public,
    split,
    split_pattern,
    to_link,
)


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
                return cls(storage, folder, pattern_of(wildcards))
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
        path = from_link(base) if is_web(self.url) else base
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
        urls = (below(self.url, to_link(path) if is_web(self.url) else path) for path, _ in files)
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
        path = joined(base, to_link(folder) if web else folder)
        if folder and has_flat_names(system):
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
                name = from_link(name)
            if info["type"] == "directory":
                name = name.rstrip("/")
            if name and not name.endswith("/"):  # some stores mark folders with empty files
                entries[name] = info
        return list(entries.items())


_File = tuple[str, dict[str, Any]]


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
