"""What the commands print: results on standard output, everything else on standard error."""

import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any, NoReturn

import click
import msgspec

from normstat.errors import DifferentSoftwareWarning, InterruptedRunError
from normstat.names import printable
from normstat.reports.speed import Speed
from normstat.sources.base import Listing
from normstat.spec.files import dump_text, dumps, save
from normstat.spec.model import Constants, Spec

if TYPE_CHECKING:
    from rich.console import RenderableType
    from tqdm import tqdm


def print_text(text: "RenderableType", *, soft_wrap: bool = False) -> None:
    """Print what a report says. With NO_COLOR it is bare text, without bold and dim, too."""
    from rich.console import Console  # noqa: PLC0415 (not needed for json)

    bare = bool(os.environ.get("NO_COLOR"))
    console = Console(highlight=False, color_system=None if bare else "auto")
    if console.is_terminal:
        console.print(text, soft_wrap=soft_wrap)
        return
    # In files and logs the spaces that fill up the columns of a table are litter.
    with console.capture() as capture:
        console.print(text, soft_wrap=soft_wrap)
    console.file.write("\n".join(line.rstrip(" ") for line in capture.get().split("\n")))
    console.file.flush()


def print_json(answer: Any) -> None:
    """Print an answer as JSON."""
    click.echo(dump_text(msgspec.to_builtins(answer), yaml=False), nl=False)


def print_spec(spec: Spec, screen: str, speed: Speed | None = None) -> None:
    """Print a spec as a table, as JSON or as YAML."""
    if screen == "table":
        from normstat.reports.spec_text import spec_text  # noqa: PLC0415

        print_text(spec_text(spec, speed))
    elif screen != "none":
        click.echo(dumps(spec, yaml=screen == "yaml"), nl=False)


def write_spec(
    spec: Spec, output: str, screen: str, *, force: bool, quiet: bool, speed: Speed | None = None
) -> None:
    """Write a spec to a file and tell so, or print it alone when `output` is a dash."""
    if output == "-":
        click.echo(dumps(spec, yaml=screen == "yaml"), nl=False)
        return
    save(spec, output, force=force)
    if not quiet:
        print_spec(spec, screen, speed)
        click.echo(f"wrote {output}", err=True)


@contextmanager
def warnings_told(*, quiet: bool) -> Iterator[None]:
    """Print what the library warns of, in one line each."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", DifferentSoftwareWarning)
        yield
    for each in caught:
        if not quiet:
            click.echo(f"Warning: {each.message}", err=True)


def print_constants(constants: Constants, screen: str) -> None:
    """Print constants as a table, as JSON or as YAML."""
    if screen == "table":
        from normstat.reports.formats_text import constants_text  # noqa: PLC0415

        print_text(constants_text(constants))
    elif screen != "none":
        click.echo(dumps(constants, yaml=screen == "yaml"), nl=False)


def note(lines: Iterable[str]) -> None:
    """Say on standard error what the user has to know of what was read."""
    for line in lines:
        click.echo(f"note: {line}", err=True)


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
        self._listings = 0
        self.total = self.images = self.bytes = self.in_cache = 0

    def listing(self, found: Listing) -> None:
        """Show that files are being found."""
        if self._wanted:
            self._shown().set_description_str(f"listing {len(found):,}")

    def listed(self, listing: Listing) -> None:
        """Say what was left out of the listing, and begin a bar of its own."""
        self.close()
        self._listings += 1
        if listing.links_not_entered and not self._quiet:
            count = listing.links_not_entered
            click.echo(
                f"{count} linked folder{'s' * (count > 1)} not entered (--follow-symlinks)",
                err=True,
            )

    def expected(self, images: int) -> None:
        """Let the bar end at so many images."""
        self.total = images
        if self._wanted:
            bar = self._shown()
            bar.total = images
            bar.set_description_str("")

    def _shown(self) -> "tqdm[NoReturn]":
        if self._bar is None:
            from tqdm import tqdm  # noqa: PLC0415 (not needed when nobody looks)

            self._bar = tqdm(unit="img", leave=False)
        return self._bar

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
            self._bar = None

    @property
    def reached(self) -> str:
        """How far the run came; nothing when it reads several datasets, of which none is all."""
        if not self.total or self._listings > 1:
            return ""
        return f" after {self.images:,} of {self.total:,} images"

    @property
    def speed(self) -> Speed:
        return Speed(max(monotonic() - self._start, 1e-9), self.images, self.bytes)


GOES_ON = "the same command goes on from there"


def _nothing(_: Progress) -> str:
    return "nothing was written"


def kept_in(cache: str | None) -> Callable[[Progress], str]:
    """Return what tells, of a run with or without a cache, what is kept of it."""

    def told(watch: Progress) -> str:
        if cache and watch.in_cache:
            return f"{watch.in_cache:,} are in {printable(cache)}; {GOES_ON}"
        return _nothing(watch) + ("" if cache else "; --cache FILE keeps what is done")

    return told


@contextmanager
def followed(
    *, shown: bool | None, quiet: bool, kept: Callable[[Progress], str] = _nothing
) -> Iterator[Progress]:
    """Follow a run; when it is interrupted, say how far it came and what is kept.

    Raises
    ------
    InterruptedRunError
        In the place of KeyboardInterrupt.
    """
    watch = Progress(shown=shown, quiet=quiet)
    try:
        yield watch
    except KeyboardInterrupt:
        raise InterruptedRunError(f"interrupted{watch.reached}; {kept(watch)}") from None
    finally:
        watch.close()
