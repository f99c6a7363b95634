"""Sizes of images."""

from collections.abc import Iterator
from math import ceil

from normstat.reports.diagnosis_tables import Cells
from normstat.reports.page.model import (
    Block,
    Counts,
    Figure,
    Figures,
    Lines,
    Section,
    Table,
)
from normstat.reports.page.sections.shared import columns_of
from normstat.reports.page.subject import Known, Subject

_SIZE_BINS = 24


def sizes(known: Known) -> Section:
    return Section(
        "sizes",
        "Image sizes",
        "Of the decoded files, before any resize.",
        columns=columns_of(known.subjects, _size_blocks),
    )


def _size_blocks(subject: Subject) -> Iterator[Block]:
    spec = subject.spec
    by_size = spec.counts.by_size
    rows = [
        (axis, f"{each.min:,}", f"{each.median:g}", f"{each.max:,}")
        for axis, each in (("width", by_size.width), ("height", by_size.height))
    ]
    yield Table(Cells("pixels", ("", "min", "median", "max"), rows))
    axes = [("width", spec.state.widths), ("height", spec.state.heights)]
    items = [_size_figure(axis, counts) for axis, counts in axes if len(counts) > 1]
    if items:
        yield Figures(tuple(items))
    else:
        yield Lines(
            (f"All images are {by_size.width.min:,} × {by_size.height.min:,}.",), quiet=True
        )


def _size_figure(axis: str, by_pixels: dict[str, int]) -> Figure:
    sizes = {int(pixels): count for pixels, count in by_pixels.items()}
    low, high = min(sizes), max(sizes)
    width = max(1, ceil((high - low + 1) / _SIZE_BINS))
    counts = [0] * ceil((high - low + 1) / width)
    for pixels, count in sizes.items():
        counts[(pixels - low) // width] += count
    common, many = max(sizes.items(), key=lambda each: (each[1], each[0]))
    often = f", most often {common:,} ({many:,} of {sum(sizes.values()):,})" if many > 1 else ""
    return Figure(
        Counts(axis, tuple(counts), low, width),
        f"{axis}{often}",
        f"Histogram of the {axis} of images, from {low:,} to {high:,} pixels{often}.",
    )
