"""`normstat cache`: look into a cache, or clear it up."""

import click

from normstat import cache as library
from normstat.cli.options import PLACE
from normstat.cli.screen import print_text
from normstat.reports.cache_text import contents_text, pruned_text


@click.group()
def cache() -> None:
    """Look into a cache that `compute --cache FILE` made, or clear it up."""


@cache.command()
@click.argument("file", type=PLACE)
def info(file: str) -> None:
    """Tell what FILE holds: images, policies, sizes and times."""
    print_text(contents_text(library.contents(file)))


@cache.command(short_help="Drop what is known of files that are gone or have changed.")
@click.argument("file", type=PLACE)
@click.option("--dry-run", is_flag=True, help="Only say what would be dropped.")
@click.option(
    "--outdated", is_flag=True, help="Drop what other versions of Pillow and its decoders found."
)
def prune(file: str, *, dry_run: bool, outdated: bool) -> None:
    """Drop from FILE the rows of files that are gone or have changed, and shrink it.

    Only files of this machine are looked for; when a drive is not mounted, its files are gone.
    """
    pruned = library.prune(file, dry_run=dry_run, outdated=outdated)
    click.echo(pruned_text(pruned, dry_run=dry_run))
