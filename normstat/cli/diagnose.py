"""`normstat diagnose`: what does normalization do to training on this data?"""

import click

from normstat.cli.options import (
    PLACE,
    comma_separated,
    local_worker_options,
    presets_option,
    progress_option,
    quiet_option,
    screen_option,
)
from normstat.cli.screen import followed, print_json, print_text
from normstat.diagnosis import Diagnosis, diagnose
from normstat.diagnosis.examination import CROP_SCALE, SAMPLE
from normstat.errors import UsageError
from normstat.presets import load_catalogue
from normstat.spec.files import DEFAULT_PATH


def _scale(
    ctx: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[float, float]:
    """Return "0.08,1.0" as two numbers.

    >>> _scale(None, None, "0.08,1.0")
    (0.08, 1.0)
    """
    parts = comma_separated(ctx, parameter, value)
    try:
        low, high = map(float, parts)
    except ValueError:
        raise UsageError(
            f"--crop-scale {value!r} is not two shares of the area, as in 0.08,1.0"
        ) from None
    return low, high


@click.command(name="diagnose")
@click.argument("sources", metavar="[SPEC] [SRC]...", nargs=-1, type=PLACE)
@click.option(
    "--preset", "preset_names", multiple=True, metavar="NAME",
    help="A preset to look at beside the others; repeatable.",
)  # fmt: skip
@click.option("--simulate", is_flag=True, help="Also run gradient descent on sampled pixels.")
@click.option(
    "--crop-scale", default=",".join(map(str, CROP_SCALE)), metavar="MIN,MAX", callback=_scale,
    help="Share of the area of random crops, as of RandomResizedCrop.",
)  # fmt: skip
@click.option(
    "--sample", default=str(SAMPLE), metavar="N|P%", help="Images that pixels and crops are of."
)
@click.option(
    "--seed", type=click.IntRange(0, 2**53), default=0, metavar="N",
    help="Which images, pixels, crops and first weights.",
)  # fmt: skip
@screen_option("table", "json", "markdown")
@presets_option
@progress_option
@quiet_option
@local_worker_options
def command(
    *,
    sources: tuple[str, ...],
    preset_names: tuple[str, ...],
    preset_files: tuple[str, ...],
    simulate: bool,
    crop_scale: tuple[float, float],
    sample: str,
    seed: int,
    screen: str,
    progress: bool | None,
    quiet: bool,
    jobs: int | None,
    backend: str,
) -> None:
    """Show what normalization does to training on this data: proven, measured and observed.

    SPEC is normstat.json unless named. SRC are folders of images: alone they are measured, after a
    SPEC they are those that it describes. The learning rates are those of a linear neuron; the
    jitter is what normalizing each random crop by itself does to brightness and contrast.

    \b
      normstat diagnose
      normstat diagnose ./images --preset imagenet --simulate
      normstat diagnose normstat.json ./images --crop-scale 0.35,1
    """
    catalogue = load_catalogue(*preset_files)
    presets = [catalogue.find(name).spec() for name in preset_names]
    with followed(shown=progress, quiet=quiet) as watch:
        found = diagnose(
            *(sources or (DEFAULT_PATH,)),
            presets=presets,
            simulate=simulate,
            crop_scale=crop_scale,
            sample=sample,
            seed=seed,
            jobs=jobs,
            backend=backend,
            observer=watch,
        )
    if not quiet:
        _print(found, screen)


def _print(found: Diagnosis, screen: str) -> None:
    match screen:
        case "json":
            print_json(found)
        case "markdown":
            from normstat.reports.diagnosis_markup import markdown  # noqa: PLC0415

            click.echo(markdown(found), nl=False)
        case _:
            from normstat.reports.diagnosis_text import diagnosis_text  # noqa: PLC0415

            print_text(diagnosis_text(found))
