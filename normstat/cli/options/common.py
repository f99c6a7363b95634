"""Options of many commands: what is read, what is written, and what is told."""

import click

from normstat.cli.options.values import PLACE, Named, choice, made_now, with_user_presets
from normstat.cli.sections import OTHERS, Decorator, under
from normstat.errors import OnError
from normstat.formats import FORMATS
from normstat.spec.files import DEFAULT_PATH

FORMAT = Named("format", FORMATS, "`normstat export --list` has them")
spec_argument = click.argument("spec_path", metavar="[SPEC]", default=str(DEFAULT_PATH), type=PLACE)


def screen_option(*kinds: str) -> Decorator:
    """Return the option that says what is printed; the first is the usual."""
    return click.option(
        "--format",
        "screen",
        type=click.Choice(kinds),
        default=kinds[0],
        help="What is printed on standard output.",
    )


format_option = screen_option("table", "json", "yaml", "none")
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
    type=FORMAT,
    metavar="NAME",
    help="What a configuration is that does not tell by its name and content.",
)
quiet_option = click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
on_error_option = click.option(
    "--on-error",
    type=choice(OnError),
    default="skip",
    help="Unreadable files: skip and name them, or stop at the first.",
)
merged_options = under(
    OTHERS,
    click.option(
        "-o",
        "--output",
        default=str(DEFAULT_PATH),
        type=PLACE,
        help="The spec to write, JSON or YAML by suffix; - prints it alone on standard output.",
    ),
    click.option(
        "--force", is_flag=True, help="Overwrite a file that is not a spec, or that is read here."
    ),
    stamp_option,
    format_option,
    quiet_option,
)
