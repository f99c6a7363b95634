"""`apply` against decoding and storing, and `normalize` against other libraries."""

import json
from pathlib import Path

from tests.benchmarks import corpora
from tests.benchmarks.process import PYTHON, run, run_interleaved
from tests.benchmarks.tables import show, verdict

APPLY_LIMIT = 1.3
NORMALIZE_LIMIT = 1.0


def race_apply(folder: Path, scratch: Path, *, workers: int, runs: int) -> None:
    """The whole command: at most 1.3 times decoding and storing the same bytes."""
    single = corpora.single(folder)
    commands = {
        "decode + numpy.save": _floor(folder, workers, scratch / "floor"),
        "normstat apply": _apply(folder, workers, scratch / "applied"),
        "decode + numpy.save, one image": _floor(single, workers, scratch / "floor1"),
        "normstat apply, one image": _apply(single, workers, scratch / "applied1"),
    }
    results = run_interleaved(commands, runs)
    work = {
        name: results[name].median - results[f"{name}, one image"].median
        for name in list(commands)[:2]
    }
    floor, ours = work.values()
    rows = [
        [
            name,
            f"{results[name].median:.2f}",
            results[name].spread,
            f"{results[f'{name}, one image'].median:.2f}",
            f"{seconds / floor:.2f}",
            verdict(ours / floor, APPLY_LIMIT) if name.startswith("normstat") else "",
        ]
        for name, seconds in work.items()
    ]
    show(
        f"Apply: {workers} workers, {runs} runs",
        ["contender", "median s", "min .. max", "one image s", "work ratio", "limit"],
        rows,
        "Work ratio: each gives back its own time for one image.",
    )


def race_arrays() -> None:
    """One array, one thread: no slower than the best of the others."""
    answer = json.loads(run([PYTHON, "-m", "tests.benchmarks.contenders.arrays"]).output)
    rows = []
    for size, times in answer.items():
        ours = times["normstat.normalize"]
        best = min(time for name, time in times.items() if not name.startswith("normstat"))
        rows += [
            [
                f"{size}, {name}",
                f"{time:.0f}",
                f"{time / ours:.2f}",
                verdict(ours / best, NORMALIZE_LIMIT) if time == ours else "",
            ]
            for name, time in times.items()
        ]
    show("Normalize uint8 arrays, one thread", ["contender", "µs", "to normstat", "limit"], rows)


def _floor(folder: Path, workers: int, target: Path) -> list[str]:
    module = "tests.benchmarks.contenders.save_floor"
    return [PYTHON, "-m", module, str(folder), str(workers), str(target)]


def _apply(folder: Path, workers: int, target: Path) -> list[str]:
    options = ["--preset", "imagenet", "--overwrite", "-q", "-j", str(workers)]
    return [PYTHON, "-m", "normstat", "apply", str(folder), "-o", str(target), *options]
