"""How files become pixels."""

import click

from normstat.cli.options.values import array_axis, choice, names
from normstat.cli.sections import PIXELS, under
from normstat.spec.pipeline import Pipeline
from normstat.spec.values import Alpha, Channels, Frames, Interpolation, Mode

pipeline_options = under(
    PIXELS,
    click.option(
        "--mode",
        type=choice(Mode),
        default="auto",
        help="auto: one channel if every image has one, else RGB.",
    ),
    click.option(
        "--alpha",
        type=choice(Alpha),
        default="drop",
        help="Transparent pixels: drop keeps their hidden colour, as the usual loaders do; mask "
        "leaves them out; white and black are backgrounds.",
    ),
    click.option(
        "--resize", type=click.IntRange(min=1), metavar="N", help="Resize the short side to N."
    ),
    click.option(
        "--crop",
        type=click.IntRange(min=1),
        metavar="N",
        help="Crop the central N x N; smaller images are padded with zeros.",
    ),
    click.option(
        "--interpolation", type=choice(Interpolation), default="bilinear", help="Of --resize."
    ),
    click.option(
        "--max-pixels",
        type=click.IntRange(min=1),
        default=Pipeline().max_pixels,
        metavar="N",
        help="Images of which more would be decoded at once are skipped; a larger TIFF is read by "
        "tiles or strips.",
    ),
    click.option(
        "--channels",
        type=choice(Channels),
        default="auto",
        help="native keeps every channel of a file: alpha, infrared, ink.",
    ),
    click.option(
        "--bands",
        metavar="LIST",
        callback=names,
        help="Bands to read, in this order: names, or numbers from 1. Files without names of their "
        "own get these.",
    ),
    click.option(
        "--frames",
        type=choice(Frames),
        default="first",
        help="Of animations and of TIFFs with pages: all of a file count as one image.",
    ),
    click.option(
        "--max-pixel-value",
        type=click.FloatRange(min=0, min_open=True),
        metavar="M",
        help="What codes are divided by: 4095 for 12 bits in 16.  [default: the largest code that "
        "the file could hold; 1 for floats]",
    ),
    click.option(
        "--nodata",
        type=float,
        metavar="VALUE",
        help="The value that stands for none.  [default: what the file says]",
    ),
    click.option(
        "--channel-axis",
        metavar="K|none",
        callback=array_axis,
        help="Of arrays, from 0, or from -1 at the end.  [default: the last of H x W x C and of "
        "N x H x W x C]",
    ),
    click.option(
        "--image-axis",
        metavar="K|none",
        callback=array_axis,
        help="Along which the images of an array lie.  [default: the first of N x H x W x C]",
    ),
    click.option(
        "--columns",
        metavar="LIST",
        callback=names,
        help="Read tables (CSV, TSV, Parquet): these columns are the channels; f* stands for "
        "several.",
    ),
)
