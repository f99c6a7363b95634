"""Which mask belongs to which image: by their names."""

import os
import re
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from glob import escape
from hashlib import blake2b

from normstat.errors import SourceError, UsageError
from normstat.names import printable
from normstat.sources.axes import Axes
from normstat.sources.base import Listing, Watch
from normstat.sources.directory import FileSource
from normstat.sources.selection import EXTENSIONS, Selection

Lists = Callable[[Iterable[str], Selection, Watch], Listing]

_CHANNEL = re.compile(r"[^/]_\d{4}$")  # nnU-Net: the mask of case_0000.nii.gz is case.nii.gz
_DIGITS = len("_0000")
_DOUBLE = ".nii.gz"
_ARRAYS = "npy"  # not listed as images unless asked for, but labels are often kept in them


def with_masks(
    listing: Listing, places: Sequence[str], selection: Selection, watch: Watch, lists: Lists
) -> Listing:
    """Return the listing of the images that have a mask, each with its mask.

    The mask of an image has its name, or its stem with another suffix, below `mask_dir`, which may
    be an archive or a URL too; `mask_suffix` is what the stem of a mask ends with, and without
    `mask_dir` masks lie next to their images. Of images whose stems all end in four digits, as in
    case_0000.nii.gz, the masks may be without them, as nnU-Net has it. Masks are no images: they
    are taken out of the listing. An image without a mask, or with several that could be it, is told
    in `unreadable`.

    Parameters
    ----------
    places
        Where the masks are: what `mask_dir` stands for, or where the images are.
    lists
        Lists places.

    Raises
    ------
    SourceError
        There is no such folder; it is that of the images; or masks are in a compressed tar, of
        which none can be opened alone.
    UsageError
        Masks lie next to images that are named without a folder.
    """
    masks = _listed(places, selection, watch, lists)
    suffix = selection.mask_suffix or ""
    rows, own = images_and_masks(listing, masks, named=selection.files_from is not None)
    if own and not rows and selection.mask_dir is not None:
        raise SourceError(
            f"{printable(selection.mask_dir)}: holds the images themselves; masks that lie next to "
            "their images need a name of their own: mask_suffix"
        )
    names = _Names.of(masks, suffix, [listing.names[row] for row in rows])
    kept, theirs, refused = [], [], []
    for row in rows:
        found = names.mask_of(listing.names[row])
        if selection.unmasked:
            kept.append(row)
        elif isinstance(found, str):
            refused.append((listing.names[row], found))
        else:
            kept.append(row)
            theirs.append(found)
    if selection.mask_dir is None:
        lonely = names.without_image(masks)
        told = "is named as a mask, but there is no image of that name"
        refused += [(listing.names[row], told) for row in own if listing.names[row] in lonely]
    paired = listing.pick(kept)
    paired.unreadable = sorted([*listing.unreadable, *refused])
    if selection.unmasked:
        return paired
    paired.masks = replace(masks.pick(theirs), unreadable=[], containers=set())
    _check_apart(paired.masks)
    paired.versions = array(
        "q", map(_version_of_both, _versions(listing, kept), _told(paired.masks))
    )
    return paired


def images_and_masks(
    listing: Listing, masks: Listing, *, named: bool
) -> tuple[list[int], list[int]]:
    """Return the rows of images, and of those that are masks of the other listing."""
    homes = _home(listing), _home(masks)
    if not named and homes[0] and homes[1] and os.path.commonpath(homes) not in homes:
        return list(range(len(listing))), []  # two folders apart: nothing can be in both
    are_masks = {masks.identity(row) for row in range(len(masks))}
    rows: list[int] = []
    own: list[int] = []
    for row in range(len(listing)):
        (own if listing.identity(row) in are_masks else rows).append(row)
    return rows, own


def _home(listing: Listing) -> str:
    """Return the folder in which all files of a listing lie, when it was made from only that."""
    if len(listing.sources) == 1 and len(listing.roots) == 1:
        source, real = listing.sources[0], os.path.realpath(listing.roots[0])
        return real if isinstance(source, FileSource) and source.home == real else ""
    return ""


