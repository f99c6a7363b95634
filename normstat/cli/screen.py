"""What the commands print: results on standard output, everything else on standard error."""

import sys
from time import monotonic
from typing import TYPE_CHECKING, NoReturn

import click

from normstat.reports.speed import Speed
from normstat.sources.base import Listing
from normstat.spec.files import dumps
from normstat.spec.model import Spec

if TYPE_CHECKING:
    from tqdm import tqdm


def print_spec(spec: Spec, screen: str, speed: Speed | None = None) -> None:
    """Print a spec as a table, as JSON or as YAML."""
    if screen == "table":
        from rich.console import Console  # noqa: PLC0415 (not needed for json)

        from normstat.reports.spec_text import spec_text  # noqa: PLC0415

        Console(highlight=False).print(spec_text(spec, speed))
    elif screen != "none":
        click.echo(dumps(spec, yaml=screen == "yaml"), nl=False)


class Progress:
    """Follows a run: a bar on a terminal, and how far it came when it is stopped.

    Parameters
    ----------
    shown
        True or False, or None for "when standard error is a terminal".
    quiet
        No notes either.
    """

    def __init__(self, *, shown: bool | None, quiet: bool) -> None:
        self._wanted = not quiet and (sys.stderr.isatty() if shown is None else shown)
        self._bar: tqdm[NoReturn] | None = None
        self._quiet = quiet
        self._start = monotonic()
        self.total = self.images = self.bytes = self.in_cache = 0

    def listed(self, listing: Listing) -> None:
        """Start the bar, and say what was left out of the listing."""
        if listing.links_not_entered and not self._quiet:
            count = listing.links_not_entered
            click.echo(
                f"{count} linked folder{'s' * (count > 1)} not entered (--follow-symlinks)",
                err=True,
            )
        self.expected(len(listing))

    def expected(self, images: int) -> None:
        """Start the bar."""
        self.total = images
        if self._wanted:
            from tqdm import tqdm  # noqa: PLC0415 (not needed when nobody looks)

            self._bar = tqdm(total=self.total, unit="img", leave=False)

    def advanced(self, images: int, size: int) -> None:
        """Move the bar."""
        self.images += images
        self.bytes += size
        if self._bar is None:
            return
        speed = self.speed
        self._bar.set_postfix_str(f"{speed.bytes / speed.seconds / 1e6:.1f} MB/s", refresh=False)
        self._bar.update(images)

    def cached(self, images: int) -> None:
        """Count the images whose work is kept."""
        self.in_cache += images

    def warned(self, text: str) -> None:
        """Say it at once, above the bar."""
        if self._quiet:
            return
        if self._bar is None:
            click.echo(f"Warning: {text}", err=True)
        else:
            self._bar.write(f"Warning: {text}", file=sys.stderr)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()

    @property
    def speed(self) -> Speed:
        return Speed(max(monotonic() - self._start, 1e-9), self.images, self.bytes)
