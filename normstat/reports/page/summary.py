"""A page's main numbers as one picture, for a paper or a README."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from normstat.reports.page.figures import LIGHT, draw, png, settings
from normstat.reports.page.model import Bars, Figure, Figures, Page, Plane, Section, Span, Table
from normstat.reports.page.words import counted

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

_WIDTH = 9.0  # inches
_ROW = 1.75
_GAP = 0.035  # between panels, as parts of the width: ticks need room
_RANK = 3.1
_TITLE = 0.9
_DOTS = 150
_ACROSS = 4  # panels in a row
_MOST_PANELS = 48  # of all specs together
_MOST_OF_ONE = 16
_LONGEST = 60
_MOST_NAMES = 11


def summary(page: Page) -> bytes:
    """Return a PNG: the histograms of each spec with mean ± std, and its nearest presets."""
    from matplotlib.figure import Figure as Drawing  # noqa: PLC0415 (an extra)

    rows = _rows(page)
    height = _TITLE + sum(row.height for row in rows) + 0.45
    with settings():
        drawing = Drawing(figsize=(_WIDTH, height), facecolor=LIGHT["paper"])
        drawing.text(
            0.35 / _WIDTH, 1 - 0.42 / height, _cut(page.title), color=LIGHT["ink"], fontsize=15,
            va="center", weight="bold",
        )  # fmt: skip
        drawing.text(
            0.35 / _WIDTH, 1 - 0.7 / height, _cut(page.subtitle, 110), color=LIGHT["muted"],
            fontsize=9.5, va="center",
        )  # fmt: skip
        top = height - _TITLE - 0.1
        for row in rows:
            top -= row.height
            if row.plane:
                _ranking(drawing, row.head, row.plane, top / height, row.height / height)
            else:
                _panels(drawing, row, top / height, row.height / height)
        return png(drawing, _DOTS)


@dataclass(frozen=True)
class _Row:
    """Some channels of a spec, of which `left` have no place; or a plane with its names."""

    height: float
    head: str = ""
    panels: Sequence[Figure] = ()
    alone: bool = False
    left: int = 0
    plane: tuple[Figure, list[str]] | None = None  # its head is above the names


def _rows(page: Page) -> list[_Row]:
    rows: list[_Row] = []
    by_name = {section.name: section for section in page.sections}
    columns = by_name["histograms"].columns
    most = min(_MOST_OF_ONE, _MOST_PANELS // len(columns) // _ACROSS * _ACROSS)
    for column in columns:
        [figures] = [block for block in column.blocks if isinstance(block, Figures)]
        shown = figures.items[:most]
        parts = [shown[start : start + _ACROSS] for start in range(0, len(shown), _ACROSS)]
        left = len(figures.items[most:]) + figures.left
        rows += [
            _Row(
                height=_ROW,
                head="" if number else column.head,
                panels=part,
                alone=len(parts) == 1,
                left=left if number == len(parts) - 1 else 0,
            )
            for number, part in enumerate(parts)
        ]
    for name in ("difference", "presets"):
        found = _first_plane(by_name.get(name))
        if found:
            head, figure, names = found
            rows.append(_Row(_RANK, head=head, plane=(figure, names)))
            break
    return rows


def _first_plane(section: Section | None) -> tuple[str, Figure, list[str]] | None:
    """Return the first plane of a section, with a head and the first two columns of its table."""
    if section is None:
        return None
    for blocks in (section.blocks, *(each.blocks for each in section.columns)):
        plane = next(
            (b for b in blocks if isinstance(b, Figure) and isinstance(b.plot, Plane)), None
        )
        table = next((b for b in blocks if isinstance(b, Table)), None)
        if plane and table:
            head = section.title if table.numbered else table.cells.title
            return head, plane, [f"{row[0]}  {row[1]}" for row in table.cells.rows]
    return None


def _panels(drawing: "Drawing", row: _Row, bottom: float, height: float) -> None:
    # Panels of a last row are as wide as those above.
    wide = (0.93 + _GAP) / (len(row.panels) if row.alone else _ACROSS)
    if row.head:
        drawing.text(0.35 / _WIDTH, bottom + 0.95 * height, _cut(row.head), color=LIGHT["accent"],
                     fontsize=9.5, va="center")  # fmt: skip
    for number, panel in enumerate(row.panels):
        place = (0.035 + number * wide, bottom + 0.2 * height, wide - _GAP, 0.56 * height)
        axes = drawing.add_axes(place)
        if isinstance(panel.plot, Bars | Span):
            draw(panel.plot, axes, LIGHT)
        axes.set_title(panel.caption, color=LIGHT["ink"], fontsize=10)
    if row.left:
        drawing.text(
            0.35 / _WIDTH, bottom + 0.03 * height, f"and {counted(row.left, 'more channel')}",
            color=LIGHT["muted"], fontsize=9.5, va="center",
        )  # fmt: skip


def _ranking(
    drawing: "Drawing",
    head: str,
    found: tuple[Figure, list[str]],
    bottom: float,
    height: float,
) -> None:
    figure, names = found
    axes = drawing.add_axes((0.08, bottom + 0.16 * height, 0.5, 0.78 * height))
    draw(figure.plot, axes, LIGHT)
    drawing.text(0.63, bottom + 0.9 * height, _cut(head, 44), color=LIGHT["accent"], fontsize=9.5,
                 va="center")  # fmt: skip
    for number, name in enumerate(names[:_MOST_NAMES], 1):
        drawing.text(
            0.63, bottom + (0.9 - 0.074 * number) * height, _cut(name, 44), color=LIGHT["ink"],
            fontsize=9.5, va="center",
        )  # fmt: skip


def _cut(text: str, most: int = _LONGEST) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
