"""`apply --inverse`: from stored values back to images."""

import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from msgspec import UNSET
from PIL import Image

from normstat.atomic import written_whole
from normstat.backends import BACKENDS, check_jobs, usable_cores
from normstat.errors import ImageError, NormstatError, SourceError
from normstat.manifest import Job, Manifest, Output, read_manifest
from normstat.methods import METHODS, Applied, backward
from normstat.normalization import Values, as_codes
from normstat.outputs import FORMATS, Array, check_folder, check_format, from_layout, output_names
from normstat.statistics import kind_of

_IN_PNG = {"gray8", "rgb8", "gray16"}
_TYPES: dict[str, type[np.generic]] = {
    "8": np.uint8, "16": np.uint16, "s16": np.int16, "float": np.float32,
}  # fmt: skip


@dataclass
class Restored:
    """What came back, and how far it can be from the images that were read."""

    images: int = 0
    clipped: int = 0
    clipped_by: float = 0.0
    inexact: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class _Task:
    """One output and where its image goes."""

    folder: Path
    job: Job
    output: Output
    target: Path


class Progress(Protocol):
    """Is told how the work goes on."""

    def expected(self, images: int) -> None:
        """So many images will be written."""

    def advanced(self, images: int, size: int) -> None:
        """So many more images of so many bytes are done."""


def restore(
    folder: str | os.PathLike[str],
    output: str | os.PathLike[str] = "restored",
    *,
    jobs: int | None = None,
    observer: Progress | None = None,
) -> Restored:
    """Write the images that the outputs of `apply` were made from.

    Gray and 8-bit colour become PNG, everything else a NumPy array in the layout of the outputs.

    Parameters
    ----------
    folder
        What `apply` wrote, with its manifest.
    output
        The folder for the images; names are those of the images that were read.
    jobs
        Workers; by default the cores that this process may use.
    observer
        Is told of progress.

    Returns
    -------
    Restored
        How many images came back, how exactly, and which did not.

    Raises
    ------
    UsageError
        `jobs` is below 1.
    SourceError, SpecError
        The manifest is missing or broken, an image cannot be written, or `output` is a file, or a
        folder that was read, or has images in it that were and would be replaced.
    NormstatError
        The method cannot be undone.
    ImageError
        No image can be restored.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import normstat
    >>> with TemporaryDirectory() as there, TemporaryDirectory() as back:
    ...     _ = normstat.apply("sample_data/photos", preset="imagenet", output=there, resize=32)
    ...     restored = restore(there, back)
    >>> restored.images, restored.clipped, restored.inexact
    (30, 0, 0)
    """
    check_jobs(jobs)
    folder, output = Path(folder), Path(output)
    manifest = read_manifest(folder)
    _check(manifest, folder, output)
    names = _names(manifest)
    tasks = [
        _Task(folder, manifest.job, each, output / name)
        for each, name in zip(manifest.outputs, names, strict=True)
    ]
    for task in tasks:
        _check_target(task, output, manifest.roots)
    if observer:
        observer.expected(len(tasks))
    restored = Restored()
    workers = min(jobs or usable_cores(), max(len(tasks), 1))
    map_ordered = BACKENDS.load("threads" if workers > 1 else "serial")
    with closing(map_ordered(_restore_one, tasks, jobs=workers)) as results:
        for task, result in zip(tasks, results, strict=True):
            if isinstance(result, str):
                restored.failures.append((task.output.output, result))
            else:
                restored.images += 1
                restored.inexact += result
                restored.clipped += task.output.clipped
                restored.clipped_by = max(restored.clipped_by, task.output.clipped_by or 0.0)
            if observer:
                observer.advanced(1, task.output.bytes)
    if restored.failures and not restored.images:
        name, reason = restored.failures[0]
        raise ImageError(f"{folder}: none of its images can be restored. {name}: {reason}")
    return restored


def _restore_one(task: _Task) -> int | str:
    """Write one image; return how many codes may differ, or why there is none."""
    if task.output.left_out:
        return (
            f"{task.output.left_out:,} values that did not count (missing, NaN, no data, masked or "
            "transparent) were written as 0 and are not kept"
        )
    try:
        values = _values(task)
    except ImageError as error:
        return str(error)
    applied = task.output.applied or task.job.parameters[str(task.output.max_code)]
    codes = _codes(values, applied, task)
    if task.target.suffix == ".png":
        _write(task.target, _image(codes))
    else:
        shape = _shape(task)
        whole = codes.reshape(shape)
        _write(task.target, np.moveaxis(whole, 0, -1) if task.job.layout == "hwc" else whole)
    return _may_differ(values, applied) if task.job.dtype == "float16" else 0


