"""Tar and zip archives. Nothing is unpacked: each image is read where it lies.

A plain tar and a zip are read at random, many images at a time. A compressed tar has no places to
go to: it is streamed, once to list it and once to read it, by a single worker.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from normstat.errors import SourceError
from normstat.names import printable
from normstat.sources.base import Listing, Watch
from normstat.sources.members import Members
from normstat.sources.selection import Matcher, Selection
from normstat.sources.storage import Place, distinct
from normstat.sources.streams import reason
from normstat.sources.tar import HEAD, CompressedTar, TarArchive, decompressor
from normstat.sources.zip import SIGNATURE, ZipArchive

_LISTED_AT_ONCE = 16  # archives that are far away


def list_archives(
    paths: Iterable[str], listing: Listing, selection: Selection, watch: Watch, *, alone: bool
) -> None:
    """List the images in archives.

    Members are named as in the archive, without a leading "./"; of two of one name the later
    counts. Links are not followed. What a damaged archive still tells counts, and it is named.

    Raises
    ------
    SourceError
        An archive does not exist.
    """
    places = distinct(paths, selection.storage_options)
    listing.roots += [place.title for place in places]
    alone = alone and len(places) == 1
    looks = partial(_members_of, matcher=selection.matcher(), alone=alone)
    with ThreadPoolExecutor(_LISTED_AT_ONCE) as pool:
        far = any("://" in place.path for place in places)
        for members in pool.map(looks, places) if far else map(looks, places):
            members.add_to(listing)
            watch(listing)


def _members_of(place: Place, matcher: Matcher, *, alone: bool) -> Members:
    """Look into an archive; its content decides what it is."""
    storage, path, title = place
    label = "" if alone else f"{title}/"
    try:
        status = storage.status(path)
        with storage.open(path) as file:
            head = file.read(HEAD)
    except FileNotFoundError:
        raise SourceError(f"{printable(title)}: no such file or folder") from None
    except OSError as error:
        raise SourceError(
            f"{printable(title)}: {error.strerror or error}; nothing was read"
        ) from error
    kind: type[ZipArchive | TarArchive | CompressedTar] = TarArchive
    if title.lower().endswith(".zip") or head.startswith(SIGNATURE):
        kind = ZipArchive
    elif decompressor(head):
        kind = CompressedTar
    source = kind(storage, path, status.version, label)
    members = Members(label, source, status, matcher)
    try:
        source.fill(members)
    # A damaged archive raises from every corner of every decoder, as images do.
    except Exception as error:  # noqa: BLE001
        members.damage = title, reason(error)
    return members
