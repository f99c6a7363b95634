"""`normstat apply`: normalize the images and store the values, or go back."""

import os
from pathlib import Path
from typing import Any, Literal

import click

from normstat.application import run
from normstat.cli.options import (
    MASK_LABELS,
    MASK_PLACES,
    PIPELINE,
    from_option,
    list_options,
    local_worker_options,
    mask_options,
    on_error_option,
    pipeline_options,
    presets_option,
    progress_option,
    quiet_option,
    selection_options,
    storage_option,
)
from normstat.cli.screen import Progress, note
from normstat.cli.sections import Sectioned
from normstat.contents import selection_of
from normstat.errors import ImageError, InterruptedRunError, UsageError
from normstat.formats.readings import read_constants
from normstat.manifest import MANIFEST, Manifest
from normstat.methods import METHODS
from normstat.outputs import FORMATS
from normstat.planning import Numbers, Plan, needs_of, plan
from normstat.presets import load_catalogue
from normstat.restoration import restore
from normstat.sources import Selection
from normstat.spec.asked import masks_of, pipeline_of
from normstat.spec.files import DEFAULT_PATH
from normstat.spec.model import Constants, Spec

_SHOWN = 10


def _methods_help() -> str:
    rows = (f"  {name}: {method.formula}" for name, method in METHODS.items())
    return "\b\n" + "\n".join(rows)


