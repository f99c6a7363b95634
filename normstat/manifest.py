"""What `apply` did: the file that says how each output was made, and lets a run go on."""

from pathlib import Path
from typing import Literal

import msgspec

from normstat.errors import SourceError, SpecError
from normstat.methods import Applied
from normstat.outputs import Dtype, Layout
from normstat.products import write_text
from normstat.spec.files import decode, dump_text
from normstat.spec.pipeline import Pipeline
from normstat.spec.values import Count, MaxPixelValue, Name, Number

MANIFEST = "normstat-apply.json"


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a manifest."""


class Output(_Part, frozen=True, kw_only=True, omit_defaults=True):
    """One file that was written (or one row of a pack) and the image that it came from.

    `version` changes when the image does. `kind` is that of its pixels, `max_code` what its codes
    were divided by. `mean` and `std` are of its values, a channel. `applied`
    is there when the method looks at each image. `clipped` counts values that clipping moved, by at
    most `clipped_by` codes. `left_out` counts values that did not count and were written as 0.
    """

    source: Name
    bytes: Count
    version: int
    output: Name
    row: Count | None = None
    shape: list[Count]
    kind: Name
    max_code: MaxPixelValue
    mean: list[Number]
    std: list[Number]
    applied: Applied | None = None
    left_out: Count = 0
    clipped: Count = 0
    clipped_by: Number | None = None


class Failure(_Part, frozen=True, kw_only=True):
    """An image that was not applied, and why."""

    source: Name
    reason: Name


class Job(_Part, frozen=True, kw_only=True):
    """What was asked for; a run goes on only where all of this is the same.

    `max_pixel_value` is what all codes are divided by; null: the largest that a file could hold.
    """

    method: str
    formula: str
    numbers: str
    channels: list[str] | None
    max_pixel_value: MaxPixelValue | None = None
    parameters: dict[str, Applied]
    pipeline: Pipeline
    format: str
    layout: Layout
    dtype: Dtype
    pack: str | None


class Manifest(_Part, frozen=True, kw_only=True):
    """The whole record. `mean` and `std` are of all values that were written."""

    normstat_apply: Literal[1] = 1
    complete: bool
    job: Job
    roots: list[str]
    mean: list[Number] | None
    std: list[Number] | None
    outputs: list[Output]
    failures: list[Failure]

    def __repr__(self) -> str:
        """Return what was done, without a word on each of a million files."""
        return (
            f"Manifest(method={self.job.method!r}, mean={self.mean}, std={self.std}, "
            f"outputs={len(self.outputs)}, failures={len(self.failures)}, ...)"
        )


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of an output folder.

    Raises
    ------
    SourceError
        There is none.
    SpecError
        It is not one; the text names the field.
    """
    path = folder / MANIFEST
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SourceError(
            f"{path}: {error.strerror}; only folders that `normstat apply` wrote have one"
        ) from error
    try:
        raw = msgspec.json.decode(content)
    except msgspec.DecodeError as error:
        raise SpecError(f"{path}: not valid JSON: {error}") from error
    return decode(raw, Manifest, str(path))


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of an output folder, whole."""
    write_text(folder / MANIFEST, dump_text(msgspec.to_builtins(manifest), yaml=False))
