"""Plots drawn by Matplotlib: as SVG whose colours are those of the page, or as pixels."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any, assert_never

import numpy as np

from normstat.reports.page.labels import labels
from normstat.reports.page.model import Bars, Counts, Hue, Plane, Plot, Span, Strips

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Names of the page's colours → what stands for them in a drawing until they are put in. Where a
# figure is for print, LIGHT is drawn with.
_STAND_INS = {
    "ink": "#00fe01",
    "muted": "#00fe02",
    "rule": "#00fe03",
    "accent": "#00fe04",
    "red": "#00fe05",
    "green": "#00fe06",
    "blue": "#00fe07",
    "paper": "#00fe08",
}
LIGHT = {
    "ink": "#1b1c1e",
    "muted": "#5d6066",
    "rule": "#d9d9d4",
    "accent": "#3f51a8",
    "red": "#b3362b",
    "green": "#2c7a3f",
    "blue": "#2b66b1",
    "paper": "#ffffff",
}
_POINT = 72  # a Matplotlib inch; a unit of the viewBox is a point
_FONT = 11
_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "normstat",
    "font.size": _FONT,
    "text.parse_math": False,  # names of files may have dollars
    "axes.unicode_minus": True,
    "axes.linewidth": 0.8,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
}
_SIZES: dict[type, tuple[int, int]] = {
    Bars: (230, 112),
    Span: (230, 68),
    Plane: (340, 300),
    Strips: (340, 220),
    Counts: (230, 112),
}
_ABOVE = 9  # points from the axes to the middle of the legend
_LONGEST = 8  # letters of a channel in a legend
_DODGE = 0.14  # of a row
_UNUSED_ID = re.compile(r'<g id="(?!mark-|label-|leader-)[^"]*">')
_COMMENT = re.compile(r"\s*<!--.*?-->", re.DOTALL)


@contextmanager
def settings() -> Iterator[None]:
    """Draw the same everywhere, whatever the user's own settings are."""
    import matplotlib as mpl  # noqa: PLC0415 (an extra)

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        yield


