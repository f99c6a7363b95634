"""A diagnosis as text for a terminal."""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from normstat.diagnosis.model import Diagnosis
from normstat.reports.diagnosis_tables import Cells, counted, tables


def diagnosis_text(found: Diagnosis) -> RenderableType:
    """Return the tables, each with its notes, and what is proven, measured and observed."""
    parts: list[RenderableType] = [Text(f"{found.name}: {counted(found)}")]
    for cells in tables(found):
        parts += [Text(), Text(cells.title, style="bold"), _Columns(cells)]
        parts += [Text(note, style="dim") for note in cells.notes]
    parts.append(Text())
    if found.missing:
        parts.append(Text(f"No jitter and no simulation: {found.missing}."))
    if found.unreadable:
        parts.append(Text(f"{found.unreadable:,} of the sampled images could not be used."))
    parts += [Text(line) for line in (found.proven, found.measured, found.observed)]
    return Group(*parts)


@dataclass(frozen=True)
class _Columns:
    """A table that goes on below itself where it has more columns than the terminal has room."""

    cells: Cells

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for columns in self._blocks(options.max_width):
            yield self._table(columns)

    def _blocks(self, width: int) -> Iterator[list[int]]:
        """Yield columns that fit side by side, with the names of the rows before them."""
        name, *wide = (
            max(map(cell_len, column))
            for column in zip(self.cells.heads, *self.cells.rows, strict=True)
        )
        block: list[int] = []
        used = name
        for column, each in enumerate(wide, 1):
            if block and used + 1 + each > width:
                yield block
                block, used = [], name
            block.append(column)
            used += 1 + each
        yield block

    def _table(self, columns: list[int]) -> Table:
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
        table.add_column(Text(self.cells.heads[0]), overflow="fold")
        for column in columns:
            table.add_column(Text(self.cells.heads[column]), justify="right", no_wrap=True)
        for row in self.cells.rows:
            table.add_row(Text(row[0]), *(Text(row[column]) for column in columns))
        return table
