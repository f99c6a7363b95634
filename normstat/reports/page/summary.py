"""A page's main numbers as one picture, for a paper or a README."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from normstat.reports.page.figures import LIGHT, draw, png, settings
from normstat.reports.page.model import Bars, Figure, Figures, Page, Plane, Section, Span, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

_WIDTH = 9.0  # inches
_ROW = 1.75
_RANK = 3.1
_TITLE = 0.75
_DOTS = 150
_MOST_PANELS = 4
_LONGEST = 60


def summary(page: Page) -> bytes:
    """Return a PNG: the histograms of each spec with mean ± std, and its nearest presets."""
    from matplotlib.figure import Figure as Drawing  # noqa: PLC0415 (an extra)

    rows = _rows(page)
    heights = [_ROW if panels else _RANK for _, panels, _ in rows]
    height = _TITLE + sum(heights) + 0.45
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
        for (head, panels, plane), each in zip(rows, heights, strict=True):
            if panels:
                _panels(drawing, head, panels, (top - each) / height, each / height)
            elif plane:
                _ranking(drawing, plane, (top - each) / height, each / height)
            top -= each
        return png(drawing, _DOTS)


def _rows(page: Page) -> list[tuple[str, Sequence[Figure], tuple[Figure, list[str]] | None]]:
    """Return what stands in each row: the channels of a spec, or a plane with its names."""
    rows: list[tuple[str, Sequence[Figure], tuple[Figure, list[str]] | None]] = []
    by_name = {section.name: section for section in page.sections}
    for column in by_name["histograms"].columns:
        panels = (block for block in column.blocks if isinstance(block, Figures))
        rows += [(column.head, block.items[:_MOST_PANELS], None) for block in panels]
    for name in ("difference", "presets"):
        found = _first_plane(by_name.get(name))
        if found:
            rows.append(("", (), found))
            break
    return rows


def _first_plane(section: Section | None) -> tuple[Figure, list[str]] | None:
    """Return the first plane of a section, with the numbers and names of its table."""
    for blocks in (section.blocks, *(each.blocks for each in section.columns)) if section else ():
        plane = next(
            (b for b in blocks if isinstance(b, Figure) and isinstance(b.plot, Plane)), None
        )
        table = next((b for b in blocks if isinstance(b, Table)), None)
        if plane and table:
            return plane, [f"{row[0]}  {row[1]}" for row in table.cells.rows]
    return None


def _panels(
    drawing: "Drawing", head: str, panels: Sequence[Figure], bottom: float, height: float
) -> None:
    wide = 0.94 / len(panels)
    if head:
        drawing.text(0.35 / _WIDTH, bottom + 0.95 * height, _cut(head), color=LIGHT["accent"],
                     fontsize=9.5, va="center")  # fmt: skip
    for number, panel in enumerate(panels):
        place = (0.03 + number * wide + 0.01, bottom + 0.2 * height, wide - 0.02, 0.56 * height)
        axes = drawing.add_axes(place)
        if isinstance(panel.plot, Bars | Span):
            draw(panel.plot, axes, LIGHT)
        axes.set_title(panel.caption.partition(" (")[0], color=LIGHT["ink"], fontsize=10)


def _ranking(
    drawing: "Drawing", found: tuple[Figure, list[str]], bottom: float, height: float
) -> None:
    figure, names = found
    axes = drawing.add_axes((0.08, bottom + 0.16 * height, 0.5, 0.78 * height))
    draw(figure.plot, axes, LIGHT)
    for number, name in enumerate(names[: _LONGEST // 4]):
        drawing.text(
            0.63, bottom + (0.9 - 0.075 * number) * height, _cut(name, 44), color=LIGHT["ink"],
            fontsize=9.5, va="center",
        )  # fmt: skip


def _cut(text: str, most: int = _LONGEST) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
