"""What normalization does to training."""

from collections.abc import Iterator

from normstat.reports.diagnosis_tables import tables
from normstat.reports.page.fitting import upright
from normstat.reports.page.model import (
    Block,
    Lines,
    Section,
    Table,
)
from normstat.reports.page.sections.shared import columns_of
from normstat.reports.page.subject import Known, Subject


def training(known: Known) -> Section:
    return Section(
        "training",
        "What normalization does to training",
        "By `normstat diagnose`, as far as the spec alone tells.",
        columns=columns_of(known.subjects, _training_blocks),
    )


def _training_blocks(subject: Subject) -> Iterator[Block]:
    found = subject.diagnosis
    if found is None:
        yield Lines((f"Not diagnosed: {subject.unknown}.",))
        return
    for cells in tables(found, hessians=False):
        yield Table(upright(cells))
    rates = any(each.quadratic for each in found.preprocessing)
    said = [found.proven, found.measured, found.observed] if rates else [found.measured]
    if not rates:
        said.append(
            "No rates: the products of channels were not counted; "
            "`normstat compute --covariance` keeps them."
        )
    yield Lines((*said, f"No jitter and no simulation: {found.missing}."))
