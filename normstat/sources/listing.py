"""What a user names → the images that are meant, whatever kind of place they are in."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator

from braceexpand import braceexpand

from normstat.errors import UsageError
from normstat.names import printable
from normstat.registry import Entry, Registry
from normstat.sources.base import Listing, Watch
from normstat.sources.filelist import list_named
from normstat.sources.pairs import with_masks
from normstat.sources.selection import Selection, container

# Each lists the places of its kind into one listing, in this order.
KINDS = Registry(
    "source",
    {
        "archive": Entry("normstat.sources.archive:list_archives", "tar and zip"),
        "parquet": Entry(
            "normstat.sources.parquet:list_parquet", "tables with images", extra="parquet"
        ),
        "arrays": Entry("normstat.sources.arrays:list_arrays", "NumPy arrays"),
        "table": Entry("normstat.sources.table:refuse_tables", "tables"),
        "remote": Entry("normstat.sources.remote_listing:list_remote", "URLs", extra="remote"),
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
        Folders, files, archives and URLs; braces stand for several, as in `{000..015}.tar`.
    watch
        Is told of the listing while it grows.

    Raises
    ------
    SourceError
        A source does not exist or cannot be listed.
    """
    places = [each for source in sources for each in expanded(os.fspath(source))]
    if selection.files_from is None:
        if selection.null:
            raise UsageError("null is for a list: files_from")
        if selection.column is not None and all(kind_of(place) != "parquet" for place in places):
            raise UsageError("column is for a list (files_from) and for Parquet files")
        listing = _listed(places, selection, watch)
    else:
        listing = list_named(places, selection, watch, _listed)
    listing.sort()
    if selection.mask_dir is not None or selection.mask_suffix:
        there = places if selection.mask_dir is None else [*expanded(selection.mask_dir)]
        return with_masks(listing, there, selection, watch, _listed)
    return listing


def nothing_found(listing: Listing, selection: Selection) -> str:
    """Return the sentence for an empty listing: where it was looked, for what, and what helps."""
    looked = " ".join(
        "names without a suffix" if suffix == "." else f".{suffix}"
        for suffix in selection.extensions
    )
    return (
        f"{looked_in(listing, selection)}: no image found. Looked for {looked}"
        + (f", including {' '.join(selection.include)}" if selection.include else "")
        + (f", excluding {' '.join(selection.exclude)}" if selection.exclude else "")
        + f"; {listing.passed_over} other files were passed over. "
        "--extensions, --hidden and --follow-symlinks widen the search" + listing.overlooked()
    )


def looked_in(listing: Listing, selection: Selection) -> str:
    """Return where a listing was made, in a line."""
    places = ", ".join(printable(root) for root in listing.roots)
    if selection.files_from is None:
        return places
    return f"{printable(selection.files_from)} ({places})"


def _listed(places: Iterable[str], selection: Selection, watch: Watch) -> Listing:
    listing = Listing([])
    kinds = defaultdict(list)
    for place in places:
        kind = kind_of(place)
        if selection.tables and kind in {"parquet", "table"}:
            kind = "remote" if "://" in place else "local"  # each is a file to read
        kinds[kind].append(place)
    for kind in KINDS:
        if kind in kinds:
            KINDS.load(kind)(kinds[kind], listing, selection, watch, alone=len(kinds) == 1)
    return listing


def kind_of(place: str) -> str:
    """Return which of `KINDS` a source is.

    >>> kind_of("shards/000.tar"), kind_of("s3://bucket/train"), kind_of("sample_data")
    ('archive', 'remote', 'local')
    """
    named = place.partition("?")[0] if "://" in place else place
    found = None if "::" in place else container(named)
    if found and not os.path.isdir(place):  # noqa: PTH112
        return found[0]
    return "remote" if "://" in place else "local"


def expanded(place: str) -> Iterator[str]:
    """Yield what a pattern with braces stands for; a file of that very name is meant itself.

    >>> list(expanded("shards/{8..10}.tar")), list(expanded("{a,b}/x.zip"))
    (['shards/8.tar', 'shards/9.tar', 'shards/10.tar'], ['a/x.zip', 'b/x.zip'])
    """
    if "{" not in place or os.path.lexists(place):
        yield place
        return
    try:
        yield from braceexpand(place)
    except ValueError:  # braces without a pair
        yield place
