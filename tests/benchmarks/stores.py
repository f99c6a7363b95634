"""A store whose every answer takes a while, against the same images in a folder."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.process import PYTHON, ROOT, normstat, run_interleaved
from tests.benchmarks.tables import CONSOLE, show

LATENCY = 0.020  # seconds, as from an object store in the same region


def race_store(folder: Path, scratch: Path, *, workers: int, runs: int) -> None:
    """Measure a folder, and the same over a web server with latency."""
    jobs = ("-j", str(workers))
    images = sum(path.is_file() for path in folder.rglob("*"))
    with _served(folder) as url:
        commands = {
            "folder": normstat(folder, scratch / "near.json", *jobs),
            f"web, {LATENCY * 1000:.0f} ms": normstat(url, scratch / "far.json", *jobs),
        }
        results = run_interleaved(commands, runs)
    base = results["folder"].median
    rows = [
        [name, f"{each.median:.2f}", each.spread, f"{each.median / base:.2f}"]
        for name, each in results.items()
    ]
    note = (
        f"One after the other, the waits alone would take {2 * images * LATENCY:.0f} s: one for "
        "the size of each image, which web servers do not list, and one for its bytes."
    )
    show(f"{images:,} images, {runs} runs", ["images from", "median s", "min .. max", "ratio"],
         rows, note)  # fmt: skip
    near, far = ((scratch / f"{name}.json").read_text().splitlines() for name in ("near", "far"))
    other = [line.strip() for line in near if line not in far]
    CONSOLE.print(f"lines of the spec that differ: {other}\n")


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """Serve a folder from another process, so that it does not compete for this one's lock."""
    command = [PYTHON, "-m", "tests.servers", str(folder), str(LATENCY)]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout
        yield server.stdout.readline().strip() + "/"
        assert server.stdin
        server.stdin.close()
