"""Thumbnails of a spec's images, when they are still where it says."""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from PIL import Image

from normstat.diagnosis.examination import images_of
from normstat.errors import ImageError, NormstatError
from normstat.images import read, undisturbed
from normstat.reports.page.model import Picture
from normstat.sampling import drawn
from normstat.sources import Listing
from normstat.sources.base import printable
from normstat.spec.model import Pipeline, Spec

_MOST = 12
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


def a_few(listing: Listing, pipeline: Pipeline) -> tuple[Picture, ...]:
    """Return thumbnails of at most 12 images, drawn by a seed from each folder in proportion."""
    order = drawn(listing.names, seed=0, stratify=True)[:_MOST]
    return thumbnails(listing, [(row, "") for row in sorted(order)], pipeline)


def thumbnails(
    listing: Listing, rows: Sequence[tuple[int, str]], pipeline: Pipeline
) -> tuple[Picture, ...]:
    """Return small pictures of some rows of a listing, each with a remark.

    What cannot be read, or has no colours to show, is left out.
    """
    found = []
    with undisturbed():
        for row, remark in rows:
            try:
                with read(listing.opener(row), pipeline) as decoded:
                    image = decoded.image
            except ImageError:
                continue
            if image is not None:
                found.append(_small(printable(listing.names[row]), remark, image))
    return tuple(found)


def _small(name: str, remark: str, image: Image.Image) -> Picture:
    size = image.size
    if image.mode == "I;16":
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    else:
        image = image.copy()
    image.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    file = BytesIO()
    image.save(file, "JPEG", quality=_QUALITY)
    told = f"{size[0]} × {size[1]}"
    return Picture(
        name, f"{told}, {remark}" if remark else told, _MEDIA_TYPE, file.getvalue(), image.size
    )
