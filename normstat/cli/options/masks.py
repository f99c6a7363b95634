"""Which pixels count."""

import click

from normstat.cli.options.values import PLACE, names
from normstat.cli.sections import MASKS, under

mask_options = under(
    MASKS,
    click.option(
        "--ignore-value",
        type=float,
        metavar="VALUE",
        help="Leave out pixels of which every channel has this code.",
    ),
    click.option(
        "--mask-dir",
        metavar="DIR",
        type=PLACE,
        help="Count only pixels whose mask is not zero: a folder or archive of masks, under the "
        "relative names of the images with any suffix.",
    ),
    click.option(
        "--mask-suffix",
        metavar="TEXT",
        help="The stems of masks end with this, as _mask; without --mask-dir they lie next to "
        "their images.",
    ),
    click.option(
        "--labels",
        metavar="LIST",
        callback=names,
        help="Count only pixels whose mask has one of these labels.",
    ),
    click.option(
        "--ignore-label",
        type=int,
        metavar="N",
        help="Leave out pixels whose mask has this label; alone, all others count.",
    ),
)
