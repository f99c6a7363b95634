"""Options that several commands share, and the words that their values are made of.

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

from normstat.backends import BACKENDS, LOCAL
from normstat.cli.sections import (
    FILES,
    MASKS,
    NUMBERS,
    OTHERS,
    PART,
    PIXELS,
    WORKERS,
    Decorator,
    under,
)
from normstat.errors import OnError
from normstat.formats import FORMATS
from normstat.sources.selection import EXTENSIONS
from normstat.spec.files import DEFAULT_PATH
from normstat.spec.model import (
    LEVEL,
    Alpha,
    Channels,
    Frames,
    Interpolation,
    Mode,
    Pipeline,
    Stamp,
)


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
force_option = click.option("--force", is_flag=True, help="Overwrite a file that is not a spec.")
stamp_option = click.option(
    "--stamp",
    is_flag=True,
    callback=made_now,
    help="Note time and host in the spec, which then differs each time.",
)
presets_option = click.option(
    "--presets",
    "preset_files",
    multiple=True,
    metavar="FILE",
    callback=with_user_presets,
    help=f"A YAML file of own presets, beside presets.yaml in {click.get_app_dir('normstat')}.",
)
from_option = click.option(
    "--from",
    "source_format",
    type=click.Choice(list(FORMATS)),
    metavar="NAME",
    help="What a configuration is that does not tell by its name and content.",
)
quiet_option = click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
merged_options = under(
    OTHERS,
    click.option(
        "-o",
        "--output",
        default=str(DEFAULT_PATH),
        type=click.Path(allow_dash=True, readable=False),
        help="The spec to write, JSON or YAML by suffix; - prints it alone on standard output.",
    ),
    click.option(
        "--force", is_flag=True, help="Overwrite a file that is not a spec, or that is read here."
    ),
    stamp_option,
    format_option,
    quiet_option,
)


def _workers(backends: Iterable[str], more: str = "") -> Decorator:
    return under(
        WORKERS,
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
cluster_options = under(
    WORKERS,
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
cache_option = under(
    WORKERS,
    click.option(
        "--cache",
        metavar="FILE",
        type=click.Path(readable=False),
        help="Keep what is found of each image in FILE; the next run reads only what is new or "
        "changed, and one that was stopped goes on.",
    ),
)
storage_option = under(
    FILES,
    click.option(
        "--storage-options",
        metavar="JSON",
        callback=json_object,
        help="What remote stores are opened with, as fsspec takes it; never written anywhere.",
    ),
)
selection_options = under(
    FILES,
    click.option("--include", multiple=True, metavar="GLOB", help="Read only what matches."),
    click.option("--exclude", multiple=True, metavar="GLOB", help="Leave out what matches."),
    click.option(
        "--extensions",
        default=",".join(EXTENSIONS),
        metavar="LIST",
        callback=names,
        help="Suffixes to look for; a . stands for names without one, as DICOM files have them.",
    ),
    click.option(
        "--follow-symlinks", is_flag=True, help="Enter linked folders; loops are harmless."
    ),
    click.option("--hidden", is_flag=True, help="Read names that start with a dot."),
)
sampling_options = under(
    PART,
    click.option(
        "--sample", metavar="N|P%", help="Read a random sample of N images, or of P percent."
    ),
    click.option(
        "--tolerance",
        type=click.FloatRange(min=0, min_open=True),
        metavar="T",
        help="Read a random sample until every channel's mean and std is known within ± T.",
    ),
    click.option(
        "--confidence",
        type=click.FloatRange(0, 1, min_open=True, max_open=True),
        default=LEVEL,
        metavar="P",
        help="Probability that the ± holds.",
    ),
    click.option(
        "--seed", type=click.IntRange(0, 2**53), default=0, help="Which sample.", metavar="N"
    ),
    click.option("--stratify", is_flag=True, help="Sample each folder in proportion."),
)
list_options = under(
    FILES,
    click.option(
        "--files-from",
        metavar="LIST",
        help="Read the images that a list names: text with a path a line, - for standard input, "
        "or a column of CSV, TSV or JSON Lines.",
    ),
    click.option("-0", "--null", is_flag=True, help="The paths of the list end with a NUL."),
    click.option(
        "--column",
        metavar="NAME",
        help="The list's column of paths, or a Parquet file's of images.  [default: the only one]",
    ),
)
pipeline_options = under(
    PIXELS,
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
        help="Images of which more would be decoded at once are skipped; a larger TIFF is read by "
        "tiles or strips.",
    ),
    click.option(
        "--channels",
        type=choice(Channels),
        default="auto",
        help="native keeps every channel of a file: alpha, infrared, ink.",
    ),
    click.option(
        "--bands",
        metavar="LIST",
        callback=names,
        help="Bands to read, in this order: names, or numbers from 1. Files without names of their "
        "own get these.",
    ),
    click.option(
        "--frames",
        type=choice(Frames),
        default="first",
        help="Of animations and of TIFFs with pages: all of a file count as one image.",
    ),
    click.option(
        "--max-pixel-value",
        type=click.FloatRange(min=0, min_open=True),
        metavar="M",
        help="What codes are divided by: 4095 for 12 bits in 16.  [default: the largest code that "
        "the file could hold; 1 for floats]",
    ),
    click.option(
        "--nodata",
        type=float,
        metavar="VALUE",
        help="The value that stands for none.  [default: what the file says]",
    ),
    click.option(
        "--channel-axis",
        metavar="K|none",
        callback=array_axis,
        help="Of arrays, from 0, or from -1 at the end.  [default: the last of H x W x C and of "
        "N x H x W x C]",
    ),
    click.option(
        "--image-axis",
        metavar="K|none",
        callback=array_axis,
        help="Along which the images of an array lie.  [default: the first of N x H x W x C]",
    ),
    click.option(
        "--columns",
        metavar="LIST",
        callback=names,
        help="Read tables (CSV, TSV, Parquet): these columns are the channels; f* stands for "
        "several.",
    ),
    under(
        MASKS,
        click.option(
            "--ignore-value",
            type=float,
            metavar="VALUE",
            help="Leave out pixels of which every channel has this code.",
        ),
    ),
)
per_image_option = under(
    NUMBERS,
    click.option(
        "--per-image",
        metavar="FILE",
        type=click.Path(readable=False),
        help="Write a row of each image to FILE, .csv, .jsonl or .parquet: size, mode, and of each "
        "channel mean, std, min, max and clipped shares.",
    ),
)
mask_options = under(
    MASKS,
    click.option(
        "--mask-dir",
        metavar="DIR",
        type=click.Path(readable=False),
        help="Count only pixels whose mask is not zero: a folder or archive of masks, under the "
        "relative names of the images with any suffix.",
    ),
    click.option(
        "--mask-suffix",
        metavar="TEXT",
        help="The stems of masks end with this, as _mask; without --mask-dir they lie next to "
        "their images.",
    ),
    click.option(
        "--labels",
        metavar="LIST",
        callback=names,
        help="Count only pixels whose mask has one of these labels.",
    ),
    click.option(
        "--ignore-label",
        type=int,
        metavar="N",
        help="Leave out pixels whose mask has this label; alone, all others count.",
    ),
)
on_error_option = click.option(
    "--on-error",
    type=choice(OnError),
    default="skip",
    help="Unreadable files: skip and name them, or stop at the first.",
)
