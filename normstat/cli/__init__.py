"""The command line: every command is loaded only when it runs, every error ends here."""

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, NoReturn

import click

from normstat import __version__
from normstat.errors import NormstatError, UsageError
from normstat.registry import Entry, Registry

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

COMMANDS = Registry(
    "command",
    {
        "compute": Entry("normstat.cli.compute:compute", "Measure a dataset and write its spec."),
        "show": Entry("normstat.cli.show:show", "Print what a spec holds."),
        "apply": Entry("normstat.cli.apply:apply", "Normalize images and store the values."),
        "compare": Entry("normstat.cli.compare:command", "Compare a spec with presets or specs."),
        "merge": Entry("normstat.cli.merge:merge", "Add specs up: shards, or datasets."),
        "subtract": Entry("normstat.cli.subtract:subtract", "Take a part out of a spec again."),
        "identify": Entry("normstat.cli.identify:identify", "Say which preset some numbers are."),
        "lint": Entry("normstat.cli.lint:lint", "Check the constants in code and configurations."),
        "diff": Entry("normstat.cli.diff:diff", "Are two configurations the same preprocessing?"),
        "export": Entry("normstat.cli.export:export", "Write the numbers for a framework."),
        "diagnose": Entry(
            "normstat.cli.diagnose:command", "Show what normalization does to training."
        ),
        "outliers": Entry(
            "normstat.cli.outliers:command", "Find the images that are unlike the rest."
        ),
        "report": Entry("normstat.cli.report:report", "Write a page about specs, to look at."),
        "validate": Entry(
            "normstat.cli.validate:validate", "Check that a spec is sound and still true."
        ),
        "cache": Entry("normstat.cli.cache:cache", "Look into a cache, or clear it up."),
        "presets": Entry("normstat.cli.presets:presets", "List published normalizations."),
        "schema": Entry("normstat.cli.schema:schema", "Print the JSON Schema of specs."),
    },
)


_CLOSED_PIPE = 128 + 13  # as a shell reports a program that SIGPIPE ended
_AGAIN = 0.02  # seconds


class LazyGroup(click.Group):
    """A group that knows its commands by name and summary, and imports the one that is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        command: click.Command = COMMANDS.load(cmd_name)
        _take_from_environment(command, f"NORMSTAT_{cmd_name}")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            COMMANDS.load(args[0])  # says what was meant
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UsageError as error:
            words = ["normstat", ctx.invoked_subcommand or "", "--help"]
            hint = f"Try '{' '.join(filter(None, words))}' for help."
            raise UsageError(f"{error}\n{hint}") from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "show_default": True,
    },
    epilog="Every option can come from the environment, as NORMSTAT_COMPUTE_JOBS=4. "
    "Exit codes: 0 yes, 1 no, 2 wrong usage, 3 could not be done, 130 interrupted.",
)
@click.version_option(__version__, message="normstat %(version)s")
def normstat() -> None:
    """The numbers an image dataset should be normalized with."""


def _take_from_environment(command: click.Command, prefix: str) -> None:
    """Let every option come from the variable that is named as it is.

    click by itself goes by the name of the parameter in the code; and a NORMSTAT_VERSION, which is
    somebody's own, would end each run with our version.
    """
    for option in command.params:
        if isinstance(option, click.Option):
            name = max(option.opts, key=len).lstrip("-")
            option.envvar = f"{prefix}_{name}".replace("-", "_").upper()
    for name, each in command.commands.items() if isinstance(command, click.Group) else ():
        _take_from_environment(each, f"{prefix}_{name}")


def main(args: list[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A file name that the terminal cannot show must not end a run.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    signal.signal(signal.SIGTERM, _terminated)
    sys.unraisablehook = _deliver_again
    try:
        code = normstat.main(args, prog_name="normstat", standalone_mode=False) or 0
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except SystemExit as error:
        # click answers a closed pipe with 1, which here would mean "no".
        code = _CLOSED_PIPE if error.code == 1 else error.code
    except click.Abort:
        code = _complain("interrupted", 130)
    except NormstatError as error:
        code = _complain(str(error), error.exit_code)
    except OSError as error:
        place = error.filename or "standard output"
        code = _complain(f"{place}: {error.strerror}", NormstatError.exit_code)
        sys.stdout = None  # nothing more can be written at exit
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)  # what is left is Python's to tidy, without a word
    sys.exit(code)


def _terminated(number: int, frame: object) -> NoReturn:  # noqa: ARG001 (a handler's signature)
    """End as Ctrl-C does, so that no worker outlives a `kill` or a `timeout`."""
    raise SystemExit(128 + number)


def _deliver_again(ignored: "UnraisableHookArgs") -> None:
    """Let a Ctrl-C or a `kill` be heard that arrived in a destructor, where Python drops it."""
    if isinstance(ignored.exc_value, KeyboardInterrupt | SystemExit):
        is_interrupt = isinstance(ignored.exc_value, KeyboardInterrupt)
        number = signal.SIGINT if is_interrupt else signal.SIGTERM
        again = threading.Timer(_AGAIN, os.kill, [os.getpid(), number])
        again.daemon = True
        again.start()
    else:
        sys.__unraisablehook__(ignored)


def _complain(text: str, code: int) -> int:
    click.echo(f"Error: {text}", err=True)
    return code
