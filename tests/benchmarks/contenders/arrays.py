"""Normalize one array by several libraries in turn, one thread; print microseconds as JSON."""

import json
import os
import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from statistics import median
from typing import Any

os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "NO_ALBUMENTATIONS_UPDATE": "1"}

import numpy as np

import normstat

SIZES = {"224 x 224": (224, 224, 3), "1080p": (1080, 1920, 3)}
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_ROUNDS = 25


def contenders() -> dict[str, Callable[[Any], Any]]:
    normalization = normstat.preset("imagenet").normalization
    mean, std = np.array(MEAN, np.float32), np.array(STD, np.float32)
    found: dict[str, Callable[[Any], Any]] = {
        "normstat.normalize": lambda image: normstat.normalize(image, normalization),
        "torchvision's arithmetic in NumPy": lambda image: (
            (image * np.float32(1 / 255) - mean) / std
        ),
    }
    if find_spec("albumentations"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import albumentations  # noqa: PLC0415
            import cv2  # noqa: PLC0415

        cv2.setNumThreads(1)
        transform = albumentations.Normalize(MEAN, STD)
        found["albumentations.Normalize"] = lambda image: transform(image=image)
    return found


def main() -> None:
    results: dict[str, dict[str, float]] = {}
    for size, shape in SIZES.items():
        image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
        times: dict[str, list[float]] = {}
        for _ in range(_ROUNDS):
            for name, normalize in contenders().items():
                start = time.perf_counter()
                normalize(image)
                times.setdefault(name, []).append(time.perf_counter() - start)
        results[size] = {name: median(each) * 1e6 for name, each in times.items()}
    print(json.dumps(results))


if __name__ == "__main__":
    main()
