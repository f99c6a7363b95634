"""A run: what is left to do goes to workers, and what stops it is told."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np

from normstat.application.record import Record, done_before
from normstat.application.worker import Chunk, Stop, apply_chunk
from normstat.atomic import swept, written_whole
from normstat.backends import LOCAL, ON_CLUSTERS
from normstat.engine import Engine
from normstat.errors import NormstatError, SourceError, UsageError
from normstat.manifest import MANIFEST, Failure, Manifest, Output
from normstat.names import printable
from normstat.planning import Plan, sizes_of
from normstat.reading import CHUNK_BYTES, CHUNK_IMAGES, Observer


def run(
    plan: Plan,
    *,
    jobs: int | None = None,
    backend: str = "auto",
    overwrite: bool = False,
    fail: bool = False,
    observer: Observer | None = None,
) -> Manifest:
    """Do what was planned and return the record of it, which is also written.

    What an earlier run finished is kept; `overwrite` does it again.

    Raises
    ------
    SourceError
        The disk is too small, the folder cannot be written, or it holds something else; or no image
        could be normalized.
    ImageError
        An image is unreadable and `fail` is set.
    NormstatError
        An image has other channels than the numbers.
    UsageError
        The backend is a cluster, whose workers would write to their own disks.
    """
    if backend in ON_CLUSTERS:
        raise UsageError(
            f"backend {backend} works on a cluster, apply writes here: {', '.join(LOCAL)}"
        )
    engine = Engine(backend, jobs)
    done = {} if overwrite else done_before(plan)
    done = {} if plan.job.pack else done
    _check_room(plan, len(done) / len(plan.listing))
    try:
        plan.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SourceError(
            f"{plan.folder}: cannot be made: {error.strerror}. Nothing was written; "
            "name another folder with -o"
        ) from error
    try:
        if plan.job.pack is None:
            with swept(plan.folder):
                return _run(plan, done, engine, fail=fail, pack=None, observer=observer)
        target = plan.folder / plan.job.pack
        with written_whole(target) as beside:
            _empty_pack(plan, beside)
            return _run(plan, {}, engine, fail=fail, pack=beside, observer=observer)
    except OSError as error:
        if isinstance(error, SourceError):
            raise
        place = error.filename or plan.folder
        raise SourceError(
            f"{place}: {error.strerror or error}. What was written before is whole; the same "
            "command goes on where this one stopped"
        ) from error


def _run(
    plan: Plan,
    done: dict[str, Output],
    engine: Engine,
    *,
    fail: bool,
    pack: Path | None,
    observer: Observer | None,
) -> Manifest:
    record = Record(plan, dict(done), fail=fail)
    for name, reason in plan.listing.unreadable:
        record.add(Failure(source=printable(name), reason=printable(reason)))
    if observer:
        observer.listed(plan.listing)
        observer.expected(len(plan.listing))
        observer.advanced(len(done), sum(output.bytes for output in done.values()))
    chunks = list(_chunks(plan, done, pack, record.stop))
    results = engine.over(plan.listing, len(chunks))(apply_chunk, chunks)
    record.save(complete=False)
    with closing(results), record:
        for chunk, found in zip(chunks, results, strict=True):
            for each in found:
                record.add(each)
            record.save_in_time()
            if observer:
                observer.advanced(len(chunk.portion), sum(chunk.portion.sizes))
    if pack:
        _mark_missing(plan, record.outputs, pack)
    manifest = record.save(complete=True)
    if not manifest.outputs:
        failed = manifest.failures
        raise SourceError(
            f"none of {len(failed):,} images could be normalized; the first, {failed[0].source}: "
            f"{failed[0].reason}. {plan.folder / MANIFEST} names them all"
        )
    return manifest


def _check_room(plan: Plan, share_done: float) -> None:
    there = next(path for path in (plan.folder, *plan.folder.resolve().parents) if path.exists())
    needed, free = plan.expected_bytes() * (1 - share_done), shutil.disk_usage(there).free
    if needed > free:
        halves = "--dtype float16 halves it, " if plan.job.dtype != "float16" else ""
        raise SourceError(
            f"{plan.folder}: about {needed / 1e6:,.1f} MB are needed, {free / 1e6:,.1f} MB are "
            f"free. Nothing was written; {halves}--resize and --crop make it less"
        )


def _chunks(plan: Plan, done: dict[str, Output], pack: Path | None, stop: Stop) -> Iterator[Chunk]:
    listing = plan.listing
    for chunk in listing.chunks(images=CHUNK_IMAGES, size=CHUNK_BYTES):
        rows = [row for row in chunk if not done or printable(listing.names[row]) not in done]
        if rows:
            yield Chunk(
                listing.portion(rows),
                [listing.versions[row] for row in rows],
                [plan.names[row] for row in rows],
                rows,
                plan.folder,
                plan.job,
                plan.settings,
                pack,
                stop,
            )


def _empty_pack(plan: Plan, path: Path) -> None:
    """Make the memory-mapped array of all images."""
    found = list(sizes_of(plan.listing, plan.job.pipeline))
    sizes = {(width, height) for width, height, _ in found}
    if len(sizes) != 1:
        some = ", ".join(f"{width}x{height}" for width, height in sorted(sizes)[:3])
        raise NormstatError(
            f"--pack needs images of one size, these have {len(sizes)} ({some}, …); "
            "--resize N --crop N makes them agree"
        )
    width, height = sizes.pop()
    channels = len(plan.job.channels) if plan.job.channels else max(bands for *_, bands in found)
    shape = {"chw": (channels, height, width), "hwc": (height, width, channels)}[plan.job.layout]
    array = np.lib.format.open_memmap(
        path, mode="w+", dtype=plan.job.dtype, shape=(len(plan.listing), *shape)
    )
    array.flush()


def _mark_missing(plan: Plan, outputs: dict[str, Output], pack: Path) -> None:
    """Fill the rows of images that failed with NaN."""
    array = np.lib.format.open_memmap(pack, mode="r+")
    for row, name in enumerate(plan.listing.names):
        if printable(name) not in outputs:
            array[row] = np.nan
    array.flush()
