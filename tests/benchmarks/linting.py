"""Ten thousand files of source and configuration: how long `lint` takes over them."""

import json
import random
import sysconfig
from pathlib import Path

from tests.benchmarks.process import PYTHON, run_interleaved
from tests.benchmarks.tables import CONSOLE, show, verdict

COUNT = 10_000
LIMIT = 10  # seconds on two cores
USUAL = 20_000  # bytes of a source file

_WALK = "import os, sys\nfor here, _, names in os.walk(sys.argv[1]):\n    for name in names: open(os.path.join(here, name), 'rb').read()"  # noqa: E501
# A share of the files speaks of means and stds, as in a repository of vision models.
_NORMALIZING = """
IMAGENET_MEAN = [0.485, 0.456, 0.406]
IMAGENET_STD = [0.229, 0.224, 0.225]
transform = transforms.Compose([
    transforms.ToTensor(),
    transforms.Normalize(mean=IMAGENET_MEAN, std=[x / 255 for x in (58.395, 57.12, 57.375)]),
])
"""
_YAML = "model:\n  name: resnet50\n  layers: [3, 4, 6, 3]\n" + "".join(
    f"stage{i}:\n  lr: 0.{i}\n  epochs: {i}\n  steps: [10, 20, 30]\n" for i in range(40)
)
_DATA = "data:\n  mean: [0.485, 0.456, 0.406]\n  std: [0.229, 0.224, 0.225]\n"


def measure_lint(folder: Path, *, runs: int) -> None:
    """Make the files, and run the command over them beside a plain read of each."""
    CONSOLE.print(f"making {COUNT:,} files in {folder} ...")
    size = _fill(folder)
    command = [PYTHON, "-m", "normstat", "lint", str(folder), "--fail-on", "never"]
    commands = {
        "os.walk and read": [PYTHON, "-c", _WALK, str(folder)],
        "normstat lint": command,
        "normstat lint -j 1": [*command, "--jobs", "1"],
    }
    results = run_interleaved(commands, runs)
    rows = [
        [
            name,
            f"{each.median:.1f}",
            each.spread,
            verdict(each.median, LIMIT, " s") if name == "normstat lint" else "",
        ]
        for name, each in results.items()
    ]
    title = f"Lint of {COUNT:,} files, {size / 1e6:.0f} MB, {runs} runs"
    show(title, ["process", "median s", "min .. max", "limit"], rows)


def _fill(folder: Path) -> int:
    """Write a mix of kinds; Python is the standard library's own."""
    chance = random.Random(1)  # noqa: S311 (the same files each time)
    library = Path(sysconfig.get_path("stdlib"))
    paths = sorted((*library.glob("*.py"), *library.glob("[a-s]*/*.py")))
    usual = (path for path in paths if path.stat().st_size < USUAL)
    texts = [path.read_text("utf-8") for path in usual if "site-packages" not in path.parts]
    config = json.dumps({f"layer{i}": {"size": i, "mean_pool": True} for i in range(60)}, indent=1)
    processor = json.dumps({"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "size": 224})
    total = 0
    for index in range(COUNT):
        place = folder / f"package{index % 97}" / f"part{index % 11}"
        place.mkdir(parents=True, exist_ok=True)
        speaks = chance.random() < 0.1
        kind = chance.random()
        if kind < 0.85:
            name, text = f"m{index}.py", chance.choice(texts) + (_NORMALIZING if speaks else "")
        elif kind < 0.93:
            name, text = f"c{index}.yaml", _YAML + (_DATA if speaks else "")
        else:
            name, text = f"c{index}.json", processor if speaks else config
        (place / name).write_text(text, encoding="utf-8")
        total += len(text)
    return total
