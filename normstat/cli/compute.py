"""`normstat compute`: measure a dataset and write its spec."""

import os
from pathlib import Path
from typing import Any, Literal

import click

from normstat.cli.options import (
    cache_option,
    choice,
    cluster_options,
    comma_separated,
    force_option,
    format_option,
    list_options,
    mask_options,
    on_error_option,
    per_image_option,
    pipeline_options,
    progress_option,
    quiet_option,
    sampling_options,
    selection_options,
    stamp_option,
    storage_option,
    worker_options,
)
from normstat.cli.screen import followed, kept_in, write_spec
from normstat.cli.sections import NUMBERS, PART, Sectioned, under
from normstat.errors import UsageError
from normstat.measure import RECIPES
from normstat.measure import compute as measure
from normstat.products import check_target
from normstat.spec.files import DEFAULT_PATH, SPEC, shard_path
from normstat.spec.values import Ddof, Std, Weighting
from normstat.statistics.summary import PERCENTILES


@click.command(cls=Sectioned)
@click.argument("src", nargs=-1, type=click.Path(readable=False))
@click.option(
    "-o", "--output", type=click.Path(allow_dash=True, readable=False),
    help="The spec to write, JSON or YAML by suffix; - prints it alone on standard output.  "
    f"[default: {DEFAULT_PATH}, for a shard as {shard_path('3/16')}]",
)  # fmt: skip
@force_option
@stamp_option
@format_option
@quiet_option
@progress_option
@on_error_option
@selection_options
@list_options
@storage_option
@under(
    PART,
    click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Read only the first N."),
)
@sampling_options
@under(
    PART,
    click.option(
        "--shard", metavar="K/N",
        help="Read only the Kth of N parts; `normstat merge` adds them up.",
    ),
)  # fmt: skip
@pipeline_options
@mask_options
@under(
    NUMBERS,
    click.option(
        "--recipe", type=click.Choice(list(RECIPES)),
        help="imagenet: --resize 256 --crop 224 --weighting image --std mean-of-images.",
    ),
    click.option(
        "--weighting", type=choice(Weighting), help="What weighs the same.  [default: pixel]"
    ),
    click.option("--std", type=choice(Std), help="Which std is the headline.  [default: pooled]"),
    click.option(
        "--ddof", type=choice(Ddof), default="0", help="Variances are divided by n - ddof."
    ),
    click.option("--covariance", is_flag=True, help="Find the covariance of the channels too."),
    click.option(
        "--percentiles", default=",".join(PERCENTILES), metavar="LIST", callback=comma_separated,
        help="Percents from 0 to 100.",
    ),
    click.option(
        "--group-by", metavar="RULE",
        help="Measure each group alone too: parent or top (folders), regex:PATTERN (in the name), "
        "or csv:FILE:COLUMN (of a table with the names). What has no group is skipped.",
    ),
)  # fmt: skip
@per_image_option
@worker_options
@cluster_options
@cache_option
def compute(
    *,
    src: tuple[str, ...],
    output: str | None,
    force: bool,
    screen: str,
    quiet: bool,
    progress: bool | None,
    ddof: Literal["0", "1"],
    **options: Any,
) -> None:
    """Measure the images in SRC and write their spec.

    SRC are folders, files, tar and zip archives, Parquet files and URLs of any of these; braces
    stand for several. With --files-from it is the folder that the list's paths are relative to.

    The numbers are exact, and the same for any number of workers. The table on the screen and the
    spec hold the mean and std that were asked for and, labelled, the other definitions in
    circulation.

    \b
      normstat compute ./images
      normstat compute train/ -o train.yaml --exclude '*_mask.png'
      normstat compute 'shards/{000..015}.tar'
      normstat compute ./images --files-from train.txt
      normstat compute ./images --recipe imagenet
      normstat compute s3://bucket/train
      normstat compute ./images --group-by top
    """
    if not src and options["files_from"] is None:
        raise UsageError("name a SRC to measure, or a list: --files-from")
    shard = options["shard"]
    output = output or str(shard_path(shard) if shard else DEFAULT_PATH)
    if output != "-":
        check_target(Path(output), SPEC, force=force)
    if options["per_image"] and os.path.realpath(options["per_image"]) == os.path.realpath(output):
        raise UsageError(f"--per-image and -o are both {output}; name two files")
    with followed(shown=progress, quiet=quiet, kept=kept_in(options["cache"])) as watch:
        spec = measure(*src, ddof=1 if ddof == "1" else 0, force=force, observer=watch, **options)
    write_spec(spec, output, screen, force=force, quiet=quiet, speed=watch.speed)
