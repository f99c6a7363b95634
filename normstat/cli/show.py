"""`normstat show`: print what a spec holds."""

import click

from normstat.cli.options import format_option, spec_argument
from normstat.cli.screen import print_spec
from normstat.spec.files import load


@click.command()
@spec_argument
@format_option
def show(spec_path: str, screen: str) -> None:
    """Print the table of SPEC (normstat.json by default), as compute did."""
    print_spec(load(spec_path), screen)
