"""Distribution of values."""

from collections.abc import Iterator
from functools import partial
from math import isqrt

from msgspec import UNSET

from normstat.assemble import state_of
from normstat.reports.page.model import (
    Bars,
    Block,
    Figure,
    Figures,
    Hue,
    Lines,
    Section,
    Span,
    hues,
)
from normstat.reports.page.sections.shared import columns_of
from normstat.reports.page.subject import Known, Subject
from normstat.reports.page.words import counted
from normstat.reports.values import value_text
from normstat.spec.model import Spec
from normstat.spec.numbers import Histogram

_MOST_HISTOGRAMS = 48  # of all specs together, as all limits of what makes a page large
_FEWEST_BINS, _MOST_BINS = 16, 128
_ZOOM = 0.3  # of the range: data that fills less is shown enlarged
_EDGE = 0.01  # a share of pixels at one end that is worth a word


def histograms(known: Known) -> Section:
    return Section(
        "histograms",
        "Distribution of values",
        "Pixels by value; the line is the mean, the band is one std to either side.",
        columns=columns_of(
            known.subjects,
            partial(_histogram_blocks, most=_MOST_HISTOGRAMS // len(known.subjects)),
        ),
    )


def _histogram_blocks(subject: Subject, *, most: int) -> Iterator[Block]:
    spec = subject.spec
    colours = hues(spec.channels)[:most]
    if spec.histogram:
        histogram = _fine(spec, spec.histogram)
        limits = _limits(spec, histogram)
        items = [
            _histogram(spec, histogram, index, hue, limits) for index, hue in enumerate(colours)
        ]
    else:
        items = [_span(spec, index, hue) for index, hue in enumerate(colours)]
    left = len(spec.channels) - len(colours)
    yield Figures(tuple(items), left)
    if not spec.histogram:
        text = "Float values have no histogram: the thin line is from the smallest to the largest."
        yield Lines((text,), quiet=True)
    if left:
        verb = "is" if left == 1 else "are"
        text = f"{counted(left, 'more channel')} {verb} in the table above."
        yield Lines((text,), quiet=True)


def _fine(spec: Spec, histogram: Histogram) -> Histogram:
    """Return counts in smaller bins where the data fills few of those of the whole range.

    So it is with 12 bits in 16. The bins become no more than the square root of the pixels.
    """
    size = histogram.codes_per_bin
    if size == 1 or isinstance(histogram.first_code, int):
        return histogram
    codes = state_of(spec).combined(rgb=spec.pipeline.mode == "rgb")[0].codes
    used = max(codes.maxima()) - min(codes.minima())
    most = max(_FEWEST_BINS, min(_MOST_BINS, isqrt(spec.counts.pixels)))
    while size > 1 and 2 * used <= most * size:
        size //= 2
    if size == histogram.codes_per_bin:
        return histogram
    return Histogram(codes_per_bin=size, counts=codes.grouped(size))


def _limits(spec: Spec, histogram: Histogram) -> tuple[float, float]:
    """Return the ends of the axis: the whole range, or what is used of it when that is little."""
    start, width = _bins(spec, histogram)
    last = start + width * len(histogram.counts[0])
    ends = start, last if isinstance(histogram.first_code, int) else 1 - start
    low, high = min(spec.min), max(spec.max)
    if high - low >= _ZOOM * (ends[1] - ends[0]):
        return ends
    margin = max(0.05 * (high - low), width)
    return max(ends[0], low - margin), min(ends[1], high + margin)


def _bins(spec: Spec, histogram: Histogram) -> tuple[float, float]:
    """Return where the first bin begins and how wide each is, in the units of mean.

    Where 8-bit and 16-bit images are counted together, codes are those of 16 bits, and the
    spec's max_pixel_value is that of most images.
    """
    first = histogram.first_code if isinstance(histogram.first_code, int) else 0
    declared = spec.pipeline.max_pixel_value
    if declared is not UNSET:
        unit = float(declared)
    else:  # signed codes are values of their own
        unit = 1.0 if first else float(len(histogram.counts[0]) * histogram.codes_per_bin - 1)
    return (first - 0.5) / unit, histogram.codes_per_bin / unit


def _histogram(
    spec: Spec, histogram: Histogram, index: int, hue: Hue, limits: tuple[float, float]
) -> Figure:
    start, width = _bins(spec, histogram)
    counts = histogram.counts[index]
    total = max(sum(counts), 1)
    inside = min(len(counts), round((limits[1] - limits[0]) / width))
    group = max(1, inside // _MOST_BINS)
    shares = [sum(counts[i : i + group]) / total for i in range(0, len(counts), group)]
    mean, std = spec.mean[index], spec.std[index]
    edges = [
        f"{100 * share:.1f} % at {end}"
        for share, end in ((counts[0] / total, "0"), (counts[-1] / total, "the top"))
        if share >= _EDGE and histogram.codes_per_bin == 1 and histogram.first_code is UNSET
    ]
    low, high = value_text(spec.min[index]), value_text(spec.max[index])
    return Figure(
        Bars(hue, tuple(shares), start, width * group, mean, std, limits),
        f"{hue.channel}: {value_text(mean)} ± {value_text(std)}",
        f"Histogram of channel {hue.channel}, from {low} to {high}, mean {value_text(mean)}, "
        f"std {value_text(std)}{''.join(f', {edge}' for edge in edges)}.",
        ", ".join(edges),
    )


def _span(spec: Spec, index: int, hue: Hue) -> Figure:
    low, high = spec.min[index], spec.max[index]
    mean, std = spec.mean[index], spec.std[index]
    return Figure(
        Span(hue, low, high, mean, std),
        f"{hue.channel}: {value_text(mean)} ± {value_text(std)}",
        f"Channel {hue.channel} reaches from {value_text(low)} to {value_text(high)}, with mean "
        f"{value_text(mean)} and std {value_text(std)}.",
    )
