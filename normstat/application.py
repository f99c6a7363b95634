"""`apply`: normalize every image of a plan and store the values, each file whole or not at all."""

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import reduce
from math import prod, sqrt
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from normstat.atomic import swept, written_whole
from normstat.backends import LOCAL, ON_CLUSTERS
from normstat.engine import Engine
from normstat.errors import (
    ImageError,
    InterruptedRunError,
    NormstatError,
    SourceError,
    UsageError,
)
from normstat.images import read, undisturbed
from normstat.manifest import (
    MANIFEST,
    Failure,
    Job,
    Manifest,
    Output,
    read_manifest,
    write_manifest,
)
from normstat.methods import METHODS, Codes, Method, Settings, clipped, forward
from normstat.names import printable
from normstat.outputs import FORMATS, arranged
from normstat.planning import Plan, sizes_of
from normstat.readers import Decoded, assembled
from normstat.reading import CHUNK_BYTES, CHUNK_IMAGES, Observer
from normstat.sources import Portion
from normstat.sources.base import Opener
from normstat.statistics import Moments, kind_of

# Mean² over variance beyond which their difference has lost a digit too many.
_CANCELS = 10
_SAVE_EVERY = 5.0  # seconds of work that a killed run may lose


@dataclass
class _Stop:
    """Tells the threads of one run that nobody waits for them any more; worker processes end."""

    asked: bool = False


@dataclass(frozen=True)
class _Chunk:
    """A run of images for one worker."""

    portion: Portion
    versions: list[int]
    outputs: list[str]
    rows: list[int]
    folder: Path
    job: Job
    settings: Settings
    pack: Path | None
    stop: _Stop


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
    done = {} if overwrite else _done_before(plan)
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
    record = _Record(plan, dict(done), fail=fail)
    for name, reason in plan.listing.unreadable:
        record.add(Failure(source=printable(name), reason=printable(reason)))
    if observer:
        observer.listed(plan.listing)
        observer.expected(len(plan.listing))
        observer.advanced(len(done), sum(output.bytes for output in done.values()))
    chunks = list(_chunks(plan, done, pack, record.stop))
    results = engine.over(plan.listing, len(chunks))(_apply, chunks)
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


class _Record:
    """Collects what a run writes and keeps the manifest up to date."""

    def __init__(self, plan: Plan, outputs: dict[str, Output], *, fail: bool) -> None:
        self.outputs = outputs
        self.stop = _Stop()
        self._plan = plan
        self._failures: list[Failure] = []
        self._fail = fail
        self._saved = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is not None:
            self.stop.asked = True
            self.save(complete=False)  # the next run goes on from here

    def add(self, result: Output | Failure) -> None:
        """Note one result; raise for a failure when that is wanted."""
        if isinstance(result, Output):
            self.outputs[result.source] = result
            return
        self._failures.append(result)
        if self._fail:
            raise ImageError(
                f"{result.source}: {result.reason}. What was written before is kept; "
                "--on-error skip leaves such files out and names them"
            )

    def save_in_time(self) -> None:
        """Save when a killed run would lose more than a few seconds."""
        if time.monotonic() - self._saved > _SAVE_EVERY:
            self.save(complete=False)
            self._saved = time.monotonic()

    def save(self, *, complete: bool) -> Manifest:
        """Write the manifest, outputs in listing order."""
        order = (printable(name) for name in self._plan.listing.names)
        ordered = [self.outputs[name] for name in order if name in self.outputs]
        total = _total(ordered)
        manifest = Manifest(
            complete=complete,
            job=self._plan.job,
            roots=[printable(root) for root in self._plan.listing.roots],
            mean=[each.mean for each in total] if total else None,
            std=[sqrt(each.variance()) for each in total] if total else None,
            outputs=ordered,
            failures=self._failures,
        )
        write_manifest(self._plan.folder, manifest)
        return manifest


def _mark_missing(plan: Plan, outputs: dict[str, Output], pack: Path) -> None:
    """Fill the rows of images that failed with NaN."""
    array = np.lib.format.open_memmap(pack, mode="r+")
    for row, name in enumerate(plan.listing.names):
        if printable(name) not in outputs:
            array[row] = np.nan
    array.flush()


