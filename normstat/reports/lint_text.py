"""Findings as text for a terminal."""

from collections import Counter

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from normstat.linting.model import Described, Finding, Report
from normstat.linting.rules import RULES
from normstat.names import printable

_STYLES = {"error": "bold red", "warning": "bold yellow", "info": "bold cyan"}
_MOST_NAMES = 4


def lint_text(report: Report, *, pairs: bool) -> RenderableType:
    """Return a line for each finding, for each pair if they are wanted, and a summary."""
    shown: list[Finding | Described] = [*report.findings, *(report.pairs if pairs else [])]
    shown.sort(key=lambda each: (each.path, each.span, isinstance(each, Finding)))
    return Group(*map(_line, shown), _summary(report))


def _line(each: Finding | Described) -> Text:
    line = Text(printable(each.path), style="bold")
    line.append(f":{each.span.line}:{each.span.column}: ", style="not bold dim")
    if each.cell:
        line.append(f"(cell {each.cell}) ", style="not bold dim")
    if isinstance(each, Finding):
        line.append(each.code, style=_STYLES[each.severity])
        line.append(f" {printable(each.text)}", style="not bold")
    else:
        line.append(f"{printable(each.name)}: {printable(each.text)}", style="not bold")
    return line


def _summary(report: Report) -> Text:
    severities: Counter[str] = Counter(finding.severity for finding in report.findings)
    told = [_count(severities[each], each) for each in _STYLES if severities[each]]
    presets = Counter(pair.presets[0] for pair in report.pairs if pair.kind in {"equal", "rounded"})
    known = [f"{count} {name}" for name, count in presets.most_common(_MOST_NAMES)]
    if left := len(report.pairs) - sum(count for _, count in presets.most_common(_MOST_NAMES)):
        known.append(_count(left, "other"))
    numbers = f"{_count(len(report.pairs), 'pair')} in {_count(report.files, 'file')}"
    if presets:
        numbers += f" ({', '.join(known)})"
    text = Text(f"{', '.join(told) if told else 'no findings'}; {numbers}")
    if report.ignored:
        text.append(f"; {report.ignored} ignored by comments")
    return text


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 or word == 'info' else 's'}"


def rules_text() -> Table:
    """Return the table of codes."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("code", no_wrap=True)
    table.add_column("severity", no_wrap=True)
    table.add_column("finds", overflow="fold")
    for code, rule in RULES.items():
        table.add_row(code, Text(rule.severity, style=_STYLES[rule.severity]), Text(rule.title))
    return table
