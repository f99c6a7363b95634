"""Who takes part, and what is to be run for each."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tests.benchmarks.process import PYTHON, Runs, normstat, run_interleaved

NORMSTAT = "normstat"


@dataclass(frozen=True)
class Answer:
    """The std that a contender gives, on the scale 0..1, and its definition."""

    std: Sequence[float]
    kind: str


@dataclass(frozen=True)
class Result:
    """What one contender did on a corpus and, if asked for, on a single image of it."""

    name: str
    runs: Runs
    start_up: Runs | None
    answer: Answer | None


def floor(engine: str) -> str:
    return f"floor, {engine}"


def ours(backend: str) -> str:
    return NORMSTAT if backend == "auto" else f"{NORMSTAT}, {backend}"


def race(
    folder: Path,
    single: Path,
    scratch: Path,
    *,
    engines: Sequence[str],
    backends: Sequence[str],
    workers: int,
    runs: int,
) -> list[Result]:
    """Run floors with `engines`, normstat with `backends` and all usual scripts, interleaved.

    Parameters
    ----------
    folder, single
        The corpus, and a folder with one of its images for the time that starting takes.
    scratch
        Where specs are written.
    """
    commands: dict[str, Sequence[str]] = {}
    for engine in engines:
        commands[floor(engine)] = _script("floor", folder, workers, engine)
    specs = {ours(backend): scratch / f"{backend}.json" for backend in backends}
    for backend in backends:
        commands[ours(backend)] = normstat(
            folder, specs[ours(backend)], "-j", str(workers), "--backend", backend
        )
    commands |= _usual(folder, workers)
    starts = {
        _start(floor(engine)): _script("floor", single, workers, engine) for engine in engines
    } | {
        _start(ours(backend)): normstat(single, scratch / "single.json", "--backend", backend)
        for backend in backends
    }
    results = run_interleaved(commands | starts, runs)
    return [
        Result(name, results[name], results.get(_start(name)), _answer(results[name], specs, name))
        for name in commands
    ]


def missing() -> list[str]:
    """Return a line for each usual tool that is not installed here."""
    lines = [
        f"{module}: not installed, left out" for module in ("cv2", "torch") if not find_spec(module)
    ]
    return lines if _datum() else [*lines, "datum (Datumaro): not installed, left out"]


def _usual(folder: Path, workers: int) -> dict[str, Sequence[str]]:
    commands: dict[str, Sequence[str]] = {"NumPy pool": _script("numpy_pool", folder, workers)}
    if find_spec("cv2"):
        commands["OpenCV meanStdDev pool"] = _script("opencv_pool", folder, workers)
    if find_spec("torch"):
        commands["torch DataLoader"] = _script("torch_loader", folder, workers)
    datum = _datum()
    if datum:
        commands["datum stats (1 process)"] = _script("datumaro_stats", folder, 1, datum)
    return commands


def _datum() -> str | None:
    """Return the program beside this Python or, as it pins an older Pillow, wherever it is."""
    return shutil.which("datum", path=Path(PYTHON).parent) or shutil.which("datum")


def _script(name: str, folder: Path, workers: int, *more: str) -> list[str]:
    module = f"tests.benchmarks.contenders.{name}"
    return [PYTHON, "-m", module, str(folder), str(workers), *more]


def _start(name: str) -> str:
    return f"{name}, one image"


def _answer(runs: Runs, specs: dict[str, Path], name: str) -> Answer | None:
    if name in specs:
        spec = json.loads(specs[name].read_text())
        return Answer(spec["std"], spec["estimator"]["std"])
    answer = json.loads(runs.output)
    return Answer(answer["std"], answer["kind"]) if "std" in answer else None
