"""NIfTI-1 and NIfTI-2 volumes, plain or in gzip.

The header is read by nibabel, the voxels a few slices at a time.
"""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from math import prod
from typing import Any, BinaryIO, cast

import numpy as np
from msgspec import UNSET
from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header
from nibabel.spatialimages import HeaderDataError

from normstat.errors import ImageError
from normstat.readers.bands import Layout, planned
from normstat.readers.base import Decoded
from normstat.readers.volumes import Codes, Scale, Slice, Volume, check_bands, check_slice, decoded
from normstat.spec.pipeline import Pipeline

_PIECE = 1 << 20  # voxels of a block, in whole slices
_GZIP = b"\x1f\x8b"
_HEADERS = {348: (Nifti1Header, b"n+1"), 540: (Nifti2Header, b"n+2")}  # by their size
_CIFTI = range(3000, 3100)  # intent codes
_COLOURS = 3
_MOST_UNPACKED = 1 << 31  # bytes


def read(file: BinaryIO, pipeline: Pipeline) -> Decoded:
    """Return a NIfTI volume of shape (depth, height, width): z, y and x of its file.

    All volumes of a series are one image; with channels "native" each is a channel, as the
    modalities of one scan are often stored, and with bands those that are asked for are.

    Raises
    ------
    ImageError
        It is half of a pair of files, a matrix that only uses the format, or of complex numbers.
    """
    start = file.read(len(_GZIP))
    file.seek(0)
    packed = start == _GZIP
    if packed:
        file = cast("BinaryIO", gzip.GzipFile(fileobj=file))
    header = _header(file, packed=packed)
    voxels = _voxels(file, header)
    width, height = voxels.shape[-1], voxels.shape[-2]
    check_slice(width, height, pipeline)
    if voxels.dtype.names:
        return decoded(_in_colour(voxels, pipeline), pipeline)
    scale = _scale(header)
    whole = voxels.dtype.kind in "iu"
    limits = (int(np.iinfo(voxels.dtype).min), int(np.iinfo(voxels.dtype).max)) if whole else None
    series, names = prod(voxels.shape[:-3]), ""
    if series > 1 and (pipeline.bands is not UNSET or pipeline.channels == "native"):
        dtype = voxels.dtype.newbyteorder("=")
        plan = planned(Layout(dtype, limits[1] if limits else 0, series), pipeline)
        names = plan.bands
        voxels = (voxels.unpacked() if packed else voxels).as_channels(plan.needs)
    else:
        check_bands(pipeline)

    def slices() -> Iterator[Slice]:
        return (Slice(codes, None, scale) for codes in voxels.pieces())

    volume = Volume(
        f"NIfTI {voxels.dtype.newbyteorder('=').name}",
        voxels.shape,
        "gray" if voxels.volumes is None else f"bands{len(voxels.volumes)}",
        voxels.dtype,
        limits,
        frozenset([scale] if scale else []),
        slices,
        names,
    )
    return decoded(volume, pipeline)


