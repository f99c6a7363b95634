"""Help of commands with many options: these stand under headings."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

WORKERS = "Workers"
FILES = "Which files"
PART = "How many of them"
PIXELS = "How files become pixels"
MASKS = "Which pixels count"
NUMBERS = "Which numbers"
METHOD = "What is done"
VALUES = "How values are stored"
OTHERS = "Options"


class Sectioned(click.Command):
    """A command whose help has its options under their headings, in the order of the first."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                sections[getattr(parameter, "heading", OTHERS)].append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)


def under(heading: str, *options: Decorator) -> Decorator:
    """Return options as one decorator, in the order of the help, which has them under a heading."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
            parameters = command.__click_params__  # type: ignore[attr-defined]
            if not hasattr(parameters[-1], "heading"):
                parameters[-1].heading = heading
        return command

    return decorate
