"""`normstat subtract`: take a part out of a spec again."""

from pathlib import Path

import click

from normstat.cli.options import PLACE, merged_options
from normstat.cli.screen import warnings_told, write_spec
from normstat.merging import subtract as subtract_spec
from normstat.products import check_target
from normstat.spec.files import SPEC
from normstat.spec.model import Stamp


@click.command()
@click.argument("whole", type=PLACE)
@click.argument("part", type=PLACE)
@merged_options
def subtract(
    *,
    whole: str,
    part: str,
    output: str,
    force: bool,
    stamp: Stamp | None,
    screen: str,
    quiet: bool,
) -> None:
    """Take the images of the spec PART out of the spec WHOLE, exactly.

    What `normstat merge` put in is taken out without a trace. Of another part, such as a folder
    of the dataset, the result says that it was taken out. A part that is not contained is refused.

    \b
      normstat subtract all.json val.json -o train.json
    """
    if output != "-":
        check_target(Path(output), SPEC, force=force, inputs=(whole, part))
    with warnings_told(quiet=quiet):
        spec = subtract_spec(whole, part, stamp=stamp)
    write_spec(spec, output, screen, force=force, quiet=quiet)
