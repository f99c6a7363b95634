"""`normstat report`: a page about specs."""

import os
import sys
from pathlib import Path

import click

from normstat.cli.options import PLACE, choice, presets_option, progress_option, quiet_option
from normstat.cli.screen import followed
from normstat.errors import UsageError
from normstat.presets import load_catalogue
from normstat.reports.page.document import SUFFIXES, Format, check_format, check_place, store
from normstat.reports.page.document import report as report_of
from normstat.spec.files import DEFAULT_PATH


@click.command()
@click.argument("specs", metavar="[SPEC]...", nargs=-1, type=PLACE)
@click.option(
    "-o", "--output", metavar="FILE", type=PLACE,
    help="The file to write; - is standard output.  [default: report and the format's suffix]",
)  # fmt: skip
@click.option(
    "--format", "kind", type=choice(Format), default=None,
    help="html is one file that needs nothing else, png one figure.  [default: by the suffix of "
    "-o, else html]",
)  # fmt: skip
@click.option(
    "--images/--no-images", default=True,
    help="Show a few images and outliers, where the images still are what the spec says.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Overwrite a file that is not a report.")
@presets_option
@progress_option
@quiet_option
def report(
    *,
    specs: tuple[str, ...],
    output: str | None,
    kind: Format | None,
    images: bool,
    force: bool,
    preset_files: tuple[str, ...],
    progress: bool | None,
    quiet: bool,
) -> None:
    """Write a page about SPEC (normstat.json by default); several are shown side by side.

    The page has the numbers ready to copy, the distributions, the nearest presets, what was
    skipped and how all was measured. It opens from disk, fetches nothing and runs nothing. A SPEC
    can also be a folder, which is measured.

    \b
      normstat report
      normstat report train.json val.json -o report.html
      normstat report --format png -o figure.png
    """
    kind = kind or _by_suffix(output)
    check_format(kind)
    target = output or f"report{SUFFIXES[kind]}"
    inputs = specs or (str(DEFAULT_PATH),)
    if target != "-":
        check_place(Path(target), force=force, inputs=inputs, kind=kind)
    elif kind == "png" and os.isatty(1):
        raise UsageError("png is not text: name a file with -o, or redirect the output")
    with followed(shown=progress, quiet=quiet) as watch:
        content = report_of(
            *inputs,
            format=kind,
            images=images,
            catalogue=load_catalogue(*preset_files),
            observer=watch,
        )
    if target == "-":
        sys.stdout.buffer.write(content)
        return
    store(content, Path(target))
    if not quiet:
        click.echo(f"wrote {target}", err=True)


def _by_suffix(output: str | None) -> Format:
    """Return the format that a file's name says; html when it says nothing.

    >>> _by_suffix("a.PNG"), _by_suffix("page"), _by_suffix("-"), _by_suffix(None)
    ('png', 'html', 'html', 'html')
    """
    suffix = Path(output or "").suffix.lower()
    found = next((kind for kind, known in SUFFIXES.items() if known == suffix), None)
    if suffix and found is None and not Path(output or "").is_dir():
        raise UsageError(
            f"{output}: a report ends in {', '.join(SUFFIXES.values())}; name such a file with -o, "
            "or say with --format what to write there"
        )
    return found or "html"