def _listed(places: Sequence[str], selection: Selection, watch: Watch, lists: Lists) -> Listing:
    """List the files that may be masks, whatever of their images is wanted."""
    suffix = selection.mask_suffix or ""
    wanted = Selection(
        include=(f"*{escape(suffix)}.*",) if suffix else (),
        extensions=tuple({*EXTENSIONS, _ARRAYS, *selection.extensions}),
        follow_symlinks=selection.follow_symlinks,
        hidden=selection.hidden,
        storage_options=selection.storage_options,
        axes=Axes(channel="none", image=selection.axes.image),  # labels have no channels
    )
    if selection.mask_dir is None and not places:
        raise UsageError(
            "mask_suffix needs the folder that the paths of the list are relative to: name it as "
            "the source"
        )
    masks = lists(places, wanted, watch if selection.mask_dir is None else len)
    masks.sort()
    return masks


@dataclass
class _Names:
    """The masks of a folder by the stems of their images.

    `images` counts those of a stem; `digits` are not part of it when the masks lack them.
    """

    where: str
    suffix: str
    digits: bool
    masks: dict[str, list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))
    images: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    broken: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, masks: Listing, suffix: str, images: Iterable[str]) -> "_Names":
        names = cls(" ".join(map(printable, masks.roots)), suffix, digits=False)
        for row, name in enumerate(masks.names):
            stem, extension = _split(name)
            if stem.endswith(suffix):
                stem = stem.removesuffix(suffix)
                names.masks[stem].append((row, stem + extension))
        for name, why in masks.unreadable:
            names.broken[_split(name)[0].removesuffix(suffix)] = f"mask {name}: {why}"
        stems = [_split(name)[0] for name in images]
        names.digits = _have_digits(stems) and not any(map(_channel, names.masks))
        for stem in stems:
            names.images[stem] += 1
        return names

    def mask_of(self, name: str) -> int | str:
        """Return the row of an image's mask, or why there is none."""
        stem, _ = _split(name)
        key = stem[:-_DIGITS] if self.digits else stem
        found = self.masks.get(key, [])
        if self.images[stem] > 1:
            # a.jpg and a.png: only the very name tells whose mask it is.
            found = [(row, alike) for row, alike in found if alike == name]
        if len(found) == 1:
            return found[0][0]
        if found:
            return f"has {len(found)} masks in {self.where}: which it is cannot be told"
        if key in self.broken:
            return self.broken[key]
        if self.images[stem] > 1:
            return (
                f"there are {self.images[stem]} images {stem}.*, and no mask is named as this one"
            )
        return f"no mask: there is no {key}{self.suffix}.* in {self.where}"

    def without_image(self, masks: Listing) -> set[str]:
        """Return the names of masks that are of no image."""
        keys = {stem[:-_DIGITS] if self.digits else stem for stem in self.images}
        lonely = (found for stem, found in self.masks.items() if stem not in keys)
        return {masks.names[row] for found in lonely for row, _ in found}


def _have_digits(stems: Sequence[str]) -> bool:
    return bool(stems) and all(map(_channel, stems))


def _channel(stem: str) -> bool:
    return bool(_CHANNEL.search(stem))


def _split(name: str) -> tuple[str, str]:
    """Return stem and suffix of a name, which keeps its folders.

    >>> _split("a.b/case.nii.gz"), _split("a.b/c")
    (('a.b/case', '.nii.gz'), ('a.b/c', ''))
    """
    if name.lower().endswith(_DOUBLE):
        return name[: -len(_DOUBLE)], name[-len(_DOUBLE) :]
    return os.path.splitext(name)  # noqa: PTH122 (of names in archives too)


def _check_apart(masks: Listing) -> None:
    """Refuse masks that can only be read in one go, where each waits for its image."""
    for owner in sorted({*masks.owners}):
        if masks.sources[owner].whole:
            some = masks.names[masks.owners.index(owner)]
            raise SourceError(
                f"{printable(' '.join(masks.roots))}: masks such as {printable(some)} are in a "
                "file that is read in one go, and none can be opened next to its image: unpack "
                "it, or make it a plain tar or a zip"
            )


def _versions(listing: Listing, rows: Iterable[int]) -> Iterator[int]:
    return (listing.versions[row] for row in rows)


def _told(masks: Listing) -> Iterator[str]:
    """Yield what changes when a mask does."""
    places = [source.identity("") for source in masks.sources]
    for row, name in enumerate(masks.names):
        place = places[masks.owners[row]]
        yield f"{place}\0{name}\0{masks.sizes[row]}\0{masks.versions[row]}"


def _version_of_both(version: int, mask: str) -> int:
    found = blake2b(f"{version}\0{mask}".encode("utf-8", "surrogateescape"), digest_size=8)
    return int.from_bytes(found.digest()) >> 1