@click.command(cls=Sectioned, epilog=f"Methods:\n\n{_methods_help()}")
@click.argument("src", nargs=-1, type=click.Path(readable=False))
@click.option("--preset", metavar="NAME", help="Take the numbers of a preset; of `match` the aim.")
@click.option(
    "--spec",
    "specs",
    multiple=True,
    metavar="[NAME=]FILE",
    help="Take the numbers of a spec, or of a framework's configuration; repeated for "
    "`adaptive`.  [default: normstat.json]",
)
@click.option(
    "--method", type=click.Choice(list(METHODS)), default="standard", help="What is done."
)
@click.option(
    "-o", "--output", default=None, type=click.Path(readable=False),
    help="The folder to write to.  [default: normalized, or restored with --inverse]",
)  # fmt: skip
@click.option(
    "--format", type=click.Choice(list(FORMATS)), default="npy",
    help="How values are stored; png is a preview to look at.",
)  # fmt: skip
@click.option(
    "--layout", type=click.Choice(["chw", "hwc"]), default="chw", help="Channels first or last."
)
@click.option("--dtype", type=click.Choice(["float32", "float16"]), default="float32")
@click.option(
    "--pack", metavar="FILE.npy", help="One memory-mapped array of all images, of one size."
)
@click.option(
    "--of", type=click.Choice(["dataset", "image"]), default="dataset",
    help="Whose median and quartiles `robust` takes.",
)  # fmt: skip
@click.option(
    "--whiten", type=click.Choice(["zca", "pca"]), default="zca", help="Which `whiten` it is."
)
@click.option(
    "--window", type=click.IntRange(min=3), default=31, metavar="N",
    help="Side of the neighbourhood of `local`, odd.",
)  # fmt: skip
@click.option("--inverse", metavar="DIR", help="Restore the images from what apply wrote to DIR.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and how many bytes.")
@click.option("--overwrite", is_flag=True, help="Redo what an earlier run wrote.")
@from_option
@presets_option
@on_error_option
@pipeline_options
@mask_options
@selection_options
@list_options
@storage_option
@local_worker_options
@progress_option
@quiet_option
def apply(
    *,
    src: tuple[str, ...],
    preset: str | None,
    specs: tuple[str, ...],
    preset_files: tuple[str, ...],
    source_format: str | None,
    method: str,
    output: str | None,
    inverse: str | None,
    dry_run: bool,
    overwrite: bool,
    on_error: Literal["skip", "fail"],
    jobs: int | None,
    backend: str,
    progress: bool | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Normalize the images in SRC and store their values.

    Without SRC it is the folder that normstat.json describes; without --preset and --spec the
    numbers are those of normstat.json. Names and folders are kept: a/b.jpg becomes a/b.npy. A run
    that was stopped goes on where it was.

    \b
      normstat apply --preset imagenet
      normstat apply ./images --method image_per_channel --format npz
      normstat apply --inverse normalized -o restored
    """
    watch = Progress(shown=progress, quiet=quiet)
    if inverse:
        _restore(Path(inverse), Path(output or "restored"), watch, jobs=jobs, quiet=quiet)
        return
    usual = _usual(specs, src)
    described = usual if isinstance(usual, Spec) and _is_of(usual, src) else None
    if not described and not needs_of(method, options["of"]):
        usual = None  # it tells nothing of these images
    named = [_named_spec(text, source_format, quiet=quiet) for text in specs]
    numbers = _numbers(method, preset, named, usual, preset_files)
    if not src and isinstance(usual, Spec):
        src = tuple(usual.dataset.roots)
        if options["files_from"] is None:
            made_with = selection_of(usual.dataset)
            options |= {name: options[name] or getattr(made_with, name) for name in _LIST}
            if not any(options[name] for name in MASK_PLACES):
                options |= _without_masks(made_with)
    if not src and options["files_from"] is None:
        raise UsageError(
            "name a folder, and where the numbers come from. Three ways: `normstat compute FOLDER` "
            "first, --spec FILE, or --preset NAME"
        )
    unmasked = options.setdefault("unmasked", False)
    places: dict[str, Any] = {name: None if unmasked else options[name] for name in MASK_PLACES}
    masks = masks_of(**places, **{name: options.pop(name) for name in MASK_LABELS})
    planned = plan(
        *src,
        method=method,
        numbers=numbers,
        output=output or "normalized",
        selection=Selection(**{name: options.pop(name) for name in _SELECTION}),
        pipeline=pipeline_of(**{name: options.pop(name) for name in PIPELINE}, masks=masks),
        read_as=described,
        **options,
    )
    if dry_run:
        _tell(planned)
        return
    try:
        manifest = run(
            planned,
            jobs=jobs,
            backend=backend,
            overwrite=overwrite,
            fail=on_error == "fail",
            observer=watch,
        )
    except KeyboardInterrupt:
        raise InterruptedRunError(
            f"interrupted after {watch.images:,} of {watch.total:,} images; what was written is "
            "whole, and the same command goes on from there"
        ) from None
    finally:
        watch.close()
    if not quiet:
        _report(planned, manifest)


_LIST = ("files_from", "null", "column")
_SELECTION = (
    "include", "exclude", "extensions", "follow_symlinks", "hidden", "storage_options", *_LIST,
    *MASK_PLACES, "unmasked",
)  # fmt: skip


def _without_masks(made_with: Selection) -> dict[str, Any]:
    """Return options that take the masks of a spec out of what is read, and use none."""
    folder = made_with.mask_dir
    here = folder is not None and Path(folder).exists()
    return {
        "mask_dir": folder if here else None,
        "mask_suffix": made_with.mask_suffix if here or folder is None else None,
        "unmasked": True,
    }


def _usual(specs: tuple[str, ...], src: tuple[str, ...]) -> Constants | None:
    """Read normstat.json where it is needed, and where it is only useful when it is there."""
    if DEFAULT_PATH.exists() and (not specs or not src):
        return read_constants(DEFAULT_PATH).constants
    return None


def _is_of(spec: Spec, src: tuple[str, ...]) -> bool:
    """Whether a spec is of the sources, as it is where none are named."""
    return {os.path.realpath(each) for each in src} <= set(
        map(os.path.realpath, spec.dataset.roots)
    )


def _numbers(
    method: str,
    preset: str | None,
    named: list[tuple[str, Constants]],
    usual: Constants | None,
    preset_files: tuple[str, ...],
) -> Numbers:
    if method == "adaptive":
        if preset:
            raise UsageError("adaptive chooses between specs; --preset has no place in it")
        return Numbers(candidates=tuple(named))
    if len(named) > 1:
        raise UsageError(f"{method} takes one --spec; only adaptive chooses between several")
    source = named[0] if named else (str(DEFAULT_PATH), usual) if usual else None
    if preset is None:
        return Numbers(source=source)
    found = load_catalogue(*preset_files).find(preset)
    published = (found.name, found.spec())
    if method == "match":
        return Numbers(source=source, target=published)
    if named:
        raise UsageError("--preset and --spec both give the numbers: leave one out")
    return Numbers(source=published)


def _named_spec(text: str, source_format: str | None, *, quiet: bool) -> tuple[str, Constants]:
    name, equals, path = text.partition("=")
    if not equals or Path(text).exists():
        name = path = text
    found = read_constants(path, source_format)
    if not quiet:
        note(f"{path}: {warning}" for warning in found.warnings)
    return name, found.constants


def _tell(planned: Plan) -> None:
    job, listing = planned.job, planned.listing
    size = f"about {planned.expected_bytes() / 1e6:,.1f} MB"
    click.echo(f"{job.method} ({job.formula}), numbers of {job.numbers or 'each image'}")
    click.echo(f"{len(listing):,} images to {planned.folder}, {size}; nothing was written")
    for name, output in list(zip(listing.names, planned.names, strict=True))[:_SHOWN]:
        click.echo(f"{name} -> {job.pack or output}")
    if len(listing) > _SHOWN:
        click.echo(f"and {len(listing) - _SHOWN:,} more")


def _report(planned: Plan, manifest: Manifest) -> None:
    count = len(manifest.outputs)
    click.echo(f"{count:,} images to {planned.folder} ({manifest.job.method})")
    if manifest.mean and manifest.std:
        for label, values in (("mean", manifest.mean), ("std", manifest.std)):
            click.echo(f"{label:4} of what was written: {_list(values)}")
    left_out = sum(output.left_out for output in manifest.outputs)
    if left_out:
        click.echo(f"{left_out:,} values that do not count were written as 0, and are in these")
    moved = sum(output.clipped for output in manifest.outputs)
    if moved:
        farthest = max(output.clipped_by or 0.0 for output in manifest.outputs)
        click.echo(f"{moved:,} values were clipped, by at most {farthest:.4g} codes")
    if manifest.failures:
        click.echo(f"{len(manifest.failures):,} images were skipped:", err=True)
    for failure in manifest.failures[:_SHOWN]:
        click.echo(f"  {failure.source}: {failure.reason}", err=True)
    click.echo(f"wrote {planned.folder / MANIFEST}", err=True)


def _list(values: list[float]) -> str:
    return "[" + ", ".join(f"{value:+.6f}" for value in values) + "]"


def _restore(folder: Path, output: Path, watch: Progress, *, jobs: int | None, quiet: bool) -> None:
    try:
        found = restore(folder, output, jobs=jobs, observer=watch)
    finally:
        watch.close()
    if found.failures and not found.images:
        name, reason = found.failures[0]
        raise ImageError(f"{folder}: none of its images can be restored. {name}: {reason}")
    if quiet:
        return
    click.echo(f"{found.images:,} images to {output}")
    if found.clipped:
        click.echo(
            f"not exact: {found.clipped:,} values had been clipped, by at most "
            f"{found.clipped_by:.4g} codes"
        )
    if found.inexact:
        click.echo(f"not exact: float16 is too coarse for {found.inexact:,} codes")
    for name, reason in found.failures[:_SHOWN]:
        click.echo(f"  {name}: {reason}", err=True)
