"""What a report says, before it is shown: sections of a few kinds of blocks.

Every text here is plain; whoever shows it escapes it. Numbers of plots are in the units that their
axes have.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from normstat.reports.diagnosis_tables import Cells


@dataclass(frozen=True)
class Hue:
    """A channel, and the names of the colour and of the shape that it is drawn in."""

    channel: str
    colour: str
    shape: str = "circle"


_HUES = {"R": ("red", "circle"), "G": ("green", "square"), "B": ("blue", "diamond")}
_SHAPES = ("circle", "square", "diamond", "triangle")


def hues(channels: Sequence[str]) -> list[Hue]:
    """Return how each channel is drawn: R, G and B have colours, all others the accent.

    Shapes tell channels apart where colours do not, as long as there are enough of them.

    >>> [(each.colour, each.shape) for each in hues(["R", "B08"])]
    [('red', 'circle'), ('accent', 'square')]
    """
    few = len(channels) <= len(_SHAPES)
    if few and not set(channels) <= set(_HUES):
        return [
            Hue(channel, _HUES.get(channel, ("accent",))[0], shape)
            for channel, shape in zip(channels, _SHAPES, strict=False)
        ]
    return [Hue(channel, *_HUES.get(channel, ("accent", "circle"))) for channel in channels]


@dataclass(frozen=True)
class Bars:
    """A histogram of one channel: shares of pixels in bins of equal width, from `start` on.

    `mean` and `std` are marked; `limits` are the ends of the axis.
    """

    hue: Hue
    shares: tuple[float, ...]
    start: float
    width: float
    mean: float
    std: float
    limits: tuple[float, float]


@dataclass(frozen=True)
class Span:
    """What is known of a channel without a histogram: its limits, mean and std."""

    hue: Hue
    low: float
    high: float
    mean: float
    std: float


@dataclass(frozen=True)
class Mark:
    """A normalization in the plane of shift and gain, a point a channel; `label` is its number."""

    label: str
    points: tuple[tuple[Hue, float, float], ...]


@dataclass(frozen=True)
class Plane:
    """Shift against gain of several normalizations; equal ones are at (0, 1)."""

    marks: tuple[Mark, ...]
    near_shift: float
    near_gain: float


@dataclass(frozen=True)
class Strips:
    """Values on one axis, a row each, a point a channel."""

    axis: str
    rows: tuple[tuple[str, tuple[tuple[Hue, float], ...]], ...]


@dataclass(frozen=True)
class Counts:
    """How many images have a size: counts in bins of equal width, in pixels."""

    axis: str
    counts: tuple[int, ...]
    start: float
    width: float


Plot = Bars | Span | Plane | Strips | Counts


@dataclass(frozen=True)
class Figure:
    """A plot, its caption, and what it shows in words for those who do not see it.

    `remark` is what a short caption leaves out.
    """

    kind: ClassVar = "figure"
    plot: Plot
    caption: str
    description: str
    remark: str = ""


@dataclass(frozen=True)
class Figures:
    """Figures beside each other; `left` of their kind are not drawn."""

    kind: ClassVar = "figures"
    items: tuple[Figure, ...]
    left: int = 0


@dataclass(frozen=True)
class Table:
    """A table whose first column are heads of rows; a `heads` of nothing is a list of facts.

    Of one that is `numbered` they are numbers, and the second column has the names.
    """

    kind: ClassVar = "table"
    cells: Cells
    numbered: bool = False


@dataclass(frozen=True)
class Code:
    """Text to copy. `language` is that of a fenced block; with a title it can be folded, and is
    unless it is `shown`.
    """

    kind: ClassVar = "code"
    title: str
    language: str
    text: str
    shown: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lines:
    """Sentences."""

    kind: ClassVar = "lines"
    texts: tuple[str, ...]
    quiet: bool = False


@dataclass(frozen=True)
class Names:
    """Files and a remark on each; `left` of them are not listed. `folded` when there are many."""

    kind: ClassVar = "names"
    title: str
    items: tuple[tuple[str, str], ...]
    left: int = 0
    folded: bool = False


@dataclass(frozen=True)
class Picture:
    """A small picture, as JPEG or WebP, of width and height in pixels, with a name and a remark."""

    name: str
    remark: str
    media_type: str
    content: bytes
    size: tuple[int, int]


@dataclass(frozen=True)
class Pictures:
    """Small pictures beside each other."""

    kind: ClassVar = "pictures"
    items: tuple[Picture, ...]


Block = Figure | Figures | Table | Code | Lines | Names | Pictures


@dataclass(frozen=True)
class Column:
    """What one of the specs has in a section; the head is empty when there is only one."""

    head: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Section:
    """A part of the page: what is said of all specs, then what is said of each."""

    name: str
    title: str
    lead: str = ""
    blocks: tuple[Block, ...] = ()
    columns: tuple[Column, ...] = ()


@dataclass(frozen=True)
class Page:
    """A report: its title, the sentence below it, and its sections."""

    title: str
    subtitle: str
    version: str
    sections: tuple[Section, ...]
