"""Which channels of a file count, what they are called, and what their codes become."""

import re
from dataclasses import dataclass
from html import unescape
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import UNSET

from normstat.errors import ImageError
from normstat.readers.base import check_exact
from normstat.spec.pipeline import Pipeline
from normstat.statistics import Block

_NAME_LENGTH = 60
_RGB = 3
_ALONE = {"s16", "float"}  # depths that no other can stand beside
# ITU-R BT.601 as Pillow's convert("L") has it, in 2⁻¹⁶.
_LUMA = (19595, 38470, 7471)


@dataclass(frozen=True)
class Layout:
    """What a file has, before anything is chosen.

    Parameters
    ----------
    dtype
        Of the codes, in the byte order of this machine.
    top
        The largest code that there can be: 4095 in 12-bit data. Of floats it is not asked.
    samples
        How many channels there are.
    colour
        Whether the first three are red, green and blue.
    alpha
        Which channel is opacity, if one is.
    premultiplied
        Whether the colours are multiplied by it.
    names, implied
        That the file gives its channels, and that its kind of file gives them.
    inverted
        Whether code 0 is white.
    palette
        Of shape (codes, 3), for codes that are indices.
    nodata
        The value that stands for none, as the file says.
    """

    dtype: np.dtype[Any]
    top: int
    samples: int
    colour: bool = False
    alpha: int | None = None
    premultiplied: bool = False
    names: tuple[str, ...] = ()
    implied: tuple[str, ...] = ()
    inverted: bool = False
    palette: npt.NDArray[np.uint8] | None = None
    nodata: float | None = None

    @property
    def default_names(self) -> tuple[str, ...]:
        """The channels' names where the file has none."""
        if self.implied:
            return self.implied
        names = [f"B{channel + 1}" for channel in range(self.samples)]
        if self.samples == 1:
            names = ["L"]
        elif self.colour:
            names[:_RGB] = "R", "G", "B"
        if self.alpha is not None:
            names[self.alpha] = "A"
            if self.samples == 2:  # noqa: PLR2004
                names[0] = "L"
        return tuple(names)

    @property
    def mode(self) -> str:
        """The layout in a word: uint16, uint16x13."""
        return f"{self.dtype}x{self.samples}" if self.samples > 1 else str(self.dtype)


@dataclass(frozen=True)
class Plan:
    """What becomes of a file's channels.

    `needs` are those that have to be decoded, and `take` and `mask` say where among these the
    channels that count and the opacity are.
    """

    layout: Layout
    kind: str
    bands: str
    needs: tuple[int, ...]
    take: tuple[int, ...]
    mask: int | None
    luma: bool
    repeat: bool
    nodata: Any

    def block(
        self,
        codes: npt.NDArray[Any],
        window: tuple[slice, slice] | None = None,
        shown: npt.NDArray[np.bool_] | None = None,
    ) -> Block:
        """Return the block that codes of the needed channels, shape (needs, pixels), become.

        `shown` has the pixels that a mask in the file leaves.
        """
        taken = codes
        if self.take != tuple(range(len(self.needs))):
            taken = codes[list(self.take)]
        valid: Any = shown
        why = "masked"
        if self.mask is not None:
            opaque = codes[self.mask] > 0
            valid, why = opaque if shown is None else opaque & shown, "transparent"
        elif self.nodata is not None:
            valid, why = taken != self.nodata, "nodata"
            valid = None if valid.all() else valid
        if valid is not None and taken.dtype in (np.int64, np.uint64):
            taken = np.where(valid, taken, 0)  # only what counts has to be exact
        values = self._values(taken)
        if valid is not None and valid.ndim > 1 and len(valid) != len(values):
            # Channels that become one, or one that becomes three.
            valid = valid.all(axis=0)
        return Block(values, valid, why, window)

    def _values(self, codes: npt.NDArray[Any]) -> npt.NDArray[Any]:
        layout = self.layout
        if layout.inverted:
            codes = codes.dtype.type(layout.top) - codes
        if layout.palette is not None:
            codes = layout.palette[codes[0]].T
        if self.luma:
            codes = _luma(codes)
        if self.repeat:
            codes = np.broadcast_to(codes, (_RGB, codes.shape[1]))
        if self.kind.endswith("s16"):
            return codes.astype(np.int16, copy=False)
        if not self.kind.endswith("float"):
            return codes
        check_exact(codes)
        return codes.astype(np.float64)


