"""`normstat show`: print what a spec holds."""

import click

from normstat.cli.options import format_option, from_option, spec_argument
from normstat.cli.screen import note, print_constants, print_spec
from normstat.formats.readings import read_constants
from normstat.spec.model import Spec


@click.command()
@spec_argument
@format_option
@from_option
def show(spec_path: str, screen: str, source_format: str | None) -> None:
    """Print the table of SPEC (normstat.json by default), or of SPEC#GROUP, as compute did.

    SPEC can also be the configuration of a framework, of which the constants are shown.
    """
    found = read_constants(spec_path, source_format)
    note(found.warnings)
    if isinstance(found.constants, Spec):
        print_spec(found.constants, screen)
    else:
        print_constants(found.constants, screen)
