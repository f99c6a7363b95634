"""Photo-like pictures, drawn from a seed.

Decoding cost follows from size, detail and compression, so these are like ImageNet's: 500 pixels
wide, overlapping shapes with edges, 1/f texture.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

SEED = 20

_BASES = 40
_BASE_SIZE = (600, 450)
_PHOTO_SIZES = ((500, 375), (500, 375), (500, 333), (375, 500))
_GRAY_EVERY = 60


def photo(index: int) -> Image.Image:
    """Return a photo; some stand upright, some are gray."""
    size = _PHOTO_SIZES[index % len(_PHOTO_SIZES)]
    image = _variant(index, size, turned=size[1] > size[0])
    return image.convert("L") if index % _GRAY_EVERY == _GRAY_EVERY - 1 else image


def square(index: int, side: int) -> Image.Image:
    """Return a picture of `side` × `side` pixels."""
    # A tiny image is the shrunk third of a photo, not a detail of it.
    return _variant(index, (max(side, 150),) * 2).resize((side, side), Image.Resampling.BOX)


def _variant(index: int, size: tuple[int, int], *, turned: bool = False) -> Image.Image:
    """Return a cut out of a base, mirrored or not, lighter or darker: by `index` alone."""
    rng = np.random.default_rng([SEED, index])
    base = _base(int(rng.integers(_BASES)))
    if turned:
        base = base.transpose(Image.Transpose.ROTATE_90)
    left = int(rng.integers(base.width - size[0] + 1))
    top = int(rng.integers(base.height - size[1] + 1))
    image = base.crop((left, top, left + size[0], top + size[1]))
    if rng.random() < 0.5:
        image = ImageOps.mirror(image)
    return ImageEnhance.Brightness(image).enhance(float(rng.uniform(0.7, 1.2)))


def gray16(index: int) -> Image.Image:
    """Return a photo in 16-bit gray whose low bytes are noise, as those of sensors are."""
    return Image.fromarray(_wide(photo(index).convert("L"), index))


def write_bands(index: int, path: Path) -> None:
    """Write 13 bands of 512 × 512 in 12 of 16 bits, in deflated tiles, as satellites' are."""
    scene = _base(index % _BASES).resize((512, 512))
    planes = [scene.getchannel(band % 3).rotate(90 * (band // 3)) for band in range(13)]
    bands = np.stack([_wide(plane, index) >> 4 for plane in planes], axis=-1)
    options = {"photometric": "minisblack", "planarconfig": "contig", "metadata": None}
    tifffile.imwrite(path, bands, tile=(256, 256), compression="deflate", **options)


def mask(index: int) -> Image.Image:
    """Return shapes that cover about half of the photo, in the classes 1 to 3."""
    codes = np.asarray(photo(index).convert("L").filter(ImageFilter.BoxBlur(8)))
    return Image.fromarray(np.where(codes < np.median(codes), 0, 1 + codes // 86).astype(np.uint8))


def _wide(gray: Image.Image, index: int) -> npt.NDArray[np.uint16]:
    codes = np.asarray(gray).astype(np.uint16)
    noise = np.random.default_rng([SEED, index]).integers(0, 64, codes.shape, np.uint16)
    return codes * 256 + noise


def large(size: tuple[int, int]) -> Image.Image:
    """Return one photo of any size."""
    return _base(0).resize(size, Image.Resampling.BICUBIC)


@lru_cache(maxsize=_BASES)
def _base(number: int) -> Image.Image:
    """Return one of the scenes: shapes that hide each other under 1/f texture."""
    rng = np.random.default_rng([SEED, 1_000_000_000, number])
    shapes = np.asarray(_shapes(rng), dtype=np.float64)
    # Scenes differ in detail, and so do the sizes of their files.
    texture = rng.uniform(3, 13) * _pink_noise(rng)[..., None]
    colour = np.stack([2 * _pink_noise(rng) for _ in range(3)], axis=-1)
    return Image.fromarray(np.clip(shapes + texture + colour, 0, 255).astype(np.uint8))


def _shapes(rng: np.random.Generator) -> Image.Image:
    """Draw ellipses and boxes over each other, many small and few large, as scenes have them."""
    width, height = _BASE_SIZE
    image = Image.new("RGB", _BASE_SIZE, tuple(rng.integers(60, 200, 3).tolist()))
    draw = ImageDraw.Draw(image)
    for _ in range(300):
        radius = min(6 / rng.random(), 200)
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        box = (x - radius, y - radius * 0.7, x + radius, y + radius * 0.7)
        shape = draw.ellipse if rng.random() < 0.7 else draw.rectangle
        shape(box, fill=tuple(rng.integers(10, 246, 3).tolist()))
    return image


def _pink_noise(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return noise of unit std whose amplitude falls as 1/f, as that of natural images does."""
    width, height = _BASE_SIZE
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    frequency[0, 0] = np.inf
    phases = rng.normal(size=frequency.shape) + 1j * rng.normal(size=frequency.shape)
    noise: npt.NDArray[np.float64] = np.fft.irfft2(phases / frequency, (height, width))
    noise /= noise.std()
    return noise
