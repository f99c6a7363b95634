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
        title = f"{known.subjects[0].name} against"
        note = "A range is of the channels; a dash is where a side has no histogram."
        if len(rows) == 1:
            [(_, name, *values)] = rows
            told = [
                (metric, value, METRICS[metric].title)
                for metric, value in zip(shown, values, strict=True)
            ]
            cells = Cells(f"{title} {name}", ("", "value", "what it is"), told, (note,))
            blocks.append(Table(cells))
        else:
            titles = "; ".join(f"{metric}: {METRICS[metric].title}" for metric in shown)
            cells = Cells(title, ("", "spec", *shown), rows, (note, f"{titles}."))
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
