"""What the sides of a command stand for: files, presets, or folders, which are measured."""

from normstat.candidates import resolve
from normstat.cli.screen import followed
from normstat.comparison import Candidate
from normstat.presets import Catalogue


def side(
    name: str,
    catalogue: Catalogue,
    source_format: str | None,
    *,
    progress: bool | None,
    quiet: bool,
) -> Candidate:
    """Return what a name stands for, telling how a measurement goes on when it is a folder."""
    with followed(shown=progress, quiet=quiet) as watch:
        return resolve(name, catalogue, watch, source_format)
