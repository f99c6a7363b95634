"""`make bench`: speed as ratios to a plain decode, side by side.

Nothing here fails because of time: machines differ, so every limit is printed beside what was
measured.
"""

import argparse
import os
import platform
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks import corpora
from tests.benchmarks.applying import race_apply, race_arrays
from tests.benchmarks.caching import measure_cache
from tests.benchmarks.deep import race_deep
from tests.benchmarks.engines import scale_engines
from tests.benchmarks.linting import measure_lint
from tests.benchmarks.listing import measure_listing
from tests.benchmarks.memory import measure_memory
from tests.benchmarks.process import usable_cores
from tests.benchmarks.sampled import measure_tolerances, simulate_coverage
from tests.benchmarks.shards import race_shards
from tests.benchmarks.speed import race_photos, race_tiny
from tests.benchmarks.start_up import measure_start_up
from tests.benchmarks.stores import race_store
from tests.benchmarks.tables import CONSOLE
from tests.benchmarks.threshold import find_threshold

PHOTOS = 2_000
TINY = 50_000
QUICK = 10  # times less

Section = Callable[[argparse.Namespace, Path], None]


def _photos(options: argparse.Namespace) -> Path:
    return options.data or corpora.photos(PHOTOS // QUICK if options.quick else PHOTOS)


def _tiny(options: argparse.Namespace) -> Path:
    return options.tiny or corpora.squares(TINY // QUICK if options.quick else TINY, 32)


def _each(race: Callable[..., None], folder: Callable[[argparse.Namespace], Path]) -> Section:
    """Return a section that races in a folder."""

    def run(options: argparse.Namespace, scratch: Path) -> None:
        race(folder(options), scratch, workers=options.workers, runs=options.runs)

    return run


def _start_up(options: argparse.Namespace, scratch: Path) -> None:
    measure_start_up(_photos(options), scratch, runs=options.runs)


def _memory(options: argparse.Namespace, scratch: Path) -> None:
    measure_memory(_tiny(options), scratch, workers=options.workers)


def _listing(options: argparse.Namespace, scratch: Path) -> None:
    if options.quick:
        CONSOLE.print("listing: left out of --quick\n")
    else:
        measure_listing(runs=options.runs)


def _apply(options: argparse.Namespace, scratch: Path) -> None:
    race_arrays()
    race_apply(_photos(options), scratch, workers=options.workers, runs=options.runs)


def _sampling(options: argparse.Namespace, scratch: Path) -> None:
    for folder in (_photos(options), _tiny(options)):
        measure_tolerances(folder, scratch, workers=options.workers, runs=options.runs)
    simulate_coverage(_tiny(options))


def _lint(options: argparse.Namespace, scratch: Path) -> None:
    measure_lint(scratch / "lint", runs=options.runs)


def _deep(options: argparse.Namespace, scratch: Path) -> None:
    less = QUICK if options.quick else 1
    race_deep(scratch, workers=options.workers, runs=options.runs, less=less)


def _threshold(options: argparse.Namespace, scratch: Path) -> None:
    find_threshold(scratch, workers=options.workers, runs=options.runs)


def _engines(options: argparse.Namespace, scratch: Path) -> None:
    photos = _photos(options)
    single = corpora.single(photos)
    scale_engines(photos, single, scratch, workers=options.workers, runs=options.runs)


SECTIONS: dict[str, Section] = {
    "photos": _each(race_photos, _photos),
    "tiny": _each(race_tiny, _tiny),
    "start-up": _start_up,
    "memory": _memory,
    "listing": _listing,
    "apply": _apply,
    "sampling": _sampling,
    "shards": _each(race_shards, _photos),
    "cache": _each(measure_cache, _photos),
    "store": _each(race_store, _photos),
    "lint": _lint,
    "deep": _deep,
}
EXTRA: dict[str, Section] = {"threshold": _threshold, "engines": _engines}


def main() -> None:
    """Run the sections that were asked for."""
    options = _arguments()
    load = os.getloadavg()[0]
    CONSOLE.print(
        f"{platform.platform()}, Python {platform.python_version()}, load {load:.1f} at the start\n"
    )
    with tempfile.TemporaryDirectory(prefix="normstat-bench-") as scratch:
        for section in options.sections or SECTIONS:
            (SECTIONS | EXTRA)[section](options, Path(scratch))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "sections",
        nargs="*",
        metavar="SECTION",
        help=f"{', '.join(SECTIONS)} (all by default), or {', '.join(EXTRA)}",
    )
    parser.add_argument("--data", type=_folder, help="folder of photos instead of the made ones")
    parser.add_argument(
        "--tiny", type=_folder, help="folder of tiny images instead of the made ones"
    )
    parser.add_argument("--runs", type=int, default=5, help="of each process; the median counts")
    parser.add_argument("--workers", type=int, default=usable_cores())
    parser.add_argument("--quick", action="store_true", help="a tenth of the images, no listing")
    options = parser.parse_args()
    wrong = set(options.sections) - {*SECTIONS, *EXTRA}
    if wrong:
        parser.error(f"no section {', '.join(sorted(wrong))}")
    return options


def _folder(text: str) -> Path:
    path = Path(text).resolve()  # contenders run in the project's folder, not in this one
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is no folder")
    return path


if __name__ == "__main__":
    main()
