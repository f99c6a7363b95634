"""`normstat presets`: published normalizations and where they come from."""

import click
import msgspec

from normstat.cli.options import presets_option
from normstat.cli.screen import print_text
from normstat.errors import UsageError
from normstat.presets import load_catalogue
from normstat.spec.files import dump_text


@click.command()
@click.argument("name", required=False)
@click.option("--search", metavar="WORDS", help="Only presets whose texts hold these words.")
@click.option(
    "--format",
    "screen",
    type=click.Choice(["table", "json", "yaml"]),
    default="table",
    help="One preset as json or yaml is a spec.",
)
@presets_option
def presets(
    *, name: str | None, search: str | None, screen: str, preset_files: tuple[str, ...]
) -> None:
    """List the presets, or tell everything about the one called NAME.

    \b
      normstat presets
      normstat presets imagenet
      normstat presets --search vit
      normstat presets clip --format json > clip.json
    """
    catalogue = load_catalogue(*preset_files)
    if name and search:
        raise UsageError("NAME and --search do not go together: leave one out")
    found = [catalogue.find(name)] if name else list(catalogue)
    if search:
        found = catalogue.search(search)
        if not found:
            raise UsageError(f"no preset mentions {search!r}; `normstat presets` lists them all")
    if screen == "table":
        from normstat.reports.presets_text import preset_text, presets_text  # noqa: PLC0415

        print_text(preset_text(found[0]) if name else presets_text(catalogue, found))
        return
    specs = msgspec.to_builtins([preset.spec() for preset in found])
    click.echo(dump_text(specs[0] if name else specs, yaml=screen == "yaml"), nl=False)
