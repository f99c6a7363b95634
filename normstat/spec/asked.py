"""Options as they are asked for → parts of a spec, checked as the fields of a file are."""

import re
from typing import Any, TypeVar

import msgspec

from normstat.errors import UsageError
from normstat.spec.model import Pipeline

Checked = TypeVar("Checked", bound=msgspec.Struct)

# What these options are when they are not asked for; a spec is then without the field.
_NOTHING: dict[str, Any] = {"channels": "auto"}


def checked(part: type[Checked], **fields: Any) -> Checked:
    """Build a part of a spec.

    Raises
    ------
    UsageError
        An option has no such value.
    """
    try:
        return msgspec.convert(fields, part)
    except msgspec.ValidationError as error:
        raise UsageError(
            re.sub(r" - at `\$\.(\w+)(.*)`", r" in option \1\2", str(error))
        ) from error


def pipeline_of(**options: Any) -> Pipeline:
    """Build a pipeline of the options of `compute` that bear the names of its fields.

    >>> pipeline_of(mode="l", bands=(), channels="auto", max_pixel_value=4095.0).max_pixel_value
    4095

    Raises
    ------
    UsageError
        An option has no such value.
    """
    given = {}
    for name, value in options.items():
        if value is None or value == () or value == _NOTHING.get(name):
            continue
        whole = isinstance(value, float) and value.is_integer()
        given[name] = int(value) if whole else list(value) if isinstance(value, tuple) else value
    return checked(Pipeline, **given)
