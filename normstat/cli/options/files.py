"""Which files are read."""

import click

from normstat.cli.options.values import PLACE, json_object, names
from normstat.cli.sections import FILES, under
from normstat.sources.selection import EXTENSIONS

selection_options = under(
    FILES,
    click.option("--include", multiple=True, metavar="GLOB", help="Read only what matches."),
    click.option("--exclude", multiple=True, metavar="GLOB", help="Leave out what matches."),
    click.option(
        "--extensions",
        default=",".join(EXTENSIONS),
        metavar="LIST",
        callback=names,
        help="Suffixes to look for; a . stands for names without one, as DICOM files have them.",
    ),
    click.option(
        "--follow-symlinks", is_flag=True, help="Enter linked folders; loops are harmless."
    ),
    click.option("--hidden", is_flag=True, help="Read names that start with a dot."),
)
list_options = under(
    FILES,
    click.option(
        "--files-from",
        metavar="LIST",
        type=PLACE,
        help="Read the images that a list names: text with a path a line, - for standard input, "
        "or a column of CSV, TSV or JSON Lines.",
    ),
    click.option("-0", "--null", is_flag=True, help="The paths of the list end with a NUL."),
    click.option(
        "--column",
        metavar="NAME",
        help="The list's column of paths, or a Parquet file's of images.  [default: the only one]",
    ),
)
storage_option = under(
    FILES,
    click.option(
        "--storage-options",
        metavar="JSON",
        callback=json_object,
        help="What remote stores are opened with, as fsspec takes it; never written anywhere.",
    ),
)
