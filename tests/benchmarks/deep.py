"""16-bit gray, bands in tiles, and masks, against decoding the same files."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from tests.benchmarks import corpora
from tests.benchmarks.process import PYTHON, Runs, normstat, run_interleaved
from tests.benchmarks.tables import show, verdict

GRAY, BANDS, MASKED = 600, 40, 1_000
GRAY_LIMIT = 1.3
BANDS_LIMIT = 1.5
MASK_LIMIT = 1.15


def race_deep(scratch: Path, *, workers: int, runs: int, less: int = 1) -> None:
    """Race each kind; `less` divides the numbers of files."""
    spec = scratch / "deep.json"
    jobs = ("-j", str(workers))
    for kind, count, decoder, limit in (
        ("gray", GRAY, "Pillow", GRAY_LIMIT), ("bands", BANDS, "tifffile.imread", BANDS_LIMIT),
    ):  # fmt: skip
        folder = corpora.deep(count // less, kind)
        commands = {
            f"decoding by {decoder}": _floor(folder, workers),
            "normstat": normstat(folder, spec, *jobs),
            "normstat, one image": normstat(corpora.single(folder), spec),
        }
        what = {"gray": "16-bit gray PNG", "bands": "TIFF of 13 bands in tiles"}[kind]
        _race(f"{count // less} files: {what}, {workers} workers", commands, runs, limit)
    folder = corpora.masked(MASKED // less)
    images, masks = folder / "images", ("--mask-dir", str(folder / "masks"))
    commands = {
        "decoding images and masks": _floor(folder, workers),
        "normstat with masks": normstat(images, spec, *jobs, *masks),
        "normstat, one image": normstat(corpora.single(images), spec),
        "decoding images": _floor(images, workers),
        "normstat without masks": normstat(images, spec, *jobs),
    }
    title = f"{MASKED // less} photos with masks, {workers} workers"
    _race(title, commands, runs, MASK_LIMIT)


def _floor(folder: Path, workers: int) -> list[str]:
    module = "tests.benchmarks.contenders.floor"
    return [PYTHON, "-m", module, str(folder), str(workers), "threads"]


def _race(title: str, commands: dict[str, Sequence[str]], runs: int, limit: float) -> None:
    """Run the floor, normstat, normstat on one image, and others; the first three are compared."""
    results = run_interleaved(commands, runs)
    floor, ours, one = list(results)[:3]
    start_up = results[one].median
    # Neighbours in time were in the same noise.
    pairs = zip(results[ours].all, results[floor].all, strict=True)
    ratio = median((a.seconds - start_up) / b.seconds for a, b in pairs)
    rows = [
        [
            name,
            f"{each.median:.2f}",
            each.spread,
            f"{median(run.cpu for run in each.all):.2f}",
            _ratio(each, results[floor]),
            verdict(ratio, limit) if name == ours else "",
        ]
        for name, each in results.items()
    ]
    show(
        f"{title}, {runs} runs",
        ["process", "median s", "min .. max", "processor s", "ratio", "limit"],
        rows,
        f"limit: ({ours} − its time for one image) / {floor}, neighbouring runs.",
    )


def _ratio(runs: Runs, floor: Runs) -> str:
    return f"{runs.median / floor.median:.2f}"