def planned(layout: Layout, pipeline: Pipeline) -> Plan:
    """Decide what becomes of the channels of a file.

    Raises
    ------
    ImageError
        The pipeline asks for what the file does not have, or for what would not be exact.

    Examples
    --------
    >>> sentinel = Layout(np.dtype(np.uint16), 65535, 3, names=("B02", "B03", "B04"))
    >>> plan = planned(sentinel, Pipeline(bands=["B04", "B02"]))
    >>> plan.kind, plan.bands, plan.needs
    ('bands2-16', 'B04,B02', (2, 0))
    """
    depth = _depth(layout, pipeline)
    hidden = _hidden(layout, pipeline)
    shape, channels, names = _chosen(layout, pipeline, hidden)
    if shape == "bands" and pipeline.mode != "auto":
        raise ImageError(f"--mode {pipeline.mode} is for gray and colour, not for bands")
    luma = shape == "rgb" and pipeline.mode == "l"
    repeat = shape == "gray" and pipeline.mode == "rgb" and depth in _ALONE
    if luma or repeat:
        shape = "gray" if luma else "rgb"
    needs = list(dict.fromkeys(channels))
    mask = None
    nodata = layout.nodata if pipeline.nodata is UNSET else pipeline.nodata
    if hidden is not None and pipeline.alpha == "mask":
        if pipeline.nodata is not UNSET:
            raise ImageError("--alpha mask beside --nodata: name one of them")
        needs += [hidden] * (hidden not in needs)
        mask, nodata = needs.index(hidden), None
    kind = f"bands{len(channels)}-{depth}" if shape == "bands" else shape + depth
    return Plan(
        layout,
        kind.replace(depth, f"-{depth}") if shape != "bands" and depth in _ALONE else kind,
        ",".join(names),
        tuple(needs),
        tuple(needs.index(channel) for channel in channels),
        mask,
        luma,
        repeat,
        held(nodata, layout.dtype),
    )


def _chosen(
    layout: Layout, pipeline: Pipeline, hidden: int | None
) -> tuple[str, list[int], list[str]]:
    """Return gray, rgb or bands, the channels that these are, and their names."""
    if pipeline.bands is not UNSET:
        return "bands", *_asked(layout, list(pipeline.bands))
    channels = [channel for channel in range(layout.samples) if channel != hidden]
    if layout.palette is not None:
        return "rgb", channels, []
    auto = pipeline.channels is UNSET
    if layout.colour and (len(channels) == _RGB or (auto and layout.samples == _RGB + 1)):
        return "rgb", channels[:_RGB], []
    if len(channels) == 1 or (auto and layout.alpha == 1):
        return "gray", channels[:1], []
    if layout.names or layout.colour or layout.implied or layout.alpha is not None:
        every = layout.names or layout.default_names
        return "bands", channels, [every[channel] for channel in channels]
    return "bands", channels, []


def _depth(layout: Layout, pipeline: Pipeline) -> str:
    dtype = layout.dtype
    if dtype.kind not in "iuf":
        raise ImageError(f"{dtype} pixels, which have no mean and std of their own")
    if dtype.kind == "f" or dtype.itemsize > 2:  # noqa: PLR2004
        return "float"
    if dtype.kind == "i":
        return "s16"
    if layout.top != np.iinfo(dtype).max and pipeline.max_pixel_value is UNSET:
        raise ImageError(
            f"codes of 0 to {layout.top}, which is not the range of {dtype}: "
            f"--max-pixel-value {layout.top} divides them by {layout.top}"
        )
    return str(8 * dtype.itemsize)


def _hidden(layout: Layout, pipeline: Pipeline) -> int | None:
    """Return the channel that is opacity and no band of its own."""
    alpha = layout.alpha
    if alpha is None or pipeline.bands is not UNSET:
        return alpha if pipeline.alpha == "mask" else None
    few = layout.samples == (_RGB + 1 if layout.colour else 2)
    if pipeline.alpha == "mask":
        if layout.premultiplied and few:
            raise ImageError("premultiplied alpha: use --alpha premultiply")
        return alpha
    if pipeline.channels is not UNSET or not few:
        return None
    if layout.premultiplied and pipeline.alpha == "drop":
        raise ImageError("premultiplied alpha: use --alpha premultiply")
    if not layout.premultiplied and pipeline.alpha != "drop":
        raise ImageError(
            "alpha beside more than 8 bits, or beside pixels that the file leaves out: use "
            f"--alpha drop or mask, not {pipeline.alpha}"
        )
    if layout.premultiplied and pipeline.alpha == "white":
        raise ImageError("premultiplied alpha: use --alpha premultiply, not white")
    return alpha


