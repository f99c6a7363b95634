"""The nearest presets, as a picture and a table."""

from collections.abc import Iterator

from normstat.gate import report as answer
from normstat.reports.comparison_text import nearest_and_usual
from normstat.reports.diagnosis_tables import Cells
from normstat.reports.page.model import (
    Block,
    Lines,
    Section,
    Table,
)
from normstat.reports.page.sections.shared import columns_of, mark, metric_text, plane
from normstat.reports.page.subject import Known, Subject

_MOST_PRESETS = 5


def nearest(known: Known) -> Section:
    return Section(
        "presets",
        "Nearest presets",
        "Shift and gain are mean and std of this data after the preset's normalization: 0 and 1 "
        "where they fit, within the shaded box where the mismatch is small.",
        columns=columns_of(known.subjects, _nearest_blocks),
    )


def _nearest_blocks(subject: Subject) -> Iterator[Block]:
    if subject.unranked:
        yield Lines((f"Not compared: {subject.unranked}.",))
        return
    shown = nearest_and_usual(subject.ranking, _MOST_PRESETS)
    marks = [mark(str(number), pair) for number, pair in enumerate(shown, 1)]
    yield plane(subject.name, marks, [pair.b.name for pair in shown])
    rows = [
        (
            str(number),
            pair.b.name + (f" (and {len(pair.also):,} with its numbers)" if pair.also else ""),
            f"{pair.metrics['jeffreys'][0]:.4f}",
            metric_text(pair, "shift"),
            metric_text(pair, "gain"),
        )
        for number, pair in enumerate(shown, 1)
    ]
    left = len(subject.ranking) - len(shown)
    notes = (
        (f"{left:,} more are farther: `normstat compare --format json` has all.",) if left else ()
    )
    title = "jeffreys: symmetric Kullback–Leibler divergence of Gaussians, in nats"
    yield Table(
        Cells(title, ("", "preset", "jeffreys", "shift", "gain"), rows, notes), numbered=True
    )
    advice = answer(subject.ranking, ranked=True).advice
    usual = [pair for pair in shown if pair.b.name == "imagenet"]
    yield Lines(
        tuple(dict.fromkeys([*(text for pair in usual for text in pair.findings), *advice]))
    )
