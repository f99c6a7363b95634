"""Several specs beside each other."""

from normstat.metrics import METRICS
from normstat.reports.diagnosis_tables import Cells
from normstat.reports.page.model import (
    Block,
    Lines,
    Section,
    Table,
)
from normstat.reports.page.sections.shared import mark, metric_text, plane
from normstat.reports.page.subject import Known


def side_by_side(known: Known) -> Section | None:
    if not known.pairs:
        return None
    blocks: list[Block] = []
    compared = [(pair.name, pair.comparison) for pair in known.pairs if pair.comparison]
    if compared:
        marks = [mark(str(n), pair) for n, (_, pair) in enumerate(compared, 1)]
        blocks.append(plane(known.subjects[0].name, marks, [name for name, _ in compared]))
        shown = [name for name in METRICS if any(name in pair.metrics for _, pair in compared)]
        rows = [
            (str(n), name, *(metric_text(pair, metric) for metric in shown))
            for n, (name, pair) in enumerate(compared, 1)
        ]
        cells = Cells(
            f"{known.subjects[0].name} against", ("", "spec", *shown), rows,
            ("A range is of the channels; a dash is where a side has no histogram.",),
        )  # fmt: skip
        blocks.append(Table(cells, numbered=True))
        spoken = [text for _, pair in compared for text in (*pair.findings, *pair.advice)]
        blocks.append(Lines(tuple(dict.fromkeys(spoken))))
    blocks += [Lines((f"{pair.name}: {pair.why_not}",)) for pair in known.pairs if pair.why_not]
    return Section(
        "difference",
        "Side by side",
        f"How the data of {known.subjects[0].name} looks after the normalization of the others.",
        tuple(blocks),
    )
