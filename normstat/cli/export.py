"""`normstat export`: the numbers as a framework wants them."""

from pathlib import Path
from typing import Any

import click

from normstat.cli.options import (
    FORMAT,
    PLACE,
    from_option,
    presets_option,
    progress_option,
    quiet_option,
)
from normstat.cli.screen import note, print_text
from normstat.cli.sides import side
from normstat.comparison import Candidate
from normstat.errors import UsageError
from normstat.formats.exports import Export, store, targets, updated
from normstat.formats.exports import export as export_constants
from normstat.presets import load_catalogue
from normstat.spec.files import DEFAULT_PATH


@click.command()
@click.argument("spec", metavar="[SPEC|PRESET]", required=False, type=PLACE)
@click.option("--to", type=FORMAT, metavar="NAME", help="The framework; see --list.")
@click.option(
    "-o", "--output", metavar="FILE", type=PLACE,
    help="Write there; - is standard output.  [default: -]",
)  # fmt: skip
@click.option(
    "--update", metavar="FILE", type=PLACE,
    help="Change only the normalization in this configuration, in place unless -o is given; "
    "everything else stays as it is.",
)  # fmt: skip
@click.option(
    "--list",
    "listed",
    is_flag=True,
    help="List the frameworks, their formulas, and their errors for SPEC.",
)
@click.option(
    "--max-error", type=click.FloatRange(min=0), default=1e-6, metavar="E",
    help="Exit with 1, writing nothing, when a value would be off by more (normalized units).",
)  # fmt: skip
@click.option("--allow-error", is_flag=True, help="Write it however far it is off.")
@click.option("--force", is_flag=True, help="Replace a file that has other content.")
@from_option
@presets_option
@progress_option
@quiet_option
@click.pass_context
def export(
    ctx: click.Context,
    *,
    spec: str | None,
    to: str | None,
    output: str | None,
    update: str | None,
    listed: bool,
    max_error: float,
    allow_error: bool,
    force: bool,
    source_format: str | None,
    preset_files: tuple[str, ...],
    progress: bool | None,
    quiet: bool,
) -> None:
    """Write the normalization of SPEC (normstat.json by default) for a framework.

    What is printed has been read back and compared with the spec for every code. A framework with
    one scale for all channels gets the best one, and the largest error is told.

    \b
      normstat export --to torchvision
      normstat export imagenet --to timm --update config.json
      normstat export clip --to openvino -o preprocess.py
      normstat export imagenet --list
    """

    def source_of(name: str) -> Candidate:
        catalogue = load_catalogue(*preset_files)
        return side(name, catalogue, source_format, progress=progress, quiet=quiet)

    if listed:
        _list(source_of(spec) if spec else None)
        return
    if to is None:
        raise UsageError("--to NAME says for which framework; `normstat export --list` has them")
    source = source_of(spec or str(DEFAULT_PATH))
    result = updated(source.spec, to, update) if update else export_constants(source.spec, to)
    if result.error > max_error and not allow_error:
        click.echo(
            f"{to}: {result.said}, above {max_error:g}; nothing was written. "
            "--allow-error writes it",
            err=True,
        )
        ctx.exit(1)
    if not quiet:
        note((*source.warnings, *result.notes))
    _write(result, update, output, force=force, quiet=quiet)


def _write(result: Export, update: str | None, output: str | None, **how: Any) -> None:
    target = output or update or "-"
    if target == "-":
        if result.binary:
            raise UsageError(f"{result.format} is not text: name a file with -o")
        click.echo(result.text, nl=False)
    else:
        store(result, Path(target), replace=how["force"] or (update is not None and output is None))
    if how["quiet"]:
        return
    for change in result.changes:
        old = "not given" if change.old is None else change.old
        click.echo(f"{change.field}: {old} -> {change.new}", err=target == "-")
    if update is not None and not result.changes:
        click.echo(f"{update}: has these numbers already", err=True)
    if target != "-":
        click.echo(f"wrote {target} ({result.format})", err=True)


def _list(source: Candidate | None) -> None:
    from normstat.reports.formats_text import targets_text  # noqa: PLC0415

    rows = targets(source.spec if source else None)
    print_text(targets_text(rows, source.name if source else None))
