"""A diagnosis as Markdown."""

from collections.abc import Iterator

from normstat.diagnosis.model import Diagnosis
from normstat.reports.comparison_markup import code, escaped
from normstat.reports.diagnosis_tables import counted, tables


def markdown(found: Diagnosis) -> str:
    """Return the tables with their notes, and what is proven, measured and observed."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Diagnosis) -> Iterator[str]:
    yield f"### normstat diagnose {code(found.name)}"
    yield ""
    yield escaped(counted(found))
    for cells in tables(found):
        yield ""
        yield f"**{escaped(cells.title)}**"
        yield ""
        yield f"| {' | '.join(map(escaped, cells.heads))} |"
        yield f"|---|{'---:|' * (len(cells.heads) - 1)}"
        for row in cells.rows:
            yield f"| {' | '.join(map(escaped, row))} |"
        for note in cells.notes:
            yield ""
            yield escaped(note)
    missing = f"No jitter and no simulation: {found.missing}." if found.missing else ""
    unreadable = (
        f"{found.unreadable:,} of the sampled images could not be used." if found.unreadable else ""
    )
    for line in (missing, unreadable, found.proven, found.measured, found.observed):
        if line:
            yield ""
            yield escaped(line)
