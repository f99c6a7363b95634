"""How many of the files are read."""

import click

from normstat.cli.sections import PART, under
from normstat.spec.values import LEVEL

part_options = under(
    PART,
    click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Read only the first N."),
    click.option(
        "--sample", metavar="N|P%", help="Read a random sample of N images, or of P percent."
    ),
    click.option(
        "--tolerance",
        type=click.FloatRange(min=0, min_open=True),
        metavar="T",
        help="Read a random sample until every channel's mean and std is known within ± T.",
    ),
    click.option(
        "--confidence",
        type=click.FloatRange(0, 1, min_open=True, max_open=True),
        default=LEVEL,
        metavar="P",
        help="Probability that the ± holds.",
    ),
    click.option(
        "--seed", type=click.IntRange(0, 2**53), default=0, help="Which sample.", metavar="N"
    ),
    click.option("--stratify", is_flag=True, help="Sample each folder in proportion."),
    click.option(
        "--shard",
        metavar="K/N",
        help="Read only the Kth of N parts; `normstat merge` adds them up.",
    ),
)
