"""From which size and number of files do worker processes beat threads?

What `normstat/backends/__init__.py` has as thresholds was read off this table.
"""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks import corpora
from tests.benchmarks.process import normstat, run_interleaved
from tests.benchmarks.tables import show

SIDES = (32, 64, 96, 128, 192, 256)
COUNTS = (2_000, 5_000, 12_000)
BACKENDS = ("serial", "threads", "processes")


def find_threshold(scratch: Path, *, workers: int, runs: int, sides: Sequence[int] = SIDES) -> None:
    """Time every engine on files of several sizes and numbers."""
    rows = []
    for side in sides:
        corpus = corpora.squares(max(COUNTS), side)
        for count in COUNTS:
            with tempfile.TemporaryDirectory(dir=corpora.HOME) as folder:
                size = _link_some(corpus, Path(folder), count)
                commands = {
                    backend: normstat(
                        Path(folder), scratch / "t.json", "-j", str(workers), "--backend", backend
                    )
                    for backend in BACKENDS
                }
                results = run_interleaved(commands, runs)
            # The fastest: what another program took from one run must not look like a threshold.
            best = {backend: each.fastest for backend, each in results.items()}
            rows.append(
                [
                    f"{side} × {side}",
                    f"{size / count / 1000:.1f}",
                    f"{count:,}",
                    *(f"{best[backend]:.2f}" for backend in BACKENDS),
                    f"{best['processes'] / best['threads']:.2f}",
                    min(best, key=best.__getitem__),
                ]
            )
    columns = [
        "image", "kB a file", "files", *(f"{backend} s" for backend in BACKENDS),
        "processes / threads", "fastest",
    ]  # fmt: skip
    show(f"Which engine when: {workers} workers, {runs} runs, the fastest of each", columns, rows)


def _link_some(corpus: Path, folder: Path, count: int) -> int:
    """Link `count` files spread over the corpus into `folder`; return their bytes."""
    paths = sorted(corpus.rglob("*.jpg"))
    chosen = paths[:: len(paths) // count][:count]
    for number, path in enumerate(chosen):
        os.link(path, folder / f"{number:06d}.jpg")
    return sum(path.stat().st_size for path in chosen)
