"""Make the raster images of `deep/`: many bands, floats with holes, 12 bits, planes, HDR.

Needs NumPy, tifffile and imagecodecs; the same versions give the same bytes.
"""

from pathlib import Path

import imagecodecs
import numpy as np
import numpy.typing as npt
import tifffile

SIZE = (48, 64)  # rows and columns
BANDS = [f"B{number:02d}" for number in range(1, 9)] + ["B8A", "B09", "B10", "B11", "B12"]
NODATA = -9999.0


def hills(seed: int) -> npt.NDArray[np.float64]:
    """Return a smooth field of 0..1."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : SIZE[0], 0 : SIZE[1]] / SIZE[0]
    field = sum(
        np.sin(2 * np.pi * (a * x + b * y + c)) / (1 + k)
        for k, (a, b, c) in enumerate(rng.uniform(-1.5, 1.5, (5, 3)))
    )
    return np.asarray((field - field.min()) / (field.max() - field.min()))


def satellite(path: Path) -> None:
    """Write 13 named bands in tiles, with an edge without data (0), as GDAL would."""
    bands = np.stack([300 + hills(seed) * (900 + 120 * seed) for seed in range(13)], axis=2)
    codes = np.rint(bands / 8).astype(np.uint16) * 8
    codes[:, :10] = 0
    items = "".join(
        f'<Item name="DESCRIPTION" sample="{number}" role="description">{name}</Item>'
        for number, name in enumerate(BANDS)
    )
    tags = [
        (42112, "s", 0, f"<GDALMetadata>{items}</GDALMetadata>", True),
        (42113, "s", 0, "0", True),
    ]
    options = {"photometric": "minisblack", "planarconfig": "contig", "metadata": None}
    tifffile.imwrite(
        path, codes, **options, tile=(16, 16), compression="deflate", predictor=True,
        extratags=tags, software=False,
    )  # fmt: skip


def elevation(path: Path) -> None:
    """Write heights in metres with nodata at the edge and a few NaN."""
    heights = np.round(hills(20) * 800 - 40, 1).astype(np.float32)
    heights[:4] = NODATA
    heights[20, 30:34] = np.nan
    tags = [(42113, "s", 0, str(NODATA), True)]
    options = {"photometric": "minisblack", "metadata": None, "software": False}
    tifffile.imwrite(path, heights, **options, compression="deflate", extratags=tags)


def planar(path: Path) -> None:
    """Write 16-bit colour in three planes, which Pillow would scramble."""
    codes = np.stack([np.rint(hills(seed) * 8191).astype(np.uint16) * 8 + 7 for seed in (1, 2, 3)])
    options = {"photometric": "rgb", "planarconfig": "separate", "metadata": None}
    tifffile.imwrite(path, codes, **options, compression="deflate", predictor=True, software=False)


def main(folder: Path) -> None:
    """Write all of them."""
    folder.mkdir(exist_ok=True)
    satellite(folder / "satellite13.tif")
    elevation(folder / "elevation.tif")
    planar(folder / "planar-rgb16.tif")
    gray12 = np.rint(hills(30) * 4095).astype(np.uint16)
    (folder / "gray12.png").write_bytes(imagecodecs.png_encode(gray12, level=9))
    light = np.dstack([2.0 ** (8 * hills(seed) - 4) for seed in (4, 5, 6)]).astype(np.float32)
    (folder / "light.hdr").write_bytes(imagecodecs.rgbe_encode(light, header=True))


if __name__ == "__main__":
    main(Path(__file__).resolve().parent / "deep")
