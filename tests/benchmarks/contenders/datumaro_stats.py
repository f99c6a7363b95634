"""Datumaro's `datum stats`, which works alone: the number of workers is not its business."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.contenders.shared import POOLED, answer, images


def flat(folder: str, scratch: str) -> str:
    """Return a folder without subfolders, which its format `image_dir` does not enter."""
    if all(entry.is_file() for entry in os.scandir(folder)):
        return os.path.abspath(folder)
    links = Path(scratch, "flat")
    links.mkdir()
    for index, path in enumerate(images(folder)):
        (links / f"{index:07d}{Path(path).suffix}").symlink_to(os.path.abspath(path))
    return str(links)


def main(folder: str, program: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        target = f"{flat(folder, scratch)}:image_dir"
        command = [program, "stats", target]
        subprocess.run(command, cwd=scratch, check=True, capture_output=True)
        report = json.loads(Path(scratch, "statistics.json").read_text())
    (subset,) = report["subsets"].values()
    mean, std = (
        [value / 255 for value in subset[f"image {name} (RGB)"]] for name in ("mean", "std")
    )
    answer(mean, std, POOLED)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[3])
