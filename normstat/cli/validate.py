"""`normstat validate`: check a spec against the schema, its own arithmetic and its dataset."""

from typing import Any

import click

from normstat.cli.options import PLACE, progress_option, quiet_option, spec_argument, storage_option
from normstat.cli.screen import followed
from normstat.errors import SpecError, UsageError
from normstat.spec.files import load
from normstat.validation import check

_SHOWN = 20


@click.command()
@spec_argument
@click.argument("src", nargs=-1, type=PLACE)
@click.option("--deep", is_flag=True, help="Read the images of SRC again and compare all numbers.")
@storage_option
@progress_option
@quiet_option
@click.pass_context
def validate(
    ctx: click.Context,
    *,
    spec_path: str,
    src: tuple[str, ...],
    deep: bool,
    storage_options: dict[str, Any],
    progress: bool | None,
    quiet: bool,
) -> None:
    """Check that SPEC fits the schema and that every number follows from its exact state.

    With SRC also check that the spec still describes it: the same names and sizes, and with --deep
    the same numbers. Exit code 1 when not, with each field that is wrong and each file or folder
    that was added, removed or changed. Of a merged spec SRC are the datasets to look at.

    \b
      normstat validate
      normstat validate normstat.json ./images
    """
    if deep and not src:
        raise UsageError("--deep needs the folder: normstat validate SPEC SRC --deep")
    try:
        spec = load(spec_path)
    except SpecError as error:
        click.echo(error, err=True)
        ctx.exit(1)
    with followed(shown=progress, quiet=quiet) as watch:
        verdict = check(spec, *src, deep=deep, storage_options=storage_options, observer=watch)
    lines = list(verdict.lines())
    if verdict.changes:
        click.echo(f"stale: {' '.join(src)} has changed since the spec was made", err=True)
    for line in lines[:_SHOWN]:
        click.echo(line, err=True)
    if len(lines) > _SHOWN:
        click.echo(f"and {len(lines) - _SHOWN:,} more", err=True)
    if not verdict.holds:
        ctx.exit(1)
    if not quiet:
        told = "valid; every number follows from its state"
        if src:
            told += f", and it describes {' '.join(src)}" + (", measured again" if deep else "")
        if verdict.unchecked:
            told += f"; not looked at: {', '.join(verdict.unchecked)}"
        click.echo(f"{spec_path}: {told}")
