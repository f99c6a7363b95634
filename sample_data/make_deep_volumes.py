"""Make the small volumes of deep/: a CT slice, a NIfTI volume and a TIFF with pages.

Needs NumPy, pydicom, nibabel and tifffile.  Two runs write byte-identical files.

Usage: python make_deep_volumes.py [OUTPUT_FOLDER]
"""

from __future__ import annotations

import argparse
import gzip
from pathlib import Path

import nibabel
import numpy as np
import numpy.typing as npt
import tifffile
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

ROOT = "1.2.826.0.1.3680043.10.1234"  # of the identifiers, which are made up
AIR, WATER, BONE = -1000, 40, 900  # Hounsfield units


def body(height: int, width: int, rng: np.random.Generator) -> npt.NDArray[np.int16]:
    """Return a slice through a body with a spine, in Hounsfield units."""
    y, x = np.mgrid[:height, :width]
    y, x = (y - height / 2) / height, (x - width / 2) / width
    units = np.full((height, width), AIR)
    units[(x / 0.42) ** 2 + (y / 0.32) ** 2 < 1] = WATER
    units[(x / 0.07) ** 2 + ((y - 0.18) / 0.07) ** 2 < 1] = BONE
    return (units + rng.normal(0, 12, units.shape)).round().astype(np.int16)


def ct(path: Path) -> None:
    """Write 12 bits in 16, an old overlay in the highest, and padding outside of a circle."""
    rng = np.random.default_rng(20)
    side = 48
    stored = (body(side, side, rng) + 1024).clip(1, 4095).astype(np.uint16)
    y, x = np.mgrid[:side, :side] - side / 2 + 0.5
    stored[y**2 + x**2 > (side / 2) ** 2] = 0
    stored[4:8, 20:28] |= 0x8000
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = f"{ROOT}.1"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = f"{ROOT}.2"
    data = FileDataset(None, {}, file_meta=meta, preamble=bytes(128))
    data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, f"{ROOT}.1"
    data.Modality, data.PatientName, data.PatientID = "CT", "Nobody^Known", "0"
    data.StudyInstanceUID, data.SeriesInstanceUID = f"{ROOT}.3", f"{ROOT}.4"
    data.Rows = data.Columns = side
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    data.RescaleSlope, data.RescaleIntercept, data.RescaleType = 1, -1024, "HU"
    data.PixelPaddingValue = 0
    data.PixelData = stored.astype("<u2").tobytes()
    data.save_as(path, enforce_file_format=True, implicit_vr=False, little_endian=True)


def volume(path: Path) -> None:
    """Write 16-bit codes whose values follow from a slope and an intercept."""
    rng = np.random.default_rng(21)
    units = np.stack([body(24, 20, rng) for _ in range(10)], axis=-1)
    image = nibabel.nifti1.Nifti1Image((units + 1024).transpose(1, 0, 2), np.eye(4))
    image.header.set_data_dtype(np.int16)
    image.header.set_slope_inter(1, -1024)
    path.write_bytes(gzip.compress(image.to_bytes(), mtime=0))


def pages(path: Path) -> None:
    """Write three pages, and a smaller copy of the first among them that is none."""
    rng = np.random.default_rng(22)
    with tifffile.TiffWriter(path) as tiff:
        for number in range(3):
            page = rng.integers(60 * number, 60 * number + 100, (24, 32, 3), dtype=np.uint8)
            options = {"photometric": "rgb", "metadata": None, "software": False}
            tiff.write(page, **options)
            if not number:
                tiff.write(page[::2, ::2], subfiletype=1, **options)


def main() -> None:
    """Read the command line and make the samples."""
    parser = argparse.ArgumentParser(description="Make the sample volumes.")
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path(__file__).resolve().parent / "deep"
    )
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    ct(folder / "ct.dcm")
    volume(folder / "volume.nii.gz")
    pages(folder / "pages.tif")


if __name__ == "__main__":
    main()
