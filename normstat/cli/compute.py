"""`normstat compute`: measure a dataset and write its spec."""

import os
from pathlib import Path
from typing import Any, Literal

import click

from normstat.cli.options import (
    PLACE,
    cache_option,
    cluster_options,
    force_option,
    format_option,
    list_options,
    mask_options,
    on_error_option,
    part_options,
    pipeline_options,
    progress_option,
    quiet_option,
    selection_options,
    stamp_option,
    storage_option,
    worker_options,
)
from normstat.cli.options.numbers import number_options
from normstat.cli.screen import followed, kept_in, write_spec
from normstat.cli.sections import Sectioned
from normstat.errors import UsageError
from normstat.measure import compute as measure
from normstat.products import check_target
from normstat.spec.files import DEFAULT_PATH, SPEC, shard_path


@click.command(cls=Sectioned)
@click.argument("src", nargs=-1, type=PLACE)
@click.option(
    "-o", "--output", type=PLACE,
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
@part_options
@pipeline_options
@mask_options
@number_options
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
    shard = options["shard"]
    output = output or str(shard_path(shard) if shard else DEFAULT_PATH)
    if output != "-":
        check_target(Path(output), SPEC, force=force)
    if options["per_image"] and os.path.realpath(options["per_image"]) == os.path.realpath(output):
        raise UsageError(f"--per-image and -o are both {output}; name two files")
    with followed(shown=progress, quiet=quiet, kept=kept_in(options["cache"])) as watch:
        spec = measure(*src, ddof=1 if ddof == "1" else 0, force=force, observer=watch, **options)
    write_spec(spec, output, screen, force=force, quiet=quiet, speed=watch.speed)
