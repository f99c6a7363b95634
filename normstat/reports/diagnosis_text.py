"""A diagnosis as text for a terminal."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from normstat.diagnosis.model import Diagnosis
from normstat.reports.diagnosis_tables import Cells, tables


def diagnosis_text(found: Diagnosis) -> RenderableType:
    """Return the tables, each with its notes, and what is proven, measured and observed."""
    head = (
        f"{found.name}: {found.images:,} images, {found.pixels:,} pixels a channel; "
        f"{found.definition}"
    )
    parts: list[RenderableType] = [Text(head)]
    for cells in tables(found):
        parts += [Text(), _table(cells)]
        parts += [Text(note, style="dim") for note in cells.notes]
    parts.append(Text())
    if found.missing:
        parts.append(Text(f"No jitter and no simulation: {found.missing}."))
    if found.unreadable:
        parts.append(Text(f"{found.unreadable:,} of the sampled images could not be used."))
    parts += [Text(line) for line in (found.proven, found.measured, found.observed)]
    return Group(*parts)


def _table(cells: Cells) -> Group:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    first, *heads = cells.heads
    table.add_column(Text(first), overflow="fold")
    for head in heads:
        table.add_column(Text(head), justify="right", no_wrap=True)
    for name, *values in cells.rows:
        table.add_row(Text(name), *map(Text, values))
    return Group(Text(cells.title, style="bold"), table)
