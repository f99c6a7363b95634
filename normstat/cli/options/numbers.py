"""Which numbers are found."""

import click

from normstat.cli.options.values import PLACE, choice, comma_separated
from normstat.cli.sections import NUMBERS, under
from normstat.spec.asked import RECIPES
from normstat.spec.values import Ddof, Std, Weighting
from normstat.statistics.summary import PERCENTILES

number_options = under(
    NUMBERS,
    click.option(
        "--recipe",
        type=click.Choice(list(RECIPES)),
        help="imagenet: --resize 256 --crop 224 --weighting image --std mean-of-images.",
    ),
    click.option(
        "--weighting", type=choice(Weighting), help="What weighs the same.  [default: pixel]"
    ),
    click.option("--std", type=choice(Std), help="Which std is the headline.  [default: pooled]"),
    click.option(
        "--ddof", type=choice(Ddof), default="0", help="Variances are divided by n - ddof."
    ),
    click.option("--covariance", is_flag=True, help="Find the covariance of the channels too."),
    click.option(
        "--percentiles",
        default=",".join(PERCENTILES),
        metavar="LIST",
        callback=comma_separated,
        help="Percents from 0 to 100.",
    ),
    click.option(
        "--group-by",
        metavar="RULE",
        help="Measure each group alone too: parent or top (folders), regex:PATTERN (in the name), "
        "or csv:FILE:COLUMN (of a table with the names). What has no group is skipped.",
    ),
    click.option(
        "--per-image",
        metavar="FILE",
        type=PLACE,
        help="Write a row of each image to FILE, .csv, .jsonl or .parquet: size, mode, and of each "
        "channel mean, std, min, max and clipped shares.",
    ),
)
