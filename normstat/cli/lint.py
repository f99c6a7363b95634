"""`normstat lint`: are the normalization constants in this code right?"""

from pathlib import Path
from typing import Any

import click

from normstat.cli.options import PLACE, presets_option, quiet_option
from normstat.cli.options.values import split
from normstat.cli.screen import print_json, print_text
from normstat.linting import lint as find
from normstat.linting.model import SEVERITIES, Report
from normstat.linting.settings import find_settings, read_settings
from normstat.names import printable

_FAIL_ON = (*reversed(SEVERITIES), "never")


@click.command()
@click.argument("paths", nargs=-1, type=PLACE)
@click.option("--select", metavar="CODES", help="Only these codes, as NS001,NS003 or NS00.")
@click.option("--ignore", metavar="CODES", help="Not these codes.")
@click.option(
    "--fail-on",
    type=click.Choice(_FAIL_ON),
    help="Exit with 1 from this severity on.  [default: warning]",
)
@click.option(
    "--expect",
    metavar="SPEC",
    help="The project's own spec: NS008 tells of numbers that differ from it.",
)
@click.option(
    "--exclude", multiple=True, metavar="GLOB", help="Leave out what matches; repeatable."
)
@click.option("--hidden", is_flag=True, help="Read names that start with a dot.")
@click.option("--pairs", is_flag=True, help="Tell of every pair what it is.")
@click.option("--list", "list_rules", is_flag=True, help="List the codes and stop.")
@click.option(
    "--format",
    "screen",
    type=click.Choice(["text", "json", "github", "sarif"]),
    default="text",
    help="What is printed; github makes annotations of a workflow, sarif is for code scanning.",
)
@click.option(
    "-j", "--jobs", type=click.IntRange(min=1),
    help="Processes.  [default: 1, and for large trees the cores this process may use]",
)  # fmt: skip
@presets_option
@quiet_option
@click.pass_context
def lint(
    ctx: click.Context,
    /,
    *,
    paths: tuple[str, ...],
    list_rules: bool,
    screen: str,
    pairs: bool,
    quiet: bool,
    preset_files: tuple[str, ...],
    **options: Any,
) -> None:
    """Check the normalization constants in PATHS, by default the working folder.

    Python, notebooks, JSON, YAML and TOML are read, never run. Each mean and std is compared with
    the known presets, and findings have codes. `# normstat: ignore[NS001]` on a line silences a
    code there, `# normstat: ignore` all of them. Options may stand in [tool.normstat] of
    pyproject.toml: select, ignore, exclude, expect, fail-on.

    \b
      normstat lint src configs
      normstat lint --expect normstat.json --format github
      normstat lint --pairs --fail-on never
    """
    if list_rules:
        _print_rules()
        return
    chosen = _with_settings(options)
    fail_on = chosen.pop("fail-on")
    report = find(*paths, preset_files=preset_files, **chosen)
    if not quiet:
        _print(report, screen, pairs=pairs)
        if screen in {"text", "json"}:
            for notice in report.notices:
                click.echo(f"{printable(notice.path)}: {printable(notice.text)}", err=True)
    if report.fails(fail_on):
        ctx.exit(1)


def _with_settings(options: dict[str, Any]) -> dict[str, Any]:
    """Return options by what was typed, else by pyproject.toml, else by default."""
    path = find_settings(Path())
    settings = read_settings(path) if path else {}
    chosen: dict[str, Any] = {"hidden": options["hidden"], "jobs": options["jobs"]}
    for name in ("select", "ignore"):
        chosen[name] = split(options[name] or "") or tuple(settings.get(name, ()))
    chosen["exclude"] = (*settings.get("exclude", ()), *options["exclude"])
    chosen["fail-on"] = options["fail_on"] or settings.get("fail-on", "warning")
    chosen["expect"] = options["expect"] or settings.get("expect") or None
    return chosen


def _print_rules() -> None:
    from normstat.reports.lint_text import rules_text  # noqa: PLC0415 (loads rich)

    print_text(rules_text())


def _print(report: Report, screen: str, *, pairs: bool) -> None:
    from normstat.reports.lint_markup import github, sarif  # noqa: PLC0415
    from normstat.reports.lint_text import lint_text  # noqa: PLC0415 (loads rich)

    match screen:
        case "json":
            print_json(report)
        case "github":
            click.echo(github(report), nl=False)
        case "sarif":
            click.echo(sarif(report), nl=False)
        case _:
            print_text(lint_text(report, pairs=pairs), soft_wrap=True)
