"""`normstat outliers`: which images are unlike the rest, and what do they do to mean and std?"""

import click
import msgspec

from normstat.cli.options import cache_option, progress_option, quiet_option, worker_options
from normstat.cli.screen import Progress, print_text
from normstat.errors import InterruptedRunError
from normstat.oddities import RULES, TOP, Outliers, outliers
from normstat.spec.files import DEFAULT_PATH, dump_text


def _rules_help() -> str:
    rows = (f"  {name}, +{rule.weight:g}: {rule.summary}" for name, rule in RULES.items())
    return "\b\n" + "\n".join(rows)


@click.command(name="outliers", epilog=f"Rules, and what they add to the score:\n\n{_rules_help()}")
@click.argument(
    "sources", metavar="[SPEC|TABLE] [SRC]...", nargs=-1, type=click.Path(readable=False)
)
@click.option(
    "--top", type=click.IntRange(min=1), default=TOP, metavar="N", help="How many images to show."
)
@click.option(
    "--format", "screen", type=click.Choice(["table", "json"]), default="table",
    help="What is printed on standard output.",
)  # fmt: skip
@worker_options
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
    cache: str | None,
    progress: bool | None,
    quiet: bool,
) -> None:
    """Find the images that are farthest from the rest, and what each does to mean and std.

    TABLE is what `compute --per-image` wrote. Of a SPEC (normstat.json unless named) the images
    are read again, from where it says or from SRC. SRC alone are folders of images, which are
    measured.

    The score is the largest robust z, of mean or std of a channel, plus what the rules add. The
    influence is exact: what the pooled mean and std of the dataset become without the image. Exit
    code 0 whatever is found.

    \b
      normstat outliers
      normstat outliers images.csv --top 5
      normstat outliers ./images --cache images.sqlite
    """
    watch = Progress(shown=progress, quiet=quiet)
    try:
        found = outliers(
            *(sources or (DEFAULT_PATH,)),
            top=top,
            jobs=jobs,
            backend=backend,
            cache=cache,
            observer=watch,
        )
    except KeyboardInterrupt:
        raise InterruptedRunError("interrupted; nothing was written") from None
    finally:
        watch.close()
    if not quiet:
        _print(found, screen)


def _print(found: Outliers, screen: str) -> None:
    if screen == "json":
        click.echo(dump_text(msgspec.to_builtins(found), yaml=False), nl=False)
        return
    from normstat.reports.outliers_text import outliers_text  # noqa: PLC0415

    print_text(outliers_text(found))
