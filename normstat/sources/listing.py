"""What a user names → the images that are meant, whatever kind of place they are in."""

import os
from collections import defaultdict
from collections.abc import Iterable

from normstat.registry import Entry, Registry
from normstat.sources.base import Listing, Selection, Watch

# Each lists the places of its kind into one listing, in this order.
KINDS = Registry(
    "source",
    {
        "remote": Entry("normstat.sources.remote:list_remote", "URLs", extra="remote"),
        "local": Entry("normstat.sources.directory:list_local", "folders and files"),
    },
)


def list_files(
    sources: Iterable[str | os.PathLike[str]],
    selection: Selection,
    *,
    watch: Watch = len,
) -> Listing:
    """List the images of sources, in natural order of their names.

    One source that holds several images gives names relative to it; otherwise each name starts
    with its source as given. What is reached twice counts once, and the order of `sources` does
    not matter.

    Parameters
    ----------
    sources
        Folders, files and URLs.
    watch
        Is told of the listing while it grows.

    Raises
    ------
    SourceError
        A source does not exist or cannot be listed.
    """
    listing = Listing([])
    kinds = defaultdict(list)
    for source in sources:
        kinds[kind_of(os.fspath(source))].append(os.fspath(source))
    for kind in KINDS:
        if kind in kinds:
            KINDS.load(kind)(kinds[kind], listing, selection, watch, alone=len(kinds) == 1)
    listing.sort()
    return listing


def kind_of(place: str) -> str:
    """Return which of `KINDS` a source is.

    >>> kind_of("s3://bucket/train"), kind_of("sample_data")
    ('remote', 'local')
    """
    return "remote" if "://" in place else "local"