def _total(outputs: Sequence[Output]) -> list[Moments] | None:
    """Return the moments of all values, a channel, in listing order."""
    if not outputs or len({len(output.mean) for output in outputs}) > 1:
        return None

    def moments(output: Output) -> list[Moments]:
        pixels = prod(output.shape) // len(output.mean)
        return [
            Moments(pixels, mean, std**2 * pixels)
            for mean, std in zip(output.mean, output.std, strict=True)
        ]

    parts = map(moments, outputs)
    return reduce(lambda a, b: [x.merged(y) for x, y in zip(a, b, strict=True)], parts)


def _done_before(plan: Plan) -> dict[str, Output]:
    """Return the outputs of an earlier run of the same job that are still there."""
    if not (plan.folder / MANIFEST).exists():
        return {}
    before = read_manifest(plan.folder)
    if not before.outputs:
        return {}  # what only failed binds nobody
    if before.job != plan.job:
        raise SourceError(
            f"{plan.folder}: holds another normalization ({before.job.method} "
            f"{before.job.numbers}); name another folder with -o, or redo it with --overwrite"
        )
    found = {output.source: output for output in before.outputs}
    listing, kept = plan.listing, {}
    for name, size, version, planned in zip(
        listing.names, listing.sizes, listing.versions, plan.names, strict=True
    ):
        output = found.get(printable(name))
        if output is None or (output.bytes, output.version, output.output) != (
            size,
            version,
            planned,
        ):
            continue
        if (plan.folder / planned).is_file():
            kept[output.source] = output
    return kept


def _check_room(plan: Plan, share_done: float) -> None:
    there = next(path for path in (plan.folder, *plan.folder.resolve().parents) if path.exists())
    needed, free = plan.expected_bytes() * (1 - share_done), shutil.disk_usage(there).free
    if needed > free:
        halves = "--dtype float16 halves it, " if plan.job.dtype != "float16" else ""
        raise SourceError(
            f"{plan.folder}: about {needed / 1e6:,.1f} MB are needed, {free / 1e6:,.1f} MB are "
            f"free. Nothing was written; {halves}--resize and --crop make it less"
        )


