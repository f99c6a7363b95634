"""Options that several commands share, and the words that their values are made of.

Choices come from the types of the spec, so that an option, a field and a parameter cannot
differ: `choice(Alpha)` offers what `Pipeline.alpha` may be.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, get_args

import click

from normstat.backends import BACKENDS, LOCAL
from normstat.sources.base import EXTENSIONS
from normstat.spec.files import DEFAULT_PATH
from normstat.spec.model import Alpha, Interpolation, Mode, Pipeline

_Command = Callable[..., Any]
_Decorator = Callable[[_Command], _Command]


def choice(literal: Any) -> click.Choice[str]:
    """Return the values of a `Literal` type as a click choice."""
    return click.Choice([str(value) for value in get_args(literal)])


def _group(*options: _Decorator) -> _Decorator:
    """Return options that always come together as one decorator, in the order of the help."""

    def decorate(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


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


def _workers(backends: Iterable[str], more: str = "") -> _Decorator:
    return _group(
        click.option(
            "-j",
            "--jobs",
            type=click.IntRange(min=1),
            help="Workers on this machine.  [default: the cores this process may use]",
        ),
        click.option(
            "--backend",
            type=click.Choice(["auto", *backends]),
            default="auto",
            help="How workers run; auto takes processes for many small files, else threads." + more,
        ),
    )


# What writes files has workers that see this machine's disk.
local_worker_options = _workers(LOCAL)
worker_options = _workers(BACKENDS, "  dask and ray start workers here or have an --address.")
cluster_options = _group(
    click.option(
        "--address",
        metavar="URL",
        help="Of a running cluster: tcp://host:8786 for --backend dask; host:6379, "
        "ray://host:10001 or auto for ray. It has as many workers as it has.",
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        metavar="SECONDS",
        help="Skip an image that takes longer.  [default: wait; needs worker processes]",
    ),
)
selection_options = _group(
    click.option("--include", multiple=True, metavar="GLOB", help="Read only what matches."),
    click.option("--exclude", multiple=True, metavar="GLOB", help="Leave out what matches."),
    click.option(
        "--extensions",
        default=",".join(EXTENSIONS),
        metavar="LIST",
        callback=comma_separated,
        help="Suffixes to look for.",
    ),
    click.option(
        "--follow-symlinks", is_flag=True, help="Enter linked folders; loops are harmless."
    ),
    click.option("--hidden", is_flag=True, help="Read names that start with a dot."),
)
pipeline_options = _group(
    click.option(
        "--mode",
        type=choice(Mode),
        default="auto",
        help="auto: one channel if every image has one, else RGB.",
    ),
    click.option(
        "--alpha",
        type=choice(Alpha),
        default="drop",
        help="Transparent pixels: drop keeps their hidden colour, as the usual loaders do; mask "
        "leaves them out; white and black are backgrounds.",
    ),
    click.option(
        "--resize", type=click.IntRange(min=1), metavar="N", help="Resize the short side to N."
    ),
    click.option(
        "--crop",
        type=click.IntRange(min=1),
        metavar="N",
        help="Crop the central N x N; smaller images are padded with zeros.",
    ),
    click.option(
        "--interpolation", type=choice(Interpolation), default="bilinear", help="Of --resize."
    ),
    click.option(
        "--max-pixels",
        type=click.IntRange(min=1),
        default=Pipeline().max_pixels,
        metavar="N",
        help="Larger images are skipped.",
    ),
)
on_error_option = click.option(
    "--on-error",
    type=click.Choice(["skip", "fail"]),
    default="skip",
    help="Unreadable files: skip and name them, or stop at the first.",
)