@dataclass(frozen=True)
class _Voxels:
    """Where the voxels of a file are; or which of the `volumes` behind each other are channels."""

    file: BinaryIO
    offset: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    volumes: tuple[int, ...] | None = None

    def as_channels(self, volumes: tuple[int, ...]) -> "_Voxels":
        return replace(self, shape=self.shape[-3:], volumes=volumes)

    def unpacked(self) -> "_Voxels":
        """Return the same in memory, where one can go to and fro."""
        size = prod(self.shape) * self.dtype.itemsize
        if size > _MOST_UNPACKED:
            raise ImageError(
                f"a series of {size / 1e9:.1f} GB in gzip, whose volumes cannot be read side by "
                "side: unpack the file, or leave out --channels native"
            )
        self.file.seek(self.offset)
        return _Voxels(BytesIO(self.file.read(size)), 0, self.dtype, self.shape)

    def pieces(self) -> Iterator[Codes]:
        """Yield arrays of shape (channels, voxels), each of whole rows, at most as large as needed.

        Raises
        ------
        ImageError
            The file ends before.
        """
        row, rows = self.shape[-1], prod(self.shape[:-1])
        volumes = self.volumes or (0,)
        step = max(1, _PIECE // (row * len(volumes)))
        stride = prod(self.shape) * self.dtype.itemsize
        for first in range(0, rows, step):
            count = min(step, rows - first) * row
            size, place = count * self.dtype.itemsize, first * row * self.dtype.itemsize
            channels = []
            for number in volumes:
                self.file.seek(self.offset + number * stride + place)
                content = self.file.read(size)
                if len(content) != size:
                    raise ImageError("damaged: ends before its last voxel")
                channels.append(np.frombuffer(content, self.dtype))
            stacked = np.stack(channels) if len(channels) > 1 else channels[0][np.newaxis]
            yield stacked.astype(self.dtype.newbyteorder("="), copy=False)
        self.file.read(1)  # at the end of gzip are checksums


def _header(file: BinaryIO, *, packed: bool) -> Nifti1Header:
    start = file.read(540)
    sizes = {int.from_bytes(start[:4], order) for order in ("little", "big")}
    for size, (kind, magic) in _HEADERS.items():
        if size not in sizes or len(start) < size:
            continue
        header = kind(start[:size], check=False)
        found = bytes(header["magic"].item())
        if found.startswith(magic):
            return header
        if found.startswith(b"ni"):
            raise ImageError(
                "half of a pair of .hdr and .img; one file is read: nibabel.save(image, 'x.nii')"
            )
        raise ImageError("Analyze 7.5 or another header without NIfTI's mark")
    raise ImageError("gzip of what is no NIfTI volume" if packed else "damaged header of NIfTI")


def _voxels(file: BinaryIO, header: Nifti1Header) -> _Voxels:
    if int(header["intent_code"]) in _CIFTI:
        raise ImageError("CIFTI, which holds matrices on surfaces, not an image")
    try:
        shape, dtype = header.get_data_shape(), header.get_data_dtype()
    except HeaderDataError as error:
        raise ImageError(f"NIfTI: {error}") from error
    if dtype.kind == "c" or dtype.itemsize > 8 or dtype.kind not in "iufV":  # noqa: PLR2004
        raise ImageError(f"NIfTI of {dtype.name}, which has no statistics here")
    if not shape or min(shape) < 1:
        raise ImageError(f"NIfTI of shape {tuple(map(int, shape))} has no voxel")
    offset = header.get_data_offset()
    if offset < header.sizeof_hdr:
        raise ImageError(f"damaged header of NIfTI: voxels from byte {offset} on")
    dimensions = (*map(int, shape), 1, 1)[: max(3, len(shape))]
    return _Voxels(file, offset, dtype, dimensions[::-1])


def _scale(header: Nifti1Header) -> Scale | None:
    try:
        slope, intercept = header.get_slope_inter()
    except HeaderDataError as error:
        raise ImageError(f"NIfTI: {error}") from error
    if slope is None or (slope, intercept) == (1, 0):
        return None
    return Scale(float(slope), float(intercept))


def _in_colour(voxels: _Voxels, pipeline: Pipeline) -> Volume:
    """Return a volume of RGB or RGBA; alpha is dropped unless every channel is wanted."""
    check_bands(pipeline)
    stored = len(voxels.dtype.names or ())
    kept = stored if pipeline.channels == "native" else _COLOURS
    if stored > _COLOURS and pipeline.alpha != "drop" and kept == _COLOURS:
        raise ImageError(f"RGBA volumes know --alpha drop, not {pipeline.alpha}")

    def slices() -> Iterator[Slice]:
        for [codes] in voxels.pieces():
            channels = codes.view(np.uint8).reshape(-1, stored).T
            yield Slice(channels[:kept])

    return Volume(
        f"NIfTI {'RGBA'[:stored]}",
        voxels.shape,
        "rgb" if kept == _COLOURS else f"bands{kept}",
        np.dtype(np.uint8),
        (0, 255),
        frozenset(),
        slices,
        "" if kept == _COLOURS else "R,G,B,A",
    )