def svg(plot: Plot, prefix: str, title: str, description: str) -> str:
    """Return a plot as an SVG element to be put into HTML.

    Its colours are the custom properties `--ink`, `--red` and so on of the page, its text is text,
    and it says in words what it shows. `prefix` makes its ids its own.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415 (an extra)

    width, height = _SIZES[type(plot)]
    with settings():
        figure = Figure(figsize=(width / _POINT, height / _POINT))
        draw(plot, figure.add_axes(_place(plot)), _STAND_INS)
        file = BytesIO()
        figure.savefig(
            file,
            format="svg",
            transparent=True,
            metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")),
        )
    return _for_page(file.getvalue().decode(), prefix, (width, height), title, description)


def _for_page(text: str, prefix: str, size: tuple[int, int], title: str, description: str) -> str:
    body = text[text.index("<g ") : text.rindex("</svg>")]
    body = _UNUSED_ID.sub("<g>", _COMMENT.sub("", body))
    body = re.sub(r'\bid="', f'id="{prefix}-', body)
    body = re.sub(r'xlink:href="#', f'href="#{prefix}-', body)
    body = body.replace("url(#", f"url(#{prefix}-")
    body = re.sub(r"font-family: [^;\"]*;? ?", "", body)
    body = re.sub(r' transform="rotate\(-0 [^)]*\)"', "", body)
    for name, colour in _STAND_INS.items():
        body = body.replace(colour, f"var(--{name})")
    body = re.sub(r"\s*\n\s*", "\n", body)
    return (
        f'<svg viewBox="0 0 {size[0]} {size[1]}" role="img" '
        f'aria-labelledby="{prefix}-title {prefix}-desc">'
        f'<title id="{prefix}-title">{escape(title)}</title>'
        f'<desc id="{prefix}-desc">{escape(description)}</desc>\n{body}</svg>'
    )


def _place(plot: Plot) -> tuple[float, float, float, float]:
    """Return left, bottom, width and height of the axes, in parts of the figure."""
    width, height = _SIZES[type(plot)]
    left, right, bottom, top = {
        Bars: (10, 10, 24, 6),
        Span: (10, 10, 24, 6),
        Plane: (44, 10, 38, 20),
        Strips: (6, 20, 36, 20),
        Counts: (10, 10, 24, 6),
    }[type(plot)]
    return left / width, bottom / height, 1 - (left + right) / width, 1 - (bottom + top) / height


def draw(plot: Plot, axes: "Axes", colours: Mapping[str, str]) -> None:
    """Draw a plot on axes."""
    axes.patch.set_visible(False)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(colours["rule"])
    axes.tick_params(colors=colours["muted"], color=colours["rule"])
    match plot:
        case Bars():
            _bars(plot, axes, colours)
        case Span():
            _span(plot, axes, colours)
        case Plane():
            _plane(plot, axes, colours)
        case Strips():
            _strips(plot, axes, colours)
        case Counts():
            _counts(plot, axes, colours)
        case _:
            assert_never(plot)


def _bars(plot: Bars, axes: "Axes", colours: Mapping[str, str]) -> None:
    edges = [plot.start + plot.width * i for i in range(len(plot.shares) + 1)]
    low, high = plot.limits
    seen = [
        (share, left, left + plot.width)
        for share, left in zip(plot.shares, edges, strict=False)
        if left + plot.width > low and left < high
    ]
    shares = [share for share, _, _ in seen] or [0.0]
    # A peak at an end, of black or blown-out pixels, is cut rather than flatten all else.
    inner = max(shares[1:-1], default=0)
    top = 1.12 * (inner if 0 < 2 * inner < max(shares) else max(shares)) or 1
    colour = colours[plot.hue.colour]
    axes.axvspan(plot.mean - plot.std, plot.mean + plot.std, color=colour, alpha=0.13, linewidth=0)
    if seen:
        axes.stairs(
            shares, [left for _, left, _ in seen] + [seen[-1][2]], fill=True, color=colour,
            alpha=0.8, linewidth=0,
        )  # fmt: skip
    axes.axvline(plot.mean, color=colours["ink"], linewidth=1.4)
    axes.set_xlim(low, high)
    axes.set_ylim(0, top)
    axes.set_yticks([])
    _ticks(axes, low, high)


def _ticks(axes: "Axes", low: float, high: float) -> None:
    """Put few ticks on the horizontal axis, quarters where it is the range of codes."""
    if low < 0.01 and 0.99 < high < 1.01 and low > -0.01:  # noqa: PLR2004
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
        return
    _few_ticks(axes)


def _few_ticks(axes: "Axes") -> None:
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415

    axes.xaxis.set_major_locator(MaxNLocator(4, prune="both"))


def _span(plot: Span, axes: "Axes", colours: Mapping[str, str]) -> None:
    colour = colours[plot.hue.colour]
    axes.plot([plot.low, plot.high], [0.5, 0.5], color=colour, linewidth=1.4)
    axes.plot(
        [plot.mean - plot.std, plot.mean + plot.std], [0.5, 0.5], color=colour, linewidth=12,
        alpha=0.35, solid_capstyle="butt",
    )  # fmt: skip
    axes.plot([plot.mean] * 2, [0.2, 0.8], color=colours["ink"], linewidth=1.4)
    low, high = min(plot.low, plot.mean - plot.std), max(plot.high, plot.mean + plot.std)
    margin = 0.04 * (high - low) or 0.5
    axes.set_xlim(low - margin, high + margin)
    axes.set_ylim(0, 1)
    axes.set_yticks([])
    _ticks(axes, low - margin, high + margin)


def _plane(plot: Plane, axes: "Axes", colours: Mapping[str, str]) -> None:
    from matplotlib.patches import Rectangle  # noqa: PLC0415
    from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator  # noqa: PLC0415

    points = [point for mark in plot.marks for point in mark.points]
    shifts = [0.0, *(shift for _, shift, _ in points)]
    gains = [1.0, *(max(gain, 1e-3) for _, _, gain in points)]
    reach = max(0.15, 0.12 * (max(shifts) - min(shifts)))
    low, high = min(shifts) - reach, max(shifts) + reach
    bottom, top = min(gains) / 1.22, max(gains) * 1.22
    bottom, top = min(bottom, 0.72), max(top, 1.38)
    near = plot.near_shift, plot.near_gain
    box = Rectangle(
        (-near[0], 1 / near[1]), 2 * near[0], near[1] - 1 / near[1], color=colours["accent"],
        alpha=0.13, linewidth=0,
    )  # fmt: skip
    axes.add_patch(box)
    axes.axhline(1, color=colours["rule"], linewidth=1)
    axes.axvline(0, color=colours["rule"], linewidth=1)
    axes.set_yscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(bottom, top)
    steps = [0.1, 0.2, 0.5, 0.75, 1, 1.25, 1.5, 2, 3, 5, 10, 100]
    shown = [step for step in steps if bottom < step < top]
    axes.yaxis.set_major_locator(FixedLocator(shown))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_yticklabels([f"{step:g}" for step in shown])
    axes.set_xlabel("shift", color=colours["muted"])
    axes.set_ylabel("gain", color=colours["muted"])
    for mark in plot.marks:
        xs = [shift for _, shift, _ in mark.points]
        ys = [max(gain, 1e-3) for _, _, gain in mark.points]
        axes.plot(xs, ys, color=colours["muted"], linewidth=0.8, alpha=0.6)
        for number, ((hue, _, _), x, y) in enumerate(zip(mark.points, xs, ys, strict=True)):
            dots = axes.plot([x], [y], color=colours[hue.colour], **_shape(hue, 1))
            dots[0].set_gid(f"mark-{mark.label}-{number}")
    _labels(plot, axes, colours)
    _legend([hue for hue, _, _ in plot.marks[0].points] if plot.marks else [], axes, colours)


def _labels(plot: Plane, axes: "Axes", colours: Mapping[str, str]) -> None:
    """Write each mark's number beside one of its points."""
    if not plot.marks:
        return
    scale = axes.figure.get_dpi() / _POINT
    area = axes.get_window_extent()
    places = [
        (axes.transData.transform([(x, max(y, 1e-3)) for _, x, y in mark.points]) - area.p0) / scale
        for mark in plot.marks
    ]
    found = labels(places, (area.width / scale, area.height / scale))
    for mark, label in zip(plot.marks, found, strict=True):
        x, y = axes.transData.inverted().transform(np.array(label.anchor) * scale + area.p0)
        away = label.place[0] - label.anchor[0], label.place[1] - label.anchor[1]
        line = {"arrowstyle": "-", "color": colours["ink"], "linewidth": 0.6,
                "shrinkA": 0, "shrinkB": 3}  # fmt: skip
        text = axes.annotate(
            mark.label, (x, y), away, textcoords="offset points", ha="center", va="center",
            color=colours["ink"], fontsize=_FONT, arrowprops=line if label.led else None,
        )  # fmt: skip
        text.set_gid(f"label-{mark.label}{'-led' if label.led else ''}")
        if text.arrow_patch:
            text.arrow_patch.set_gid(f"leader-{mark.label}")


