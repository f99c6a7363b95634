"""Memory: flat in the number of images, one decoded image a worker."""

import os
import tempfile
from pathlib import Path

from tests.benchmarks import corpora
from tests.benchmarks.process import Runs, normstat, run_interleaved
from tests.benchmarks.tables import show, verdict

LIMIT = 100  # MB over an empty run
LINKS = 4  # names for each tiny file
LARGE = (4000, 3000)
LARGE_COUNT = 16

_EMPTY = "one image"


def measure_memory(tiny: Path, scratch: Path, *, workers: int) -> None:
    """Take the largest process of runs of very different length."""
    large = corpora.large(LARGE_COUNT, LARGE)
    with tempfile.TemporaryDirectory(dir=corpora.HOME) as folder:
        many = Path(folder)
        names = _link(tiny, many)
        spec, jobs = scratch / "memory.json", ("-j", str(workers))
        shown = f"{names:,} names of {names // LINKS:,} tiny images"
        commands = {
            _EMPTY: normstat(corpora.single(tiny), spec),
            f"{names // LINKS:,} tiny images": normstat(tiny, spec, *jobs),
            **{
                f"{shown}, {backend}": normstat(many, spec, *jobs, "--backend", backend)
                for backend in ("processes", "threads", "serial")
            },
            f"{LARGE_COUNT} photos of {LARGE[0]} × {LARGE[1]}": normstat(large, spec, *jobs),
        }
        results = run_interleaved(commands, 1)
    empty = results[_EMPTY].peak
    rows = [
        [name, f"{each.median:.1f}", f"{each.peak / 1e6:.0f}", *_over(name, each, empty)]
        for name, each in results.items()
    ]
    decoded = LARGE[0] * LARGE[1] * 4 / 1e6  # Pillow keeps RGB in four bytes a pixel
    show(
        f"Memory, {workers} workers",
        ["run", "s", "largest process MB", "over one image MB", "limit"],
        rows,
        f"one of the large photos is {decoded:.0f} MB when decoded: "
        f"{workers} workers may hold {workers * decoded:.0f} MB.",
    )


def _over(name: str, runs: Runs, empty: int) -> tuple[str, str]:
    over = (runs.peak - empty) / 1e6
    if name == _EMPTY:
        return "", ""
    return f"{over:.0f}", verdict(over, LIMIT, " MB") if "tiny" in name else ""


def _link(source: Path, target: Path) -> int:
    """Give each file of `source` several names below `target`; return how many there are."""
    names = 0
    for here, _, files in os.walk(source):
        for copy in range(LINKS):
            folder = target / str(copy) / Path(here).relative_to(source)
            folder.mkdir(parents=True, exist_ok=True)
            for name in files:
                _same_file(os.path.join(here, name), folder / name)
            names += len(files)
    return names


def _same_file(source: str, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another disk, or a file system without hard links
        os.symlink(os.path.abspath(source), target)
