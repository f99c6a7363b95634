"""The comments that exempt a line or a file from rules."""

import re
from collections.abc import Iterable

from normstat.linting.pairs import Span

_MARK = "normstat:"
_IGNORE = re.compile(r"#\s*normstat:\s*ignore(-file)?(?:\[([^\]]*)\])?")


class Exemptions:
    """The `# normstat: ignore` comments of a file, by line."""

    def __init__(self, text: str) -> None:
        self._lines: dict[int, set[str] | None] = {}
        self._file: set[str] | None = set()
        if _MARK not in text:
            return
        for number, line in enumerate(text.split("\n"), start=1):
            if (match := _IGNORE.search(line)) is None:
                continue
            codes = None
            if match[2] is not None:
                codes = {code.strip().upper() for code in match[2].split(",")}
            if match[1]:
                self._file = None if codes is None or self._file is None else self._file | codes
            else:
                self._lines[number] = codes

    def cover(self, code: str, spans: Iterable[Span]) -> bool:
        """Whether a comment exempts one of some places, or the file, from a code."""
        if self._file is None or code in self._file:
            return True
        for span in spans:
            for line in range(span.line, span.end_line + 1):
                if line in self._lines:
                    codes = self._lines[line]
                    if codes is None or code in codes:
                        return True
        return False
