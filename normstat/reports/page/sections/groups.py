"""Groups, by their distance from the whole."""

from collections.abc import Iterator

from normstat.names import printable
from normstat.ranking import unmeasured_note
from normstat.reports.diagnosis_tables import Cells
from normstat.reports.page.model import (
    Block,
    Lines,
    Mark,
    Section,
    Table,
    hues,
)
from normstat.reports.page.sections.shared import MOST_ACROSS, columns_of, name_text, plane, span_of
from normstat.reports.page.subject import Known, Subject
from normstat.reports.values import value_text

_MOST_MARKED = 8  # groups in a plane
_MOST_GROUPS = 50


def groups(known: Known) -> Section | None:
    if not any(subject.groups for subject in known.subjects):
        return None
    return Section(
        "groups",
        "Groups",
        "Each against the whole, the farthest first: shift and gain are mean and std of the group "
        "after the normalization of the whole.",
        columns=columns_of(known.subjects, _group_blocks),
    )


def _group_blocks(subject: Subject) -> Iterator[Block]:
    found = subject.groups
    if not found:
        yield Lines(("None: `normstat compute --group-by` tells them apart.",))
        return
    channels = subject.spec.channels
    numbered = [(str(number), each) for number, each in enumerate(found, 1)]
    marks = [
        Mark(number, tuple(zip(hues(channels), each.shift, each.gain, strict=True)))
        for number, each in numbered
        if each.shift and each.gain
    ][:_MOST_MARKED]
    if marks:
        names = [printable(found[int(mark.label) - 1].name) for mark in marks]
        yield plane(f"groups of {subject.name}", marks, names)
    few = len(channels) <= MOST_ACROSS
    heads = [f"{part} {' '.join(channels)}" for part in ("mean", "std")] if few else []
    rows = [
        (
            number,
            name_text(each.name),
            f"{each.images:,}",
            each.unmeasured if each.jeffreys is None else f"{each.jeffreys:.4f}",
            span_of(each.shift, "+"),
            span_of(each.gain, ""),
            *((" ".join(map(value_text, part)) for part in (each.mean, each.std)) if few else ()),
        )
        for number, each in numbered[:_MOST_GROUPS]
    ]
    left = len(found) - len(rows)
    told = unmeasured_note(subject.spec)
    notes = (
        *((f"and {left:,} more that are nearer, all in the spec",) if left else ()),
        *((told,) if told else ()),
    )
    head = ("", "group", "images", "jeffreys", "shift", "gain", *heads)
    yield Table(Cells("groups against the whole", head, rows, notes), numbered=True)
