"""How results look: tables, and the limits that they are held against."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from tests.benchmarks.race import Result

CONSOLE = Console(width=150, highlight=False)


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], note: str = "") -> None:
    """Print a table whose first column is text and whose other columns are numbers."""
    table = Table(title=title, title_justify="left", caption=note or None, caption_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    CONSOLE.print(table)
    CONSOLE.print()


def verdict(value: float, limit: float, unit: str = "") -> str:
    """Hold a number against its limit.

    >>> verdict(1.1, 1.15), verdict(120, 100, " MB")
    ('1.10 of 1.15: yes', '120 MB of 100 MB: NO')
    """
    digits = 0 if unit == " MB" else 2
    answer = "yes" if value <= limit else "NO"
    return f"{value:.{digits}f}{unit} of {limit:g}{unit}: {answer}"


def show_race(
    title: str, results: Sequence[Result], floor: str, verdicts: dict[str, str], note: str
) -> None:
    """Print a race; `floor` names the result that ratios are taken to.

    On a noisy machine the ratio of the fastest runs tells more than that of the medians.
    """
    base = next(result for result in results if result.name == floor)
    rows = [
        [
            result.name,
            f"{result.runs.median:.2f}",
            result.runs.spread,
            f"{result.runs.median / base.runs.median:.2f}",
            f"{result.runs.fastest / base.runs.fastest:.2f}",
            f"{result.start_up.median:.2f}" if result.start_up else "",
            _work_ratio(result, base),
            _answer(result),
            verdicts.get(result.name, ""),
        ]
        for result in results
    ]
    columns = [
        "contender", "median s", "min .. max", "ratio", "of fastest", "one image s", "work ratio",
        "std it answers", "limit",
    ]  # fmt: skip
    show(title, columns, rows, note)


def _work_ratio(result: Result, base: Result) -> str:
    """Return the ratio of what is left when each gives back its own time for one image."""
    if not (result.start_up and base.start_up):
        return ""
    work = result.runs.median - result.start_up.median
    return f"{work / (base.runs.median - base.start_up.median):.2f}"


def _answer(result: Result) -> str:
    if result.answer is None:
        return ""
    return f"{' '.join(f'{value:.4f}' for value in result.answer.std)} {result.answer.kind}"
