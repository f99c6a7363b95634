"""`make bench`: speed as ratios to a plain decode, side by side.

Nothing here fails because of time: machines differ, so every limit is printed beside what was
measured.
"""

import argparse
import os
import platform
import tempfile
from pathlib import Path

from tests.benchmarks import corpora
from tests.benchmarks.applying import race_apply, race_arrays
from tests.benchmarks.engines import scale_engines
from tests.benchmarks.listing import measure_listing
from tests.benchmarks.memory import measure_memory
from tests.benchmarks.process import usable_cores
from tests.benchmarks.speed import race_photos, race_tiny
from tests.benchmarks.start_up import measure_start_up
from tests.benchmarks.tables import CONSOLE
from tests.benchmarks.threshold import find_threshold

PHOTOS = 2_000
TINY = 50_000
QUICK = 10  # times less

SECTIONS = ("photos", "tiny", "start-up", "memory", "listing", "apply")
EXTRA = ("threshold", "engines")


def main() -> None:
    """Run the sections that were asked for."""
    options = _arguments()
    load = os.getloadavg()[0]
    CONSOLE.print(
        f"{platform.platform()}, Python {platform.python_version()}, load {load:.1f} at the start\n"
    )
    with tempfile.TemporaryDirectory(prefix="normstat-bench-") as scratch:
        for section in options.sections or SECTIONS:
            _run(section, options, Path(scratch))


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


def _run(section: str, options: argparse.Namespace, scratch: Path) -> None:
    workers, runs = options.workers, options.runs
    match section:
        case "photos":
            race_photos(_photos(options), scratch, workers=workers, runs=runs)
        case "tiny":
            race_tiny(_tiny(options), scratch, workers=workers, runs=runs)
        case "start-up":
            measure_start_up(_photos(options), scratch, runs=runs)
        case "memory":
            measure_memory(_tiny(options), scratch, workers=workers)
        case "listing" if options.quick:
            CONSOLE.print("listing: left out of --quick\n")
        case "listing":
            measure_listing(runs=runs)
        case "apply":
            race_arrays()
            race_apply(_photos(options), scratch, workers=workers, runs=runs)
        case "threshold":
            find_threshold(scratch, workers=workers, runs=runs)
        case "engines":
            photos = _photos(options)
            scale_engines(photos, corpora.single(photos), scratch, workers=workers, runs=runs)


def _photos(options: argparse.Namespace) -> Path:
    return options.data or corpora.photos(PHOTOS // QUICK if options.quick else PHOTOS)


def _tiny(options: argparse.Namespace) -> Path:
    return options.tiny or corpora.squares(TINY // QUICK if options.quick else TINY, 32)


if __name__ == "__main__":
    main()
