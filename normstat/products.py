"""Files that results go to: looked at before the work, and written whole after it."""

import os
import stat
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from normstat.atomic import written_whole
from normstat.errors import SourceError

_ROOM = 1 << 20  # bytes that must be free before hours of work begin


@dataclass(frozen=True)
class Product:
    """What a file holds: its name, whether a file is one, and what it is usually called."""

    name: str
    is_one: Callable[[Path], bool]
    usual: Path


def check_target(
    path: Path,
    product: Product,
    *,
    force: bool,
    inputs: Iterable[str] = (),
    option: str = "-o",
) -> None:
    """Raise now what would be raised after hours of work.

    Parameters
    ----------
    force
        Overwrite a file that is no such product.
    inputs
        Files that are read for what is written; `force` lets one be replaced.
    option
        What names the place.

    Raises
    ------
    SourceError
        The folder is missing or not writable, the disk is full, or what is there may not be
        replaced.
    """
    if is_special(path):
        return
    if not force and os.path.realpath(path) in map(os.path.realpath, inputs):
        raise SourceError(
            f"{path}: is read and would be replaced; nothing was done. "
            f"Name another file with {option}, or replace it with --force"
        )
    target = Path(os.path.realpath(path))
    if os.path.islink(target):  # noqa: PTH114 (Path.is_symlink raises for a loop)
        raise SourceError(f"{path}: is a link to itself; name another place with {option}")
    folder = target.parent if path.is_symlink() else path.parent
    if not folder.is_dir():
        raise SourceError(f"{path}: the folder {folder} does not exist; make it or name another")
    if path.is_dir():
        raise SourceError(f"{path}: is a folder; name a file in it, such as {path / product.usual}")
    if path.exists() and not force and not product.is_one(path):
        raise SourceError(
            f"{path}: exists and is not a {product.name}; nothing was done. "
            f"Name another file with {option}, or overwrite it with --force"
        )
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(_ROOM))
    except OSError as error:
        raise SourceError(
            f"{path}: cannot be written: {error.strerror}. Name another place with {option}"
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write `text` beside `path` and move it into place."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` beside `path` and move it into place."""
    try:
        if is_special(path):
            path.write_bytes(content)
        else:
            with written_whole(path) as beside, beside.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        raise SourceError(
            f"{path}: {error.strerror}; it was not written, what was there is untouched. "
            "Name another place with -o"
        ) from error


def is_special(path: Path) -> bool:
    """Whether `path` is a device or a pipe, which can only be written in place."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
