"""TIFF of any type, depth and number of bands, through tifffile: what its pages and tags mean."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import Any, BinaryIO

import imagecodecs  # noqa: F401 (tifffile decodes little without it)
import numpy as np
import numpy.typing as npt
import tifffile

from normstat.errors import ImageError
from normstat.readers.bands import Layout, Plan, cleaned, gdal_names, held, ome_names, planned
from normstat.readers.base import Decoded
from normstat.readers.segments import JPEG, Plane, parts_of
from normstat.readers.subfiles import MASK, REDUCED
from normstat.spec.pipeline import Pipeline
from normstat.statistics import Block, Facts

_MOST_BYTES = 1 << 28  # that a strip may have whatever the limit of pixels is
_TAGS = {
    "photometric": 262, "description": 270, "palette": 320, "extra samples": 338,
    "sample format": 339, "metadata": 42112, "nodata": 42113,
}  # fmt: skip
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _COLOUR, _PALETTE, _YCBCR = 0, 1, 2, 3, 6
_ASSOCIATED, _UNASSOCIATED = 1, 2  # values of the tag ExtraSamples


def read(file: BinaryIO, pipeline: Pipeline) -> Decoded:
    """Return a TIFF whose tiles or strips are decoded when they are counted.

    Raises
    ------
    ImageError
        It holds what has no statistics, or not by this pipeline; or a tile is too large.
    """
    try:
        tiff = tifffile.TiffFile(file, _multifile=False)
    except (tifffile.TiffFileError, struct.error, IndexError, KeyError) as error:
        raise ImageError("a TIFF whose header is damaged") from error
    chosen = _frame(tiff, pipeline)
    page = chosen.page
    _check(page, pipeline)
    _check_tags(tiff)
    layout = _layout(chosen)
    plan = planned(layout, pipeline)
    shape: tuple[int, ...] = (int(page.imagelength), int(page.imagewidth))
    facts = Facts(
        mode=layout.mode,
        width=shape[-1],
        height=shape[-2],
        transparent=layout.alpha is not None,
        animated=chosen.frames > 1,
        padded=False,
        bands=plan.bands,
    )
    several = [chosen]
    if pipeline.frames == "all" and chosen.frames > 1:
        several += [_alike(tiff, pipeline, chosen, number) for number in range(1, chosen.frames)]
        shape = (chosen.frames, *shape)
    return Decoded(plan.kind, facts, blocks=_stacked(tiff, several, plan, pipeline), shape=shape)


@dataclass(frozen=True)
class _Chosen:
    """The planes that are the channels of one frame; `frames` is how many there are."""

    page: Any
    planes: list[Plane]
    frames: int = 1
    names: tuple[str, ...] = ()

    @property
    def interleaved(self) -> bool:
        """Whether a single plane has all channels."""
        return len(self.planes) == 1

    @property
    def samples(self) -> int:
        """The channels of all planes."""
        return int(self.page.shaped[-1]) if self.interleaved else len(self.planes)


def _frame(tiff: Any, pipeline: Pipeline, number: int = 0) -> _Chosen:
    """Choose what of the file's pages is a frame of the image.

    Pages are frames, unless the file says that they are channels, copies or masks.
    """
    page = tiff.pages.first
    if page.imagedepth != 1:
        raise ImageError("a TIFF of volumes, whose tiles have a depth")
    if tiff.is_imagej or tiff.is_ome or tiff.is_shaped:
        return _channels_in_pages(tiff, number)
    if pipeline.frames == "all":
        pages = [each for each in tiff.pages if not _subfile(each) & (REDUCED | MASK)] or [page]
        return _Chosen(pages[number], _planes_of(pages[number]), len(pages))
    several = len(tiff.pages) > 1 and not _subfile(tiff.pages[1]) & (REDUCED | MASK)
    return _Chosen(page, _planes_of(page), 2 if several else 1)


def _alike(tiff: Any, pipeline: Pipeline, first: _Chosen, number: int) -> _Chosen:
    """Return another frame, whose codes mean the same as those of the first."""
    found = _frame(tiff, pipeline, number)
    if found.page is not first.page:
        _check(found.page, pipeline)
        if _meaning(found.page) != _meaning(first.page):
            raise ImageError(f"page {number + 1} is unlike the first in its size, kind or palette")
    return found


def _meaning(page: Any) -> tuple[Any, ...]:
    page = page.keyframe
    palette = None if page.colormap is None else page.colormap.tobytes()
    return (
        page.shaped, page.dtype, page.bitspersample, page.photometric, page.planarconfig,
        page.extrasamples, page.tags.valueof(_TAGS["nodata"]), palette,
    )  # fmt: skip


def _subfile(page: Any) -> int:
    return int(getattr(page.keyframe, "subfiletype", 0) or 0) if page is not None else 0


def _planes_of(page: Any, offset: int | None = None) -> list[Plane]:
    if offset is None and page.keyframe.is_final:
        offset = int(page.dataoffsets[0])
    samples, _, height, width, _ = page.keyframe.shaped
    size = height * width * page.keyframe.dtype.itemsize if page.keyframe.dtype else 0
    return [
        Plane(page, sample, None if offset is None else offset + sample * size)
        for sample in range(samples)
    ]


def _channels_in_pages(tiff: Any, number: int) -> _Chosen:
    """Read the axes that ImageJ, OME and tifffile itself write."""
    series = tiff.series[0]
    page = series.keyframe
    axes = series.axes  # maybe without those of length 1, which change nothing here
    leading = axes[: min(axes.find(axis) for axis in "SY" if axis in axes)]
    sizes = series.shape[: len(leading)]
    channels = sizes[leading.index("C")] if "C" in leading else 1
    told = (tiff.imagej_metadata or {}).get("channels", 1) if tiff.is_imagej else channels
    if told not in {channels, channels * page.samplesperpixel}:
        raise ImageError(f"damaged: {told} channels, of which {channels} are there")
    frames = prod(sizes) // max(channels, 1)
    names = _names(tiff, page.samplesperpixel if channels == 1 else channels)
    if channels > 1 and page.samplesperpixel > 1:
        raise ImageError("a TIFF with channels of several samples each")
    # Frames count through all axes but that of the channels.
    at = leading.index("C") if "C" in leading else len(sizes)
    after = prod(sizes[at + 1 :])
    first = number // after * channels * after + number % after
    planes = []
    for channel in range(channels):
        place = first + channel * after
        if series.dataoffset is not None:
            planes += _planes_of(page, series.dataoffset + place * page.nbytes)
        elif series[place] is None:
            raise ImageError("a TIFF with a plane missing")
        else:
            planes += _planes_of(series[place])
    return _Chosen(page, planes, frames, names)


def _names(tiff: Any, channels: int) -> tuple[str, ...]:
    if tiff.is_ome:
        return ome_names(tiff.ome_metadata or "", channels)
    labels = (tiff.imagej_metadata or {}).get("Labels") if tiff.is_imagej else None
    if isinstance(labels, list) and len(labels) == channels > 1:
        return cleaned([str(label) for label in labels], channels)
    return ()


def _check(page: Any, pipeline: Pipeline) -> None:
    """Refuse what cannot be decoded, or not in pieces that fit into memory."""
    if page.dtype is None:
        raise ImageError(
            f"pixels of {page.bitspersample} bits in sample format {int(page.sampleformat)}, "
            "which cannot be read"
        )
    if not page.imagewidth or not page.imagelength or not len(page.dataoffsets):
        raise ImageError("damaged: a TIFF without pixels")
    if page.compression != 1 and page.compression not in tifffile.TIFF.DECOMPRESSORS:
        raise ImageError(f"compression {page.compression!r}, which cannot be read")
    if page.is_final:
        return
    if page.is_tiled:
        height, width, what = page.tilelength, page.tilewidth, "a tile"
    else:
        height, width, what = page.rowsperstrip, page.imagewidth, "a strip"
    pixels, samples = height * width, page.shaped[-1]
    most = max(4 * pipeline.max_pixels, _MOST_BYTES)
    if pixels > pipeline.max_pixels or pixels * samples * page.dtype.itemsize > most:
        raise ImageError(
            f"{what} of {width} x {height} pixels is over the limit of {pipeline.max_pixels:,}; "
            "--max-pixels raises it"
        )


def _check_tags(tiff: Any) -> None:
    """Refuse a file with a tag that matters and cannot be read, which tifffile passes over."""
    page, file, form = tiff.pages.first, tiff.filehandle, tiff.tiff
    file.seek(page.offset)
    (tags,) = struct.unpack(form.tagnoformat, file.read(form.tagnosize))
    entries = file.read(tags * form.tagsize)
    for place in range(0, len(entries) - 1, form.tagsize):
        (code,) = struct.unpack_from(form.byteorder + "H", entries, place)
        if code in _TAGS.values() and page.tags.get(code) is None:
            raise ImageError(f"damaged: the tag {code} cannot be read")


def _layout(chosen: _Chosen) -> Layout:
    page, samples = chosen.page, chosen.samples
    dtype = page.dtype.newbyteorder("=")
    bits = page.bitspersample
    if not isinstance(bits, int):
        raise ImageError(f"channels of unlike depths: {bits} bits")
    photometric = _photometric(page)
    names = chosen.names
    if not names and (metadata := page.tags.valueof(_TAGS["metadata"])):
        names = gdal_names(str(metadata), samples)
    alpha, premultiplied = None, False
    if page.samplesperpixel == samples:
        extra = [int(each) for each in page.extrasamples]
        first = samples - len(extra)
        for place, meaning in enumerate(extra):
            if meaning in {_ASSOCIATED, _UNASSOCIATED} and alpha is None:
                alpha, premultiplied = first + place, meaning == _ASSOCIATED
    if photometric == _WHITE_IS_ZERO and dtype.kind != "u":
        raise ImageError(f"{dtype} pixels in which 0 is white, which has no meaning")
    palette = None
    if photometric == _PALETTE:
        palette = _palette(page)
    return Layout(
        dtype,
        (1 << bits) - 1,
        samples,
        colour=photometric in {_COLOUR, _YCBCR} and samples >= 3,  # noqa: PLR2004
        alpha=alpha,
        premultiplied=premultiplied,
        names=names,
        inverted=photometric == _WHITE_IS_ZERO,
        palette=palette,
        nodata=_nodata(page),
    )


def _photometric(page: Any) -> int:
    if page.tags.get(_TAGS["photometric"]) is None and page.samplesperpixel == 1:
        raise ImageError("a TIFF that does not say whether 0 is black")
    photometric = int(page.photometric)
    if photometric == _YCBCR and page.compression not in JPEG:
        raise ImageError("YCbCr colours, which are read in JPEG alone")
    if photometric not in {_WHITE_IS_ZERO, _BLACK_IS_ZERO, _COLOUR, _PALETTE, _YCBCR}:
        name = getattr(page.photometric, "name", str(photometric))
        raise ImageError(f"a TIFF of {name} pixels, which has no statistics yet")
    return photometric


def _palette(page: Any) -> npt.NDArray[np.uint8]:
    colours = page.colormap
    if page.dtype != np.uint8 or colours is None or page.samplesperpixel > 1:
        raise ImageError("a palette of more than 256 colours, or none")
    table = np.zeros((256, 3), np.uint8)
    table[: colours.shape[1]] = (colours >> 8).T
    return table


def _nodata(page: Any) -> float | None:
    text = page.tags.valueof(_TAGS["nodata"])
    try:
        return None if text is None else float(str(text).strip().strip("\0").replace(",", "."))
    except ValueError:
        return None


def _mask(tiff: Any, page: Any, pipeline: Pipeline) -> npt.NDArray[np.bool_] | None:
    """Return the mask of a picture that GDAL writes as a page of its own, before the next one."""
    if tiff.is_imagej or tiff.is_ome or tiff.is_shaped:
        return None
    for number in range(page.index + 1, len(tiff.pages)):
        other = tiff.pages[number]
        keyframe, kind = other.keyframe, _subfile(other)
        if not kind & (REDUCED | MASK):
            return None
        if kind & MASK and keyframe.shape == (page.imagelength, page.imagewidth):
            if prod(keyframe.shape) > pipeline.max_pixels:
                raise ImageError("a mask that is over the limit of --max-pixels")
            shown: npt.NDArray[np.bool_] = other.asarray() > 0
            return shown
    return None


def _stacked(tiff: Any, several: list[_Chosen], plan: Plan, pipeline: Pipeline) -> Iterator[Block]:
    """Yield the blocks of all frames, which lie below each other."""
    for number, chosen in enumerate(several):
        top = number * int(chosen.page.imagelength)
        shown = _mask(tiff, chosen.page, pipeline)
        # As GDAL has it, a mask in the file stands above the value that means none.
        own = plan if shown is None else replace(plan, nodata=None)
        for block in _blocks(tiff, chosen, own, shown):
            if block.window is None or not top:
                yield block
            else:
                rows, columns = block.window
                yield replace(block, window=(slice(rows.start + top, rows.stop + top), columns))


def _blocks(
    tiff: Any, chosen: _Chosen, plan: Plan, shown: npt.NDArray[np.bool_] | None
) -> Iterator[Block]:
    planes = chosen.planes
    if not chosen.interleaved:
        planes = [planes[channel] for channel in plan.needs]
    width = int(chosen.page.imagewidth)
    for found, rows, columns in parts_of(tiff, planes, held(plan.layout.nodata, plan.layout.dtype)):
        if chosen.interleaved:
            codes = found[0].reshape(-1, found[0].shape[-1]).T
            if plan.needs != tuple(range(len(codes))):
                codes = codes[list(plan.needs)]
        else:
            codes = np.stack([each.reshape(-1) for each in found])
        part = None if shown is None else shown[rows, columns].reshape(-1)
        yield plan.block(codes, (rows, slice(columns.start, min(columns.stop, width))), part)
