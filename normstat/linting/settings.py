"""What `[tool.normstat]` in a pyproject.toml says about lint."""

import tomllib
from pathlib import Path
from typing import Any

from normstat.errors import SourceError, UsageError
from normstat.names import printable
from normstat.registry import unknown

# Each is the option of the same name.
_LISTS = ("select", "ignore", "exclude")
_TEXTS = ("expect", "fail-on")


def find_settings(start: Path) -> Path | None:
    """Return the nearest pyproject.toml, in a folder or above it."""
    folder = start.resolve()
    for each in (folder, *folder.parents):
        if (each / "pyproject.toml").is_file():
            return each / "pyproject.toml"
    return None


def read_settings(path: Path) -> dict[str, Any]:
    """Return the options that a pyproject.toml sets; `expect` is a path from where it lies.

    Raises
    ------
    SourceError
        It cannot be read or is not TOML.
    UsageError
        A key is not an option, or has a value of another type.
    """
    where = printable(str(path))
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceError(f"{where}: {error.strerror}") from error
    except ValueError as error:
        raise SourceError(f"{where}: not valid TOML: {' '.join(str(error).split())}") from error
    table = content.get("tool", {}).get("normstat", {})
    if not isinstance(table, dict):
        raise UsageError(f"{where}: [tool.normstat] is not a table")
    known = dict.fromkeys((*_LISTS, *_TEXTS))
    for key, value in table.items():
        if key not in known:
            raise UsageError(f"{where}: [tool.normstat]: {unknown('key', key, known)}")
        if key in _TEXTS and not isinstance(value, str):
            raise UsageError(f"{where}: [tool.normstat]: {key} is not a text")
        if key in _LISTS and not (
            isinstance(value, list) and all(isinstance(each, str) for each in value)
        ):
            raise UsageError(f"{where}: [tool.normstat]: {key} is not a list of texts")
    if "expect" in table:
        table["expect"] = str(path.parent / table["expect"])
    return table
