"""What some numbers are, as text for a terminal."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from normstat.identification import Identification, Near, Reading
from normstat.identification.agreement import number
from normstat.identification.forms import place

_MOST_NAMES = 6
_MOST_NUMBERS = 6

_VERDICTS = {
    "equal": ("equals", "bold green"),
    "rounded": ("rounded", "bold yellow"),
    "centred": ("mean only", "bold"),
    "inverse": ("inverse", "bold"),
    "mean": ("mean only", "bold"),
}
_SLIP = ("slip", "bold red")


def identification_text(found: Identification, near: Sequence[Near]) -> RenderableType:
    """Return the numbers, what they are, and what was meant or is near when they are no preset."""
    parts: list[RenderableType] = [_numbers(found), Text()]
    if found.readings:
        parts.append(_verdict(found))
    else:
        parts.append(Text("no preset has these numbers, and no slip explains them", style="bold"))
    if near and not found.readings:
        parts += [Text(), _nearest(near)]
    return Group(*parts)


def _facts() -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    return table


def _numbers(found: Identification) -> Table:
    table = _facts()
    table.add_row("mean", Text(_row(found.mean)))
    if found.std is not None:
        table.add_row("std", Text(_row(found.std)))
    return table


def _row(values: Sequence[float]) -> str:
    shown = "  ".join(number(value) for value in values[:_MOST_NUMBERS])
    left = len(values) - _MOST_NUMBERS
    return shown + (f"  and {left} more" if left > 0 else "")


def _verdict(found: Identification) -> Table:
    table = _facts()
    for reading in found.readings:
        label, style = _VERDICTS.get(reading.kind, _SLIP)
        table.add_row(Text(label, style=style), Text(reading.text))
    best = found.readings[0]
    if also := [name for reading in found.readings for name in reading.presets][1:]:
        left = len(also) - _MOST_NAMES
        more = f" and {left} more (--format json has all)" if left > 0 else ""
        table.add_row("also", Text(", ".join(also[:_MOST_NAMES]) + more))
    if note := _note(best):
        table.add_row("note", Text(note))
    if best.kind not in {"equal", "inverse", "mean"}:
        table.add_row(
            "meant" if best.kind not in _VERDICTS else "published",
            Text(f"mean {_row(best.mean)}\nstd  {_row(best.std)}"),
        )
    return table


def _note(reading: Reading) -> str:
    if reading.kind in {"equal", "rounded"} and reading.order == "BGR" and not reading.written:
        return "BGR order, as no preset writes it: right only for images in BGR"
    return ""


def _nearest(presets: Sequence[Near]) -> Group:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("nearest", overflow="fold")
    table.add_column("mean off by", justify="right", no_wrap=True)
    table.add_column("std off by", justify="right", no_wrap=True)
    for near in presets:
        table.add_row(
            Text(place(near.preset, near.range, near.order)), f"{near.mean:.4f}", f"{near.std:.4f}"
        )
    note = "the largest difference of a channel, as part of the range"
    return Group(table, Text(note, style="dim"))
