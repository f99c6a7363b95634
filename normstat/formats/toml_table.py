"""A table of a TOML file, for projects that keep their settings in one."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from normstat.errors import SpecError
from normstat.formats.affine import Affine, whole
from normstat.formats.base import (
    Change,
    Format,
    Reading,
    Updated,
    assumed,
    find_header,
    header,
    number,
    numbers,
    reading,
    with_header,
)

Path = tuple[str, ...]

# What a line of TOML can hold that is not a number: texts, which may hold anything, and comments.
_TEXT = r'"""[\s\S]*?"""|\'\'\'[\s\S]*?\'\'\'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\''
_SKIPPED = re.compile(rf"(?:{_TEXT})|#[^\n]*")
_HEAD = re.compile(r"(?m)^[ \t]*\[([\w. \t-]+)\][ \t]*(?:#[^\n]*)?$")
_NUMBER = re.compile(r"[-+]?\d[\d_.]*(?:[eE][-+]?\d+)?")


class TomlTable(Format):
    """y = (code / max_pixel_value − mean) / std of the one table that has mean and std."""

    name = "toml"
    formula = "(code / max_pixel_value − mean) / std"
    suffixes = (".toml",)
    marks = (r"(?m)^\s*mean\s*=", r"(?m)^\s*std\s*=")

    def write(self, affine: Affine) -> str:
        lines = "".join(f"{key} = {value}\n" for key, value in _values(affine).items())
        return (
            "# normstat: mean and std in units of code / max_pixel_value\n"
            f"# {header(affine)}\n[normalization]\n{lines}"
        )

    def read(self, text: str) -> Reading:
        _, fields = _table(text)
        warnings = []
        if "max_pixel_value" not in fields:
            warnings.append(assumed("max_pixel_value", "255"))
        unit = number(fields.get("max_pixel_value", 255), "max_pixel_value")
        if not unit > 0:
            raise SpecError("max_pixel_value: expected a number above zero")
        mean, std = (numbers(fields[name], name) for name in ("mean", "std"))
        said = find_header(text)
        return reading(
            mean,
            std,
            unit=unit,
            code_max=None if said.range_known or unit == 1 else unit,
            said=said,
            warnings=warnings,
        )

    def update(self, text: str, affine: Affine) -> Updated:
        path, fields = _table(text)
        changes = []
        for key, new in _values(affine).items():
            plain = _SKIPPED.sub(lambda match: " " * len(match[0]), text)
            begin, end = _section(plain, path)
            place = re.compile(rf"(?m)^[ \t]*{key}[ \t]*=[ \t]*(\[[^\]]*\]|\S+)").search(
                plain, begin, end
            )
            if place is None:
                if key == "max_pixel_value" and key not in fields and new == "255":
                    continue
                changes.append(Change(f"{'.'.join((*path, key))}", None, new))
                line = f"{key} = {new}\n"
                text = text[:begin] + line + text[begin:]
                continue
            old = text[place.start(1) : place.end(1)]
            filled = _filled(old, new)
            if filled != old:
                changes.append(Change(f"{'.'.join((*path, key))}", " ".join(old.split()), new))
                text = text[: place.start(1)] + filled + text[place.end(1) :]
        return Updated(with_header(text, affine), tuple(changes))


def _values(affine: Affine) -> dict[str, str]:
    return {
        "mean": repr(affine.means(affine.unit)),
        "std": repr(affine.stds(affine.unit)),
        "max_pixel_value": repr(whole(affine.unit)),
    }


def _table(text: str) -> tuple[Path, dict[str, Any]]:
    """Return the path and the fields of the table with mean and std."""
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SpecError(f"not valid TOML: {error}") from None
    found = list(_tables(data, ()))
    if len(found) != 1:
        raise SpecError(f"mean and std: there are {len(found)} tables with both, not one")
    return found[0]


def _tables(data: dict[str, Any], path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    if {"mean", "std"} <= data.keys():
        yield path, data
    for key, value in data.items():
        if isinstance(value, dict):
            yield from _tables(value, (*path, key))


def _section(plain: str, path: Path) -> tuple[int, int]:
    """Return where the lines of a table begin and end."""
    heads = list(_HEAD.finditer(plain))
    ends = [each.start() for each in heads] + [len(plain)]
    if not path:
        return 0, ends[0]
    for head, end in zip(heads, ends[1:], strict=True):
        if tuple(part.strip() for part in head[1].split(".")) == path:
            return min(head.end() + 1, len(plain)), end
    raise SpecError(f"{'.'.join(path)}: is not set as a table of its own, as [{'.'.join(path)}]")


def _filled(old: str, new: str) -> str:
    """Return a value in the place of another; the lines and comments of a list stay."""
    if not old.startswith("["):
        return new
    values = new.strip("[]").split(", ")
    plain = _SKIPPED.sub(lambda match: " " * len(match[0]), old)
    places = list(_NUMBER.finditer(plain))
    if len(places) != len(values):
        return new
    for place, value in zip(reversed(places), reversed(values), strict=True):
        if float(place[0].replace("_", "")) != float(value):
            old = old[: place.start()] + value + old[place.end() :]
    return old


FORMAT = TomlTable()
