"""A spec as text for a terminal."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from msgspec import UNSET
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from normstat.contents import places
from normstat.names import printable
from normstat.parts import parts_of
from normstat.reports.groups_text import groups_text
from normstat.reports.speed import Speed
from normstat.reports.values import copyable, decimals_text
from normstat.sources.shards import ranges
from normstat.spec.dataset import Part
from normstat.spec.model import Spec
from normstat.spec.numbers import Histogram
from normstat.spec.pipeline import Masks, Pipeline

_MOST_ACROSS = 4  # channels that stand beside each other
_NARROWEST = 60  # columns of a terminal
_CHANNEL = 10  # columns of a channel's name
_BARS = " ▁▂▃▄▅▆▇█"
_BAR_BINS = 12
_SHOWN_SKIPS = 10
STD_NAMES = {
    ("pooled", "pixel"): "pooled, pixels weigh the same",
    ("pooled", "image"): "pooled, images weigh the same",
    ("mean-of-images", None): "mean of image stds",
    ("rms-of-images", None): "rms of image stds",
}
_KNOWN = (
    "Known from: ImageNet's 0.229 0.224 0.225 and CIFAR-10's 0.2023 0.1994 0.2010 are means of "
    "image stds; pooled, ImageNet has about 0.27 to 0.29 and CIFAR-10 about 0.25."
)


def spec_text(spec: Spec, speed: Speed | None = None) -> RenderableType:
    """Return what a person wants to know of a spec, to be printed by a rich console."""
    if not spec.channels:
        return _facts(spec, speed)
    parts: list[RenderableType] = [_headline(spec), Text(), _definitions(spec)]
    if spec.channels == ["R", "G", "B"]:
        parts.append(Text(_KNOWN, style="dim"))
    parts += [Text(), _facts(spec, speed)]
    if spec.groups:
        parts += [Text(), groups_text(spec)]
    return Group(*parts)


def _headline(spec: Spec) -> RenderableType:
    rows = [_row("mean", spec.mean, "bold")]
    if spec.confidence:
        rows.append(_row(_half_width(spec), spec.confidence.mean, "dim"))
    rows.append(_row("std", spec.std, "bold"))
    if spec.confidence:
        rows.append(_row(_half_width(spec), spec.confidence.std, "dim"))
    rows.append(_row("min", spec.min))
    rows += [_row(f"{percent} %", values) for percent, values in spec.percentiles.items()]
    rows.append(_row("max", spec.max))
    if spec.histogram:
        bins = _bins_to_show(spec, spec.histogram)
        lines = [sparkline(counts[:bins]) for counts in spec.histogram.counts]
        rows.append(_Row("histogram", lines))
    return _by_channel(spec.channels, _unit(spec), rows)


def _bins_to_show(spec: Spec, histogram: Histogram) -> int:
    """Return how many bins reach as far as codes are said to, or as those without a range do."""
    if histogram.first_code is UNSET:
        declared = spec.pipeline.max_pixel_value
        bins = len(histogram.counts[0])
        return bins if declared is UNSET else int(declared) // histogram.codes_per_bin + 1
    used = (place for counts in histogram.counts for place, count in enumerate(counts) if count)
    return 1 + max(used, default=0)


def _unit(spec: Spec) -> str:
    return "value" if spec.max_pixel_value == 1 else f"code / {spec.max_pixel_value:g}"


def _half_width(spec: Spec) -> str:
    return f"  ± {100 * spec.confidence.level:.4g}%" if spec.confidence else ""


def _definitions(spec: Spec) -> RenderableType:
    other = spec.alternatives
    definitions: list[tuple[str, str | None, Sequence[float] | None]] = [
        ("pooled", "pixel", other.pixel.std),
        ("pooled", "image", other.image.std),
        ("mean-of-images", None, other.mean_of_image_stds),
        ("rms-of-images", None, other.rms_of_image_stds),
    ]
    rows = []
    for std, weighting, values in definitions:
        chosen = std == spec.estimator.std and weighting in (None, spec.estimator.weighting)
        label = STD_NAMES[std, weighting] + (" *" if chosen else "")
        rows.append(_row(label, values or [None] * len(spec.channels), "bold" if chosen else ""))
    rows += [
        _row("within images", other.pixel.within_std),
        _row("between images", other.pixel.between_std),
        _row("mean, pixels weigh the same", other.pixel.mean),
        _row("mean, images weigh the same", other.image.mean),
    ]
    return _by_channel(spec.channels, "definitions of std", rows)


@dataclass(frozen=True)
class _Row:
    """A row of a table: its label, and a cell a channel."""

    label: str
    cells: Sequence[str]
    style: str = ""

    @property
    def width(self) -> int:
        """The columns that its cells and the longest word of its label need."""
        return max(map(len, [*self.cells, *self.label.split()]))


def _row(label: str, values: Sequence[float | None], style: str = "") -> _Row:
    return _Row(label, ["–" if value is None else decimals_text(value) for value in values], style)


def _by_channel(channels: Sequence[str], title: str, rows: Sequence[_Row]) -> RenderableType:
    """Return a table with a column a channel, or, of many, tables with a row a channel."""
    if len(channels) <= _MOST_ACROSS:
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column(title, overflow="fold")
        for channel in channels:
            table.add_column(Text(channel), justify="right", no_wrap=True)
        for row in rows:
            table.add_row(row.label, *map(Text, row.cells), style=row.style)
        return table
    parts: list[RenderableType] = []
    for few in _that_fit(rows):
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("channel", overflow="fold", max_width=_CHANNEL)
        for row in few:
            table.add_column(
                row.label.strip(), justify="right", min_width=row.width, style=row.style
            )
        for channel, *cells in zip(channels, *(row.cells for row in few), strict=True):
            table.add_row(Text(printable(channel)), *map(Text, cells))
        parts += [Text(), table] if parts else [Text(title, style="bold"), table]
    return Group(*parts)


def _that_fit(rows: Sequence[_Row]) -> Iterator[list[_Row]]:
    """Yield the rows in runs that have room beside each other as columns of a narrow terminal."""
    run: list[_Row] = []
    room = 0
    for row in rows:
        width = row.width + 2  # what is between columns
        if run and room + width > _NARROWEST - _CHANNEL:
            yield run
            run, room = [], 0
        run.append(row)
        room += width
    yield run


def _facts(spec: Spec, speed: Speed | None) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    if not spec.channels:
        return _of_nothing(table, spec)
    rows = facts(spec) | {"skipped": _skipped(spec), "speed": str(speed) if speed else ""}
    for label, text in rows.items():
        if text:
            table.add_row(label, Text(text))
    return table


def facts(spec: Spec) -> dict[str, str]:
    """Return what was read and how, a line each; an empty one where there is nothing to say."""
    counts = spec.counts
    width, height = counts.by_size.width, counts.by_size.height
    modes = ", ".join(f"{mode} {count:,}" for mode, count in counts.by_mode.items())
    return {
        "mean": copyable(spec.mean),
        "std": copyable(spec.std),
        "definition": definition_text(spec),
        "images": f"{_read(spec)} ({modes})",
        "shards": _shards(spec),
        "merged": _merged(spec),
        "without": _without(spec),
        "group": _group(spec),
        "groups": _groups(spec),
        "pixels": f"{counts.pixels:,} a channel",
        "left out": _left_out(spec),
        "width": f"{width.min} / {width.median:g} / {width.max} (min / median / max)",
        "height": f"{height.min} / {height.median:g} / {height.max}",
        "pipeline": pipeline_text(spec.pipeline),
        "notes": _notes(spec),
    }


def _left_out(spec: Spec) -> str:
    counts = spec.state.left_out or {}
    told = ", ".join(f"{counts[why]:,} {printable(why)}" for why in sorted(counts))
    return f"values of all channels: {told}" if told else ""


def _read(spec: Spec) -> str:
    images, estimator = spec.counts.images, spec.estimator
    if estimator.coverage == "first":
        return f"{images:,}, from the first of {estimator.images_listed:,} listed"
    if estimator.shards:
        return f"{images:,}"
    if not estimator.sample:
        return f"{images:,}, a census"
    how = ", each folder in proportion" if estimator.sample.stratified else ""
    return f"{images:,} of {estimator.images_listed:,}, sample of seed {estimator.sample.seed}{how}"


def _of_nothing(table: Table, spec: Spec) -> Table:
    table.add_row("images", Text("0: an empty shard, which adds nothing to the others"))
    table.add_row("shards", Text(_shards(spec)))
    if spec.skipped:
        table.add_row("skipped", Text(_skipped(spec)))
    return table


def _group(spec: Spec) -> str:
    dataset = spec.dataset
    if not (dataset.group and dataset.group_by):
        return ""
    return f"{printable(dataset.group)} alone, of {dataset.files:,} files in {places(dataset)}"


def _groups(spec: Spec) -> str:
    if spec.groups is UNSET:
        return ""
    text = f"{len(spec.groups):,} by {printable(spec.dataset.group_by or '')}"
    known = {group.name for group in spec.groups}
    unread = [name for name in spec.dataset.groups or () if name not in known]
    if unread and not spec.estimator.shards:
        shown = ", ".join(map(printable, unread[:_SHOWN_SKIPS])) + ", …" * (
            len(unread) > _SHOWN_SKIPS
        )
        text += f"; of {len(unread):,} more no image was read: {shown}"
    return text


def _shards(spec: Spec) -> str:
    shards = spec.estimator.shards
    if not shards:
        return ""
    missing = sorted({*range(1, shards.of + 1)} - {*shards.parts})
    listed = f"{spec.estimator.images_listed:,} images"
    return f"{ranges(shards.parts)} of {shards.of}, of {listed}; missing: {ranges(missing)}"


def _merged(spec: Spec) -> str:
    return "\n".join(f"{places(part)}: {_counted(part)}" for part in spec.dataset.parts or ())


def _without(spec: Spec) -> str:
    holes = [hole for part in parts_of(spec) for hole in part.without or ()]
    return "\n".join(f"{places(hole)}: {_counted(hole)}" for hole in holes)


def _counted(part: Part) -> str:
    shards = f", shard {ranges(part.shards.parts)} of {part.shards.of}" if part.shards else ""
    return f"{part.images:,} images of {part.files:,} files{shards}"


def definition_text(spec: Spec) -> str:
    """Return which definition the headline numbers are, in a line."""
    estimator = spec.estimator
    weighting = f"every {estimator.weighting} weighs the same"
    std = {
        "pooled": "pooled std",
        "mean-of-images": "std is the mean of image stds",
        "rms-of-images": "std is the rms of image stds",
    }[estimator.std]
    return f"{weighting}, {std}, ddof {estimator.ddof}"


def pipeline_text(pipeline: Pipeline) -> str:
    """Return how files become pixels, in a line."""
    parts = [f"mode {pipeline.mode}", f"alpha {pipeline.alpha}"]
    if pipeline.resize:
        parts.append(f"resize {pipeline.resize} ({pipeline.interpolation})")
    if pipeline.crop:
        parts.append(f"crop {pipeline.crop}")
    parts += [f"channels {pipeline.channels}"] if pipeline.channels else []
    parts += [f"bands {' '.join(map(printable, pipeline.bands))}"] if pipeline.bands else []
    parts += ["all frames"] if pipeline.frames == "all" else []
    if pipeline.nodata is not UNSET:
        parts.append(f"nodata {pipeline.nodata:g}")
    parts += [f"{name.replace('_', ' ')} {axis}" for name, axis in _axes(pipeline)]
    parts += [f"columns {' '.join(map(printable, pipeline.columns))}"] if pipeline.columns else []
    if pipeline.masks is not UNSET:
        parts.append(_masks(pipeline.masks))
    if pipeline.ignore_value is not UNSET:
        parts.append(f"without pixels of {pipeline.ignore_value:g}")
    return ", ".join(parts)


def _axes(pipeline: Pipeline) -> list[tuple[str, object]]:
    named = ("channel_axis", pipeline.channel_axis), ("image_axis", pipeline.image_axis)
    return [(name, axis) for name, axis in named if axis is not UNSET]


def _masks(masks: Masks) -> str:
    if isinstance(masks.foreground, list):
        return f"masks: labels {', '.join(map(str, masks.foreground))}"
    ignored = f", but not {masks.ignore_label}" if masks.ignore_label is not UNSET else ""
    return f"masks: {masks.foreground} label{ignored}"


def _notes(spec: Spec) -> str:
    counts, notes = spec.counts, []
    if spec.estimator.sample:
        notes.append(
            "± is how far the numbers of all listed images may be; min and max are the sample's"
        )
    if counts.images == 1:
        notes.append("a single image, and so no ±: that follows from how images differ")
    if counts.transparent:
        notes.append(f"{counts.transparent:,} with transparency (alpha {spec.pipeline.alpha})")
    if counts.animated:
        which = "all count" if spec.pipeline.frames == "all" else "the first counts"
        notes.append(f"{counts.animated:,} with several frames, of which {which}")
    inverted = sum(images for mode, images in counts.by_mode.items() if "MONOCHROME1" in mode)
    if inverted:
        notes.append(f"{inverted:,} in which small values are white (MONOCHROME1), kept as stored")
    if counts.padded:
        notes.append(f"{counts.padded:,} smaller than the crop, padded with zeros")
    return "; ".join([*notes, *_together(spec)])


def _together(spec: Spec) -> Iterator[str]:
    """Yield the rules by which images of unlike kinds count together."""
    kinds = spec.state.kinds
    if len(spec.channels) > 1 and any(kind.startswith("gray") for kind in kinds):
        yield "gray images count as three equal channels"
    images = {
        depth: sum(kind.images.images for name, kind in kinds.items() if name.endswith(depth))
        for depth in ("8", "16", "-s16", "-float")
    }
    if images["-s16"] and images["-float"]:
        yield (
            f"whole numbers and floats, {images['-float']:,} of them floats: both are values of "
            "their own, and count together"
        )
    elif images["8"] and images["16"]:
        yield (
            f"8-bit and 16-bit images, {images['16']:,} of them 16-bit: each counts as a fraction "
            "of its own range, 255 or 65535; max_pixel_value is that of most"
        )


def _skipped(spec: Spec) -> str:
    if not spec.skipped:
        return ""
    lines = [f"{len(spec.skipped):,} of {spec.counts.images + len(spec.skipped):,}"]
    lines += [f"{each.name}: {each.reason}" for each in spec.skipped[:_SHOWN_SKIPS]]
    if len(spec.skipped) > _SHOWN_SKIPS:
        lines.append(f"and {len(spec.skipped) - _SHOWN_SKIPS:,} more, all named in the spec")
    return "\n".join(lines)


def sparkline(counts: Sequence[int]) -> str:
    """Return a histogram as a line of at most 12 bars, the highest of them full.

    >>> sparkline([0] * 128 + [4] * 128), sparkline([1, 2, 4]), sparkline([])
    ('      ██████', '▂▄█', '')
    """
    bars = min(len(counts), _BAR_BINS)
    edges = [len(counts) * bar // bars for bar in range(bars + 1)] if bars else []
    # Bars are of unlike numbers of bins: their heights are means, in whole numbers.
    bins = [sum(counts[start:end]) * len(counts) // (end - start) for start, end in pairwise(edges)]
    top = max([*bins, 1])
    # Rounded up: what is there is seen.
    return "".join(_BARS[-(-count * (len(_BARS) - 1) // top)] for count in bins)