def _check(manifest: Manifest, folder: Path, output: Path) -> None:
    if METHODS[manifest.job.method].inverse == "none":
        raise NormstatError(
            f"{folder}: {manifest.job.method} cannot be undone: the mean and std around each "
            "pixel are not kept"
        )
    pipeline = manifest.job.pipeline
    if pipeline.masks is not UNSET or pipeline.ignore_value is not UNSET:
        raise NormstatError(
            f"{folder}: what masks or --ignore-value left out was written as 0 and is not kept; "
            "apply without them to be able to go back"
        )
    if FORMATS[manifest.job.format].read is None:
        raise NormstatError(
            f"{folder}: holds previews ({manifest.job.format}), which are scaled and rounded; "
            "only values can be undone"
        )
    check_format(manifest.job.format)
    if output.resolve() == folder.resolve():
        raise SourceError(f"{output}: is the folder of the values; name another with -o")
    check_folder(output)


def _check_target(task: _Task, output: Path, roots: Sequence[str]) -> None:
    """Raise when an image would be written among those that were read, or over its own source."""
    for path in (task.target, output / task.output.source):
        if _was_read(path, task.output, roots):
            raise SourceError(f"{path}: was read to begin with; name another folder with -o")


def _was_read(path: Path, output: Output, roots: Sequence[str]) -> bool:
    """Whether a file is the source of an output: by size and time, or by a name of the record.

    Names alone do not tell: they may be relative to the folder in which `apply` ran.
    """
    try:
        found = path.stat()
        if (found.st_size, found.st_mtime_ns) == (output.bytes, output.version):
            return True
    except (OSError, ValueError):  # it is not there, or no name of a file at all
        return False
    places = (output.source, *(f"{root}/{output.source}" for root in roots))
    return any(_is_same(path, place) for place in places)


def _is_same(path: Path, other: str) -> bool:
    try:
        return path.samefile(other)
    except (OSError, ValueError):
        return False


def _values(task: _Task) -> Values:
    try:
        values = _stored(task)
    # A damaged file raises from every corner of its reader, as damaged images do.
    except Exception as error:
        raise ImageError(f"damaged: {error or type(error).__name__}") from error
    if list(values.shape) != task.output.shape:
        raise ImageError(f"has the shape {values.shape}, not {task.output.shape}")
    return from_layout(values, task.job.layout)


def _stored(task: _Task) -> Array:
    if task.job.pack is not None:
        values: Array = np.load(task.folder / task.job.pack, mmap_mode="r")[task.output.row]
        return values
    reader = FORMATS[task.job.format].read
    assert reader is not None  # noqa: S101 (`_check` has seen to it)
    return reader(task.folder / task.output.output)


def _names(manifest: Manifest) -> list[str]:
    """Return the names of the images, of which PNG holds only some kinds."""
    sources = [each.source for each in manifest.outputs]
    images, arrays = (output_names(sources, suffix) for suffix in (".png", ".npy"))
    return [
        image if _is_flat(each, manifest.job) and each.kind in _IN_PNG else array
        for each, image, array in zip(manifest.outputs, images, arrays, strict=True)
    ]


def _is_flat(output: Output, job: Job) -> bool:
    return len(output.shape) == 3 or job.pack is not None  # noqa: PLR2004 (channels, height, width)


def _codes(values: Values, applied: Applied, task: _Task) -> Array:
    codes = as_codes(backward(values, applied), _TYPES[kind_of(task.output.kind).depth])
    channels = task.job.channels
    if channels and sorted(channels) == ["B", "G", "R"]:  # files hold R G B
        codes = codes[[channels.index(channel) for channel in "RGB"]]
    return codes


def _shape(task: _Task) -> list[int]:
    """Return the shape of an output with its channels first."""
    shape = task.output.shape
    return [shape[-1], *shape[:-1]] if task.job.layout == "hwc" else shape


def _image(codes: Array) -> Array:
    """Return the pixels of a PNG."""
    gray = len(codes) == 1 or codes.dtype == np.uint16  # gray that was applied as R G B
    return codes[0] if gray else codes.transpose(1, 2, 0)


def _write(path: Path, pixels: Array) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as beside:
            if path.suffix == ".png":
                Image.fromarray(np.ascontiguousarray(pixels)).save(beside, "PNG")
            else:
                with beside.open("wb") as file:
                    np.lib.format.write_array(file, np.ascontiguousarray(pixels))
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}; images before it are whole") from error


def _may_differ(values: Values, applied: Applied) -> int:
    """Return how many codes float16 is too coarse for."""
    step = np.spacing(np.abs(values).astype(np.float16)).astype(np.float32) / 2
    return int(np.count_nonzero(step / np.abs(np.array(applied.scale))[:, None, None] >= 0.5))  # noqa: PLR2004
