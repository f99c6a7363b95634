"""What is found in the files, and told in a report."""

from msgspec import Struct

from normstat.errors import UsageError
from normstat.linting.pairs import Span
from normstat.linting.rules import Severity
from normstat.registry import unknown

SEVERITIES: tuple[Severity, ...] = ("info", "warning", "error")


class Finding(Struct, frozen=True, kw_only=True):
    """Something that a rule found, and where; `cell` is of a notebook."""

    code: str
    severity: Severity
    path: str
    span: Span
    text: str
    cell: int | None = None


class Described(Struct, frozen=True, kw_only=True):
    """A pair and what it is: `kind` as `identify` has it, or None for numbers of nobody."""

    path: str
    span: Span
    cell: int | None
    name: str
    mean: tuple[float, ...]
    std: tuple[float, ...] | None
    kind: str | None
    text: str
    presets: tuple[str, ...]


class Notice(Struct, frozen=True, kw_only=True):
    """A file that was not read, and why."""

    path: str
    text: str


class Report(Struct, frozen=True, kw_only=True):
    """Everything that was found, in the order of files and lines."""

    files: int
    findings: list[Finding]
    ignored: int
    pairs: list[Described]
    notices: list[Notice]

    def fails(self, severity: str) -> bool:
        """Whether a finding is as severe as `severity`, or more; never when that is "never".

        Raises
        ------
        UsageError
            There is no such severity.
        """
        if severity == "never":
            return False
        if severity not in SEVERITIES:
            raise UsageError(unknown("severity", severity, dict.fromkeys((*SEVERITIES, "never"))))
        enough = SEVERITIES[SEVERITIES.index(severity) :]
        return any(finding.severity in enough for finding in self.findings)
