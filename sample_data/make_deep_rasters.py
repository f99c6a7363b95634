"""Make the rasters of deep/: bands, floats with gaps, 12 bits, planes of 16 bits, and HDR.

Needs NumPy, tifffile and imagecodecs.  Two runs write byte-identical files.

Usage: python make_deep_rasters.py [OUTPUT_FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

import imagecodecs
import numpy as np
import numpy.typing as npt
import tifffile

SENTINEL = [f"B{number:02d}" for number in range(1, 9)] + ["B8A", "B09", "B10", "B11", "B12"]
NODATA = -9999
PLAIN = {"metadata": None, "software": False}


def field(height: int, width: int, seed: int) -> npt.NDArray[np.float64]:
    """Return hills of 0 to 1 under a little noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    hills = sum(
        np.exp(-((y - top) ** 2 + (x - left) ** 2) / 60)
        for top, left in rng.uniform(0, (height, width), (5, 2))
    )
    return np.clip(hills / 2 + rng.normal(0.1, 0.01, (height, width)), 0, 1)


def bands(path: Path) -> None:
    """Write reflectances × 10000 of a satellite, whose bands are named as GDAL names them."""
    shades = field(24, 32, 30)
    codes = [1000 + 300 * band + shades * 2000 for band in range(len(SENTINEL))]
    names = "".join(
        f'<Item name="DESCRIPTION" sample="{band}" role="description">{name}</Item>'
        for band, name in enumerate(SENTINEL)
    )
    tifffile.imwrite(
        path,
        np.stack(codes, axis=-1).astype(np.uint16),
        photometric="minisblack",
        planarconfig="contig",
        tile=(16, 16),
        compression="deflate",
        predictor=True,
        extratags=[(42112, "s", 0, f"<GDALMetadata>{names}</GDALMetadata>", True)],
        **PLAIN,
    )


def elevation(path: Path) -> None:
    """Write heights in metres, a corner that was not measured, and three that are no number."""
    heights = (field(24, 32, 31) * 900 - 20).astype(np.float32)
    heights[:8, :8] = NODATA
    heights[20, 5:8] = np.nan
    tags = [(42113, "s", 0, str(NODATA), True)]
    tifffile.imwrite(
        path, heights, photometric="minisblack", compression="deflate", extratags=tags, **PLAIN
    )


def twelve_bits(path: Path) -> None:
    """Write what a sensor of 12 bits gives, in the lower ones of 16."""
    codes = np.rint(field(24, 32, 32) * 4095).astype(np.uint16)
    tifffile.imwrite(path, codes, photometric="minisblack", **PLAIN)


def colour16(seed: int) -> npt.NDArray[np.uint16]:
    """Return colours of 16 bits whose low bytes are not zero."""
    shades = np.stack([field(20, 24, seed + channel) for channel in range(3)], axis=-1)
    return np.rint(shades * 65535).astype(np.uint16)


def make(folder: Path) -> None:
    """Write the files."""
    folder.mkdir(parents=True, exist_ok=True)
    bands(folder / "bands.tif")
    elevation(folder / "elevation.tif")
    twelve_bits(folder / "gray12.tif")
    planes = colour16(33).transpose(2, 0, 1)
    tifffile.imwrite(
        folder / "planar16.tif", planes, photometric="rgb", planarconfig="separate", **PLAIN
    )
    (folder / "rgb16.png").write_bytes(imagecodecs.png_encode(colour16(36), level=9))
    light = (colour16(39) / 65535 * 40).astype(np.float32)
    (folder / "light.hdr").write_bytes(imagecodecs.rgbe_encode(light, header=True))


if __name__ == "__main__":
    here = Path(__file__).resolve().parent / "deep"
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else here)
