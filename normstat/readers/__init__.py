"""Files that Pillow cannot read, or not without loss: one module a kind.

A reader is a function of an open file and the pipeline that returns a `Decoded`. A new one is a
module and a row in `READERS`; what Pillow does not know at all also needs a row in `SIGNATURES`.
"""

from typing import BinaryIO

from normstat.errors import ImageError, NormstatError
from normstat.readers.base import Decoded, Reader, assembled
from normstat.registry import Entry, Registry

__all__ = ["READERS", "SIGNATURES", "Decoded", "Reader", "assembled", "reader_by", "told_by"]

READERS = Registry(
    "reader",
    {
        "avif": Entry("normstat.readers.deep:read_avif", "AVIF beyond 8 bits", "scientific"),
        "hdr": Entry("normstat.readers.deep:read_hdr", "Radiance HDR", "scientific"),
        "jpeg2000": Entry(
            "normstat.readers.deep:read_jpeg2000", "JPEG 2000 beyond 8 bits", "scientific"
        ),
        "netpbm": Entry("normstat.readers.netpbm:read", "PGM and PPM beyond 8 bits"),
        "png": Entry("normstat.readers.deep:read_png", "PNG of 16 bits", "scientific"),
        "tiff": Entry("normstat.readers.tiff:read", "TIFF of any kind", "scientific"),
        "dicom": Entry("normstat.readers.dicom:read", "DICOM images", "medical"),
        "nifti": Entry("normstat.readers.nifti:read", "NIfTI volumes", "medical"),
        "npy": Entry("normstat.readers.npy:read", "NumPy arrays"),
        "table": Entry("normstat.readers.table:read", "CSV, TSV and Parquet"),
    },
)

# Reader, offset and bytes that tell a file which Pillow does not know.
SIGNATURES: tuple[tuple[str, int, bytes], ...] = (
    ("dicom", 128, b"DICM"),  # first, because what comes before it may be the start of a TIFF
    ("hdr", 0, b"#?RADIANCE"),
    ("hdr", 0, b"#?RGBE"),
    ("tiff", 0, b"II*\0"),
    ("tiff", 0, b"MM\0*"),
    ("tiff", 0, b"II+\0"),
    ("tiff", 0, b"MM\0+"),
    # Without the 128 bytes before: the first elements of a header, or of a data set.
    ("dicom", 0, b"\x02\0\0\0UL"),
    ("dicom", 0, b"\x08\0\0\0"),
    ("dicom", 0, b"\x08\0\x05\0"),
    ("dicom", 0, b"\x08\0\x08\0"),
    ("dicom", 0, b"\0\x08\0\x05CS"),
    ("nifti", 344, b"n+1"),
    ("nifti", 344, b"ni1"),
    ("nifti", 4, b"n+2"),
    ("nifti", 4, b"ni2"),
    ("nifti", 0, b"\x5c\x01\0\0"),  # the size of a header, as Analyze 7.5 has it too
    ("nifti", 0, b"\0\0\x01\x5c"),
    ("nifti", 0, b"\x1f\x8b"),  # gzip
    ("npy", 0, b"\x93NUMPY"),
)

_ENOUGH = 512  # bytes that hold every signature


def told_by(file: BinaryIO) -> str | None:
    """Return the name of the reader that a file's first bytes ask for."""
    file.seek(0)
    head = file.read(_ENOUGH)
    file.seek(0)
    for name, offset, signature in SIGNATURES:
        if head.startswith(signature, offset):
            return name
    return None


def reader_by(name: str) -> Reader:
    """Return a reader.

    Raises
    ------
    ImageError
        Its extra is not installed; the text has the install line.
    """
    try:
        reader: Reader = READERS.load(name)
    except NormstatError as error:
        raise ImageError(str(error)) from error
    return reader
