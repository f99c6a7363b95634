"""`compute`: the one place where listing, decoding, counting and the spec meet."""

import os
import re
from collections.abc import Sequence
from contextlib import closing
from fractions import Fraction
from functools import partial
from typing import Any, Literal, Protocol, TypeVar

import msgspec

from normstat.assemble import assemble
from normstat.backends import BACKENDS, ON_CLUSTERS, WITH_TIMEOUT, choose, session, usable_cores
from normstat.backends.recovery import map_surviving
from normstat.contents import described
from normstat.counting import SOFTWARE, Question, Task, answer, lost
from normstat.errors import ImageError, SourceError, UsageError
from normstat.images import VANISHED
from normstat.registry import unknown
from normstat.sources import Listing, Selection, list_files
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
from normstat.statistics import State
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


def compute(
    *sources: str | os.PathLike[str],
    jobs: int | None = None,
    backend: str = "auto",
    address: str | None = None,
    timeout: float | None = None,
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
        A name of `BACKENDS`, or "auto" for the fastest on this machine.
    address
        Of the cluster, for a backend that works on one.
    timeout
        Seconds that an image may take before it is skipped, for workers that are processes.
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
    if address and backend not in ON_CLUSTERS:
        raise UsageError(f"address is for the backends {' and '.join(sorted(ON_CLUSTERS))}")
    if timeout is not None and backend == "auto":
        backend = "processes"
    if timeout is not None and backend not in WITH_TIMEOUT:
        raise UsageError(
            f"timeout needs workers that can be interrupted: backend {' or '.join(WITH_TIMEOUT)}"
        )
    for option, number in (("jobs", jobs), ("limit", limit)):
        if number is not None and number < 1:
            raise UsageError(f"{option} is {number}; it must be at least 1")

    selection = Selection(
        tuple(include), tuple(exclude), tuple(extensions), follow_symlinks, hidden
    )
    everything = list_files(sources, selection)
    if on_error == "fail" and everything.unreadable:
        _fail(*everything.unreadable[0])
    listing = everything if limit is None else everything.pick(range(min(limit, len(everything))))
    if observer:
        observer.listed(listing)
    run = _Run(
        Question(pipeline, ddof=estimator.ddof, covariance=covariance, timeout=timeout),
        jobs=jobs,
        backend=backend,
        address=address,
        fail=on_error == "fail",
        observer=observer,
    )
    with session(backend, jobs=jobs, address=address):
        run.read(listing)
    skipped = sorted(listing.unreadable + run.skipped, key=lambda each: natural_key(each[0]))
    if not run.state.images:
        raise SourceError(_nothing_readable(everything, selection, skipped))
    cut = len(listing) < len(everything)
    return assemble(
        run.state,
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
        software=SOFTWARE,
        stamp=stamp,
    )


class _Run:
    """Reads images, and adds up what is found."""

    def __init__(
        self,
        question: Question,
        *,
        jobs: int | None,
        backend: str,
        address: str | None,
        fail: bool,
        observer: Observer | None,
    ) -> None:
        self.state = State()
        self.skipped: list[tuple[str, str]] = []
        self._question = question
        self._jobs = jobs
        self._backend = backend
        self._address = address
        self._fail = fail
        self._observer = observer

    def read(self, listing: Listing) -> None:
        """Read every image of a listing."""
        chunks = list(listing.chunks(images=CHUNK_IMAGES, size=CHUNK_BYTES))
        workers = self._jobs or usable_cores()
        if self._backend not in ON_CLUSTERS:  # whose workers are there already
            workers = min(workers, max(1, len(chunks)))
        engine = partial(self._engine(listing, workers), jobs=workers, address=self._address)
        tasks = (Task(self._question, listing.portion(rows)) for rows in chunks)
        # An interrupt must end the workers now, not when the results are forgotten.
        with closing(map_surviving(engine, answer, tasks, cut=Task.halves, lost=lost)) as results:
            for found in results:
                if self._address:
                    _check_sight(listing, found.skipped)
                if self._fail and found.skipped:
                    _fail(*found.skipped[0])
                self.state = self.state.merged(found.state)
                self.skipped += found.skipped
                self._advance(found.images, found.size)

    def _engine(self, listing: Listing, workers: int) -> Any:
        name = self._backend
        if name == "auto":
            name = choose(len(listing), sum(listing.sizes), workers)
        return BACKENDS.load(name)

    def _advance(self, images: int, size: int) -> None:
        if self._observer:
            self._observer.advanced(images, size)


def _check_sight(listing: Listing, skipped: list[tuple[str, str]]) -> None:
    """Stop when workers elsewhere miss what is here; it would be left out of a census."""
    for name, reason in skipped:
        if reason != VANISHED:
            continue
        try:
            listing.opener(listing.names.index(name))().close()
        except OSError:
            continue  # it did vanish
        raise SourceError(
            f"{printable(name)}: is here, but a worker of the cluster does not see it. Nothing was "
            "written; all machines need the images under the same path"
        )


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
