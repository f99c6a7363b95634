"""The floor: the same files decoded by Pillow, TIFF by tifffile, in the same workers; no more.

The engine is normstat's own, so that the start of workers is paid here too.
"""

import json
import sys

from PIL import Image

from tests.benchmarks.contenders.shared import images

_MOST_A_TASK = 512


def decode(paths: list[str]) -> None:
    for path in paths:
        if path.endswith(".tif"):
            from tifffile import imread  # noqa: PLC0415 (not every floor pays for it)

            imread(path)
            continue
        with Image.open(path) as image:
            image.load()


def main(folder: str, workers: int, engine: str) -> None:
    paths = images(folder)
    size = max(1, min(_MOST_A_TASK, len(paths) // (16 * workers)))
    tasks = [paths[start : start + size] for start in range(0, len(paths), size)]
    if engine == "serial" or len(tasks) == 1:
        for task in tasks:
            decode(task)
    else:
        from joblib import Parallel, delayed  # noqa: PLC0415 (serial work goes without it)

        backend = {"threads": "threading", "processes": "loky"}[engine]
        parallel = Parallel(n_jobs=workers, backend=backend, batch_size=1, pre_dispatch="3*n_jobs")
        parallel(delayed(decode)(task) for task in tasks)
    print(json.dumps({"kind": "none"}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
