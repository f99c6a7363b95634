"""Outliers as text for a terminal."""

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from normstat.names import printable
from normstat.oddities import RULES, Outlier, Outliers, number_text
from normstat.reports.comparison_text import bullets
from normstat.reports.values import decimals_text

_MOST_COLUMNS = 4
_NAME = 10  # columns that the name of an image has at least


def outliers_text(found: Outliers) -> RenderableType:
    """Return the dataset's numbers, the ranking with its reasons, and what the rules found."""
    listed = len(found.outliers)
    head = f"{found.name}: {found.images:,} images, {found.images_named:,} named by a rule"
    parts: list[RenderableType] = [Text(head), Text()]
    if len(found.channels) <= _MOST_COLUMNS:
        parts += [_dataset(found), Text()]
    parts.append(_ranking(found))
    if listed < found.images:
        parts.append(Text(f"the {listed:,} farthest of {found.images:,} (--top)", style="dim"))
    if found.named:
        lines = [f"{rule} {count:,}: {RULES[rule].summary}" for rule, count in found.named.items()]
        parts += [Text(), Text("rules that name images", style="bold"), bullets(lines)]
    if found.notes:
        parts += [Text(), Text("note", style="bold"), bullets(found.notes)]
    return Group(*parts)


def _dataset(found: Outliers) -> Table:
    unit = "value" if found.max_pixel_value == 1 else f"code / {found.max_pixel_value:g}"
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(unit, no_wrap=True, overflow="ellipsis")
    for channel in found.channels:
        table.add_column(Text(printable(channel)), justify="right", no_wrap=True)
    for label, values in (
        ("mean", found.mean),
        ("std, pooled", found.std),
        ("median image mean", found.median_mean),
        ("  robust std", found.robust_mean),
        ("median image std", found.median_std),
        ("  robust std", found.robust_std),
    ):
        table.add_row(label, *map(decimals_text, values))
    return table


def _ranking(found: Outliers) -> Group:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("image", overflow="fold", ratio=1, min_width=_NAME)
    for title in ("score", "z mean", "z std", "Δ mean", "Δ std"):
        table.add_column(title, justify="right", no_wrap=True)
    for each in found.outliers:
        influence = each.influence
        table.add_row(
            _named(each),
            number_text(each.score, ".1f"),
            largest(each.z_mean, "+.1f"),
            largest(each.z_std, "+.1f"),
            largest(influence.mean_change if influence else None, "+.1e"),
            largest(influence.std_change if influence else None, "+.1e"),
        )
    return Group(
        table,
        Text(
            "z: from the median, in robust standard deviations; Δ: how mean and std of the "
            "dataset change without the image. Each of the channel where it is largest",
            style="dim",
        ),
    )


def _named(each: Outlier) -> Group:
    reasons = (Text(printable(reason.text), style="yellow") for reason in each.reasons)
    return Group(
        Text(printable(each.path), overflow="fold"),
        *(Padding(reason, (0, 0, 0, 2)) for reason in reasons),
    )


def largest(values: list[float] | None, form: str) -> str:
    """Return the number that is farthest from zero."""
    return number_text(max(values, key=abs), form) if values else "–"
