"""What a user names → the images that are meant, whatever kind of place they are in."""

import os
from collections.abc import Iterable

from normstat.registry import Entry, Registry
from normstat.sources.base import Listing, Selection, Watch

# Tried in this order; each lists the places of its kind into one listing.
KINDS = Registry(
    "source",
    {
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
        Folders and files.
    watch
        Is told of the listing while it grows.

    Raises
    ------
    SourceError
        A source does not exist or cannot be listed.
    """
    listing = Listing([])
    KINDS.load("local")([os.fspath(source) for source in sources], listing, selection, watch)
    listing.sort()
    return listing
