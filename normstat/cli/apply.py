"""`normstat apply`: normalize the images and store the values, or go back."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from normstat.application import run
from normstat.cli.options import (
    PLACE,
    choice,
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
from normstat.cli.screen import GOES_ON, followed, note
from normstat.cli.sections import METHOD, NUMBERS, VALUES, Sectioned, under
from normstat.errors import OnError, UsageError
from normstat.inputs import planned
from normstat.manifest import MANIFEST
from normstat.methods import METHODS, Of, Whiten
from normstat.outputs import FORMATS, Dtype, Layout
from normstat.reports.apply_text import (
    lost_lines,
    manifest_lines,
    plan_lines,
    restored_lines,
    skipped_lines,
)
from normstat.restoration import restore

_WITH_INVERSE = {"inverse", "output", "jobs", "progress", "quiet"}
_WHOLE = "what was written is whole"


def _methods_help() -> str:
    rows = (f"  {name}: {method.formula}" for name, method in METHODS.items())
    return "\b\n" + "\n".join(rows)


@click.command(cls=Sectioned, epilog=f"Methods:\n\n{_methods_help()}")
@click.argument("src", nargs=-1, type=PLACE)
@click.option(
    "-o", "--output", type=PLACE,
    help="The folder to write to.  [default: normalized, or restored with --inverse]",
)  # fmt: skip
@click.option(
    "--inverse", metavar="DIR", type=PLACE,
    help="Restore the images from what apply wrote to DIR; takes nothing but -o and -j.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Say what would be written, and how many bytes.")
@click.option("--overwrite", is_flag=True, help="Redo what an earlier run wrote.")
@on_error_option
@progress_option
@quiet_option
@under(
    NUMBERS,
    click.option(
        "--preset", metavar="NAME", help="Take the numbers of a preset; of `match` the aim."
    ),
    click.option(
        "--spec", "specs", multiple=True, type=PLACE, metavar="[NAME=]FILE",
        help="Take the numbers of a spec, or of a framework's configuration; repeated for "
        "`adaptive`.  [default: normstat.json]",
    ),
    from_option,
    presets_option,
)  # fmt: skip
@under(
    METHOD,
    click.option(
        "--method", type=click.Choice(list(METHODS)), default="standard", metavar="NAME",
        help="How values are made of codes; names and formulas are below.",
    ),
    click.option(
        "--of", type=choice(Of), default="dataset",
        help="Whose median and quartiles `robust` takes.",
    ),
    click.option("--whiten", type=choice(Whiten), default="zca", help="Which `whiten` it is."),
    click.option(
        "--window", type=click.IntRange(min=3), default=31, metavar="N",
        help="Side of the neighbourhood of `local`, odd.",
    ),
)  # fmt: skip
@under(
    VALUES,
    click.option(
        "--format", type=click.Choice(list(FORMATS)), default="npy",
        help="The kind of file; png is a preview to look at.",
    ),
    click.option("--layout", type=choice(Layout), default="chw", help="Channels first or last."),
    click.option(
        "--dtype", type=choice(Dtype), default="float32",
        help="float16 takes half the room and has three digits.",
    ),
    click.option(
        "--pack", metavar="FILE.npy",
        help="One memory-mapped array of all images, of one size, in the folder.",
    ),
)  # fmt: skip
@selection_options
@list_options
@storage_option
@pipeline_options
@mask_options
@local_worker_options
@click.pass_context
def apply(
    ctx: click.Context,
    /,
    *,
    src: tuple[str, ...],
    preset_files: tuple[str, ...],
    output: str | None,
    inverse: str | None,
    dry_run: bool,
    overwrite: bool,
    on_error: OnError,
    jobs: int | None,
    backend: str,
    progress: bool | None,
    quiet: bool,
    **options: Any,
) -> None:
    """Normalize the images in SRC and store their values.

    Without SRC it is the dataset that normstat.json describes, with the --exclude and the like that
    it was selected with, of which those given here take the place; without --preset and --spec the
    numbers are those of normstat.json. Names and folders are kept: a/b.jpg becomes a/b.npy. A run
    that was stopped goes on where it was.

    \b
      normstat apply --preset imagenet
      normstat apply ./images --method image_per_channel --format npz
      normstat apply --inverse normalized -o restored
    """
    if inverse is not None:
        _check_alone(ctx)
        target = Path(output or "restored")
        with followed(shown=progress, quiet=quiet, kept=lambda _: _WHOLE) as watch:
            restored = restore(inverse, target, jobs=jobs, observer=watch)
        if not quiet:
            _say(restored_lines(restored, target))
            _say(lost_lines(restored), err=True)
        return
    # What is not given is the library's to settle: it may be in the spec.
    given = {name: value for name, value in options.items() if _is_given(ctx, name)}
    plan = planned(*src, preset_files=preset_files, output=output or "normalized", **given)
    if not quiet:
        note(plan.notes)
    if dry_run:
        _say(plan_lines(plan))
        return
    with followed(shown=progress, quiet=quiet, kept=lambda _: f"{_WHOLE}, and {GOES_ON}") as watch:
        manifest = run(
            plan,
            jobs=jobs,
            backend=backend,
            overwrite=overwrite,
            fail=on_error == "fail",
            observer=watch,
        )
    if not quiet:
        _say(manifest_lines(manifest, plan.folder))
        _say((*skipped_lines(manifest.failures), f"wrote {plan.folder / MANIFEST}"), err=True)


def _check_alone(ctx: click.Context) -> None:
    """Raise for what was typed beside --inverse, which takes all else from the record."""
    typed = [
        parameter.human_readable_name if isinstance(parameter, click.Argument) else option
        for parameter in ctx.command.params
        for option in parameter.opts[-1:]
        if (
            parameter.name not in _WITH_INVERSE
            and ctx.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
        )
        or (parameter.name == "dry_run" and ctx.params["dry_run"])
    ]
    if typed:
        raise UsageError(f"--inverse goes by the record in DIR: leave out {', '.join(typed)}")


def _is_given(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is not ParameterSource.DEFAULT


def _say(lines: Iterable[str], *, err: bool = False) -> None:
    for line in lines:
        click.echo(line, err=err)
