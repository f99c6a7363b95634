"""A comparison for machines that show things to people: Markdown, GitHub, JUnit."""

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from normstat.comparison import Comparison
from normstat.gate import Report
from normstat.metrics import METRICS
from normstat.reports.workflow import data, property_value


def markdown(report: Report) -> str:
    """Return a Markdown table of the pairs, the findings, the advice and the verdict."""
    return "\n".join(_markdown_lines(report)) + "\n"


def _markdown_lines(report: Report) -> Iterator[str]:
    first = report.comparisons[0]
    yield f"### normstat compare {code(first.a.name)}"
    yield ""
    shown = [name for name in METRICS if any(name in pair.metrics for pair in report.comparisons)]
    yield f"| against | {' | '.join(shown)} |"
    yield f"|---|{'---:|' * len(shown)}"
    for pair in report.comparisons:
        cells = (_cell(pair, name) for name in shown)
        yield f"| {code(pair.b.name, in_table=True)} | {' | '.join(cells)} |"
    findings = dict.fromkeys(text for pair in report.comparisons for text in pair.findings)
    for line in (*findings, *report.advice):
        yield ""
        yield escaped(line)
    if report.gate:
        yield ""
        if report.gate.passed:
            yield f"**Passed**: nothing breaks {code(', '.join(report.gate.rules))}."
        for violation in report.gate.violations:
            yield f"- **Failed**: {escaped(violation.text)}"


def _cell(pair: Comparison, name: str) -> str:
    values = pair.metrics.get(name)
    if values is None:
        return "–"
    return " ".join(f"{value:+.3f}" if name == "shift" else f"{value:.3f}" for value in values)


def code(text: str, *, in_table: bool = False) -> str:
    r"""Return text as inline code.

    >>> print(code("cats|dogs"), code("cats|dogs", in_table=True), code("a`b`"))
    `cats|dogs` `cats\|dogs` `` a`b` ``
    """
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    space = " " if "`" in (text[:1], text[-1:]) else ""
    inside = text.replace("|", "\\|") if in_table else text
    return f"{fence}{space}{inside}{space}{fence}"


def escaped(text: str) -> str:
    """Return text in which nothing is taken for Markdown or HTML."""
    return "".join(f"\\{char}" if char in "\\`*_{}[]<>|#" else char for char in text)


def github(report: Report) -> str:
    """Return workflow commands that mark each violation, or say that there is none."""
    gate = report.gate
    lines = [
        f"::error title=normstat {property_value(violation.rule)}::{data(violation.text)}"
        for violation in (gate.violations if gate else [])
    ]
    if not lines:
        pairs = ", ".join(pair.b.name for pair in report.comparisons)
        rules = f" inside {', '.join(gate.rules)}" if gate else ""
        text = f"{report.comparisons[0].a.name} against {pairs}{rules}"
        lines.append(f"::notice title=normstat::{data(text)}")
    return "\n".join(lines) + "\n"


def junit(report: Report) -> str:
    """Return JUnit XML: a test case for each pair and rule."""
    gate = report.gate
    suite = ET.Element("testsuite", name="normstat compare")
    for index, pair in enumerate(report.comparisons):
        for rule in gate.rules if gate else ["comparison"]:
            case = ET.SubElement(
                suite, "testcase", classname=f"{pair.a.name} against {pair.b.name}", name=rule
            )
            for violation in gate.violations if gate else []:
                if (violation.pair, violation.rule) == (index, rule):
                    ET.SubElement(case, "failure", message=violation.text)
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(sum(case.find("failure") is not None for case in suite)))
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"
