"""`normstat merge`: add specs up."""

from pathlib import Path

import click

from normstat.cli.options import PLACE, merged_options
from normstat.cli.screen import warnings_told, write_spec
from normstat.merging import merge as merge_specs
from normstat.products import check_target
from normstat.spec.files import SPEC
from normstat.spec.model import Stamp


@click.command()
@click.argument("specs", metavar="SPEC...", nargs=-1, required=True, type=PLACE)
@merged_options
def merge(
    *,
    specs: tuple[str, ...],
    output: str,
    force: bool,
    stamp: Stamp | None,
    screen: str,
    quiet: bool,
) -> None:
    """Add SPECs up, exactly: shards of one dataset, or whole datasets.

    All shards give the very bytes of a single run. The result of different datasets remembers
    each, so that `normstat subtract` can take it out again. Specs that were not computed with the
    same options are refused.

    \b
      normstat merge normstat-*-of-16.json
      normstat merge train.json val.json -o all.json
    """
    if output != "-":
        check_target(Path(output), SPEC, force=force, inputs=specs)
    with warnings_told(quiet=quiet):
        spec = merge_specs(*specs, stamp=stamp)
    write_spec(spec, output, screen, force=force, quiet=quiet)
