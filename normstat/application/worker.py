"""What a worker does: it normalizes a run of images and writes them, one in memory at a time."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from normstat.application.values import check_held, codes_of, codes_that_count, measured
from normstat.atomic import written_whole
from normstat.errors import ImageError, InterruptedRunError
from normstat.images import read, undisturbed
from normstat.manifest import Failure, Job, Output
from normstat.methods import METHODS, Settings, clipped, forward
from normstat.names import printable
from normstat.outputs import FORMATS, Array, arranged
from normstat.sources import Portion
from normstat.sources.base import Opener
from normstat.statistics import kind_of


@dataclass
class Stop:
    """Tells the threads of one run that nobody waits for them any more; worker processes end."""

    asked: bool = False


@dataclass(frozen=True)
class Chunk:
    """A run of images for one worker."""

    portion: Portion
    versions: list[int]
    outputs: list[str]
    rows: list[int]
    folder: Path
    job: Job
    settings: Settings
    pack: Path | None
    stop: Stop


def apply_chunk(chunk: Chunk) -> list[Output | Failure]:
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


def _apply_one(chunk: Chunk, index: int, name: str, opener: Opener) -> Output:
    job, method = chunk.job, METHODS[chunk.job.method]
    with read(opener, job.pipeline) as decoded:
        codes, valid = codes_of(decoded, job, name)
        kind, shape = kind_of(decoded.kind), decoded.shape
    if job.channels is not None and not (job.max_pixel_value or kind.has_range):
        raise ImageError(
            f"{kind.name}, which has no range of codes as the numbers do; --max-pixel-value M "
            "says what its values are divided by"
        )
    top = job.max_pixel_value or kind.max_code
    with np.errstate(over="ignore", invalid="ignore"):  # what floats cannot hold is refused below
        applied = job.parameters.get(str(top)) or method.fit(
            codes if valid is None else codes_that_count(codes, valid, method), top, chunk.settings
        )
        if valid is not None:
            if applied.matrix is not None:  # which would mix what does not count into the rest
                valid = np.broadcast_to(valid.all(axis=0), valid.shape)
            codes = np.where(valid, np.asarray(codes), 0)
        values = forward(codes, applied)
        if valid is not None:
            values[~valid] = 0
        clips, farthest = (0, 0.0) if method.inverse == "exact" else clipped(codes, applied, valid)
        mean, std = measured(values)
        stored = arranged(
            values.reshape(len(values), *shape) if shape else values, job.layout, job.dtype
        )
    check_held(mean, stored)
    _write(chunk, index, stored)
    return Output(
        source=printable(name),
        bytes=chunk.portion.sizes[index],
        version=chunk.versions[index],
        output=chunk.outputs[index],
        row=chunk.rows[index] if chunk.pack else None,
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


def _write(chunk: Chunk, index: int, stored: Array) -> None:
    if chunk.pack:
        np.lib.format.open_memmap(chunk.pack, mode="r+")[chunk.rows[index]] = stored
        return
    path = chunk.folder / chunk.outputs[index]
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as beside:
        FORMATS[chunk.job.format].write(beside, stored, chunk.job.layout)
