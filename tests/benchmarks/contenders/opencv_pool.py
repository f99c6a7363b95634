"""The usual script with OpenCV: a pool, `cv2.imread` and `cv2.meanStdDev`, averaged."""

import sys
from multiprocessing import Pool

import cv2
import numpy as np
import numpy.typing as npt

from tests.benchmarks.contenders.shared import MEAN_OF_IMAGES, answer, images


def use_one_thread() -> None:
    cv2.setNumThreads(1)  # the pool is the parallelism; threads in threads only get in the way


def measure(path: str) -> npt.NDArray[np.float64]:
    return np.stack(cv2.meanStdDev(cv2.imread(path))).squeeze()


def main(folder: str, workers: int) -> None:
    total, count = np.zeros((2, 3)), 0
    with Pool(workers, initializer=use_one_thread) as pool:
        for pair in pool.imap_unordered(measure, images(folder), chunksize=64):
            total += pair
            count += 1
    mean, std = total[:, ::-1] / (255 * count)  # OpenCV reads blue first
    answer(mean.tolist(), std.tolist(), MEAN_OF_IMAGES)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
