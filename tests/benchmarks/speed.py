"""Races on photos and on tiny images."""

from pathlib import Path

from tests.benchmarks import corpora
from tests.benchmarks.race import NORMSTAT, Result, floor, missing, ours, race
from tests.benchmarks.tables import CONSOLE, show_race, verdict

PHOTO_LIMIT = 1.15
TINY_LIMIT = 1.35


def race_photos(folder: Path, scratch: Path, *, workers: int, runs: int) -> None:
    """Large photos: decoding outside the GIL dominates, threads are enough."""
    results = race(
        folder,
        corpora.single(folder),
        scratch,
        engines=["threads"],
        backends=["auto"],
        workers=workers,
        runs=runs,
    )
    base, normstat = _pick(results, floor("threads")), _pick(results, NORMSTAT)
    start_up = normstat.start_up.median if normstat.start_up else 0.0
    ratio = (normstat.runs.median - start_up) / base.runs.median
    show_race(
        f"Photos: {_described(folder)}, {workers} workers, {runs} runs",
        results,
        base.name,
        {NORMSTAT: verdict(ratio, PHOTO_LIMIT)},
        "limit: (normstat − its own time for one image) / floor. Work ratio: both give back "
        "their own time for one image.",
    )
    _say_missing()


def race_tiny(folder: Path, scratch: Path, *, workers: int, runs: int) -> None:
    """Tiny images: opening a file holds the GIL, worker processes win."""
    results = race(
        folder,
        corpora.single(folder),
        scratch,
        engines=["processes", "threads", "serial"],
        backends=["auto", "processes", "threads", "serial"],
        workers=workers,
        runs=runs,
    )
    base = _pick(results, floor("processes"))
    ratios = {
        name: _pick(results, name).runs.median / base.runs.median
        for name in (NORMSTAT, ours("processes"))
    }
    show_race(
        f"Tiny images: {_described(folder)}, {workers} workers, {runs} runs",
        results,
        base.name,
        {name: verdict(ratio, TINY_LIMIT) for name, ratio in ratios.items()},
        "limit: whole process / floor in worker processes.",
    )
    _say_missing()


def _pick(results: list[Result], name: str) -> Result:
    return next(result for result in results if result.name == name)


def _described(folder: Path) -> str:
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return f"{len(sizes):,} files of {sum(sizes) / len(sizes) / 1000:.1f} kB"


def _say_missing() -> None:
    for line in missing():
        CONSOLE.print(line)
    CONSOLE.print()
