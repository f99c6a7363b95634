"""The usual script: a pool, each image as a float array, the average of means and of stds."""

import sys
from multiprocessing import Pool

import numpy as np
import numpy.typing as npt
from PIL import Image

from tests.benchmarks.contenders.shared import MEAN_OF_IMAGES, answer, images

Pair = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


def measure(path: str) -> Pair:
    pixels = np.asarray(Image.open(path).convert("RGB")) / 255.0
    return pixels.mean(axis=(0, 1)), pixels.std(axis=(0, 1))


def main(folder: str, workers: int) -> None:
    mean, std, count = np.zeros(3), np.zeros(3), 0
    with Pool(workers) as pool:
        for image_mean, image_std in pool.imap_unordered(measure, images(folder), chunksize=64):
            mean += image_mean
            std += image_std
            count += 1
    answer((mean / count).tolist(), (std / count).tolist(), MEAN_OF_IMAGES)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
