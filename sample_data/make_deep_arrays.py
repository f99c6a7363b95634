"""Make the arrays and the table of `deep/`: byte-identical each time, drawn from fixed seeds.

Usage: python make_deep_arrays.py [OUTPUT_FOLDER]
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np

ROWS = 120
MISSING = 17  # every so many values of one column


def stack() -> np.ndarray:
    """Return 6 RGB images of 20 x 16 pixels: a disc on a slope, whose colours change."""
    rng = np.random.default_rng(1)
    rows, columns = np.mgrid[0:20, 0:16]
    disc = np.hypot(rows - 10, columns - 8) < 6
    shades = rng.uniform(0.2, 0.9, (6, 2, 3))
    images = np.where(disc[None, :, :, None], shades[:, None, None, 0], shades[:, None, None, 1])
    images = images * (0.6 + 0.02 * rows[None, :, :, None]) + rng.normal(0, 0.02, images.shape)
    return np.rint(images.clip(0, 1) * 255).astype(np.uint8)


def spectrogram() -> np.ndarray:
    """Return 16 bands x 60 frames in dB: two rising tones over noise that falls with the band."""
    rng = np.random.default_rng(2)
    bands, frames = np.mgrid[0:16, 0:60]
    tones = sum(np.exp(-((bands - start - frames / 12) ** 2)) for start in (2, 8))
    power = tones + 10.0 ** (-3 - bands / 10) * rng.exponential(1, tones.shape)
    return (10 * np.log10(power)).astype(np.float32)


def features() -> list[list[str]]:
    """Return a table of measured leaves; some widths are missing."""
    rng = np.random.default_rng(3)
    lines = [["leaf", "species", "length_mm", "width_mm", "mass_g"]]
    for number in range(ROWS):
        length = rng.gamma(20, 3.5)
        width, mass = length * rng.uniform(0.3, 0.5), (length / 60) ** 2 * rng.uniform(0.8, 1.2)
        shown = "" if number % MISSING == MISSING - 1 else f"{width:.1f}"
        lines.append(
            [str(number + 1), "ash" if number % 3 else "elm", f"{length:.1f}", shown, f"{mass:.3f}"]
        )
    return lines


def make(folder: Path) -> None:
    """Write the files."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "stack.npy", stack())
    np.save(folder / "spectrogram.npy", spectrogram())
    with (folder / "leaves.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(features())


if __name__ == "__main__":
    here = Path(__file__).parent / "deep"
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else here)
