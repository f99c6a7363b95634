"""The definitions of std side by side."""

from collections.abc import Iterator

from normstat.reports.page.model import (
    Block,
    Figure,
    Lines,
    Section,
    Strips,
    Table,
    hues,
)
from normstat.reports.page.sections.shared import MOST_ACROSS, by_channel, columns_of
from normstat.reports.page.subject import Known, Subject
from normstat.reports.spec_text import STD_NAMES, definition_text
from normstat.reports.values import value_text


def definitions(known: Known) -> Section:
    return Section(
        "definitions",
        "Definitions of std",
        "Several are in circulation. pooled² = within² + between²; ImageNet's published 0.229 "
        "0.224 0.225 are means of image stds.",
        columns=columns_of(known.subjects, _definition_blocks),
    )


def _definition_blocks(subject: Subject) -> Iterator[Block]:
    spec, other = subject.spec, subject.spec.alternatives
    estimator = spec.estimator
    rows: list[tuple[str, list[float] | None]] = []
    for (std, weighting), label in STD_NAMES.items():
        values = {
            ("pooled", "pixel"): other.pixel.std,
            ("pooled", "image"): other.image.std,
            ("mean-of-images", None): other.mean_of_image_stds,
            ("rms-of-images", None): other.rms_of_image_stds,
        }[std, weighting]
        chosen = std == estimator.std and weighting in (None, estimator.weighting)
        rows.append((label + (" *" if chosen else ""), values))
    if len(spec.channels) <= MOST_ACROSS:
        colours = hues(spec.channels)
        strips = [
            (label, tuple(zip(colours, values, strict=True))) for label, values in rows if values
        ]
        told = "; ".join(
            f"{label} {' '.join(f'{hue.channel} {value_text(value)}' for hue, value in points)}"
            for label, points in strips
        )
        yield Figure(
            Strips("std", tuple(strips)), "std by definition, a point a channel", f"{told}."
        )
    rows += [
        ("within images", other.pixel.within_std),
        ("between images", other.pixel.between_std),
        ("mean, pixels weigh the same", other.pixel.mean),
        ("mean, images weigh the same", other.image.mean),
    ]
    yield Table(by_channel("definition", spec.channels, rows))
    yield Lines((f"* the headline: {definition_text(spec)}.",), quiet=True)