def _chunks(
    plan: Plan, done: dict[str, Output], pack: Path | None, stop: _Stop
) -> Iterator[_Chunk]:
    listing = plan.listing
    for chunk in listing.chunks(images=CHUNK_IMAGES, size=CHUNK_BYTES):
        rows = [row for row in chunk if not done or printable(listing.names[row]) not in done]
        if rows:
            yield _Chunk(
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


def _apply(chunk: _Chunk) -> list[Output | Failure]:
    """Normalize and write a run of images, one in memory at a time."""
    results: list[Output | Failure] = []
    with undisturbed():
        for index, (name, opener) in enumerate(chunk.portion.opened()):
            if chunk.stop.asked:
                raise InterruptedRunError("the run was stopped")
            try:
                results.append(_apply_one(chunk, index, name, opener))
            except ImageError as error:
                results.append(Failure(source=printable(name), reason=printable(str(error))))
    return results


def _apply_one(chunk: _Chunk, index: int, name: str, opener: Opener) -> Output:
    job, method = chunk.job, METHODS[chunk.job.method]
    row = chunk.rows[index]
    with read(opener, job.pipeline) as decoded:
        codes, valid = _codes(decoded, job, name)
        kind, shape = kind_of(decoded.kind), decoded.shape
    if job.channels is not None and not (job.max_pixel_value or kind.has_range):
        raise ImageError(
            f"{kind.name}, which has no range of codes as the numbers do; --max-pixel-value M "
            "says what its values are divided by"
        )
    top = job.max_pixel_value or kind.max_code
    with np.errstate(over="ignore", invalid="ignore"):  # what floats cannot hold is refused below
        applied = job.parameters.get(str(top)) or method.fit(
            codes if valid is None else _counting(codes, valid, method), top, chunk.settings
        )
        if valid is not None:
            if applied.matrix is not None:  # which would mix what does not count into the rest
                valid = np.broadcast_to(valid.all(axis=0), valid.shape)
            codes = np.where(valid, np.asarray(codes), 0)
        values = forward(codes, applied)
        if valid is not None:
            values[~valid] = 0
        clips, farthest = (0, 0.0) if method.inverse == "exact" else clipped(codes, applied, valid)
        mean, std = _measured(values)
        stored = arranged(
            values.reshape(len(values), *shape) if shape else values, job.layout, job.dtype
        )
    _check_held(mean, stored)
    if chunk.pack:
        np.lib.format.open_memmap(chunk.pack, mode="r+")[row] = stored
    else:
        path = chunk.folder / chunk.outputs[index]
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as beside:
            FORMATS[job.format].write(beside, stored, job.layout)
    return Output(
        source=printable(name),
        bytes=chunk.portion.sizes[index],
        version=chunk.versions[index],
        output=chunk.outputs[index],
        row=row if chunk.pack else None,
        shape=list(stored.shape),
        kind=kind.name,
        max_code=top,
        mean=mean,
        std=std,
        applied=applied if method.per_image else None,
        left_out=0 if valid is None else int(valid.size - np.count_nonzero(valid)),
        clipped=clips,
        clipped_by=farthest if clips else None,
    )


def _codes(decoded: Decoded, job: Job, name: str) -> tuple[Codes, npt.NDArray[np.bool_] | None]:
    """Return the planes of an image in the order of the numbers' channels, and where they count."""
    planes, valid = _planes(decoded)
    channels = job.channels
    if channels is None:
        return planes, valid
    own = decoded.facts.bands.split(",") if decoded.facts.bands else kind_of(decoded.kind).names
    order = _order(own, channels)
    if order is None:
        hint = "; --mode l makes images gray" if channels == ["L"] and own == [*"RGB"] else ""
        raise NormstatError(
            f"{printable(name)} has the channels {' '.join(map(printable, own))}, "
            f"{job.numbers} has {' '.join(channels)}{hint}"
        )
    return [planes[channel] for channel in order], None if valid is None else valid[order]


def _order(own: list[str], channels: list[str]) -> list[int] | None:
    """Return which of an image's channels is each of the numbers'."""
    if sorted(own) == sorted(channels):
        return [own.index(channel) for channel in channels]
    if own == ["L"] and sorted(channels) == ["B", "G", "R"]:
        return [0, 0, 0]
    nameless = own == [f"B{number + 1}" for number in range(len(channels))]
    return list(range(len(channels))) if nameless else None


def _planes(decoded: Decoded) -> tuple[Codes, npt.NDArray[np.bool_] | None]:
    if decoded.image is None:
        codes, valid = assembled(decoded)
        if not np.issubdtype(codes.dtype, np.integer):
            finite = np.isfinite(codes)
            valid = finite if valid is None else valid & finite
        return codes, None if valid is None or valid.all() else valid
    planes = [np.asarray(band) for band in decoded.image.split()]
    if decoded.mask is None:
        return planes, None
    shown = np.asarray(decoded.mask) != 0
    return planes, None if shown.all() else np.repeat(shown[None], len(planes), axis=0)


def _counting(codes: Codes, valid: npt.NDArray[np.bool_], method: Method) -> Codes:
    """Return the codes of each channel that count."""
    if method.name == "local":
        raise ImageError("has pixels that do not count, around which local has no neighbours")
    for channel, counts in enumerate(valid):
        if not counts.any():
            raise ImageError(f"nothing counts in channel {channel + 1}")
    return [plane[counts] for plane, counts in zip(codes, valid, strict=True)]


def _check_held(mean: list[float], stored: npt.NDArray[Any]) -> None:
    """Raise where the values of an image became infinite."""
    if not np.isfinite(mean).all():
        raise ImageError("has values that float32 cannot hold when they are normalized")
    if stored.dtype == np.float16 and not np.isfinite(stored).all():
        raise ImageError("has values that float16 cannot hold; --dtype float32 can")


def _measured(values: npt.NDArray[np.floating]) -> tuple[list[float], list[float]]:
    """Return mean and std of each plane; rows are added in float32, their sums in float64."""
    mean = _row_sums(values, np.ones(values.shape[2], np.float32)) / values[0].size
    variance = _row_sums(values, values) / values[0].size - mean**2
    for flat in np.flatnonzero(mean**2 > _CANCELS * variance):
        rest = values[flat : flat + 1] - np.float32(mean[flat])
        offset = mean[flat] - np.float32(mean[flat])
        variance[flat] = _row_sums(rest, rest)[0] / rest.size - offset**2
    if values.dtype == np.float32 and not np.isfinite([mean, variance]).all():
        return _measured(values.astype(np.float64))  # whose squares float32 cannot hold
    return mean.tolist(), np.sqrt(np.maximum(variance, 0)).tolist()


def _row_sums(
    values: npt.NDArray[np.floating], others: npt.NDArray[np.floating]
) -> npt.NDArray[np.float64]:
    # A dot product a row, not a matrix product, whose threads would get in the way of ours.
    sums: npt.NDArray[np.float64] = np.vecdot(values, others).sum(axis=1, dtype=np.float64)
    return sums


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
