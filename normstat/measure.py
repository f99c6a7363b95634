"""`compute`: the one place where listing, decoding, counting and the spec meet."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from typing import Any, Literal, Protocol, TypeVar

import msgspec
import numpy as np
import PIL
from PIL import Image, ImageChops

import normstat
from normstat.assemble import assemble
from normstat.backends import BACKENDS, choose, usable_cores
from normstat.contents import described
from normstat.errors import ImageError, SourceError, UsageError
from normstat.images import Decoded, read, undisturbed
from normstat.registry import unknown
from normstat.sources import Listing, Selection, Source, list_files
from normstat.sources.base import EXTENSIONS, natural_key, printable
from normstat.spec.model import (
    Alpha,
    Ddof,
    Estimator,
    Interpolation,
    Mode,
    Pipeline,
    Skipped,
    Spec,
    Stamp,
    Std,
    Weighting,
)
from normstat.statistics import KINDS, Collector, Facts, State
from normstat.statistics.summary import PERCENTILES

# A recipe is a published procedure: options that belong together.
RECIPES: dict[str, dict[str, Any]] = {
    "imagenet": {"resize": 256, "crop": 224, "weighting": "image", "std": "mean-of-images"}
}

# Small enough that a cancelled run ends at once, large enough that handing over costs nothing.
CHUNK_IMAGES = 512
CHUNK_BYTES = 2_000_000

_Part = TypeVar("_Part", bound=msgspec.Struct)


class Observer(Protocol):
    """Is told how a run goes on."""

    def listed(self, listing: Listing) -> None:
        """All names are known."""

    def advanced(self, images: int, size: int) -> None:
        """So many more images of so many bytes are done."""


@dataclass(frozen=True)
class _Task:
    """What is to be found out about every image."""

    source: Source
    pipeline: Pipeline
    ddof: int
    covariance: bool


@dataclass(frozen=True)
class _Chunk:
    """A run of images for one worker."""

    task: _Task
    names: Sequence[str]
    size: int


@dataclass(frozen=True)
class _Measured:
    """What a worker found."""

    state: State
    skipped: list[tuple[str, str]]
    images: int
    size: int


def compute(
    *sources: str | os.PathLike[str],
    jobs: int | None = None,
    backend: str = "auto",
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    extensions: Sequence[str] = EXTENSIONS,
    follow_symlinks: bool = False,
    hidden: bool = False,
    limit: int | None = None,
    recipe: str | None = None,
    mode: Mode = "auto",
    alpha: Alpha = "drop",
    resize: int | None = None,
    crop: int | None = None,
    interpolation: Interpolation = "bilinear",
    max_pixels: int = Pipeline().max_pixels,
    weighting: Weighting | None = None,
    std: Std | None = None,
    ddof: Ddof = 0,
    covariance: bool = False,
    percentiles: Sequence[str | float] = PERCENTILES,
    on_error: Literal["skip", "fail"] = "skip",
    stamp: Stamp | None = None,
    observer: Observer | None = None,
) -> Spec:
    """Measure a dataset: exact statistics of its images, in one pass.

    The result depends on the files and on the options that say what is counted, never on `jobs`,
    `backend` or the order of `sources`.

    Parameters
    ----------
    sources
        Folders, which are walked, and single files.
    jobs
        Workers; by default the cores that this process may use.
    backend
        "serial", "threads", "processes", or "auto" for the fastest of them here.
    include, exclude, extensions, follow_symlinks, hidden
        Which files count, see `Selection`.
    limit
        Read only the first so many images of the listing.
    recipe
        "imagenet": resize 256, crop 224, weighting image, std mean-of-images, each unless given.
    mode
        "rgb", "l", or "auto": one channel if every image has one, else RGB.
    alpha
        What transparent images become: "drop" keeps the colour that is hidden, as the usual
        loaders do; "mask" leaves out pixels of alpha 0; "white" and "black" composite;
        "premultiply" multiplies by alpha, which for 8 bit gives the same codes as "black".
    resize, crop, interpolation
        Resize the short side and crop the centre, as torchvision does on a Pillow image.
    max_pixels
        Files whose header claims more are not decoded.
    weighting
        "pixel" (default): every pixel counts the same; "image": every image does.
    std
        "pooled" (default): over all pixels; "mean-of-images" and "rms-of-images": the average of
        each image's own std, and the root of the average of its square.
    ddof
        0 divides variances by n, 1 by n − 1.
    covariance
        Also find the covariance of the channels.
    percentiles
        Percents, 0 to 100.
    on_error
        "skip" names unreadable files in the spec; "fail" raises at the first.
    stamp
        Time and host for the spec, which is otherwise the same for the same data.
    observer
        Is told of progress.

    Returns
    -------
    Spec
        mean and std in units of code / max_pixel_value, and everything beside them.

    Raises
    ------
    UsageError
        An option has no such value, or two do not fit.
    SourceError
        A source is missing, or holds nothing readable.
    ImageError
        A file is unreadable and `on_error` is "fail".

    Examples
    --------
    >>> spec = compute("sample_data/photos")
    >>> spec.max_pixel_value, spec.counts.by_mode
    (255, {'RGB': 30})
    >>> spec == compute("sample_data/photos", jobs=2, backend="threads")
    True
    """
    defaults = _recipe(recipe)
    pipeline = _checked(
        Pipeline,
        mode=mode,
        alpha=alpha,
        resize=resize or defaults.get("resize"),
        crop=crop or defaults.get("crop"),
        interpolation=interpolation,
        max_pixels=max_pixels,
    )
    estimator = _checked(
        Estimator,
        weighting=weighting or defaults.get("weighting", "pixel"),
        std=std or defaults.get("std", "pooled"),
        ddof=ddof,
        coverage="census",
        images_listed=0,
    )
    if (estimator.ddof, estimator.weighting, estimator.std) == (1, "image", "pooled"):
        raise UsageError("ddof 1 has no meaning for the pooled std with weighting image: use 0")
    percents = [_percent(percent) for percent in percentiles]
    if on_error not in ("skip", "fail"):
        raise UsageError(unknown("on_error", on_error, {"skip": 1, "fail": 1}))
    if backend != "auto" and backend not in BACKENDS:
        raise UsageError(unknown("backend", backend, BACKENDS))
    for option, number in (("jobs", jobs), ("limit", limit)):
        if number is not None and number < 1:
            raise UsageError(f"{option} is {number}; it must be at least 1")

    selection = Selection(
        tuple(include), tuple(exclude), tuple(extensions), follow_symlinks, hidden
    )
    everything = list_files(sources, selection)
    if on_error == "fail" and everything.unreadable:
        _fail(*everything.unreadable[0])
    listing = everything if limit is None else everything.first(limit)
    if observer:
        observer.listed(listing)
    state, skipped = _run(
        listing,
        _Task(listing.source, pipeline, estimator.ddof, covariance),
        jobs=jobs,
        backend=backend,
        fail=on_error == "fail",
        observer=observer,
    )
    if not state.images:
        raise SourceError(_nothing_readable(everything, selection, skipped))
    cut = len(listing) < len(everything)
    return assemble(
        state,
        estimator=msgspec.structs.replace(
            estimator,
            coverage="first" if cut else "census",
            limit=limit if cut else None,
            images_listed=len(everything),
        ),
        pipeline=pipeline,
        dataset=described(everything, selection),
        skipped=[
            Skipped(name=printable(name), reason=printable(reason)) for name, reason in skipped
        ],
        percentiles=percents,
        covariance=covariance,
        software={"normstat": normstat.__version__, "pillow": PIL.__version__},
        stamp=stamp,
    )


def _run(
    listing: Listing,
    task: _Task,
    *,
    jobs: int | None,
    backend: str,
    fail: bool,
    observer: Observer | None,
) -> tuple[State, list[tuple[str, str]]]:
    """Measure every chunk and add up what was found."""
    chunks = [
        _Chunk(task, names, size)
        for names, size in listing.chunks(images=CHUNK_IMAGES, size=CHUNK_BYTES)
    ]
    workers = 1 if len(chunks) < 2 else min(jobs or usable_cores(), len(chunks))  # noqa: PLR2004
    if backend == "auto":
        backend = choose(len(listing), sum(listing.sizes), workers)
    map_ordered = BACKENDS.load(backend)
    function = _measure_in_own_process if backend == "processes" else _measure
    state, skipped = State(), list(listing.unreadable)
    with undisturbed():
        for measured in map_ordered(function, chunks, jobs=workers):
            if fail and measured.skipped:
                _fail(*measured.skipped[0])
            state = state.merged(measured.state)
            skipped += measured.skipped
            if observer:
                observer.advanced(measured.images, measured.size)
    return state, sorted(skipped, key=lambda each: natural_key(each[0]))


def _measure_in_own_process(chunk: _Chunk) -> _Measured:
    with undisturbed():
        return _measure(chunk)


def _measure(chunk: _Chunk) -> _Measured:
    """Decode and count a run of images, one in memory at a time."""
    task, state, skipped = chunk.task, State(), []
    collectors: dict[str, Collector] = {}
    facts: Counter[Facts] = Counter()
    for name in chunk.names:
        try:
            # The image is gone before the next one is opened: what it was is all that returns.
            facts[_count(read(task.source, name, task.pipeline), collectors, task)] += 1
        except ImageError as error:
            skipped.append((name, str(error)))
    for fact, images in facts.items():
        state.note(fact, images)
    state.kinds = {kind: collector.finish() for kind, collector in collectors.items()}
    return _Measured(state, skipped, len(chunk.names), chunk.size)


def _count(decoded: Decoded, collectors: dict[str, Collector], task: _Task) -> Facts:
    """Add one image to the collector of its kind and return what else is counted of it."""
    image, mask = decoded.image, decoded.mask
    if mask and not mask.getbbox():
        raise ImageError("every pixel is transparent, none is left by --alpha mask")
    collector = collectors.get(decoded.kind)
    if collector is None:
        collector = Collector(KINDS[decoded.kind], ddof=task.ddof, covariance=task.covariance)
        collectors[decoded.kind] = collector
    if decoded.kind == "gray16":
        codes = np.asarray(image)
        collector.add_codes(codes[np.asarray(mask) > 0] if mask else codes)
        return decoded.facts
    collector.add_counts(image.histogram(mask))
    if task.covariance and decoded.kind == "rgb8":
        r, g, b = image.split()
        pairs: Iterable[tuple[Image.Image, Image.Image]] = ((r, g), (r, b), (g, b))
        differences = (ImageChops.difference(*pair).histogram(mask) for pair in pairs)
        collector.add_differences(list(chain.from_iterable(differences)))
    return decoded.facts


def _recipe(name: str | None) -> dict[str, Any]:
    if name is None:
        return {}
    if name not in RECIPES:
        raise UsageError(unknown("recipe", name, RECIPES))
    return RECIPES[name]


def _checked(part: type[_Part], **fields: Any) -> _Part:
    """Build a part of the spec from options, which are checked as a file's fields are."""
    try:
        return msgspec.convert(fields, part)
    except msgspec.ValidationError as error:
        raise UsageError(re.sub(r" - at `\$\.(\w+)`", r" in option \1", str(error))) from error


