"""Thumbnails of a spec's images, when they are still where it says."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from normstat.diagnosis.dataset import images_of
from normstat.errors import ImageError, NormstatError
from normstat.images import read, undisturbed
from normstat.names import printable
from normstat.oddities import Outliers, number_text, outliers
from normstat.readers.base import Decoded, middle
from normstat.reading import Observer
from normstat.reports.page.model import Picture
from normstat.sampling import drawn
from normstat.sources import Listing
from normstat.spec.model import Spec
from normstat.spec.pipeline import Pipeline
from normstat.statistics import kind_of

_MOST_TRIED = 36
_MOST_JUDGED = 2_000  # images that are read for a page
_MOST_READ = 2_000_000_000  # bytes
_FARTHEST = 12
_MOST_VALUES = 50_000_000  # that are put together for a picture
_SIDE = 192  # pixels, twice of what is shown, for screens of high density
_QUALITY = 75
_MEDIA_TYPE = "image/jpeg"


def listing_of(spec: Spec, name: str) -> tuple[Listing | None, str]:
    """Return the images of a spec when every file has the name and size that it had, else why not.

    They are looked for where the spec says.
    """
    try:
        listing, missing = images_of(spec, name)
    except NormstatError as error:
        return None, str(error)
    return listing, (missing or "").partition(";")[0]


def a_few(listing: Listing, spec: Spec, most: int) -> tuple[Picture, ...]:
    """Return thumbnails of at most so many images, drawn by a seed from each folder in proportion.

    They are drawn from the images that count; one that has no picture leaves its place to the next.
    """
    left_out = {each.name for each in spec.skipped}
    names = listing.names
    counting = [row for row, name in enumerate(names) if printable(name) not in left_out]
    order = drawn([names[row] for row in counting], seed=0, stratify=True)[:_MOST_TRIED]
    found: dict[int, Picture] = {}
    for place in order:
        for picture in thumbnails(listing, [(counting[place], "")], spec.pipeline):
            found[counting[place]] = picture
        if len(found) == most:
            break
    return tuple(found[row] for row in sorted(found))


@dataclass(frozen=True)
class Judged:
    """The images that are farthest from the rest, and pictures of them."""

    outliers: Outliers
    pictures: tuple[Picture, ...]


def judged(
    spec: Spec, listing: Listing, most: int, observer: Observer | None
) -> tuple[Judged | None, str]:
    """Return the outliers of a spec, with so many pictures, or why they were not looked for.

    Every image is read for it, so they are looked for among a few thousand at most.
    """
    if len(listing) > _MOST_JUDGED or sum(listing.sizes) > _MOST_READ:
        return None, (
            f"{len(listing):,} images are many to read for a page; `normstat outliers` does"
        )
    try:
        found = outliers(spec, top=_FARTHEST, observer=observer)
    except NormstatError as error:
        return None, str(error)
    rows = {printable(name): row for row, name in enumerate(listing.names)}
    seen = [
        (rows[each.path], f"score {number_text(each.score, '.1f')}")
        for each in found.outliers
        if each.path in rows and each.score > 0
    ]
    return Judged(found, thumbnails(listing, seen[:most], spec.pipeline)), ""


def thumbnails(
    listing: Listing, rows: Sequence[tuple[int, str]], pipeline: Pipeline
) -> tuple[Picture, ...]:
    """Return small pictures of some rows of a listing, each with a remark.

    What cannot be read, is too large for it, or is a mere line, is left out. Of many bands the
    first three are shown, of a volume the slice in the middle; what is no 8-bit image is stretched
    from its 1st to its 99th percentile.
    """
    found = []
    with undisturbed():
        for row, remark in rows:
            try:
                with read(listing.opener(row), pipeline) as decoded:
                    image = _shown(decoded)
            except ImageError:
                continue
            if image is not None:
                found.append(_small(printable(listing.names[row]), remark, image))
    return tuple(found)


def _shown(decoded: Decoded) -> Image.Image | None:
    """Return an image of mode L or RGB.

    One that is too large to be put together has none, nor has a line, such as a column of a table.
    """
    image = decoded.image
    if min(image.size if image else decoded.shape[-2:]) < 2:  # noqa: PLR2004
        return None
    if image is not None:
        if image.mode == "I;16":
            return _stretched(np.asarray(image)[None])
        return image.copy() if image.mode in {"L", "RGB"} else image.convert("RGB")
    if prod(decoded.shape) * kind_of(decoded.kind).channels > _MOST_VALUES:
        return None
    codes, _ = middle(decoded)
    return _stretched(codes[: 3 if len(codes) > 2 else 1])  # noqa: PLR2004


def _stretched(values: npt.NDArray[Any]) -> Image.Image:
    """Return values of shape (1 or 3, height, width) as an 8-bit image."""
    wide = values.astype(np.float64)
    finite = wide[np.isfinite(wide)]
    low, high = np.percentile(finite, (1, 99)) if finite.size else (0.0, 1.0)
    shares = np.nan_to_num((wide - low) / max(high - low, 1e-300), nan=0.0)
    codes = np.rint(255 * shares.clip(0, 1)).astype(np.uint8)
    return Image.fromarray(codes[0] if len(codes) == 1 else np.moveaxis(codes, 0, -1).copy())


def _small(name: str, remark: str, image: Image.Image) -> Picture:
    size = image.size
    image.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    file = BytesIO()
    image.save(file, "JPEG", quality=_QUALITY)
    told = f"{size[0]} × {size[1]}"
    return Picture(
        name, f"{told}, {remark}" if remark else told, _MEDIA_TYPE, file.getvalue(), image.size
    )
