"""Make `deep/masked/`: two images and their masks, drawn from a fixed seed.

Usage: python make_deep_masks.py [OUTPUT_FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

SIZE = (32, 40)  # rows, columns
IGNORED = 255  # the label of the rim, as of Pascal VOC


def pair(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return an RGB image of a bright disc on dark ground, and labels: 0, 1, a rim of 255."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    middle = rng.uniform(0.35, 0.65, 2) * SIZE
    distance = np.hypot(rows - middle[0], columns - middle[1])
    disc = (distance < 9)[..., None]
    image = np.where(disc, rng.uniform(120, 230, 3), 20) + rng.normal(0, 8, (*SIZE, 3))
    labels = np.where(distance < 8, 1, np.where(distance < 10, IGNORED, 0))
    return np.rint(image.clip(0, 255)).astype(np.uint8), labels.astype(np.uint8)


def make(folder: Path) -> None:
    """Write the images, and the masks next to them."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in (1, 2):
        image, labels = pair(number)
        Image.fromarray(image).save(folder / f"disc-{number}.png")
        Image.fromarray(labels).save(folder / f"disc-{number}_mask.png")


if __name__ == "__main__":
    here = Path(__file__).parent / "deep" / "masked"
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else here)
