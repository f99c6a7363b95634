"""`normstat compute`: measure a dataset and write its spec."""

from datetime import UTC, datetime
from pathlib import Path
from socket import gethostname
from typing import Any, Literal

import click

from normstat.cli.options import (
    cache_option,
    choice,
    cluster_options,
    comma_separated,
    format_option,
    on_error_option,
    pipeline_options,
    progress_option,
    quiet_option,
    selection_options,
    worker_options,
)
from normstat.cli.screen import Progress, print_spec
from normstat.errors import InterruptedRunError
from normstat.measure import RECIPES
from normstat.measure import compute as measure
from normstat.spec.files import DEFAULT_PATH, check_target, dumps, save
from normstat.spec.model import Ddof, Stamp, Std, Weighting
from normstat.statistics.summary import PERCENTILES


@click.command()
@click.argument("src", nargs=-1, required=True, type=click.Path(readable=False))
@click.option(
    "-o", "--output", default=str(DEFAULT_PATH), type=click.Path(allow_dash=True, readable=False),
    help="The spec to write, JSON or YAML by suffix; - prints it alone on standard output.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Overwrite a file that is not a spec.")
@click.option(
    "--stamp", is_flag=True, help="Note time and host in the spec, which then differs each time."
)
@format_option
@quiet_option
@progress_option
@worker_options
@cluster_options
@cache_option
@selection_options
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Read only the first N.")
@click.option(
    "--recipe", type=click.Choice(list(RECIPES)),
    help="imagenet: --resize 256 --crop 224 --weighting image --std mean-of-images.",
)  # fmt: skip
@pipeline_options
@click.option("--weighting", type=choice(Weighting), help="What weighs the same.  [default: pixel]")
@click.option("--std", type=choice(Std), help="Which std is the headline.  [default: pooled]")
@click.option("--ddof", type=choice(Ddof), default="0", help="Variances are divided by n - ddof.")
@click.option("--covariance", is_flag=True, help="Find the covariance of the channels too.")
@click.option(
    "--percentiles", default=",".join(PERCENTILES), metavar="LIST", callback=comma_separated,
    help="Percents from 0 to 100.",
)  # fmt: skip
@on_error_option
def compute(
    *,
    src: tuple[str, ...],
    output: str,
    force: bool,
    stamp: bool,
    screen: str,
    quiet: bool,
    progress: bool | None,
    ddof: Literal["0", "1"],
    **options: Any,
) -> None:
    """Measure the images in SRC (folders, files or both) and write their spec.

    The numbers are exact, and the same for any number of workers. The table on the screen and the
    spec hold the mean and std that were asked for and, labelled, the other definitions in
    circulation.

    \b
      normstat compute ./images
      normstat compute train/ -o train.yaml --exclude '*_mask.png'
      normstat compute ./images --recipe imagenet
    """
    if output != "-":
        check_target(Path(output), force=force)
    watch = Progress(shown=progress, quiet=quiet)
    made = None
    if stamp:
        made = Stamp(time=datetime.now(UTC).isoformat(timespec="seconds"), host=gethostname())
    try:
        spec = measure(*src, ddof=1 if ddof == "1" else 0, stamp=made, observer=watch, **options)
    except KeyboardInterrupt:
        kept = "nothing was written; --cache FILE keeps what is done"
        if watch.in_cache:
            kept = (
                f"{watch.in_cache:,} are in {options['cache']}; the same command goes on from there"
            )
        raise InterruptedRunError(
            f"interrupted after {watch.images:,} of {watch.total:,} images; {kept}"
        ) from None
    finally:
        watch.close()
    if output == "-":
        click.echo(dumps(spec, yaml=screen == "yaml"), nl=False)
        return
    save(spec, output, force=force)
    if not quiet:
        print_spec(spec, screen, watch.speed)
        click.echo(f"wrote {output}", err=True)
