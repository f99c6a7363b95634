"""The floor of `apply`: decode the same files and store as many bytes, and nothing else."""

import sys
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from PIL import Image

from tests.benchmarks.contenders.shared import images


def store(paths: list[str], folder: Path) -> None:
    for path in paths:
        with Image.open(path) as image:
            image.load()
            # Touched, as values are; untouched zeros would be one page of memory.
            values = np.full((3, image.height, image.width), 0.5, np.float32)
        np.save(folder / f"{abs(hash(path))}.npy", values)


def main(source: str, workers: int, target: str) -> None:
    folder, paths = Path(target), images(source)
    folder.mkdir(exist_ok=True)
    tasks = [paths[start : start + 16] for start in range(0, len(paths), 16)]
    parallel = Parallel(n_jobs=workers, backend="threading", batch_size=1)
    parallel(delayed(store)(task, folder) for task in tasks)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
