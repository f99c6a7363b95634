"""What a run wrote: the manifest as it grows, and what an earlier run had finished."""

import time
from collections.abc import Sequence
from functools import reduce
from math import prod, sqrt
from typing import Self

from normstat.application.worker import Stop
from normstat.errors import ImageError, SourceError
from normstat.manifest import MANIFEST, Failure, Manifest, Output, read_manifest, write_manifest
from normstat.names import printable
from normstat.planning import Plan
from normstat.statistics import Moments

_SAVE_EVERY = 5.0  # seconds of work that a killed run may lose


class Record:
    """Collects what a run writes and keeps the manifest up to date."""

    def __init__(self, plan: Plan, outputs: dict[str, Output], *, fail: bool) -> None:
        self.outputs = outputs
        self.stop = Stop()
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


def done_before(plan: Plan) -> dict[str, Output]:
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
