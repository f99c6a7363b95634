"""`normstat validate`: check a spec against the schema, its own arithmetic and its dataset."""

from collections.abc import Iterable
from typing import Any

import click

from normstat.cli.options import progress_option, quiet_option, spec_argument, storage_option
from normstat.cli.screen import Progress, followed
from normstat.errors import SpecError, UsageError
from normstat.spec.files import load
from normstat.spec.model import Spec
from normstat.validation import recomputed, stale, unchecked
from normstat.validation import validate as problems_of

_SHOWN = 20


@click.command()
@spec_argument
@click.argument("src", nargs=-1, type=click.Path(readable=False))
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
        problems: list[str] = [str(problem) for problem in problems_of(spec)]
    except SpecError as error:
        spec, problems = None, [str(error)]
    verdict = "valid; every number follows from its state"
    if spec and src and not problems:
        with followed(shown=progress, quiet=quiet) as watch:
            problems = list(_changes(spec, src, storage_options, watch, deep=deep))
        verdict += f", and it describes {' '.join(src)}" + (", measured again" if deep else "")
        rest = unchecked(spec, *src, storage_options=storage_options)
        if rest:
            verdict += f"; not looked at: {', '.join(rest)}"
    for problem in problems[:_SHOWN]:
        click.echo(problem, err=True)
    if len(problems) > _SHOWN:
        click.echo(f"and {len(problems) - _SHOWN:,} more", err=True)
    if problems:
        ctx.exit(1)
    if not quiet:
        click.echo(f"{spec_path}: {verdict}")


def _changes(
    spec: Spec, src: tuple[str, ...], options: dict[str, Any], watch: Progress, *, deep: bool
) -> Iterable[str]:
    changes = stale(spec, *src, storage_options=options)
    if changes:
        yield f"stale: {' '.join(src)} has changed since the spec was made"
        yield from changes.lines()
    elif deep:
        yield from map(str, recomputed(spec, *src, storage_options=options, observer=watch))
