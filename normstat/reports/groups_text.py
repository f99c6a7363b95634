"""The groups of a spec as text for a terminal, the farthest from the whole first."""

from collections.abc import Iterator, Sequence

from rich.console import Console, ConsoleOptions, RenderableType
from rich.table import Table
from rich.text import Text

from normstat.names import printable
from normstat.ranking import Distance, ranked, unmeasured_note
from normstat.spec.model import Spec

MOST_SHOWN = 20
_MOST_NUMBERS = 4  # channels whose means have room in a row
_WIDE = 76  # columns that the pixels need
_MARKS = {"small": "", "noticeable": "*", "large": "**", None: ""}


class groups_text:  # noqa: N801 (called as the functions of the other reports are)
    """A table of groups that takes the columns for which a terminal has room."""

    def __init__(self, spec: Spec) -> None:
        self._channels = spec.channels
        self._found = ranked(spec)
        self._note = unmeasured_note(spec)

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        shown = self._found[:MOST_SHOWN]
        yield self._table(shown, wide=options.max_width >= _WIDE)
        if len(self._found) > len(shown):
            left = len(self._found) - len(shown)
            text = f"and {left:,} more groups that are nearer (all are in the spec)"
            yield Text(text, style="dim")
        if self._note:
            yield Text(self._note, style="dim")
        marks = {_MARKS[each.mismatch] for each in shown} - {""}
        words = {"*": "* noticeable", "**": "** large"}
        told = [words[mark] for mark in sorted(marks)]
        if told:
            yield Text(f"{', '.join(told)} for a network that knows the whole", style="dim")

    def _table(self, shown: Sequence[Distance], *, wide: bool) -> Table:
        few = len(self._channels) <= _MOST_NUMBERS
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("group", overflow="fold", min_width=7)
        titles = ["images", *(["pixels"] if wide else []), "jeffreys"]
        for title in titles:
            table.add_column(title, justify="right", no_wrap=True)
        order = " ".join(self._channels) if few else ""
        for title in (f"mean {order}", f"std {order}") if few else ("shift", "gain"):
            table.add_column(Text(title), justify="right", no_wrap=True)
        for each in shown:
            numbers = (each.mean, each.std) if few else (each.shift, each.gain)
            table.add_row(
                Text(printable(each.name)),
                f"{each.images:,}",
                *([f"{each.pixels:,}"] if wide else []),
                _distance(each),
                *(_numbers(values) if few else _span(values) for values in numbers),
                style="bold" if each.mismatch in ("large", None) else "",
            )
        return table


def _distance(each: Distance) -> str:
    """Return the distance with its marks, which keep the decimals in line."""
    if each.jeffreys is None:
        return each.unmeasured or ""
    return f"{each.jeffreys:.3f}{_MARKS[each.mismatch]:<2}"


def _numbers(values: Sequence[float] | None) -> str:
    return " ".join(_short(value) for value in values or ())


def _short(value: float) -> str:
    return f"{value:.3f}"[1:] if value == 0 or 0 < round(value, 3) < 1 else f"{value:.4g}"


def _span(values: Sequence[float] | None) -> str:
    """Return the smallest and the largest of many channels."""
    return f"{_short(min(values))} … {_short(max(values))}" if values else "–"
