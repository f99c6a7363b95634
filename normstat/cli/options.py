"""Options that several commands share, and the words that their values are made of.

Choices come from the types of the spec, so that an option, a field and a parameter cannot
differ: `choice(Alpha)` offers what `Pipeline.alpha` may be.
"""

from pathlib import Path
from typing import Any, get_args

import click

from normstat.spec.files import DEFAULT_PATH


def choice(literal: Any) -> click.Choice[str]:
    """Return the values of a `Literal` type as a click choice."""
    return click.Choice([str(value) for value in get_args(literal)])


def comma_separated(
    ctx: click.Context,  # noqa: ARG001 (click's signature)
    parameter: click.Parameter,  # noqa: ARG001
    value: str | None,
) -> tuple[str, ...]:
    """Split "1, 50,99" into its parts.

    >>> comma_separated(None, None, "1, 50,99")
    ('1', '50', '99')
    """
    return tuple(part.strip() for part in (value or "").split(",") if part.strip())


def with_user_presets(
    ctx: click.Context,  # noqa: ARG001 (click's signature)
    parameter: click.Parameter,  # noqa: ARG001
    value: tuple[str, ...],
) -> tuple[str, ...]:
    """Put the user's own preset file, when there is one, before those that were named."""
    usual = Path(click.get_app_dir("normstat")) / "presets.yaml"
    return (str(usual), *value) if usual.exists() else value


spec_argument = click.argument(
    "spec_path", metavar="[SPEC]", default=str(DEFAULT_PATH), type=click.Path(readable=False)
)
format_option = click.option(
    "--format",
    "screen",
    type=click.Choice(["table", "json", "yaml", "none"]),
    default="table",
    help="What is printed on standard output.",
)
progress_option = click.option(
    "--progress/--no-progress",
    default=None,
    help="A bar on standard error.  [default: on a terminal]",
)
presets_option = click.option(
    "--presets",
    "preset_files",
    multiple=True,
    metavar="FILE",
    callback=with_user_presets,
    help=f"A YAML file of own presets, beside presets.yaml in {click.get_app_dir('normstat')}.",
)
quiet_option = click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