def _shape(hue: Hue, scale: float) -> dict[str, Any]:
    """Return how Matplotlib draws the shape of a channel, about as large as the others."""
    marker, size = {
        "circle": ("o", 5.2), "square": ("s", 4.6), "diamond": ("D", 4.3), "triangle": ("^", 5.4),
    }[hue.shape]  # fmt: skip
    return {"marker": marker, "markersize": size * scale, "markeredgewidth": 0, "linestyle": ""}


def _legend(shown: Sequence[Hue], axes: "Axes", colours: Mapping[str, str]) -> None:
    """Name the shapes above the right end of the axes, when they tell channels apart."""
    from matplotlib.transforms import ScaledTranslation  # noqa: PLC0415

    if len(shown) < 2 or len({hue.shape for hue in shown}) < len(shown):  # noqa: PLR2004
        return
    inch = axes.figure.dpi_scale_trans
    right = 0.0
    for hue in reversed(shown):
        name = hue.channel if len(hue.channel) <= _LONGEST else f"{hue.channel[:_LONGEST]}…"
        axes.annotate(
            name, (1, 1), (right, _ABOVE), xycoords="axes fraction", textcoords="offset points",
            ha="right", va="center_baseline", color=colours["muted"], fontsize=_FONT,
        )  # fmt: skip
        right -= 7 * len(name) + 8
        place = axes.transAxes + ScaledTranslation(right / _POINT, _ABOVE / _POINT, inch)
        axes.plot([1], [1], color=colours[hue.colour], transform=place, clip_on=False,
                  **_shape(hue, 1.15))  # fmt: skip
        right -= 14


def _strips(plot: Strips, axes: "Axes", colours: Mapping[str, str]) -> None:
    values = [value for _, points in plot.rows for _, value in points] or [0.0]
    low, high = min(values), max(values)
    margin = 0.12 * (high - low) or max(0.1 * abs(high), 0.01)
    for row, (label, points) in enumerate(plot.rows):
        axes.axhline(row, color=colours["rule"], linewidth=0.8)
        axes.annotate(
            label, (0, row), (0, 18), xycoords=axes.get_yaxis_transform(),
            textcoords="offset points", va="center", color=colours["muted"], fontsize=_FONT,
        )  # fmt: skip
        for number, (hue, value) in enumerate(points):
            # A little above each other, so that equal values are all seen.
            beside = row + _DODGE * (number - (len(points) - 1) / 2)
            axes.plot([value], [beside], color=colours[hue.colour], alpha=0.9, **_shape(hue, 1.3))
    axes.set_xlim(low - margin, high + margin)
    axes.set_ylim(len(plot.rows) - 0.65, -0.6)
    axes.set_yticks([])
    _few_ticks(axes)
    axes.set_xlabel(plot.axis, color=colours["muted"])
    axes.spines["bottom"].set_visible(False)
    _legend([hue for hue, _ in plot.rows[0][1]] if plot.rows else [], axes, colours)


def _counts(plot: Counts, axes: "Axes", colours: Mapping[str, str]) -> None:
    edges = [plot.start + plot.width * i for i in range(len(plot.counts) + 1)]
    axes.stairs(plot.counts, edges, fill=True, color=colours["accent"], alpha=0.8, linewidth=0)
    margin = 0.02 * (edges[-1] - edges[0])
    axes.set_xlim(edges[0] - margin, edges[-1] + margin)
    axes.set_ylim(0, 1.1 * max(plot.counts))
    axes.set_yticks([])
    _ticks(axes, edges[0] - margin, edges[-1] + margin)


def png(figure: "Figure", dots_per_inch: int) -> bytes:
    """Return a figure as PNG that names what made it, and no time."""
    file = BytesIO()
    figure.savefig(file, format="png", dpi=dots_per_inch, metadata={"Software": "normstat report"})
    return file.getvalue()
