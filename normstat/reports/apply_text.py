"""What `apply` says on a terminal, in plain lines."""

import os
from collections.abc import Iterator, Sequence

from normstat.manifest import Failure, Manifest
from normstat.planning import Plan
from normstat.restoration import Restored

_SHOWN = 10


def plan_lines(plan: Plan) -> Iterator[str]:
    """Yield what would be written, and how many bytes."""
    job, listing = plan.job, plan.listing
    size = f"about {plan.expected_bytes() / 1e6:,.1f} MB"
    yield f"{job.method} ({job.formula}), numbers of {job.numbers or 'each image'}"
    yield f"{len(listing):,} images to {plan.folder}, {size}; nothing was written"
    for name, output in list(zip(listing.names, plan.names, strict=True))[:_SHOWN]:
        yield f"{name} -> {job.pack or output}"
    if len(listing) > _SHOWN:
        yield f"and {len(listing) - _SHOWN:,} more"


def manifest_lines(manifest: Manifest, folder: str | os.PathLike[str]) -> Iterator[str]:
    """Yield what was written."""
    yield f"{len(manifest.outputs):,} images to {os.fspath(folder)} ({manifest.job.method})"
    if manifest.mean and manifest.std:
        for label, values in (("mean", manifest.mean), ("std", manifest.std)):
            yield f"{label:4} of what was written: {_list(values)}"
    left_out = sum(output.left_out for output in manifest.outputs)
    if left_out:
        yield f"{left_out:,} values that do not count were written as 0, and are in these"
    moved = sum(output.clipped for output in manifest.outputs)
    if moved:
        farthest = max(output.clipped_by or 0.0 for output in manifest.outputs)
        yield f"{moved:,} values were clipped, by at most {farthest:.4g} codes"


def skipped_lines(failures: Sequence[Failure]) -> Iterator[str]:
    """Yield which images were left out, as far as a terminal has room."""
    if failures:
        yield f"{len(failures):,} images were skipped:"
    yield from (f"  {failure.source}: {failure.reason}" for failure in failures[:_SHOWN])


def restored_lines(found: Restored, folder: str | os.PathLike[str]) -> Iterator[str]:
    """Yield what came back, and how far it can be from the images that were read."""
    yield f"{found.images:,} images to {os.fspath(folder)}"
    if found.clipped:
        yield (
            f"not exact: {found.clipped:,} values had been clipped, by at most "
            f"{found.clipped_by:.4g} codes"
        )
    if found.inexact:
        yield f"not exact: float16 is too coarse for {found.inexact:,} codes"


def lost_lines(found: Restored) -> Iterator[str]:
    """Yield what did not come back, as far as a terminal has room."""
    yield from (f"  {name}: {reason}" for name, reason in found.failures[:_SHOWN])


def _list(values: Sequence[float]) -> str:
    return "[" + ", ".join(f"{value:+.6f}" for value in values) + "]"
