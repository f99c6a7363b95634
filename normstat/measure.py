"""`compute`: the one place where listing, decoding, counting and the spec meet."""

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from msgspec import UNSET

from normstat.assemble import assemble
from normstat.contents import described
from normstat.counting import SOFTWARE, Question, answer
from normstat.coverage import Wanted
from normstat.engine import Engine
from normstat.errors import OnError, SourceError, SpecError, UsageError
from normstat.grouping import NONE, Grouping, parsed
from normstat.names import printable
from normstat.per_image import Rows
from normstat.per_image.destination import Destination
from normstat.reading import Observer, Reading, fail, warn
from normstat.registry import one_of
from normstat.sources import Listing, Selection, list_files
from normstat.sources.listing import looked_in, nothing_found
from normstat.sources.selection import EXTENSIONS, selecting
from normstat.spec.asked import (
    estimator_of,
    masks_of,
    percents_of,
    pipeline_of,
    with_recipe,
)
from normstat.spec.dataset import Skipped
from normstat.spec.model import Spec, Stamp
from normstat.spec.pipeline import Pipeline
from normstat.spec.values import (
    LEVEL,
    Alpha,
    Axis,
    Channels,
    Ddof,
    Frames,
    Interpolation,
    Mode,
    Std,
    Weighting,
)
from normstat.statistics.summary import PERCENTILES


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
    files_from: str | os.PathLike[str] | None = None,
    null: bool = False,
    column: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
    limit: int | None = None,
    sample: str | int | None = None,
    tolerance: float | None = None,
    confidence: float = LEVEL,
    seed: int = 0,
    stratify: bool = False,
    shard: str | None = None,
    cache: str | os.PathLike[str] | None = None,
    recipe: str | None = None,
    mode: Mode = "auto",
    alpha: Alpha = "drop",
    resize: int | None = None,
    crop: int | None = None,
    interpolation: Interpolation = "bilinear",
    max_pixels: int = Pipeline().max_pixels,
    channels: Channels = "auto",
    bands: Sequence[str] = (),
    frames: Frames = "first",
    max_pixel_value: float | None = None,
    nodata: float | None = None,
    channel_axis: Axis | None = None,
    image_axis: Axis | None = None,
    columns: Sequence[str] = (),
    mask_dir: str | os.PathLike[str] | None = None,
    mask_suffix: str | None = None,
    labels: Sequence[int | str] = (),
    ignore_label: int | None = None,
    ignore_value: float | None = None,
    weighting: Weighting | None = None,
    std: Std | None = None,
    ddof: Ddof = 0,
    covariance: bool = False,
    percentiles: Sequence[str | float] = PERCENTILES,
    per_image: str | os.PathLike[str] | Rows | None = None,
    force: bool = False,
    group_by: str | None = None,
    on_error: OnError = "skip",
    stamp: Stamp | None = None,
    observer: Observer | None = None,
) -> Spec:
    """Measure a dataset: exact statistics of its images, in one pass.

    The result depends on the files and on the options that say what is counted, never on `jobs`,
    `backend` or the order of `sources`.

    Parameters
    ----------
    sources
        Folders, which are walked, single files, tar and zip archives and Parquet files, and URLs
        of any of these; braces stand for several, as in `shards/{000..015}.tar`.
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
    files_from, null
        A list of the images that count: text with a path a line (with `null` each ends with a
        NUL), "-" for that on standard input, or CSV, TSV and JSON Lines. The paths are relative to
        the folder that is the only source, or, without a source, to the current folder; with any
        other sources they are the names that those give to their images.
    column
        The column of the list that holds paths, or of a Parquet file that holds images.
    storage_options
        What remote stores are opened with, as fsspec takes it; never written to the spec.
    limit
        Read only the first so many images of the listing.
    sample
        Read a random sample: so many images, or "5%" of them.
    tolerance
        Read a random sample that grows until the half-width of every channel's mean and std is at
        most this, in units of code / max_pixel_value.
    confidence
        Probability of the half-widths' intervals.
    seed, stratify
        Which sample; and whether it takes each folder in proportion.
    shard
        "3/16": read only the third of sixteen parts of the listing. All of them merged are the
        whole, see `merge`; a part may be empty, and its spec then has no channels.
    cache
        A file in which what is found of each image is kept: the next run with it reads only the
        images that are new or changed, by size and time.
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
        Files whose header claims more are not decoded, unless they come in tiles or strips, none
        of which may have more.
    channels
        "auto": RGB or one channel, as `mode` says; bands where a file has others. "native": every
        channel that the file has, alpha and infrared too.
    bands
        Names or numbers (from 1) of the bands to read, in that order; without names in the file
        they are its names.
    frames
        "first" or "all" of the pages of a TIFF and the frames of an animation.
    max_pixel_value
        What codes are divided by, instead of the largest that the file could hold: 4095 for 12
        bits in 16. For floats, instead of 1.
    nodata
        The value that means that there is none, in each channel by itself; instead of what a
        file says of itself.
    channel_axis, image_axis
        The axes of arrays that are the channels and the images, counted from 0 or from -1 at the
        end; "none": there is none. All others are pixels. By default arrays are (H, W), (H, W, C)
        or (N, H, W, C) with 1, 3 or 4 channels.
    columns
        Tables (CSV, TSV, Parquet) are read: these columns are the channels, patterns as "f*"
        stand for several, and a row is a pixel. Missing values are left out and counted.
    mask_dir, mask_suffix
        Where masks are: in a folder or archive of their own, under the relative name of the image
        with any suffix, or next to the image with this at the end of the stem (`_mask`: a_mask.png
        is the mask of a.jpg, and is no image). Pixels count where their mask is not zero. An image
        without a mask of its size is skipped.
    labels, ignore_label
        Count where the mask has one of these labels; never where it has this one. With only
        `ignore_label` all others count.
    ignore_value
        Leave out pixels of which every channel has exactly this code.
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
    per_image
        A file, .csv, .jsonl or .parquet, to which a row of each image that is read is written, in
        the order of the listing; see `normstat.per_image`. It is written even when the images turn
        out to be of kinds that cannot be combined.
    force
        Let `per_image` replace a file that is no such table.
    group_by
        Also measure each group alone: "parent" groups by the folder that holds an image, "top" by
        the first folder of its name, "regex:PATTERN" by what the pattern finds in its name (its
        group, when it has one), "csv:FILE:COLUMN" by a column of a CSV, TSV or JSON Lines table
        that has the names in another. An image that is in no group is skipped.
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
        An option has no such value, two do not fit, or there is neither a source nor a list.
    SourceError
        A source is missing, or holds nothing readable.
    ImageError
        A file is unreadable and `on_error` is "fail".
    CacheError
        `cache` is damaged or no cache, or cannot be made. What goes wrong with it later is told
        to the observer, or as a `RuntimeWarning`, and the run goes on without.
    NormstatError
        `per_image` cannot be written; that is found out before anything is read.

    Examples
    --------
    >>> spec = compute("sample_data/photos")
    >>> spec.max_pixel_value, spec.counts.by_mode
    (255, {'RGB': 30})
    >>> spec == compute("sample_data/photos", jobs=2, backend="threads")
    True
    >>> spec = compute("sample_data/photos", group_by="parent")
    >>> [group.name for group in spec.groups], spec.group("coast").counts.images
    (['coast', 'forest', 'night'], 10)
    """
    if not sources and files_from is None:
        raise UsageError("name a SRC to measure, or a list: --files-from")
    asked = with_recipe(recipe, resize=resize, crop=crop, weighting=weighting, std=std)
    pipeline = pipeline_of(
        mode=mode,
        alpha=alpha,
        resize=asked["resize"],
        crop=asked["crop"],
        interpolation=interpolation,
        max_pixels=max_pixels,
        channels=channels,
        bands=bands,
        frames=frames,
        max_pixel_value=max_pixel_value,
        nodata=nodata,
        channel_axis=channel_axis,
        image_axis=image_axis,
        columns=columns,
        masks=masks_of(mask_dir, mask_suffix, labels, ignore_label),
        ignore_value=ignore_value,
    )
    estimator = estimator_of(asked["weighting"], asked["std"], ddof, confidence)
    percents = percents_of(percentiles)
    one_of("on_error", on_error, OnError)
    wanted = Wanted(limit, sample, tolerance, seed, stratify, shard)
    rule = None if group_by is None else parsed(group_by)
    engine = Engine(backend, jobs, address=address, timeout=timeout)
    asked_files = selecting(
        include=include,
        exclude=exclude,
        extensions=extensions,
        follow_symlinks=follow_symlinks,
        hidden=hidden,
        files_from=files_from,
        null=null,
        column=column,
        storage_options=storage_options,
        mask_dir=mask_dir,
        mask_suffix=mask_suffix or None,
    )
    selection = Selection(**asked_files).seen_by(pipeline)

    read = [selection.files_from, cache, rule and rule.path]
    table = Destination.of(
        per_image, force=force, inputs=[os.fspath(each) for each in read if each]
    )

    def watch(found: Listing) -> None:
        engine.prepare(found, answer.__module__)
        if observer:
            observer.listing(found)

    listing = list_files(sources, selection, watch=watch)
    if on_error == "fail" and listing.unreadable:
        fail(*listing.unreadable[0])
    if observer:
        observer.listed(listing)
    grouping = rule.over(listing) if rule else None
    run = Reading(
        listing,
        Question(
            pipeline,
            ddof=estimator.ddof,
            covariance=covariance,
            keep_records=cache is not None,
            per_image=table.rows is not None,
            timeout=timeout,
        ),
        engine,
        cache=cache,
        fail=on_error == "fail",
        observer=observer,
        rows=table.rows,
        grouping=grouping,
    )
    with engine.held(), closing(run):
        estimator = wanted.read_by(run, estimator, pipeline)
    skipped = wanted.unlisted(listing) + run.skipped
    if not run.state.images and not (estimator.shards and len(listing)):
        raise SourceError(_nothing_readable(listing, selection, skipped))
    table.write(run.state, rgb=pipeline.mode == "rgb")
    try:
        spec = assemble(
            run.state,
            estimator=estimator,
            pipeline=pipeline,
            dataset=described(listing, selection, grouping),
            skipped=_skipped(skipped, listing, grouping),
            percentiles=percents,
            covariance=covariance,
            software=SOFTWARE,
            stamp=stamp,
            groups={grouping.names[number]: state for number, state in run.states.items()}
            if grouping
            else None,
        )
    except SpecError as error:
        if table.path is None:
            raise
        raise SpecError(f"{error}. {table.path} was written: it has the kind of each") from error
    if covariance and spec.covariance is None:
        warn(observer, "no covariance: no pixel has values in all channels")
    return spec


def _skipped(
    skipped: list[tuple[str, str]], listing: Listing, grouping: Grouping | None
) -> list[Skipped]:
    groups: dict[str, str] = {}
    if grouping:
        names = {name for name, _ in skipped}
        groups = {
            name: grouping.names[number]
            for name, number in zip(listing.names, grouping.numbers, strict=True)
            if number != NONE and name in names
        }
    return [
        Skipped(name=printable(name), reason=printable(reason), group=groups.get(name, UNSET))
        for name, reason in skipped
    ]


def _nothing_readable(
    listing: Listing, selection: Selection, skipped: list[tuple[str, str]]
) -> str:
    if not skipped:
        return nothing_found(listing, selection)
    name, reason = skipped[0]
    return (
        f"{looked_in(listing, selection)}: none of {len(skipped)} images could be read; the first, "
        f"{printable(name)}: {printable(reason)}"
    )