def _percent(value: str | float) -> str:
    """Return a percent as its shortest decimal text.

    >>> _percent("0.50"), _percent(99), _percent(100.0)
    ('0.5', '99', '100')
    """
    try:
        percent = Fraction(str(value))
    except ValueError:
        percent = Fraction(-1)
    if not 0 <= percent <= 100:  # noqa: PLR2004
        raise UsageError(f"percentile {value!r} is not a number from 0 to 100")
    return f"{float(percent):.12g}"


def _fail(name: str, reason: str) -> None:
    raise ImageError(
        f"{printable(name)}: {printable(reason)}. Nothing was written; "
        "--on-error skip leaves such files out and names them"
    )


def _nothing_readable(
    listing: Listing, selection: Selection, skipped: list[tuple[str, str]]
) -> str:
    places = ", ".join(printable(root) for root in listing.roots)
    if skipped:
        name, reason = skipped[0]
        return (
            f"{places}: none of {len(skipped)} images could be read; the first, "
            f"{printable(name)}: {printable(reason)}"
        )
    looked = " ".join(f".{suffix}" for suffix in selection.extensions)
    return (
        f"{places}: no image found. Looked for {looked}"
        + (f", including {' '.join(selection.include)}" if selection.include else "")
        + (f", excluding {' '.join(selection.exclude)}" if selection.exclude else "")
        + f"; {listing.passed_over} other files were passed over. "
        "--extensions, --hidden and --follow-symlinks widen the search"
    )
