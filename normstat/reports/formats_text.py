"""The formats of frameworks as text for a terminal."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from normstat.difference import Difference
from normstat.formats.exports import Target
from normstat.names import printable
from normstat.reports.comparison_text import bullets
from normstat.spec.model import Constants

_NOTHING = 1e-9  # what float64 leaves


def targets_text(rows: Sequence[Target], spec: str | None) -> RenderableType:
    """Return the table of formats, with their largest errors for a spec when there is one."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("--to", no_wrap=True)
    table.add_column("what is written, and what y it stands for", overflow="fold")
    if spec:
        table.add_column("error", justify="right", no_wrap=True)
    reasons = []
    for row in rows:
        what = Text(f"{row.summary}: ").append(row.formula, style="dim")
        cells = [Text(row.name + " *" * row.one_scale), what]
        table.add_row(*cells, *([_error(row)] if spec else []))
        if isinstance(row.error, str):
            reasons.append(row.error)
    parts: list[RenderableType] = [table, Text("* one scale for all channels", style="dim")]
    if spec:
        words = f"error: largest |y − y of {spec}| over every code"
        parts.append(Text(words, style="dim"))
    if reasons:
        parts += [Text(), Text("not possible", style="bold"), bullets(reasons)]
    return Group(*parts)


def _error(row: Target) -> Text:
    if isinstance(row.error, str):
        return Text("no", style="dim")
    return Text("0" if row.error is not None and row.error <= _NOTHING else f"{row.error:.1e}")


def constants_text(constants: Constants) -> RenderableType:
    """Return constants as a table: the numbers, and a and b of y = a·code + b."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("channel", overflow="fold")
    for title in ("mean", "std", "a", "b"):
        table.add_column(title, justify="right", no_wrap=True)
    normalization = constants.normalization
    columns = (constants.mean, constants.std, normalization.scale, normalization.offset)
    for channel, *values in zip(constants.channels, *columns, strict=True):
        table.add_row(Text(printable(channel)), *(f"{value:.6g}" for value in values))
    unit = f"{constants.max_pixel_value:g}"
    words = f"mean and std in units of code / {unit}; y = a · code + b"
    return Group(table, Text(words, style="dim"))


def difference_text(found: Difference) -> RenderableType:
    """Return both maps side by side, how far apart they are, why, and the verdict."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("channel", overflow="fold")
    for title in ("a of A", "a of B", "b of A", "b of B", "|y_A − y_B|"):
        table.add_column(title, justify="right", no_wrap=True)
    rows = zip(
        found.channels, found.a.scale, found.b.scale, found.a.offset, found.b.offset, found.largest,
        strict=True,
    )  # fmt: skip
    for channel, *values, largest in rows:
        table.add_row(
            Text(printable(channel)), *(f"{value:.5g}" for value in values), f"{largest:.3g}"
        )
    parts: list[RenderableType] = [
        Text(f"{letter} {side.name}: {' '.join(map(printable, side.channels))}, {side.codes}")
        for letter, side in (("A", found.a), ("B", found.b))
    ]
    if found.largest:
        parts += [Text(), table, Text(f"y = a · code + b, {found.codes}", style="dim")]
    if found.findings:
        parts += [Text(), Text("explained by", style="bold"), bullets(found.findings)]
    style = "bold green" if found.same else "bold red"
    return Group(*parts, Text(), Text(found.verdict, style=style))
