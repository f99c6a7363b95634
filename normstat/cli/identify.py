"""`normstat identify`: which published normalization are these numbers?"""

import sys

import click
import msgspec

from normstat.cli.options import presets_option, screen_option
from normstat.cli.screen import print_json, print_text
from normstat.errors import UsageError
from normstat.identification import Known, parse_numbers
from normstat.presets import load_catalogue
from normstat.spec.files import file_and_group, load_constants


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("numbers", nargs=-1, required=True, type=click.UNPROCESSED)
@screen_option("table", "json")
@presets_option
@click.pass_context
def identify(
    ctx: click.Context, *, numbers: tuple[str, ...], screen: str, preset_files: tuple[str, ...]
) -> None:
    """Say which preset NUMBERS are, or which slip made them out of one.

    NUMBERS are a mean and a std, as people paste them, or a spec file, or - for text on standard
    input. Numbers equal a preset's when each is within 1e-6 of the range (0–1 or 0–255), in
    whatever range and order; the answer says which. The exit code is 0 when they do, else 1.

    \b
      normstat identify 0.485,0.456,0.406 0.229,0.224,0.225
      normstat identify "mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]"
      normstat identify normstat.json
    """
    known = Known(preset.spec() for preset in load_catalogue(*preset_files))
    if len(numbers) == 1 and file_and_group(numbers[0])[0].is_file():
        spec = load_constants(numbers[0])
        found = known.identify(spec.mean, spec.std)
    else:
        words = sys.stdin.read().split() if numbers == ("-",) else list(numbers)
        if unknown := next((word for word in words if word.startswith("--")), None):
            raise UsageError(f"no such option: {unknown}")
        found = known.identify(*parse_numbers(words))
    near = () if found.readings else known.nearest(found)
    if screen == "json":
        answer = {"equal": found.equal, **msgspec.to_builtins(found)}
        answer["nearest"] = msgspec.to_builtins(near)
        print_json(answer)
    else:
        from normstat.reports.identification_text import identification_text  # noqa: PLC0415

        print_text(identification_text(found, near))
    if not found.equal:
        ctx.exit(1)
