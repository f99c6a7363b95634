"""DICOM images: what their stored values stand for, such as Hounsfield units.

Only the elements that say how to read pixels are parsed, so that nothing about a patient can get
into numbers, messages or files.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from math import isfinite
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from pydicom import Dataset, FileDataset, dcmread
from pydicom.datadict import tag_for_keyword
from pydicom.pixels import apply_color_lut, as_pixel_options, get_decoder
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000TransferSyntaxes,
    JPEGLSTransferSyntaxes,
    MediaStorageDirectoryStorage,
    RLELossless,
)

from normstat.errors import ImageError, NormstatError
from normstat.readers.base import Decoded
from normstat.readers.volumes import Codes, Scale, Slice, Volume, check_bands, check_slice, decoded
from normstat.spec.pipeline import Pipeline

_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_TABLE = "PaletteColorLookupTable"
_COLOURS = ("Red", "Green", "Blue")
_NEEDED = [
    tag
    for name in (
        "Modality", "SOPClassUID", "SamplesPerPixel", "PhotometricInterpretation",
        "PlanarConfiguration", "NumberOfFrames", "Rows", "Columns", "BitsAllocated", "BitsStored",
        "HighBit", "PixelRepresentation", "PixelPaddingValue", "PixelPaddingRangeLimit",
        "RescaleSlope", "RescaleIntercept", "RescaleType", "DoseGridScaling", "ModalityLUTSequence",
        "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
        "ExtendedOffsetTable", "ExtendedOffsetTableLengths", *_PIXELS,
        *(f"{colour}{_TABLE}{part}" for colour in _COLOURS for part in ("Descriptor", "Data")),
        *(f"Segmented{colour}{_TABLE}Data" for colour in _COLOURS),
    )
    if (tag := tag_for_keyword(name)) is not None
]  # fmt: skip
_RGB = {"RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT"}
_SIGNED_LATER = {*JPEG2000TransferSyntaxes, *JPEGLSTransferSyntaxes}
_ALLOCATED = (1, 8, 16, 32, 64)
_BYTE, _SAMPLES = 8, 3
_MODALITY = re.compile(r"[A-Z]{2,8}")  # what is no code could be a name
_IDENTITY = Scale(1, 0)


def read(file: BinaryIO, pipeline: Pipeline) -> Decoded:
    """Return a DICOM image; all frames of a file are slices of one volume.

    Stored values become what they stand for by the modality transformation (DICOM PS3.3, C.11.1):
    slope and intercept, of each frame if need be, a lookup table, or the scaling of a dose grid.
    Values that are rescaled, those of CT, and those of fewer bits than their bytes have, are in
    units of their own; all others are fractions of the range. MONOCHROME1 is a matter of display:
    its values are kept, and `by_mode` tells it. Pixels that are padding do not count. YBR and
    palettes become RGB.

    Raises
    ------
    ImageError
        It has no pixels, is damaged, or is compressed in a way that no installed library reads.
        The text never tells more of the file than how its pixels are stored.
    """
    check_bands(pipeline)
    with _guarded("damaged DICOM header"):
        dataset = dcmread(file, specific_tags=list(_NEEDED), force=True)
        stored = _stored(dataset)
        check_slice(stored.columns, stored.rows, pipeline)
        lut = _Lut.of(dataset)
        scales = [_IDENTITY] if lut else _scales(dataset, stored)
        padding = _padding(dataset, stored)

    def slices() -> Iterator[Slice]:
        for frame, pixels in enumerate(_frames(dataset, stored)):
            raw = pixels.reshape(-1, stored.samples).T
            codes = stored.masked(raw)
            # Padding is often a value that does not fit the bits that are said to be stored.
            valid = None if padding is None else ~(_inside(codes, padding) | _inside(raw, padding))
            if lut:
                codes = lut.applied(codes)
            yield Slice(codes, valid, scales[frame if len(scales) > 1 else 0])

    known = frozenset(scale for scale in scales if scale)
    kept: list[Slice] = []

    def only() -> list[Slice]:
        if not kept:
            kept.extend(slices())
        return kept

    return decoded(
        Volume(
            _mode(dataset, stored, rescaled=bool(known - {_IDENTITY}) or lut is not None),
            (stored.frames, stored.rows, stored.columns)
            if stored.frames > 1
            else (stored.rows, stored.columns),
            "rgb" if stored.samples == _SAMPLES else "gray",
            np.dtype(np.uint16) if lut else stored.dtype,
            (0, lut.highest) if lut else stored.limits,
            known,
            slices if stored.frames > 1 else only,
        ),
        pipeline,
    )


@contextmanager
def _guarded(what: str, *, told: bool = False) -> Iterator[None]:
    """Turn what pydicom raises into an `ImageError`.

    Its texts can hold values of any element; they are told only where it sees none but pixels.
    """
    try:
        yield
    except NormstatError:
        raise
    except Exception as error:
        text = " ".join(str(error).split()) if told else ""
        raise ImageError(f"{what}: {text or type(error).__name__}") from error


@dataclass(frozen=True)
class _Stored:
    """How pixels are stored: the image pixel module (DICOM PS3.3, C.7.6.3)."""

    rows: int
    columns: int
    frames: int
    samples: int  # after a palette is applied
    photometric: str
    allocated: int
    bits: int
    high: int
    signed: bool
    keyword: str
    syntax: UID
    palette: int  # bits of its colours; without one, 0

    @property
    def in_bytes(self) -> bool:
        """Whether the bits that are not stored are in the file, and may hold anything."""
        native = not self.syntax.is_encapsulated or self.syntax == RLELossless
        return native and self.keyword == "PixelData"

    @property
    def dtype(self) -> np.dtype[Any]:
        if self.palette:
            return np.dtype(np.uint8 if self.palette <= _BYTE else np.uint16)
        if self.keyword != "PixelData":
            return np.dtype(np.float32 if self.keyword == "FloatPixelData" else np.float64)
        size = max(self.allocated, _BYTE) // _BYTE
        return np.dtype(f"{'i' if self.signed else 'u'}{size}")

    @property
    def limits(self) -> tuple[int, int] | None:
        if self.keyword != "PixelData":
            return None
        if self.palette:
            return 0, (1 << self.palette) - 1
        if self.signed:
            return -(1 << self.bits - 1), (1 << self.bits - 1) - 1
        return 0, (1 << self.bits) - 1

    @property
    def has_range(self) -> bool:
        """Whether codes are fractions of the range that their bytes have."""
        return bool(self.palette) or self.bits == _BYTE * self.dtype.itemsize

    def masked(self, raw: Codes) -> Codes:
        """Return codes without the bits that are not theirs, in which old overlays lie."""
        if not self.in_bytes or self.palette or self.bits == self.allocated:
            return raw.astype(self.dtype, copy=False)
        above = max(self.allocated - 1 - self.high, 0)
        # The highest bit is the sign.
        return raw << above >> self.allocated - self.bits


def _stored(dataset: FileDataset) -> _Stored:
    if dataset.file_meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
        raise ImageError("DICOMDIR, an index of other files")
    keyword = next((name for name in _PIXELS if name in dataset), None)
    if keyword is None or "Rows" not in dataset or "Columns" not in dataset:
        sop = UID(dataset.get("SOPClassUID") or "")
        known = f", {sop.name}" if sop.type == "SOP Class" else ""
        raise ImageError(f"DICOM without pixels{known}")
    photometric = str(dataset.get("PhotometricInterpretation", "MONOCHROME2"))
    samples = int(dataset.get("SamplesPerPixel", 1))
    palette = 0
    if photometric == "PALETTE COLOR" and samples == 1:
        palette = int(dataset[f"Red{_TABLE}Descriptor"].value[2])
    elif not (photometric in _RGB and samples == _SAMPLES) and not (
        photometric in {"MONOCHROME1", "MONOCHROME2"} and samples == 1
    ):
        raise ImageError(f"DICOM of {samples} samples that are not gray, RGB, YBR or a palette")
    allocated = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}.get(
        keyword, int(dataset.get("BitsAllocated", 0))
    )
    bits = int(dataset.get("BitsStored", allocated))
    if allocated not in _ALLOCATED or not 0 < bits <= allocated:
        raise ImageError(f"DICOM of {bits} bits stored in {allocated}, which is not read")
    return _Stored(
        int(dataset.Rows),
        int(dataset.Columns),
        int(dataset.get("NumberOfFrames") or 1),
        _SAMPLES if palette else samples,
        photometric,
        allocated,
        bits,
        int(dataset.get("HighBit", bits - 1)),
        bool(dataset.get("PixelRepresentation", 0)),
        keyword,
        _syntax(dataset),
        palette,
    )


def _syntax(dataset: FileDataset) -> UID:
    """Return the transfer syntax; a file without a header of its own shows it by its coding."""
    known = dataset.file_meta.get("TransferSyntaxUID")
    if known is None:
        implicit, little = dataset.original_encoding
        known = ImplicitVRLittleEndian
        if not implicit:
            known = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = known
    return UID(known)


def _frames(dataset: FileDataset, stored: _Stored) -> Iterator[Codes]:
    """Yield each frame in shape (rows, columns) or (rows, columns, 3)."""
    name = stored.syntax.name
    more = "; more decoders: pip install python-gdcm, or pip install 'pylibjpeg[all]'"
    # A file may name any syntax, and pydicom has no public list of those it knows: by its
    # documentation, `get_decoder` answers with this exception for the others.
    try:
        decoder = get_decoder(stored.syntax)
    except NotImplementedError:
        raise ImageError(f"DICOM in a transfer syntax that is not read: {name}") from None
    if not decoder.is_available:
        raise ImageError(f"DICOM in {name}, for which there is no decoder here{more}")
    failed = f"DICOM in {name}, not decoded{more if stored.syntax.is_encapsulated else ''}"
    with _guarded(failed, told=True):
        options = as_pixel_options(
            dataset, correct_unused_bits=not stored.in_bytes, allow_excess_frames=False
        )
        if stored.syntax in _SIGNED_LATER:  # which pydicom does not do to what it decodes in a row
            options["indices"] = range(stored.frames)
        found = decoder.iter_array(dataset, **options)
        for pixels, _ in islice(found, stored.frames):
            if stored.palette:
                yield apply_color_lut(pixels, dataset)[..., :_SAMPLES].astype(stored.dtype)
            else:
                yield pixels.astype(pixels.dtype.newbyteorder("="), copy=False)


def _scales(dataset: Dataset, stored: _Stored) -> list[Scale | None]:
    """Return what the codes of all frames stand for, or those of each."""
    modality, frames = dataset.get("Modality"), stored.frames
    whole = _scale(dataset, modality)
    if "DoseGridScaling" in dataset and whole is None:
        whole = _checked(dataset.DoseGridScaling, 0)
    shared = _transformation(dataset.get("SharedFunctionalGroupsSequence"), 0)
    if shared is not None:
        whole = _scale(shared, modality)
    groups = dataset.get("PerFrameFunctionalGroupsSequence")
    found = [_transformation(groups, frame) for frame in range(frames if groups else 0)]
    scales = [whole]
    if any(each is not None for each in found):
        scales = [whole if each is None else _scale(each, modality) for each in found]
    # Of 12 bits in 16 a fraction of 65535 would mean nothing.
    return scales if stored.has_range else [each or _IDENTITY for each in scales]


def _transformation(groups: Any, frame: int) -> Dataset | None:
    if not groups or frame >= len(groups):
        return None
    found = groups[frame].get("PixelValueTransformationSequence")
    return found[0] if found else None


def _scale(holder: Dataset, modality: str | None) -> Scale | None:
    slope, intercept = holder.get("RescaleSlope"), holder.get("RescaleIntercept")
    if slope is None and intercept is None:
        return None
    scale = _checked(1 if slope is None else slope, 0 if intercept is None else intercept)
    # Scanners write 1 and 0 where nothing is rescaled.
    if scale == _IDENTITY and modality != "CT" and holder.get("RescaleType") != "HU":
        return None
    return scale


def _checked(slope: Any, intercept: Any) -> Scale:
    scale = Scale(float(slope), float(intercept))
    if not scale.slope or not all(map(isfinite, scale)):
        raise ImageError(f"DICOM of rescale slope {scale.slope} and intercept {scale.intercept}")
    return scale


@dataclass(frozen=True)
class _Lut:
    """A modality lookup table (DICOM PS3.3, C.11.1.1): the values of the codes from `first` on."""

    values: npt.NDArray[np.uint16]
    first: int
    highest: int

    @classmethod
    def of(cls, dataset: FileDataset) -> "_Lut | None":
        sequence = dataset.get("ModalityLUTSequence")
        if not sequence:
            return None
        entries, first, bits = map(int, sequence[0].LUTDescriptor)
        data = sequence[0].LUTData
        if isinstance(data, bytes):
            order = "<" if dataset.original_encoding[1] else ">"
            data = np.frombuffer(data, f"{order}u2")
        values = np.asarray(data).astype(np.uint16)
        if len(values) != (entries or 1 << 16) or not _BYTE <= bits <= 2 * _BYTE:
            raise ImageError("DICOM with a damaged modality lookup table")
        return cls(values, first, (1 << bits) - 1)

    def applied(self, codes: Codes) -> Codes:
        """Return values; codes below and above the table have its first and last."""
        return self.values[np.clip(codes.astype(np.int64) - self.first, 0, len(self.values) - 1)]


def _padding(dataset: Dataset, stored: _Stored) -> tuple[int, int] | None:
    """Return the smallest and largest code that is no part of the image."""
    value = dataset.get("PixelPaddingValue")
    if value is None or stored.samples > 1 or stored.keyword != "PixelData":
        return None
    limit = dataset.get("PixelPaddingRangeLimit")
    ends = [_signed(each, stored) for each in (value, value if limit is None else limit)]
    return min(ends), max(ends)


def _signed(value: Any, stored: _Stored) -> int:
    """Return a code that may be written without the sign that it has, or with one."""
    number = int(value) % (1 << stored.allocated)
    return (
        number - (1 << stored.allocated)
        if stored.signed and number >> stored.allocated - 1
        else number
    )


def _inside(codes: Codes, ends: tuple[int, int]) -> npt.NDArray[np.bool_]:
    low, high = ends
    found: npt.NDArray[np.bool_] = codes == low if low == high else (codes >= low) & (codes <= high)
    return found


def _mode(dataset: Dataset, stored: _Stored, *, rescaled: bool) -> str:
    modality = str(dataset.get("Modality") or "")
    words = [modality if _MODALITY.fullmatch(modality) else "DICOM"]
    if stored.samples == _SAMPLES:
        words.append("palette" if stored.palette else "RGB")
    elif stored.keyword == "PixelData":
        words.append(f"{'' if stored.signed else 'u'}int{stored.bits}")
    else:
        words.append(stored.dtype.name)
    words += ["MONOCHROME1"] if stored.photometric == "MONOCHROME1" else []
    words += ["rescaled"] if rescaled else []
    return " ".join(words)
