"""How long it takes until the program does something."""

from pathlib import Path

from tests.benchmarks import corpora
from tests.benchmarks.process import PYTHON, normstat, run_interleaved
from tests.benchmarks.tables import show, verdict

LIMIT = 2.0  # times the import of click alone
HEAVY = ("numpy", "PIL", "joblib", "rich")

_CLICK = "python -c 'import click'"
_HELP = "normstat --help"


def measure_start_up(folder: Path, scratch: Path, *, runs: int) -> None:
    """Time help and a run on one image beside Python and click alone, all many times."""
    one = corpora.single(folder)
    commands = {
        "python -c pass": [PYTHON, "-c", "pass"],
        _CLICK: [PYTHON, "-c", "import click"],
        _HELP: [PYTHON, "-m", "normstat", "--help"],
        "normstat compute, one image": normstat(one, scratch / "one.json"),
    }
    results = run_interleaved(commands, 4 * runs)  # these are short
    click = results[_CLICK].median
    rows = [
        [
            name,
            f"{1000 * each.median:.0f}",
            each.spread,
            f"{each.median / click:.2f}",
            verdict(each.median / click, LIMIT) if name == _HELP else "",
        ]
        for name, each in results.items()
    ]
    show(
        f"Start-up, {4 * runs} runs",
        ["process", "median ms", "min .. max s", "ratio to click", "limit"],
        rows,
        f"normstat --help loads of {', '.join(HEAVY)}: {_loaded() or 'none'}",
    )


def _loaded() -> str:
    """Return which heavy packages the help page imports."""
    code = (
        "import sys; from normstat.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        f"print('loaded', *({HEAVY!r} & sys.modules.keys()))"
    ).replace(repr(HEAVY), repr(set(HEAVY)))
    output = run_interleaved({"imports": [PYTHON, "-c", code]}, 1)["imports"].output
    return ", ".join(sorted(output.splitlines()[-1].split()[1:]))
