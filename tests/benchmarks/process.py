"""Whole processes, timed from start to end, with the memory of the largest one in them."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
PYTHON = sys.executable


@dataclass(frozen=True)
class Run:
    """One process: its seconds, the largest resident set in bytes, its standard output.

    `cpu` is the seconds of processors that it and its children took, which others cannot stretch.
    """

    seconds: float
    peak: int
    output: str
    cpu: float


@dataclass(frozen=True)
class Runs:
    """The same process several times."""

    all: Sequence[Run]

    @property
    def median(self) -> float:
        return median(run.seconds for run in self.all)

    @property
    def fastest(self) -> float:
        return min(run.seconds for run in self.all)

    @property
    def spread(self) -> str:
        seconds = [run.seconds for run in self.all]
        return f"{min(seconds):.2f} .. {max(seconds):.2f}"

    @property
    def peak(self) -> int:
        """The median of the peaks."""
        return int(median(run.peak for run in self.all))

    @property
    def output(self) -> str:
        return self.all[-1].output


def run(command: Sequence[str]) -> Run:
    """Run a command to its end.

    `peak` is that of the largest process among the command and the children it waited for. A
    child of a large parent begins with the parent's peak (fork shares the pages), so whoever
    calls this must be small: no NumPy in the process that measures.

    Raises
    ------
    RuntimeError
        It failed; the text ends with what it said.
    """
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=ROOT, env=_environment(), stdout=output, stderr=errors
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        for stream in (output, errors):
            stream.seek(0)
        if process.returncode:
            raise RuntimeError(
                f"{' '.join(command)}: exit {process.returncode}: {errors.read()[-2000:]}"
            )
        unit = 1 if sys.platform == "darwin" else 1024
        cpu = usage.ru_utime + usage.ru_stime
        return Run(seconds, usage.ru_maxrss * unit, output.read(), cpu)


def run_interleaved(commands: Mapping[str, Sequence[str]], runs: int) -> dict[str, Runs]:
    """Run commands in turn, A B C A B C, so that a slow minute of the machine meets them all."""
    results: dict[str, list[Run]] = {name: [] for name in commands}
    for number in range(runs):
        for name, command in commands.items():
            _say(f"  {number + 1}/{runs} {name}")
            results[name].append(run(command))
    _say("")
    return {name: Runs(each) for name, each in results.items()}


def normstat(folder: Path | str, spec: Path, *options: str) -> list[str]:
    """Return the command that measures `folder` as a user would."""
    return [PYTHON, "-m", "normstat", "compute", str(folder), "-q", "-o", str(spec), *options]


def usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _say(text: str) -> None:
    """Write over the line that tells what is running, if someone is looking."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("NORMSTAT_")}
