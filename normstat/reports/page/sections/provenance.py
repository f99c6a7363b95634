"""Pipeline and provenance."""

from collections.abc import Iterator

from normstat.contents import places
from normstat.names import printable
from normstat.parts import parts_of
from normstat.reports.diagnosis_tables import Cells
from normstat.reports.page.model import (
    Block,
    Section,
    Table,
)
from normstat.reports.page.sections.shared import columns_of
from normstat.reports.page.subject import Known, Subject
from normstat.reports.spec_text import facts

_SAID_ABOVE = {"mean", "std", "width", "height"}


def provenance(known: Known) -> Section:
    return Section(
        "provenance",
        "Pipeline and provenance",
        "How files became numbers, and what would have to be the same to get them again.",
        columns=columns_of(known.subjects, _provenance_blocks),
    )


def _provenance_blocks(subject: Subject) -> Iterator[Block]:
    spec = subject.spec
    told = facts(spec)
    rows = [(label, text) for label, text in told.items() if text and label not in _SAID_ABOVE]
    rows += [
        ("limits", f"at most {spec.pipeline.max_pixels:,} pixels an image"),
        ("dataset", "; ".join(places(part) for part in parts_of(spec))),
        ("files", f"{spec.dataset.files:,}, {spec.dataset.bytes:,} bytes"),
        ("digest", spec.dataset.digest),
        ("software", ", ".join(f"{name} {text}" for name, text in spec.software.items())),
    ]
    if spec.stamp:
        rows.append(("made", f"{spec.stamp.time} on {spec.stamp.host}"))
    yield Table(Cells("", (), [(label, printable(text)) for label, text in rows]))
