"""The sections of a report, each a function from what is known to what is said.

A new section is a function here and a row in `_SECTIONS`.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import ceil

from normstat.comparison import NEAR_GAIN, NEAR_SHIFT, Comparison
from normstat.contents import parts_of, places
from normstat.formats import FORMATS
from normstat.gate import report as answer
from normstat.metrics import METRICS
from normstat.reports.comparison_text import nearest_and_usual
from normstat.reports.diagnosis_tables import Cells, tables
from normstat.reports.outliers_text import largest
from normstat.reports.page.model import (
    Bars,
    Block,
    Code,
    Column,
    Counts,
    Figure,
    Figures,
    Hue,
    Lines,
    Mark,
    Names,
    Pictures,
    Plane,
    Section,
    Span,
    Strips,
    Table,
    hues,
)
from normstat.reports.page.subject import FRAMEWORKS, Known, Subject
from normstat.reports.spec_text import STD_NAMES, copyable, definition_text, facts
from normstat.sources.base import printable
from normstat.spec.model import Histogram, Spec

_MOST_ACROSS = 4  # channels that stand beside each other
_MOST_HISTOGRAMS = 48  # of all specs together, as all limits of what makes a page large
_MOST_BINS = 128
_MOST_PRESETS = 5
_MOST_MARKED = 8  # groups in a plane
_MOST_GROUPS = 50
_MOST_NAMES = 200
_LONGEST_NAME = 400
_FEW_NAMES = 12
_SIZE_BINS = 24
_NONE = "–"
_ZOOM = 0.3  # of the range: data that fills less is shown enlarged
_EDGE = 0.01  # a share of pixels at one end that is worth a word
_LANGUAGES = {"torchvision": "python", "albumentations": "python", "keras": "python",
              "transformers": "json", "opencv-dnn": "python", "python": "python"}  # fmt: skip

_SAID_ABOVE = {"mean", "std", "width", "height"}

_Maker = Callable[[Known], Section | None]


def sections(known: Known) -> tuple[Section, ...]:
    """Return the sections that there is something to say in, in the order of reading."""
    found = (make(known) for make in _SECTIONS)
    return tuple(section for section in found if section)


# --- the numbers


def _numbers(known: Known) -> Section:
    return Section(
        "numbers",
        "The numbers",
        "Mean and std as they are computed and subtracted: in units of code / max_pixel_value.",
        columns=_columns(known.subjects, _number_blocks),
    )


def _number_blocks(subject: Subject) -> Iterator[Block]:
    spec = subject.spec
    values = (
        f"mean = {copyable(spec.mean)}\nstd  = {copyable(spec.std)}\n"
        f"max_pixel_value = {spec.max_pixel_value:g}\n"
    )
    yield Code("", "python", values)
    yield Table(_channel_cells(spec))
    confidence = spec.confidence
    if confidence:
        yield Lines(
            (
                (
                    f"± is the half-width of the {100 * confidence.level:.4g} % interval, with "
                    "the image as the unit of sampling."
                ),
            ),
            quiet=True,
        )


def _channel_cells(spec: Spec) -> Cells:
    """A row a channel, so that thirteen bands fit as well as three colours."""
    columns: list[tuple[str, Sequence[float]]] = [("mean", spec.mean)]
    if spec.confidence:
        columns.append(("± mean", spec.confidence.mean))
    columns.append(("std", spec.std))
    if spec.confidence:
        columns.append(("± std", spec.confidence.std))
    columns.append(("min", spec.min))
    shown: list[str] = [each for each in ("1", "50", "99") if each in spec.percentiles]
    shown = shown or list(spec.percentiles)
    columns += [(f"{each} %", spec.percentiles[each]) for each in shown]
    columns.append(("max", spec.max))
    rows = [
        (channel, *(_value(values[index]) for _, values in columns))
        for index, channel in enumerate(spec.channels)
    ]
    return Cells("per channel", ("channel", *(head for head, _ in columns)), rows)


def _value(value: float) -> str:
    """Return four decimals of a fraction, or five digits of anything else.

    >>> _value(0.48501), _value(-0.05), _value(1234.5678)
    ('0.4850', '-0.0500', '1234.6')
    """
    return f"{value:.4f}" if abs(value) < 10 else f"{value:.5g}"  # noqa: PLR2004


# --- specs against each other


def _side_by_side(known: Known) -> Section | None:
    if not known.pairs:
        return None
    blocks: list[Block] = []
    compared = [(pair.name, pair.comparison) for pair in known.pairs if pair.comparison]
    if compared:
        marks = [_mark(str(n), pair) for n, (_, pair) in enumerate(compared, 1)]
        blocks.append(_plane(known.subjects[0].name, marks, [name for name, _ in compared]))
        shown = [name for name in METRICS if any(name in pair.metrics for _, pair in compared)]
        rows = [
            (str(n), name, *(_metric(pair, metric) for metric in shown))
            for n, (name, pair) in enumerate(compared, 1)
        ]
        cells = Cells(
            f"{known.subjects[0].name} against", ("", "spec", *shown), rows,
            ("A range is of the channels; a dash is where a side has no histogram.",),
        )  # fmt: skip
        blocks.append(Table(cells))
        spoken = [text for _, pair in compared for text in (*pair.findings, *pair.advice)]
        blocks.append(Lines(tuple(dict.fromkeys(spoken))))
    blocks += [Lines((f"{pair.name}: {pair.why_not}",)) for pair in known.pairs if pair.why_not]
    return Section(
        "difference",
        "Side by side",
        f"How the data of {known.subjects[0].name} looks after the normalization of the others.",
        tuple(blocks),
    )


def _metric(pair: Comparison, name: str) -> str:
    return _span_of(pair.metrics.get(name), "+" if name == "shift" else "")


# --- for frameworks


def _copying(known: Known) -> Section:
    return Section(
        "copy",
        "Ready to copy",
        "Each text was read back and compared with the spec for every code. "
        "`normstat export --list` names all frameworks.",
        columns=_columns(known.subjects, partial(_code_blocks, shown=len(known.subjects) == 1)),
    )


def _code_blocks(subject: Subject, *, shown: bool) -> Iterator[Block]:
    refused = []
    for name, found in subject.exports:
        if isinstance(found, str):
            refused.append(f"{name}: not possible. {found}")
            continue
        title = f"{name}: {FORMATS[name].summary}"
        yield Code(
            title,
            _LANGUAGES[name],
            found.text,
            shown=shown and name == FRAMEWORKS[0],
            notes=found.notes,
        )
    if refused:
        yield Lines(tuple(dict.fromkeys(refused)))


# --- histograms


def _histograms(known: Known) -> Section:
    return Section(
        "histograms",
        "Distribution of values",
        "Pixels by value; the line is the mean, the band is one std to either side.",
        columns=_columns(
            known.subjects,
            partial(_histogram_blocks, most=_MOST_HISTOGRAMS // len(known.subjects)),
        ),
    )


def _histogram_blocks(subject: Subject, *, most: int) -> Iterator[Block]:
    spec = subject.spec
    colours = hues(spec.channels)[:most]
    if spec.histogram:
        limits = _limits(spec, spec.histogram)
        items = [
            _histogram(spec, spec.histogram, index, hue, limits)
            for index, hue in enumerate(colours)
        ]
    else:
        items = [_span(spec, index, hue) for index, hue in enumerate(colours)]
    yield Figures(tuple(items))
    if not spec.histogram:
        text = "Float values have no histogram: the thin line is from the smallest to the largest."
        yield Lines((text,), quiet=True)
    left = len(spec.channels) - len(colours)
    if left > 0:
        yield Lines((f"{left:,} more channels are in the table above.",), quiet=True)


def _limits(spec: Spec, histogram: Histogram) -> tuple[float, float]:
    """Return the ends of the axis: the whole range, or what is used of it when that is little."""
    start, width = _bins(spec, histogram)
    ends = start, start + width * len(histogram.counts[0])
    low, high = min(spec.min), max(spec.max)
    if high - low >= _ZOOM * (ends[1] - ends[0]):
        return ends
    margin = max(0.05 * (high - low), width)
    return max(ends[0], low - margin), min(ends[1], high + margin)


def _bins(spec: Spec, histogram: Histogram) -> tuple[float, float]:
    """Return where the first bin begins and how wide each is, in the units of mean."""
    first = histogram.first_code if isinstance(histogram.first_code, int) else 0
    unit = float(spec.max_pixel_value)
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
    caption = f"{hue.channel}: {_value(mean)} ± {_value(std)}"
    edges = [
        f"{100 * share:.1f} % at {end}"
        for share, end in ((counts[0] / total, "0"), (counts[-1] / total, "the top"))
        if share >= _EDGE and histogram.codes_per_bin == 1
    ]
    if edges:
        caption += f" ({', '.join(edges)})"
    low, high = _value(spec.min[index]), _value(spec.max[index])
    return Figure(
        Bars(hue, tuple(shares), start, width * group, mean, std, limits),
        caption,
        f"Histogram of channel {hue.channel}, from {low} to {high}, mean {_value(mean)}, "
        f"std {_value(std)}.",
    )


def _span(spec: Spec, index: int, hue: Hue) -> Figure:
    low, high = spec.min[index], spec.max[index]
    mean, std = spec.mean[index], spec.std[index]
    return Figure(
        Span(hue, low, high, mean, std),
        f"{hue.channel}: {_value(mean)} ± {_value(std)}",
        f"Channel {hue.channel} reaches from {_value(low)} to {_value(high)}, with mean "
        f"{_value(mean)} and std {_value(std)}.",
    )


# --- presets


def _nearest(known: Known) -> Section:
    return Section(
        "presets",
        "Nearest presets",
        "Shift and gain are mean and std of this data after the preset's normalization: 0 and 1 "
        "where they fit, within the shaded box where the mismatch is small.",
        columns=_columns(known.subjects, _nearest_blocks),
    )


def _nearest_blocks(subject: Subject) -> Iterator[Block]:
    if subject.unranked:
        yield Lines((f"Not compared: {subject.unranked}.",))
        return
    shown = nearest_and_usual(subject.ranking, _MOST_PRESETS)
    marks = [_mark(str(number), pair) for number, pair in enumerate(shown, 1)]
    yield _plane(subject.name, marks, [pair.b.name for pair in shown])
    rows = [
        (
            str(number),
            pair.b.name + (f" (and {len(pair.also):,} with its numbers)" if pair.also else ""),
            f"{pair.metrics['jeffreys'][0]:.4f}",
            _metric(pair, "shift"),
            _metric(pair, "gain"),
        )
        for number, pair in enumerate(shown, 1)
    ]
    left = len(subject.ranking) - len(shown)
    notes = (
        (f"{left:,} more are farther: `normstat compare --format json` has all.",) if left else ()
    )
    title = "jeffreys: symmetric Kullback–Leibler divergence of Gaussians, in nats"
    yield Table(Cells(title, ("", "preset", "jeffreys", "shift", "gain"), rows, notes))
    advice = answer(subject.ranking, ranked=True).advice
    usual = [pair for pair in shown if pair.b.name == "imagenet"]
    yield Lines(
        tuple(dict.fromkeys([*(text for pair in usual for text in pair.findings), *advice]))
    )


def _mark(label: str, pair: Comparison) -> Mark:
    columns = zip(hues(pair.channels), pair.metrics["shift"], pair.metrics["gain"], strict=True)
    return Mark(label, tuple(columns))


def _plane(name: str, marks: Sequence[Mark], names: Sequence[str]) -> Figure:
    words = [
        f"{mark.label} {other}: shift {_mean(point[1] for point in mark.points):+.2f}, "
        f"gain {_mean(point[2] for point in mark.points):.2f}"
        for mark, other in zip(marks, names, strict=True)
    ]
    return Figure(
        Plane(tuple(marks), NEAR_SHIFT, NEAR_GAIN),
        f"{name}: shift against gain, a point a channel; numbers as in the table",
        f"Shift against gain of {name} (means of the channels). {'; '.join(words)}.",
    )


def _mean(values: Iterator[float]) -> float:
    found = list(values)
    return sum(found) / len(found)


# --- definitions of std


def _definitions(known: Known) -> Section:
    return Section(
        "definitions",
        "Definitions of std",
        "Several are in circulation. pooled² = within² + between²; ImageNet's published 0.229 "
        "0.224 0.225 are means of image stds.",
        columns=_columns(known.subjects, _definition_blocks),
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
    if len(spec.channels) <= _MOST_ACROSS:
        colours = hues(spec.channels)
        strips = [
            (label, tuple(zip(colours, values, strict=True))) for label, values in rows if values
        ]
        told = "; ".join(
            f"{label} {' '.join(map(_value, values))}" for label, values in rows if values
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
    yield Table(_by_channel("definition", spec.channels, rows))
    yield Lines((f"* the headline: {definition_text(spec)}.",), quiet=True)


def _by_channel(
    title: str, channels: Sequence[str], rows: Sequence[tuple[str, Sequence[float] | None]]
) -> Cells:
    """A column a channel when they are few, else a row."""
    if len(channels) <= _MOST_ACROSS:
        across = [
            (label, *(map(_value, values) if values else [_NONE] * len(channels)))
            for label, values in rows
        ]
        return Cells("", (title, *channels), across)
    down = [
        (channel, *(_value(values[index]) if values else _NONE for _, values in rows))
        for index, channel in enumerate(channels)
    ]
    return Cells("", ("channel", *(label for label, _ in rows)), down)


# --- groups


def _groups(known: Known) -> Section | None:
    if not any(subject.groups for subject in known.subjects):
        return None
    return Section(
        "groups",
        "Groups",
        "Each against the whole, the farthest first: shift and gain are mean and std of the group "
        "after the normalization of the whole.",
        columns=_columns(known.subjects, _group_blocks),
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
        yield _plane(f"groups of {subject.name}", marks, names)
    few = len(channels) <= _MOST_ACROSS
    heads = [f"{part} {channel}" for part in ("mean", "std") for channel in channels] if few else []
    rows = [
        (
            number,
            _name(each.name),
            f"{each.images:,}",
            "constant" if each.jeffreys is None else f"{each.jeffreys:.4f}",
            _span_of(each.shift, "+"),
            _span_of(each.gain, ""),
            *(map(_value, [*each.mean, *each.std]) if few else ()),
        )
        for number, each in numbered[:_MOST_GROUPS]
    ]
    left = len(found) - len(rows)
    notes = (f"and {left:,} more that are nearer, all in the spec",) if left else ()
    head = ("", "group", "images", "jeffreys", "shift", "gain", *heads)
    yield Table(Cells("groups against the whole", head, rows, notes))


def _span_of(values: Sequence[float] | None, sign: str) -> str:
    """Return the smallest and the largest of the channels.

    >>> _span_of([0.5, -0.25], "+"), _span_of([1.0], ""), _span_of(None, "")
    ('-0.250 … +0.500', '1.000', '–')
    """
    if not values:
        return _NONE
    low, high = f"{min(values):{sign}.3f}", f"{max(values):{sign}.3f}"
    return low if low == high else f"{low} … {high}"


# --- sizes


def _sizes(known: Known) -> Section:
    return Section(
        "sizes",
        "Image sizes",
        "Of the decoded files, before any resize.",
        columns=_columns(known.subjects, _size_blocks),
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


# --- images


def _images(known: Known) -> Section:
    return Section(
        "images",
        "A look at the images",
        "A few, drawn by a seed.",
        columns=_columns(known.subjects, _image_blocks),
    )


def _image_blocks(subject: Subject) -> Iterator[Block]:
    if subject.pictures:
        yield Pictures(subject.pictures)
    if subject.unseen:
        yield Lines((f"No pictures: {subject.unseen}.",))


# --- outliers


def _outliers(known: Known) -> Section:
    return Section(
        "outliers",
        "Outliers",
        "The images that are farthest from the rest, by robust z: the distance from the median in "
        "robust standard deviations. Δ is what mean and std become without the image.",
        columns=_columns(known.subjects, _outlier_blocks),
    )


def _outlier_blocks(subject: Subject) -> Iterator[Block]:
    if subject.judged is None:
        yield Lines((f"Not looked for: {subject.unjudged}.",))
        return
    found = subject.judged.outliers
    yield Lines((f"{found.images_named:,} of {found.images:,} images are named by a rule.",))
    if subject.judged.pictures:
        yield Pictures(subject.judged.pictures)
    rows = [
        (
            _name(each.path),
            f"{each.score:.1f}",
            largest(each.z_mean, "+.1f"),
            largest(each.z_std, "+.1f"),
            largest(each.influence.mean_change if each.influence else None, "+.1e"),
            largest(each.influence.std_change if each.influence else None, "+.1e"),
        )
        for each in found.outliers
    ]
    heads = ("image", "score", "z mean", "z std", "Δ mean", "Δ std")
    notes = ("Each of the channel where it is largest.", *found.notes)
    yield Table(Cells("", heads, rows, notes))
    reasons = tuple(
        (_name(each.path), "; ".join(printable(reason.text) for reason in each.reasons))
        for each in found.outliers
        if each.reasons
    )
    if reasons:
        yield Names("What is odd about them", reasons)


# --- skipped files


def _skipped(known: Known) -> Section | None:
    if not any(subject.spec.skipped for subject in known.subjects):
        return None
    return Section(
        "skipped",
        "Skipped files",
        "They do not count in any number here.",
        columns=_columns(
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
    listed = tuple((_name(each.name), _name(each.reason)) for each in skipped[:most])
    yield Names(
        f"{len(listed):,} files and why",
        listed,
        left=len(skipped) - len(listed),
        folded=len(listed) > _FEW_NAMES,
    )


def _name(text: str) -> str:
    shown = printable(text)
    return shown if len(shown) <= _LONGEST_NAME else f"{shown[:_LONGEST_NAME]}…"


# --- training


def _training(known: Known) -> Section:
    return Section(
        "training",
        "What it does to training",
        "By `normstat diagnose`, as far as the spec alone tells.",
        columns=_columns(known.subjects, _training_blocks),
    )


def _training_blocks(subject: Subject) -> Iterator[Block]:
    found = subject.diagnosis
    if found is None:
        yield Lines((f"Not diagnosed: {subject.unknown}.",))
        return
    for cells in tables(found):
        yield Table(cells)
    rates = any(each.quadratic for each in found.preprocessing)
    said = [found.proven, found.measured, found.observed] if rates else [found.measured]
    if not rates:
        said.append(
            "No rates: the products of channels were not counted; "
            "`normstat compute --covariance` keeps them."
        )
    yield Lines((*said, f"No jitter and no simulation: {found.missing}."))


# --- provenance


def _provenance(known: Known) -> Section:
    return Section(
        "provenance",
        "Pipeline and provenance",
        "How files became numbers, and what would have to be the same to get them again.",
        columns=_columns(known.subjects, _provenance_blocks),
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


def _columns(
    subjects: Sequence[Subject], blocks: Callable[[Subject], Iterator[Block]]
) -> tuple[Column, ...]:
    several = len(subjects) > 1
    return tuple(
        Column(subject.name if several else "", tuple(blocks(subject))) for subject in subjects
    )


_SECTIONS: tuple[_Maker, ...] = (
    _numbers,
    _side_by_side,
    _copying,
    _histograms,
    _nearest,
    _definitions,
    _groups,
    _sizes,
    _images,
    _outliers,
    _skipped,
    _training,
    _provenance,
)
