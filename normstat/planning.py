"""What `apply` is going to do, settled before the first image is read."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import UNSET

from normstat.assemble import state_of
from normstat.errors import ImageError, NormstatError, SourceError, UsageError
from normstat.grouping import within
from normstat.images import foreseen, undisturbed
from normstat.manifest import Job
from normstat.methods import METHODS, Of, Settings, Whiten
from normstat.methods.gaussian import gaussian
from normstat.methods.whitening import whitening_matrix
from normstat.names import printable
from normstat.outputs import (
    FORMATS,
    Dtype,
    Layout,
    check_folder,
    check_format,
    check_pack,
    output_names,
)
from normstat.registry import one_of, unknown
from normstat.sources import Listing, Selection, list_files
from normstat.sources.listing import nothing_found
from normstat.spec.dataset import Dataset
from normstat.spec.model import Constants, Spec
from normstat.spec.pipeline import Pipeline

_SAMPLED = 200  # headers that are read to foresee the size of the outputs
_AT_ONCE = 1 << 30  # bytes
# What of a spec's pipeline belongs to its numbers.
_OF_NUMBERS = (
    "channels", "bands", "max_pixel_value", "nodata", "channel_axis", "image_axis", "columns",
)  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """Everything that decides what is written, foreseen before the first image is read."""

    listing: Listing
    names: list[str]
    folder: Path
    job: Job
    settings: Settings
    notes: tuple[str, ...] = ()  # what had to be assumed of the specs

    def expected_bytes(self) -> int:
        """Return about how many bytes will be written, from the headers of some images."""
        step = max(1, len(self.listing) // _SAMPLED)
        some = self.listing.pick(range(0, len(self.listing), step))
        sizes = list(sizes_of(some, self.job.pipeline))
        if not sizes:
            return 0
        values = [
            width * height * (len(self.job.channels) if self.job.channels else bands)
            for width, height, bands in sizes
        ]
        each = np.dtype(self.job.dtype).itemsize if self.job.format != "png" else 1
        return int(sum(values) / len(values) * each * len(self.listing))


@dataclass(frozen=True)
class Numbers:
    """The specs that a method takes its numbers from, under the names that the user gave them."""

    source: tuple[str, Constants] | None = None
    target: tuple[str, Constants] | None = None
    candidates: tuple[tuple[str, Constants], ...] = ()

    def told(self) -> str:
        """Return the names in one line, for the manifest."""
        names = [each[0] for each in (self.source, self.target, *self.candidates) if each]
        return " → ".join(names) if self.target else ", ".join(names)


def plan(
    *sources: str | os.PathLike[str],
    method: str = "standard",
    numbers: Numbers,
    output: str | os.PathLike[str],
    selection: Selection | None = None,
    pipeline: Pipeline | None = None,
    read_as: Spec | None = None,
    only_of: Dataset | None = None,
    format: str = "npy",  # noqa: A002 (the option's name)
    layout: Layout = "chw",
    dtype: Dtype = "float32",
    pack: str | None = None,
    of: Of = "dataset",
    whiten: Whiten = "zca",
    window: int = 31,
) -> Plan:
    """List the images and settle what is done to them.

    Parameters
    ----------
    sources
        Folders and files, as for `compute`.
    method
        A name of `METHODS`.
    numbers
        What the method takes its numbers from.
    output
        The folder to write to.
    pipeline, read_as
        How the images are read. What the pipeline leaves open is as in the first spec of a dataset
        among the numbers, whether the method needs them or not, or else as in this one.
    only_of
        The dataset that the sources are, of which only the images of its group are taken.
    format, layout, dtype
        How values are stored: a name of `FORMATS`; channels first or last; float32 or float16.
    pack
        The name of one memory-mapped .npy for all images, which then must agree in size.
    of, whiten, window
        See `Settings`.

    Raises
    ------
    UsageError
        There is no such method or format, it lacks its numbers, or `pack` is no name of a file.
    NormstatError
        The numbers cannot be used, or an extra is missing.
    SourceError
        A source is missing or holds no image, or the output folder is one of them or a file.
    """
    if format not in FORMATS:
        raise UsageError(unknown("format", format, FORMATS))
    one_of("layout", layout, Layout)
    one_of("dtype", dtype, Dtype)
    one_of("of", of, Of)
    one_of("whiten", whiten, Whiten)
    if window < 3 or window % 2 == 0:  # noqa: PLR2004 (a pixel and its neighbours)
        raise UsageError(f"window is {window}; it must be odd and at least 3")
    check_format(format)
    if pack is not None:
        check_pack(pack, format)
    settings = _settings(method, numbers, of=of, whiten=whiten, window=window)
    folder = Path(output)
    check_folder(folder, sources)
    known = numbers.source or (numbers.candidates[0] if numbers.candidates else None)
    needed = known if needs_of(method, of) else None
    given = (known and known[1], read_as)
    described = next((each for each in given if isinstance(each, Spec)), None)
    pipeline = pipeline or Pipeline()
    if described:
        pipeline = _as_measured(described, pipeline)
    selection = (selection or Selection()).seen_by(pipeline)
    listing = _outside(list_files(sources, selection), folder)
    if only_of:
        listing = within(listing, only_of)
    if not len(listing):
        raise SourceError(nothing_found(listing, selection))
    job = Job(
        method=method,
        formula=METHODS[method].formula,
        numbers=numbers.told() if needed else "",
        channels=needed[1].channels if needed else None,
        max_pixel_value=_divisor(needed[1] if needed else None, pipeline),
        parameters={},
        pipeline=pipeline,
        format=format,
        layout="hwc" if format == "png" else layout,
        dtype="float32" if format == "png" else dtype,
        pack=pack,
    )
    if job.channels:
        parameters = {
            str(max_code): METHODS[method].fit(
                np.zeros((len(job.channels), 1, 1), np.uint8), max_code, settings
            )
            for max_code in ([job.max_pixel_value] if job.max_pixel_value else [255, 65535])
            if not METHODS[method].per_image
        }
        job = msgspec.structs.replace(job, parameters=parameters)
    printed = [printable(name) for name in listing.names]
    names = output_names(printed, FORMATS[format].suffix)
    return Plan(listing, names, folder, job, settings)


def _as_measured(known: Spec, pipeline: Pipeline) -> Pipeline:
    """Return a pipeline that reads the channels that a spec is of, unless told otherwise."""
    missing = {
        name: getattr(known.pipeline, name)
        for name in _OF_NUMBERS
        if getattr(pipeline, name) is UNSET
    }
    frames = "all" if "all" in (pipeline.frames, known.pipeline.frames) else "first"
    return msgspec.structs.replace(pipeline, **missing, frames=frames)


def _divisor(known: Constants | None, pipeline: Pipeline) -> float | None:
    """Return what all codes are divided by; None: each by the largest that its file could hold."""
    if pipeline.max_pixel_value is not UNSET:
        return pipeline.max_pixel_value
    return known.max_pixel_value if known and known.full_scale is None else None


def _outside(listing: Listing, folder: Path) -> Listing:
    """Return the listing without what lies in the output folder, when that lies in a source."""
    inside = os.path.realpath(folder) + os.sep
    kept = [row for row in range(len(listing)) if not listing.identity(row).startswith(inside)]
    return listing if len(kept) == len(listing) else listing.pick(kept)


def needs_of(method: str, of: str) -> tuple[str, ...]:
    """Return the settings that a method needs; of each image, `robust` needs none.

    Raises
    ------
    UsageError
        There is no such method.
    """
    if method not in METHODS:
        raise UsageError(unknown("method", method, METHODS))
    return METHODS[method].needs if (method, of) != ("robust", "image") else ()


def _settings(
    method: str,
    numbers: Numbers,
    *,
    of: Of,
    whiten: Whiten,
    window: int,
) -> Settings:
    """Gather what a method needs, in units of the range of codes."""
    needs = needs_of(method, of)
    found: dict[str, Any] = {"of": of, "window": window}
    if "candidates" in needs:
        if len(numbers.candidates) < 2:  # noqa: PLR2004 (a choice)
            raise UsageError("adaptive chooses between specs: --spec a.json --spec b.json")
        first = numbers.candidates[0]
        found["candidates"] = tuple(gaussian(each, first) for each in numbers.candidates)
    elif needs:
        if numbers.source is None:
            raise UsageError(
                f"{method} needs numbers. Three ways: `normstat compute FOLDER` first, "
                "--spec FILE, or --preset NAME"
            )
        found["source"] = gaussian(numbers.source, numbers.source)
    if "target" in needs and numbers.source:
        if numbers.target is None:
            raise UsageError("match needs the preset to match: --preset NAME")
        found["target"] = gaussian(numbers.target, numbers.source)
    if {"low", "median", "matrix"} & set(needs) and numbers.source:
        found |= _of_dataset(method, *numbers.source, whiten=whiten)
    return Settings(**found)


def _of_dataset(method: str, name: str, spec: Constants, *, whiten: Whiten) -> dict[str, Any]:
    """Return what only the spec of a dataset can tell."""
    if not isinstance(spec, Spec):
        raise UsageError(f"{method} needs the spec of a dataset; {name} has only mean and std")
    if method == "whiten":
        if spec.covariance is None:
            raise NormstatError(
                f"{name} has no covariance: make it with `normstat compute --covariance`"
            )
        return {"matrix": whitening_matrix(spec.covariance, whiten)}
    whole, kind = state_of(spec).combined(rgb=spec.pipeline.mode == "rgb")

    if whole.histogram is None:
        raise NormstatError(
            f"{name} is of float values, whose percentiles are known only where all are whole "
            "numbers of 16 bits with a sign"
        )
    codes, top = whole.histogram, Fraction(spec.pipeline.max_pixel_value or kind.max_code)

    def quantile(percent: str) -> tuple[float, ...]:
        found = codes.percentile(Fraction(percent))
        return tuple(float((code + kind.zero) / top) for code in found)

    if method == "percentile":
        return {"low": quantile("0.5"), "high": quantile("99.5")}
    quarters = zip(quantile("75"), quantile("25"), strict=True)
    return {"median": quantile("50"), "spread": tuple(high - low for high, low in quarters)}


def sizes_of(listing: Listing, pipeline: Pipeline) -> Iterator[tuple[int, int, int]]:
    """Yield width, height and bands of the outputs, from the headers of those that have one."""
    with undisturbed():
        for rows in listing.chunks(images=_SAMPLED, size=_AT_ONCE):
            for _, opener in listing.portion(rows).opened():
                try:
                    yield foreseen(opener, pipeline)
                except ImageError:
                    continue  # it will be named when it is read
