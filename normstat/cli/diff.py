"""`normstat diff`: are two configurations the same preprocessing?"""

import click

from normstat.cli.options import (
    from_option,
    presets_option,
    progress_option,
    quiet_option,
    screen_option,
)
from normstat.cli.screen import note, print_json, print_text
from normstat.cli.sides import side
from normstat.difference import TOLERANCE, difference
from normstat.presets import load_catalogue


@click.command()
@click.argument("a")
@click.argument("b")
@click.option(
    "--tolerance", type=click.FloatRange(min=0), default=TOLERANCE, metavar="T",
    help="Largest difference that is the same, in normalized units.",
)  # fmt: skip
@screen_option("table", "json")
@from_option
@presets_option
@progress_option
@quiet_option
@click.pass_context
def diff(
    ctx: click.Context,
    *,
    a: str,
    b: str,
    tolerance: float,
    screen: str,
    source_format: str | None,
    preset_files: tuple[str, ...],
    progress: bool | None,
    quiet: bool,
) -> None:
    """Tell whether A and B are the same preprocessing.

    Both are specs, configurations of frameworks, presets, or folders, which are measured. For
    every code and channel it is y = a · code + b that is compared, with channels matched by name;
    feeding them in another order is a difference too. Exit code 0 for the same, 1 for different.

    \b
      normstat diff normstat.json model/preprocessor_config.json
      normstat diff config.yaml imagenet-bgr-255 --tolerance 1e-4
    """
    catalogue = load_catalogue(*preset_files)
    first, second = (
        side(name, catalogue, source_format, progress=progress, quiet=quiet) for name in (a, b)
    )
    found = difference(first, second, [preset.spec() for preset in catalogue], tolerance)
    if not quiet:
        note(found.assumed)
        if screen == "json":
            print_json(found)
        else:
            from normstat.reports.formats_text import difference_text  # noqa: PLC0415

            print_text(difference_text(found))
    if not found.same:
        ctx.exit(1)
