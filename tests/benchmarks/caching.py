"""What a cache costs when it is empty, and what it saves when it is full."""

import os
import shutil
import tempfile
from pathlib import Path
from statistics import median

from tests.benchmarks import corpora
from tests.benchmarks.process import Run, Runs, normstat, run
from tests.benchmarks.tables import show, verdict

COLD_LIMIT = 1.05  # times a run without cache
WARM_LIMIT = 20.0  # times faster than decoding
COPIES = 8  # so that a warm run is long enough to be measured

_NAMES = ("without cache", "cold cache", "warm cache", "one image", "one image, warm")


def measure_cache(photos: Path, scratch: Path, *, workers: int, runs: int) -> None:
    """Run without, with an empty and with a full cache in turn, and take one image off each."""
    with tempfile.TemporaryDirectory(dir=_disk()) as place:
        folder = Path(place, "photos")
        for copy in range(COPIES):
            shutil.copytree(photos, folder / str(copy))
        images = sum(path.is_file() for path in folder.rglob("*"))
        results = _in_turn(folder, scratch, Path(place), workers, runs)
    # The fastest: the time from the cache is short beside what others take from a run.
    decoding = results["without cache"].fastest - results["one image"].fastest
    reading = results["warm cache"].fastest - results["one image, warm"].fastest
    # Neighbours in time were in the same noise.
    pairs = zip(results["cold cache"].all, results["without cache"].all, strict=True)
    overhead = median(cold.cpu / plain.cpu for cold, plain in pairs)
    verdicts = {
        "cold cache": verdict(overhead, COLD_LIMIT),
        "warm cache": _times_faster(decoding, reading),
    }
    rows = [
        [name, f"{each.median:.2f}", each.spread, verdicts.get(name, "")]
        for name, each in results.items()
    ]
    show(
        f"Cache: {images:,} photos, {workers} workers, {runs} runs",
        ["run", "median s", "min .. max", "limit"],
        rows,
        f"an image takes {decoding / images * 1e6:.0f} µs to decode and "
        f"{reading / images * 1e6:.0f} µs from the cache; the time for one image is "
        "taken off both. cold / without: neighbouring runs, in time of the processor.",
    )


def _times_faster(decoding: float, reading: float) -> str:
    if reading <= 0:
        return "too noisy to tell"
    faster = decoding / reading
    answer = "yes" if faster >= WARM_LIMIT else "NO"
    return f"{faster:.0f} times faster, of {WARM_LIMIT:g}: {answer}"


def _in_turn(folder: Path, scratch: Path, place: Path, workers: int, runs: int) -> dict[str, Runs]:
    spec, cache, small = scratch / "cache.json", place / "cache", place / "one.cache"
    jobs = ("-j", str(workers))
    single = corpora.single(folder / "0")
    commands = {
        "without cache": normstat(folder, spec, *jobs),
        "cold cache": normstat(folder, spec, *jobs, "--cache", str(cache)),
        "warm cache": normstat(folder, spec, *jobs, "--cache", str(cache)),
        "one image": normstat(single, spec, *jobs),
        "one image, warm": normstat(single, spec, *jobs, "--cache", str(small)),
    }
    run(commands["without cache"])  # brings the files into memory
    run(commands["one image, warm"])
    results: dict[str, list[Run]] = {name: [] for name in _NAMES}
    for _ in range(runs):
        cache.unlink(missing_ok=True)
        for name in _NAMES:
            results[name].append(run(commands[name]))
    return {name: Runs(each) for name, each in results.items()}


def _disk() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
