"""The formats of frameworks as text for a terminal."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from normstat.formats.exports import Target

_NONE = 1e-9  # what float64 leaves


def targets_text(rows: Sequence[Target], spec: str | None) -> RenderableType:
    """Return the table of formats, with their largest errors for a spec when there is one."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("name", no_wrap=True)
    table.add_column("what", overflow="fold")
    table.add_column("units of its numbers", overflow="fold")
    table.add_column("scale", no_wrap=True)
    if spec:
        table.add_column("error", justify="right")
    reasons = []
    for row in rows:
        cells = [row.name, row.summary, row.units, "one" if row.one_scale else "each"]
        if spec:
            cells.append(_error(row))
        if isinstance(row.error, str):
            reasons.append(Text(f"{row.name}: {row.error}", style="dim"))
        table.add_row(*map(Text, cells))
    parts: list[RenderableType] = [table]
    if spec:
        parts.append(
            Text(f"error: largest |y - y of {spec}| over every code, normalized units", style="dim")
        )
    parts.append(Text("scale: one for all channels, or one for each", style="dim"))
    return Group(*parts, *reasons)


def _error(row: Target) -> str:
    if isinstance(row.error, str):
        return "no"
    return "0" if row.error is not None and row.error < _NONE else f"{row.error:.1e}"