def _asked(layout: Layout, asked: list[str]) -> tuple[list[int], list[str]]:
    """Return the channels that were asked for, and their names."""
    known = layout.names or layout.default_names
    found = [_place(band, known) for band in asked]
    if all(place is not None for place in found):
        channels = [place for place in found if place is not None]
        if len(set(channels)) < len(channels):
            raise ImageError(f"bands {','.join(asked)}: one is named twice")
        return channels, [known[channel] for channel in channels]
    if not layout.names and len(asked) == layout.samples:
        return list(range(layout.samples)), asked
    missing = [band for band, place in zip(asked, found, strict=True) if place is None]
    told = f"bands {', '.join(known)}" if layout.samples > 1 else f"one band, {known[0]}"
    raise ImageError(f"no band {missing[0]}; the file has {told}")


def _place(band: str, names: tuple[str, ...]) -> int | None:
    if band in names:
        return names.index(band)
    if band.isdecimal() and 1 <= int(band) <= len(names):
        return int(band) - 1
    return None


def held(value: float | None, dtype: np.dtype[Any]) -> Any:
    """Return a value in a type of pixel, or None when the type cannot hold it.

    >>> held(-9999.0, np.dtype(np.uint8)), held(255.0, np.dtype(np.uint8))
    (None, np.uint8(255))
    """
    if value is None or value != value:  # noqa: PLR0124 (NaN never counts anyway)
        return None
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            cast = dtype.type(value)
        return cast if np.isfinite(cast) or np.isinf(value) else None
    limits = np.iinfo(dtype)
    if value in {float("inf"), float("-inf")} or int(value) != value:
        return None
    return dtype.type(int(value)) if limits.min <= value <= limits.max else None


def _luma(codes: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if codes.dtype.kind == "f" or codes.dtype.itemsize > 2:  # noqa: PLR2004
        weights = np.array(_LUMA) / (1 << 16)
        return (weights @ codes.astype(np.float64))[None]
    sums = np.array(_LUMA, np.int64) @ codes.astype(np.int64)
    luma: npt.NDArray[Any] = ((sums + (1 << 15)) >> 16).astype(codes.dtype)[None]
    return luma


def cleaned(names: "list[str] | tuple[str, ...]", samples: int) -> tuple[str, ...]:
    """Return names that a file gives its channels, fit for a comma-separated line.

    Those that are missing are made up; names that do not tell channels apart are none.

    >>> cleaned(["Red, 665 nm", ""], 3)
    ('Red; 665 nm', 'B2', 'B3')
    """
    tidy = []
    for channel in range(samples):
        name = names[channel] if channel < len(names) else ""
        name = "".join(each if each.isprintable() else " " for each in name)
        tidy.append(" ".join(name.replace(",", ";").split())[:_NAME_LENGTH] or f"B{channel + 1}")
    if not any(name.strip() for name in names) or len(set(tidy)) < samples:
        return ()
    return tuple(tidy)


def gdal_names(metadata: str, samples: int) -> tuple[str, ...]:
    """Return the band descriptions of the tag GDAL_METADATA.

    >>> gdal_names('<Item name="DESCRIPTION" sample="1" role="description">NIR</Item>', 2)
    ('B1', 'NIR')
    """
    names = [""] * samples
    for attributes, text in re.findall(r"<Item\b([^>]*)>([^<]*)</Item>", metadata):
        sample = re.search(r'\bsample="(\d+)"', attributes)
        if 'role="description"' in attributes and sample and int(sample[1]) < samples:
            names[int(sample[1])] = unescape(text)
    return cleaned(names, samples)


def ome_names(metadata: str, samples: int) -> tuple[str, ...]:
    """Return the channel names of the first image of an OME-XML text.

    >>> ome_names('<Pixels><Channel ID="1" Name="DAPI"/><Channel Name="GFP"/></Pixels>', 2)
    ('DAPI', 'GFP')
    """
    first = metadata.partition("</Pixels>")[0]
    named = [re.search(r'\bName="([^"]*)"', each) for each in re.findall(r"<Channel\b[^>]*", first)]
    return cleaned([unescape(name[1]) if name else "" for name in named], samples)
