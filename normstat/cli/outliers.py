"""`normstat outliers`: which images are unlike the rest, and what do they do to mean and std?"""

import click

from normstat.cli.options import (
    PLACE,
    cache_option,
    cluster_options,
    progress_option,
    quiet_option,
    screen_option,
    worker_options,
)
from normstat.cli.screen import followed, kept_in, print_json, print_text
from normstat.oddities import RULES, TOP, Outliers, outliers
from normstat.spec.files import DEFAULT_PATH


def _rules_help() -> str:
    rows = (f"  {name:8} +{rule.weight:<3g} {rule.summary}" for name, rule in RULES.items())
    return "\b\n" + "\n".join(rows)


@click.command(name="outliers", epilog=f"Rules, and what they add to the score:\n\n{_rules_help()}")
@click.argument("sources", metavar="[SPEC|TABLE] [SRC]...", nargs=-1, type=PLACE)
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=TOP,
    metavar="N",
    help="How many images to show; all are looked at.",
)
@screen_option("table", "json")
@worker_options
@cluster_options
@cache_option
@progress_option
@quiet_option
def command(
    *,
    sources: tuple[str, ...],
    top: int,
    screen: str,
    jobs: int | None,
    backend: str,
    address: str | None,
    timeout: float | None,
    cache: str | None,
    progress: bool | None,
    quiet: bool,
) -> None:
    """Find the images that are farthest from the rest, and what each does to mean and std.

    TABLE is what `normstat compute --per-image` wrote (.csv, .jsonl or .parquet). Of a SPEC
    (normstat.json unless named) the images are read again, from where it says or from SRC, and
    must be the same as then. SRC alone are folders of images, which are measured.

    z is how far the mean or std of an image is from the median over images, in robust standard
    deviations (1.4826 times the median absolute deviation). The score is the largest z of any
    channel, plus what the rules below add. The influence is exact: how much the mean and std of
    the dataset, over all pixels, change when the image is left out.

    An outlier is a question, not an error: the exit code is 0 whatever is found.

    \b
      normstat outliers
      normstat outliers images.csv --top 5
      normstat outliers ./images --cache images.sqlite
    """
    with followed(shown=progress, quiet=quiet, kept=kept_in(cache)) as watch:
        found = outliers(
            *(sources or (DEFAULT_PATH,)),
            top=top,
            jobs=jobs,
            backend=backend,
            address=address,
            timeout=timeout,
            cache=cache,
            observer=watch,
        )
    if not quiet:
        _print(found, screen)


def _print(found: Outliers, screen: str) -> None:
    if screen == "json":
        print_json(found)
        return
    from normstat.reports.outliers_text import outliers_text  # noqa: PLC0415 (not needed for json)

    print_text(outliers_text(found))
