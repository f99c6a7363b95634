"""`normstat validate`: check a spec against the schema and its own arithmetic."""

import click

from normstat.cli.options import quiet_option, spec_argument
from normstat.errors import SpecError
from normstat.spec.files import load
from normstat.validate import validate as problems_of


@click.command()
@spec_argument
@quiet_option
@click.pass_context
def validate(ctx: click.Context, spec_path: str, quiet: bool) -> None:
    """Check that SPEC fits the schema and that every number follows from its exact state.

    Exit code 1 when not, with the path of each field that is wrong.
    """
    try:
        problems = [str(problem) for problem in problems_of(load(spec_path))]
    except SpecError as error:
        problems = [str(error)]
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        ctx.exit(1)
    if not quiet:
        click.echo(f"{spec_path}: valid; every number follows from its state")
