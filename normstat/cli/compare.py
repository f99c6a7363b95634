"""`normstat compare`: how far are these numbers from those, and is that too far?"""

import os
from pathlib import Path

import click

from normstat.cli.options import PLACE, from_option, presets_option, progress_option, quiet_option
from normstat.cli.screen import note, print_json, print_text
from normstat.cli.sides import side
from normstat.comparison import Candidate, compare, rank
from normstat.errors import SourceError, UsageError
from normstat.gate import Report, judge, parse_rule, report
from normstat.metrics import METRICS
from normstat.presets import Catalogue, load_catalogue
from normstat.spec.files import DEFAULT_PATH

_SUMMARY = "GITHUB_STEP_SUMMARY"


def _metrics_help() -> str:
    rows = (f"  {name}: {metric.title}; good is {metric.good}" for name, metric in METRICS.items())
    return "\b\n" + "\n".join(rows)


@click.command(name="compare", epilog=f"Metrics:\n\n{_metrics_help()}")
@click.argument("a", required=False, type=PLACE)
@click.argument("b", nargs=-1, type=PLACE)
@click.option(
    "--preset", "preset_names", multiple=True, metavar="NAME", help="A preset as B; repeatable."
)
@click.option(
    "--fail-on",
    "rules",
    multiple=True,
    metavar="RULE",
    help="Exit with 1 when METRIC>NUMBER is true in any channel, as in 'shift>0.1'; repeatable. "
    "gain counts in both directions.",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    metavar="T",
    help="Exit with 1 when a mean or std differs by more than T (units 0 to 1).",
)
@click.option(
    "--significant", is_flag=True, help="Rules count only differences beyond sampling noise."
)
@click.option(
    "--format",
    "screen",
    type=click.Choice(["table", "json", "markdown", "github", "junit"]),
    default="table",
    help=f"github also appends Markdown to the file that {_SUMMARY} names.",
)
@from_option
@presets_option
@progress_option
@quiet_option
@click.pass_context
def command(
    ctx: click.Context,
    *,
    a: str | None,
    b: tuple[str, ...],
    preset_names: tuple[str, ...],
    preset_files: tuple[str, ...],
    source_format: str | None,
    rules: tuple[str, ...],
    tolerance: float | None,
    significant: bool,
    screen: str,
    progress: bool | None,
    quiet: bool,
) -> None:
    """Compare the data of A with the numbers of each B.

    A and B are specs, configurations of frameworks, presets, or folders, which are measured.
    Without A it is normstat.json; without B every preset with the same channels, the nearest
    first. SPEC#GROUP is one group of a spec. Exit code 1 when a rule (--fail-on, --tolerance) is
    broken; without a rule always 0.

    \b
      normstat compare
      normstat compare --preset imagenet --fail-on 'shift>0.5'
      normstat compare train.json val.json --tolerance 0.01 --significant
      normstat compare normstat.json#train normstat.json#val
    """
    parsed = [parse_rule(rule) for rule in rules]
    gated = bool(parsed) or tolerance is not None
    if gated and not b and not preset_names:
        raise UsageError("a rule needs something to compare with: name B, or --preset NAME")
    if significant and not gated:
        raise UsageError("--significant belongs to a rule: --fail-on or --tolerance")
    catalogue = load_catalogue(*preset_files)
    chosen = [_preset(catalogue, name) for name in preset_names]
    sides = [
        side(name, catalogue, source_format, progress=progress, quiet=quiet)
        for name in (a or str(DEFAULT_PATH), *b)
    ]
    first, others = sides[0], sides[1:] + chosen
    specs = [preset.spec() for preset in catalogue]
    pairs = [compare(first, other, specs) for other in others] or rank(first, specs)
    if not quiet:
        note({each: None for pair in pairs for each in pair.assumed})
    gate = judge(pairs, parsed, tolerance=tolerance, significant=significant) if gated else None
    if not quiet:
        _print(report(pairs, gate, ranked=not others), screen)
    if gate and not gate.passed:
        ctx.exit(1)


def _preset(catalogue: Catalogue, name: str) -> Candidate:
    preset = catalogue.find(name)
    return Candidate(name=preset.name, spec=preset.spec())


def _print(answer: Report, screen: str) -> None:
    from normstat.reports.comparison_markup import github, junit, markdown  # noqa: PLC0415
    from normstat.reports.comparison_text import report_text  # noqa: PLC0415 (loads rich)

    match screen:
        case "json":
            print_json(answer)
        case "markdown":
            click.echo(markdown(answer), nl=False)
        case "junit":
            click.echo(junit(answer), nl=False)
        case "github":
            click.echo(github(answer), nl=False)
            _append_summary(markdown(answer))
        case _:
            print_text(report_text(answer))


def _append_summary(text: str) -> None:
    summary = os.environ.get(_SUMMARY)
    if not summary:
        return
    try:
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise SourceError(f"{summary}, named by {_SUMMARY}: {error.strerror}") from error
