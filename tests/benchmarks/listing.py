"""A million names: how long they take to list, and how much memory."""

import os
import shutil
import tempfile
from pathlib import Path

from tests.benchmarks.process import PYTHON, run_interleaved
from tests.benchmarks.tables import CONSOLE, show, verdict

COUNT = 1_000_000
FOLDERS = 100
LIMIT = 400  # MB

_MEMORY_DISK = "/dev/shm"  # noqa: S108 (only a place for mkdtemp, which makes its own folder)
_WALK = (
    "import os, sys\n"
    "print(sum(os.stat(os.path.join(here, name)).st_size + 1\n"
    "          for here, _, names in os.walk(sys.argv[1]) for name in names))"
)
_LIST = (
    "import sys; from normstat.sources import Selection, list_files\n"
    "print(len(list_files([sys.argv[1]], Selection())))"
)


def measure_listing(*, runs: int) -> None:
    """Make empty files, list them, remove them."""
    folder = Path(tempfile.mkdtemp(prefix="normstat-bench-", dir=_place()))
    try:
        CONSOLE.print(f"making {COUNT:,} empty files in {folder} ...")
        _fill(folder)
        commands = {
            "os.walk and os.stat": [PYTHON, "-c", _WALK, str(folder)],
            "normstat's listing": [PYTHON, "-c", _LIST, str(folder)],
        }
        results = run_interleaved(commands, runs)
    finally:
        shutil.rmtree(folder)
    rows = [
        [
            name,
            f"{each.median:.1f}",
            each.spread,
            f"{each.peak / 1e6:.0f}",
            verdict(each.peak / 1e6, LIMIT, " MB") if "normstat" in name else "",
        ]
        for name, each in results.items()
    ]
    columns = ["process", "median s", "min .. max", "largest process MB", "limit"]
    show(f"Listing {COUNT:,} names, {runs} runs", columns, rows)


def _place() -> str | None:
    return _MEMORY_DISK if os.access(_MEMORY_DISK, os.W_OK) else None


def _fill(folder: Path) -> None:
    each = COUNT // FOLDERS
    for number in range(FOLDERS):
        sub = folder / f"class{number:03d}"
        sub.mkdir()
        for index in range(each):
            os.close(os.open(sub / f"image_{number * each + index:07d}.jpg", os.O_CREAT))
