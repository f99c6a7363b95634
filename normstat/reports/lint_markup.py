"""Findings for machines that show them beside the code: GitHub, SARIF; and the table of codes."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from normstat import __version__
from normstat.linting.model import Finding, Report
from normstat.linting.rules import RULES, Severity
from normstat.names import printable
from normstat.reports.workflow import data, property_value

_SARIF = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_COMMANDS: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "notice"}
_LEVELS: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "note"}


def github(report: Report) -> str:
    """Return a workflow command for each finding, and for each file that was not read."""
    lines = [_annotation(finding) for finding in report.findings]
    for notice in report.notices:
        place = property_value(printable(notice.path))
        lines.append(f"::notice file={place},title=normstat::{data(printable(notice.text))}")
    return "".join(f"{line}\n" for line in lines)


def _annotation(finding: Finding) -> str:
    span = finding.span
    places = {"file": printable(finding.path), "line": span.line, "endLine": span.end_line}
    if span.line == span.end_line:
        places |= {"col": span.column, "endColumn": span.end_column}
    places["title"] = f"normstat {finding.code}"
    properties = ",".join(f"{key}={property_value(str(value))}" for key, value in places.items())
    return f"::{_COMMANDS[finding.severity]} {properties}::{data(printable(finding.text))}"


def sarif(report: Report) -> str:
    """Return a SARIF 2.1.0 log of one run."""
    codes = list(RULES)
    log = {
        "$schema": _SARIF,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "normstat",
                        "version": __version__,
                        "rules": [_rule(code) for code in codes],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "invocations": [
                    {
                        "executionSuccessful": True,
                        "toolExecutionNotifications": [
                            {
                                "level": "note",
                                "message": {"text": printable(notice.text)},
                                "locations": [_location(notice.path)],
                            }
                            for notice in report.notices
                        ],
                    }
                ],
                "results": [_result(finding, codes) for finding in report.findings],
            }
        ],
    }
    return json.dumps(log, indent=2) + "\n"


def _rule(code: str) -> dict[str, Any]:
    rule = RULES[code]
    return {
        "id": code,
        "shortDescription": {"text": rule.title},
        "help": {"text": rule.advice},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def _result(finding: Finding, codes: list[str]) -> dict[str, Any]:
    location = _location(finding.path)
    span = finding.span
    location["physicalLocation"]["region"] = {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }
    return {
        "ruleId": finding.code,
        "ruleIndex": codes.index(finding.code),
        "level": _LEVELS[finding.severity],
        "message": {"text": printable(finding.text)},
        "locations": [location],
    }


def _location(path: str) -> dict[str, Any]:
    """Return a place whose URI has no character that a URI has not."""
    uri = quote(Path(path).as_posix(), safe="/", errors="surrogateescape")
    if Path(path).is_absolute():
        uri = f"file://{uri}"
    return {"physicalLocation": {"artifactLocation": {"uri": uri}}}


def rules_table() -> str:
    """Return the table of codes in Markdown."""
    rows = [
        f"| {code} | {rule.severity} | {rule.title} | {rule.advice} |"
        for code, rule in RULES.items()
    ]
    return (
        "\n".join(["| code | severity | finds | what to do |", "|---|---|---|---|", *rows]) + "\n"
    )
