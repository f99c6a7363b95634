"""What does not count, and why."""

from collections import Counter
from collections.abc import Iterator
from functools import partial

from normstat.names import printable
from normstat.reports.diagnosis_tables import Cells
from normstat.reports.page.model import (
    Block,
    Lines,
    Names,
    Section,
    Table,
)
from normstat.reports.page.sections.shared import columns_of, name_text
from normstat.reports.page.subject import Known, Subject
from normstat.reports.page.words import counted

_MOST_NAMES = 200
_FEW_NAMES = 12


def skipped(known: Known) -> Section | None:
    if not any(subject.spec.skipped for subject in known.subjects):
        return None
    return Section(
        "skipped",
        "Skipped files",
        "They do not count in any number here.",
        columns=columns_of(
            known.subjects, partial(_skipped_blocks, most=_MOST_NAMES // len(known.subjects))
        ),
    )


def _skipped_blocks(subject: Subject, *, most: int) -> Iterator[Block]:
    skipped = subject.spec.skipped
    if not skipped:
        yield Lines(("None.",))
        return
    total = subject.spec.counts.images + len(skipped)
    yield Lines((f"{len(skipped):,} of {total:,}.",))
    if len(skipped) > _FEW_NAMES:
        reasons = Counter(printable(each.reason) for each in skipped).most_common(_FEW_NAMES)
        rows = [(reason, f"{count:,}") for reason, count in reasons]
        yield Table(Cells("by reason", ("reason", "files"), rows))
    listed = tuple((name_text(each.name), name_text(each.reason)) for each in skipped[:most])
    yield Names(
        f"{counted(len(listed), 'file')} and why",
        listed,
        left=len(skipped) - len(listed),
        folded=len(listed) > _FEW_NAMES,
    )
