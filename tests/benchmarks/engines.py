"""What does each engine make of a second core, and what does it cost to start?"""

from pathlib import Path

from tests.benchmarks.process import normstat, run_interleaved
from tests.benchmarks.tables import show

ENGINES = ("serial", "threads", "processes", "dask", "ray")


def scale_engines(folder: Path, single: Path, scratch: Path, *, workers: int, runs: int) -> None:
    """Time every engine with one worker and with all, interleaved, and on a single image."""
    commands = {}
    for engine in ENGINES:
        options = ("--backend", engine, "-j")
        commands[f"{engine} 1"] = normstat(folder, scratch / "e.json", *options, "1")
        if engine != "serial":
            commands[f"{engine} n"] = normstat(folder, scratch / "e.json", *options, str(workers))
            commands[f"{engine} start"] = normstat(
                single, scratch / "e.json", *options, str(workers)
            )
    results = run_interleaved(commands, runs)
    images = sum(path.is_file() for path in folder.rglob("*"))
    rows = []
    for engine in ENGINES:
        one = results[f"{engine} 1"]
        several = results.get(f"{engine} n", one)
        start = results.get(f"{engine} start")
        work = several.median - (start.median if start else 0)
        rows.append(
            [
                engine,
                f"{one.median:.1f}",
                f"{several.median:.1f}" if start else "",
                several.spread,
                f"{one.median / several.median:.2f}" if start else "",
                f"{start.median:.1f}" if start else "",
                f"{images / work:.0f}" if work > 0 else "",
            ]
        )
    columns = [
        "engine", "1 worker s", f"{workers} workers s", "min .. max", "faster by",
        "one image s", "images/s beyond the start",
    ]  # fmt: skip
    show(f"Engines on {images:,} images, medians of {runs} runs", columns, rows)
