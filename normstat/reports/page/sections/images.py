"""A look at the images, and those unlike the rest."""

from collections.abc import Iterator

from normstat.names import printable
from normstat.oddities import number_text
from normstat.reports.diagnosis_tables import Cells
from normstat.reports.outliers_text import largest
from normstat.reports.page.model import (
    Block,
    Lines,
    Names,
    Pictures,
    Section,
    Table,
)
from normstat.reports.page.sections.shared import columns_of, name_text
from normstat.reports.page.subject import Known, Subject
from normstat.reports.page.words import counted


def images(known: Known) -> Section:
    return Section(
        "images",
        "A look at the images",
        "A few, drawn at random: always the same.",
        columns=columns_of(known.subjects, _image_blocks),
    )


def _image_blocks(subject: Subject) -> Iterator[Block]:
    if subject.pictures:
        yield Pictures(subject.pictures)
    if subject.unseen:
        yield Lines((f"No pictures: {subject.unseen}.",))


def outliers(known: Known) -> Section:
    return Section(
        "outliers",
        "Outliers",
        "The images that are farthest from the rest, by robust z: the distance from the median in "
        "robust standard deviations. Δ is how mean and std of all images change without the image.",
        columns=columns_of(known.subjects, _outlier_blocks),
    )


def _outlier_blocks(subject: Subject) -> Iterator[Block]:
    if subject.judged is None:
        yield Lines((f"Not looked for: {subject.unjudged}.",))
        return
    found = subject.judged.outliers
    yield Lines((f"Named by a rule: {found.images_named:,} of {counted(found.images, 'image')}.",))
    far = [each for each in found.outliers if each.score > 0]
    if not far:
        said = found.notes or ("none is far from the rest",)
        yield Lines(tuple(f"{note[:1].upper()}{note[1:]}." for note in said))
        return
    if subject.judged.pictures:
        yield Pictures(subject.judged.pictures)
    rows = [
        (
            name_text(each.path),
            number_text(each.score, ".1f"),
            largest(each.z_mean, "+.1f"),
            largest(each.z_std, "+.1f"),
            largest(each.influence.mean_change if each.influence else None, "+.1e"),
            largest(each.influence.std_change if each.influence else None, "+.1e"),
        )
        for each in far
    ]
    heads = ("image", "score", "z mean", "z std", "Δ mean", "Δ std")
    notes = ("Each of the channel where it is largest.", *found.notes)
    yield Table(Cells("", heads, rows, notes))
    reasons = tuple(
        (name_text(each.path), "; ".join(printable(reason.text) for reason in each.reasons))
        for each in far
        if each.reasons
    )
    if reasons:
        yield Names("What is odd about them", reasons)
