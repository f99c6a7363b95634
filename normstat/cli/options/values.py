"""What the text of an option becomes.

Choices come from the types of the spec, so that an option, a field and a parameter cannot
differ: `choice(Alpha)` offers what `Pipeline.alpha` may be.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from socket import gethostname
from typing import Any, get_args

import click
import msgspec

from normstat.registry import unknown
from normstat.spec.model import Stamp


class Named(click.Choice[str]):
    """A name of a table that is too long to be told whole when the name is misspelt.

    Parameters
    ----------
    kind, names
        What the names name, and all of them.
    hint
        How to see them.
    """

    def __init__(self, kind: str, names: Iterable[str], hint: str) -> None:
        super().__init__(list(names))
        self._kind = kind
        self._hint = hint

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in self.choices:
            names = dict.fromkeys(self.choices)
            self.fail(unknown(self._kind, value, names, self._hint), param, ctx)
        return value


class _Place(click.Path):
    """What names a file, a folder or a URL; whether it is there is the library's to say."""

    def __init__(self) -> None:
        super().__init__(readable=False, allow_dash=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("it is empty; is a variable unset?", param, ctx)
        return super().convert(value, param, ctx)


PLACE = _Place()


def choice(literal: Any) -> click.Choice[str]:
    """Return the values of a `Literal` type as a click choice."""
    return click.Choice([str(value) for value in get_args(literal)])


def split(text: str) -> tuple[str, ...]:
    """Return what commas separate.

    >>> split("1, 50,99"), split("")
    (('1', '50', '99'), ())
    """
    return tuple(part.strip() for part in text.split(",") if part.strip())


def comma_separated(
    ctx: click.Context,  # noqa: ARG001 (click's signature)
    parameter: click.Parameter,  # noqa: ARG001
    value: str | None,
) -> tuple[str, ...]:
    """Split "1, 50,99" into its parts."""
    return split(value or "")


def names(ctx: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...]:
    """Split a list that means all or nothing when it is left out, and so cannot be empty."""
    parts = comma_separated(ctx, parameter, value)
    if value is not None and not parts:
        raise click.BadParameter("it names nothing; leave the option out")
    return parts


def array_axis(
    ctx: click.Context,  # noqa: ARG001 (click's signature)
    parameter: click.Parameter,  # noqa: ARG001
    value: str | None,
) -> int | str | None:
    """Read the number of an axis, or none.

    >>> array_axis(None, None, "-1"), array_axis(None, None, "none")
    (-1, 'none')
    """
    if value is None or value == "none":
        return value
    try:
        return int(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is neither the number of an axis nor none") from None


def json_object(
    ctx: click.Context,  # noqa: ARG001 (click's signature)
    parameter: click.Parameter,  # noqa: ARG001
    value: str | None,
) -> dict[str, Any]:
    """Read a JSON object; what is wrong with it is told without the text, which may be secret.

    >>> json_object(None, None, '{"anon": true}')
    {'anon': True}
    """
    try:
        found = msgspec.json.decode(value or "{}")
    except msgspec.DecodeError:
        found = None
    if not isinstance(found, dict):
        raise click.BadParameter("""it must be a JSON object, as in '{"anon": true}'""")
    return found


def with_user_presets(
    ctx: click.Context,  # noqa: ARG001 (click's signature)
    parameter: click.Parameter,  # noqa: ARG001
    value: tuple[str, ...],
) -> tuple[str, ...]:
    """Put the user's own preset file, when there is one, before those that were named."""
    usual = Path(click.get_app_dir("normstat")) / "presets.yaml"
    return (str(usual), *value) if usual.exists() else value


def made_now(
    ctx: click.Context,  # noqa: ARG001 (click's signature)
    parameter: click.Parameter,  # noqa: ARG001
    value: bool,
) -> Stamp | None:
    """Return the time and this host when they are wanted."""
    if not value:
        return None
    return Stamp(time=datetime.now(UTC).isoformat(timespec="seconds"), host=gethostname())
