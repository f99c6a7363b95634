"""A comparison as text for a terminal."""

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from normstat.comparison import Comparison, Interval, in_digits
from normstat.gate import Gate, Report
from normstat.metrics import METRICS

_MOST_RANKED = 8
_MOST_COLUMNS = 4
_USUAL = ("imagenet", "clip", "inception")


def report_text(report: Report) -> RenderableType:
    """Return one pair in full, or a ranking of many, then findings, advice and the verdict."""
    pairs = report.comparisons
    shown = nearest_and_usual(pairs) if report.ranked else pairs
    parts: list[RenderableType] = [_pair(pairs[0]) if len(pairs) == 1 else _table(shown)]
    if len(shown) < len(pairs):
        left = len(pairs) - len(shown)
        parts.append(Text(f"and {left} more that are farther (--format json has all)", style="dim"))
    # In a ranking only the usual presets are worth a word each.
    spoken = [pair for pair in pairs if not report.ranked or pair.b.name in _USUAL]
    findings = list(dict.fromkeys(text for pair in spoken for text in pair.findings))
    for title, lines in (("explained by", findings), ("what to do", report.advice)):
        if lines:
            parts += [Text(), Text(title, style="bold"), bullets(lines)]
    if report.gate:
        parts += [Text(), _verdict(report.gate)]
    return Group(*parts)


def _pair(pair: Comparison) -> Group:
    sides = Text(f"A {pair.a.name}\nB {pair.b.name}")
    few = len(pair.channels) <= _MOST_COLUMNS
    overall = Table(box=None, pad_edge=False, show_header=False)
    for overflow in ("ellipsis", "ellipsis", "fold"):
        overall.add_column(no_wrap=overflow != "fold", overflow=overflow)
    for name, values in pair.metrics.items():
        if not METRICS[name].by_channel:
            overall.add_row(name, _number(values[0], pair), METRICS[name].title)
    table = _channels_across(pair) if few else _channels_down(pair)
    parts: list[RenderableType] = [sides, Text(), table, Text(), overall]
    if few and pair.mean:
        parts.append(Text("* beyond sampling noise (95 %, the image as unit)", style="dim"))
    return Group(*parts)


def _channels_across(pair: Comparison) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(Text("values" if pair.in_codes else "0–1 units"), no_wrap=True)
    for channel in pair.channels:
        table.add_column(Text(channel), justify="right", no_wrap=True)
    for part in ("mean", "std"):
        for letter, side in (("A", pair.a), ("B", pair.b)):
            cells = (_number(value, pair) for value in getattr(side, part))
            table.add_row(f"{part} {letter}", *cells)
        interval: Interval | None = getattr(pair, part)
        if interval:
            marks = ("*" if significant else " " for significant in interval.significant)
            differences = zip(interval.difference, marks, strict=True)
            cells = (_number(value, pair, "+") + mark for value, mark in differences)
            table.add_row("  A − B", *cells)
            table.add_row("  ± 95%", *(f"{_number(value, pair)} " for value in interval.half_width))
    for name, values in pair.metrics.items():
        if METRICS[name].by_channel:
            style = "bold" if name in {"shift", "gain"} else ""
            table.add_row(name, *_cells(name, values), style=style)
    return table


def _number(value: float, pair: Comparison, sign: str = "") -> str:
    """Return a number with four decimals, or digits where values without a range need others."""
    if pair.in_codes and 0 < abs(value) < 1e-3:  # noqa: PLR2004
        return f"{value:{sign}.4g}"
    return _seen(value, sign)


def _seen(value: float, sign: str) -> str:
    """Return a number with four decimals, or so many that it is not 0 when it is not."""
    tiny = 0 < abs(value) < 5e-5  # noqa: PLR2004 (what four decimals round to 0)
    return f"{value:{sign}.1e}" if tiny else in_digits(value, f"{sign}.4f")


def _channels_down(pair: Comparison) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("channel", overflow="fold")
    for title in ("mean A", "mean B", "std A", "std B", "shift", "gain"):
        table.add_column(title, justify="right", no_wrap=True)
    columns = zip(
        pair.channels,
        *(
            [f"{value:.5g}" for value in values]
            for values in (pair.a.mean, pair.b.mean, pair.a.std, pair.b.std)
        ),
        *([f"{value:.3g}" for value in pair.metrics[name]] for name in ("shift", "gain")),
        strict=True,
    )
    for channel, *cells in columns:
        table.add_row(Text(channel), *cells)
    return table


def _cells(name: str, values: Sequence[float]) -> Iterator[str]:
    sign = "+" if name == "shift" else ""
    return (_seen(value, sign) for value in values)


def nearest_and_usual(
    pairs: Sequence[Comparison], most: int = _MOST_RANKED
) -> Sequence[Comparison]:
    """Return the nearest pairs, and the presets that everybody asks for wherever they rank."""
    return [pair for rank, pair in enumerate(pairs) if rank < most or pair.b.name in _USUAL]


def _table(pairs: Sequence[Comparison]) -> Group:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(Text(f"{pairs[0].a.name} against"), overflow="fold")
    for title in ("jeffreys", "shift", "gain"):
        table.add_column(title, justify="right", no_wrap=True)
    for pair in pairs:
        shift, gain = pair.metrics["shift"], pair.metrics["gain"]
        table.add_row(
            Text(_names(pair)),
            in_digits(pair.metrics["jeffreys"][0], ".4f"),
            f"{in_digits(min(shift), '+.2f')} … {in_digits(max(shift), '+.2f')}",
            f"{in_digits(min(gain), '.2f')} … {in_digits(max(gain), '.2f')}",
        )
    meaning = "shift and gain: mean and std of this data after that normalization"
    return Group(table, Text(meaning, style="dim"))


def _names(pair: Comparison) -> str:
    shown = ", ".join(pair.also[:2]) + (", …" if len(pair.also) > 2 else "")  # noqa: PLR2004
    return f"{pair.b.name} (= {shown})" if shown else pair.b.name


def bullets(lines: Sequence[str]) -> Table:
    """Return sentences as a list."""
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for line in lines:
        table.add_row("·", Text(line))
    return table


def _verdict(gate: Gate) -> Group:
    return Group(*_verdict_lines(gate))


def _verdict_lines(gate: Gate) -> Iterator[Text]:
    for violation in gate.violations:
        yield Text(f"FAIL {violation.text}", style="bold red")
    if gate.passed:
        beyond = " beyond sampling noise" if gate.significant else ""
        yield Text(f"PASS nothing{beyond} breaks {', '.join(gate.rules)}", style="bold green")
