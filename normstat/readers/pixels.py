"""An array of decoded pixels → what counts of it."""

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from normstat.readers.bands import Layout, planned
from normstat.readers.base import Decoded
from normstat.spec.pipeline import Pipeline
from normstat.statistics import Facts


def from_array(
    codes: npt.NDArray[Any],
    top: int,
    pipeline: Pipeline,
    *,
    mode: str = "",
    bands: Sequence[str] = (),
    animated: bool = False,
) -> Decoded:
    """Return what counts of an array that is an image.

    Parameters
    ----------
    codes
        Shape (height, width) or (height, width, channels): gray, gray and alpha, colour, or colour
        and alpha.
    top
        The largest code that there can be.
    pipeline
        What is asked for.
    mode
        What the file says that it is; empty: the type of the codes.
    bands
        Names of the channels, of which "A" is alpha; none: those of gray and colour.
    animated
        Whether there are more images.

    Raises
    ------
    ImageError
        The pipeline asks for what the image does not have.

    Examples
    --------
    >>> import numpy as np
    >>> decoded = from_array(np.zeros((2, 3, 4), np.uint16), 65535, Pipeline())
    >>> decoded.kind, decoded.facts.mode, decoded.facts.transparent
    ('rgb16', 'uint16x4', True)
    """
    codes = codes.reshape(*codes.shape[:2], -1)
    height, width, samples = codes.shape
    names = bands or {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[samples]
    layout = Layout(
        codes.dtype,
        top,
        samples,
        colour=tuple(names[:3]) == ("R", "G", "B"),
        alpha=names.index("A") if "A" in names else None,
        implied=tuple(names),
    )
    plan = planned(layout, pipeline)
    facts = Facts(
        mode or layout.mode,
        width,
        height,
        layout.alpha is not None,
        animated,
        padded=False,
        bands=plan.bands,
    )
    flat = codes.reshape(-1, samples).T
    needs = flat if plan.needs == tuple(range(samples)) else flat[list(plan.needs)]
    return Decoded(plan.kind, facts, blocks=[plan.block(needs)], shape=(height, width))
