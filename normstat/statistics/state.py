"""What a chunk, a run or a shard adds up to: the raw state, kept whole and merged by addition."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache, reduce
from itertools import combinations
from typing import Any, NamedTuple, TypeVar

from normstat.errors import SpecError
from normstat.spec.model import integer
from normstat.statistics.clusters import DEGREES, ImageSums
from normstat.statistics.histogram import Histogram

EIGHT_TO_SIXTEEN = 257  # 65535 / 255: the same fraction of the range, exactly
# Float values count as integers of this fraction of one: every float64 above 1e-55 in size is one.
FLOAT_BITS = 256

_KIND = re.compile(
    r"(gray|rgb)(8|16)|(gray|rgb)-(s16|float)|bands(?P<bands>[1-9]\d*)-(8|16|s16|float)"
)
_DEPTHS = {"8": (256, 0), "16": (1 << 16, 0), "s16": (1 << 16, -(1 << 15)), "float": (None, 0)}

_Fact = TypeVar("_Fact", str, int)


@dataclass(frozen=True)
class Kind:
    """A kind of pixel: its channels, the number of its codes, and the value of the first.

    Float values have no `bins`. Signed codes and float values are values of their own; other codes
    are fractions of the largest.
    """

    name: str
    channels: int
    bins: int | None
    zero: int

    @property
    def max_code(self) -> int:
        """What values are divided by: the largest code, or 1."""
        return 1 if self.bins is None or self.zero else self.bins - 1

    @property
    def is_colour(self) -> bool:
        """Whether gray images can stand beside it as three equal channels."""
        return self.name.startswith("rgb")

    @property
    def is_gray(self) -> bool:
        return self.name.startswith("gray")

    @property
    def has_range(self) -> bool:
        """Whether its codes are fractions of the largest."""
        return self.bins is not None and not self.zero

    @property
    def names(self) -> list[str]:
        """The names of its channels, unless an image has others."""
        if self.is_gray:
            return ["L"]
        return ["R", "G", "B"] if self.is_colour else [f"B{c + 1}" for c in range(self.channels)]

    @property
    def is_mixable(self) -> bool:
        """Whether its codes are fractions of a range that other kinds have too."""
        return self.has_range and not self.name.startswith("bands")

    @property
    def measure(self) -> str:
        """What it has in common with all kinds beside which it can stand."""
        if self.is_mixable:
            return "fractions of the range"
        return self.name if self.has_range else f"values of {self.name.rpartition('-')[0]}"

    @property
    def depth(self) -> str:
        """8, 16, s16 or float."""
        return _depth(self.name)


@cache
def kind_of(name: str) -> Kind:
    """Return a kind by its name: gray8, rgb8, gray16, rgb16, or layout-depth.

    The layout is gray, rgb or bandsN, the depth 8, 16, s16 (signed) or float.

    >>> kind_of("rgb8").channels, kind_of("bands13-16").max_code, kind_of("gray-s16").zero
    (3, 65535, -32768)

    Raises
    ------
    SpecError
        There is no such kind.
    """
    match = _matched(name)
    channels = int(match["bands"] or 0) or (3 if name.startswith("rgb") else 1)
    return Kind(name, channels, *_DEPTHS[_depth(name)])


def _depth(name: str) -> str:
    return name.rpartition("-")[2].lstrip("grayb")


def _matched(name: str) -> re.Match[str]:
    match = _KIND.fullmatch(name)
    if not match:
        raise SpecError(f"{name!r} is no kind of pixel")
    return match


class Facts(NamedTuple):
    """What is counted of an image beside its pixels; width and height are before any resize.

    `bands` are the names of its channels, joined by commas, where they are not those of its kind.
    """

    mode: str
    width: int
    height: int
    transparent: bool
    animated: bool
    padded: bool
    bands: str = ""


@dataclass
class KindState:
    """Histogram and image sums of all images of one kind.

    `products` holds Σ xy over pixels for each pair of channels (0 1, 0 2, ... 1 2, ...) when the
    covariance was asked for, and every image has them. Float values have no histogram, but
    `limits`: the smallest and the largest a channel.
    """

    histogram: Histogram | None
    images: ImageSums
    products: list[int] | None = None
    limits: list[tuple[float, float]] | None = None

    def merged(self, other: "KindState") -> "KindState":
        """Return the state of both."""
        histogram, products, limits = None, None, None
        if self.histogram is not None and other.histogram is not None:
            histogram = self.histogram.merged(other.histogram)
        if self.products is not None and other.products is not None:
            products = [a + b for a, b in zip(self.products, other.products, strict=True)]
        if self.limits is not None and other.limits is not None:
            limits = [
                (min(a, c), max(b, d))
                for (a, b), (c, d) in zip(self.limits, other.limits, strict=True)
            ]
        return KindState(histogram, self.images.merged(other.images), products, limits)

    def subtracted(self, other: "KindState") -> "KindState":
        """Return the state without what `other` counted.

        Raises
        ------
        SpecError
            `other` is no part of it; the text leads with the field.
        """
        if self.histogram is None or other.histogram is None:
            raise SpecError("limits: the extremes of what is left of float values are not known")
        products = None
        if (self.products is None) != (other.products is None):
            raise SpecError("products: only one of the two has them")
        if self.products is not None and other.products is not None:
            products = [a - b for a, b in zip(self.products, other.products, strict=True)]
            if min(products, default=0) < 0:
                raise SpecError("products: would be below zero")
        left = KindState(
            self.histogram.subtracted(other.histogram),
            self.images.subtracted(other.images),
            products,
        )
        if bool(left.images.images) != all(left.images.n):
            raise SpecError(
                f"images.n: {left.images.n} of {left.images.images} images would be left"
            )
        return left

    def gram(self) -> list[list[int]] | None:
        """Return Σ ab over pixels for all channels a and b; None when pairs were not counted."""
        squares = self.images.q
        if len(squares) > 1 and not self.products:
            return None
        whole = [[0] * len(squares) for _ in squares]
        for channel, square in enumerate(squares):
            whole[channel][channel] = square
        pairs = combinations(range(len(squares)), 2)
        for (a, b), product in zip(pairs, self.products or (), strict=True):
            whole[a][b] = whole[b][a] = product
        return whole

    def widened(self) -> "KindState":
        """Return 8-bit state in 16-bit codes."""
        products = self.products
        return KindState(
            self.codes.spread(EIGHT_TO_SIXTEEN, 1 << 16),
            self.images.scaled(EIGHT_TO_SIXTEEN),
            products and [value * EIGHT_TO_SIXTEEN**2 for value in products],
        )

    def as_rgb(self) -> "KindState":
        """Return gray state as that of three equal channels, whose products are the squares."""
        return KindState(
            self.codes.repeated(3), self.images.repeated(3), self.codes.square_sums() * 3
        )

    def as_floats(self, kind: Kind) -> "KindState":
        """Return signed codes as float values."""
        ends = zip(self.codes.minima(), self.codes.maxima(), strict=True)
        return KindState(
            None,
            self.images.scaled(1 << FLOAT_BITS),
            self.products and [value << 2 * FLOAT_BITS for value in self.products],
            [(float(low + kind.zero), float(high + kind.zero)) for low, high in ends],
        )

    @property
    def codes(self) -> Histogram:
        """The histogram of a kind that has one."""
        if self.histogram is None:
            raise SpecError("float values have no histogram")
        return self.histogram


@dataclass
class State:
    """Everything a run has found out, by kind of pixel. The empty state is a true zero.

    Kinds are kept apart until the end, because only then is it known whether gray images stand
    alone or count as three equal channels beside colour. `left_out` counts values that do not
    count, by reason; `bands` images, by the names of their channels where they have any.
    """

    kinds: dict[str, KindState] = field(default_factory=dict)
    modes: Counter[str] = field(default_factory=Counter)
    widths: Counter[int] = field(default_factory=Counter)
    heights: Counter[int] = field(default_factory=Counter)
    transparent: int = 0
    animated: int = 0
    padded: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    bands: Counter[str] = field(default_factory=Counter)

    @property
    def images(self) -> int:
        return sum(kind.images.images for kind in self.kinds.values())

    def note(self, facts: Facts, images: int) -> None:
        """Count images of which the same facts are true."""
        self.modes[facts.mode] += images
        self.widths[facts.width] += images
        self.heights[facts.height] += images
        self.transparent += images * facts.transparent
        self.animated += images * facts.animated
        self.padded += images * facts.padded
        if facts.bands:
            self.bands[facts.bands] += images

    def merged(self, other: "State") -> "State":
        """Return the state of both, leaving both as they are."""
        kinds = dict(self.kinds)
        for name, theirs in other.kinds.items():
            kinds[name] = kinds[name].merged(theirs) if name in kinds else theirs
        return State(
            kinds,
            self.modes + other.modes,
            self.widths + other.widths,
            self.heights + other.heights,
            self.transparent + other.transparent,
            self.animated + other.animated,
            self.padded + other.padded,
            self.left_out + other.left_out,
            self.bands + other.bands,
        )

    @classmethod
    def of_all(cls, states: Iterable["State"]) -> "State":
        """Return the state of all together, of none the empty one."""
        return reduce(cls.merged, states, cls())

    def subtracted(self, other: "State") -> "State":
        """Return the state without what `other` counted: what it was before `other` was merged.

        Raises
        ------
        SpecError
            `other` is no part of it: a count would be below zero; the text leads with the field.
        """
        kinds = dict(self.kinds)
        for name, theirs in other.kinds.items():
            if name not in kinds:
                raise SpecError(f"state.kinds.{name}: there are no such images")
            try:
                kinds[name] = kinds[name].subtracted(theirs)
            except SpecError as error:
                raise SpecError(f"state.kinds.{name}.{error}") from error
        flags = {
            name: _less(name, getattr(self, name), getattr(other, name))
            for name in ("transparent", "animated", "padded")
        }
        return State(
            {name: kind for name, kind in kinds.items() if kind.images.images},
            _fewer("modes", self.modes, other.modes),
            _fewer("widths", self.widths, other.widths),
            _fewer("heights", self.heights, other.heights),
            **flags,
            left_out=_fewer("left_out", self.left_out, other.left_out),
            bands=_fewer("bands", self.bands, other.bands),
        )

    def combined(self, *, rgb: bool) -> tuple[KindState, Kind]:
        """Return all kinds as one.

        Gray counts three times beside colour, 8 bit as 257 times; signed codes and float values
        are both values of their own.

        Parameters
        ----------
        rgb
            Three channels even when every image is gray.

        Raises
        ------
        SpecError
            There is no image, or kinds that have no common measure.
        """
        kinds = [kind_of(name) for name in sorted(self.kinds)]
        if not self.images:
            raise SpecError("holds no image")
        if len({kind.measure for kind in kinds}) > 1:
            raise SpecError(
                f"images of unlike kinds: {self.told_kinds()}. They have no common measure: "
                "measure them apart, with --include"
            )
        colour = rgb or any(kind.is_colour for kind in kinds)
        deep = any(kind.depth != "8" for kind in kinds)
        floats = next((kind for kind in kinds if kind.bins is None), None)
        parts = []
        for kind in kinds:
            part = self.kinds[kind.name]
            if deep and kind.depth == "8":
                part = part.widened()
            if colour and kind.is_gray and kind.is_mixable:
                part = part.as_rgb()
            if floats and kind.bins:
                part = part.as_floats(kind)
            parts.append(part)
        whole = reduce(KindState.merged, parts)
        if not all(whole.images.n):
            raise SpecError("holds no pixel")
        if kinds[0].is_mixable and (colour or len(kinds) > 1):
            return whole, kind_of(("rgb" if colour else "gray") + ("16" if deep else "8"))
        return whole, floats or kinds[0]

    def band_names(self) -> list[str]:
        """Return the names that the channels of all images have; none where they have none.

        Raises
        ------
        SpecError
            Images name their channels differently.
        """
        if not self.bands:
            return []
        named = sorted(self.bands)
        if len(named) > 1 or self.bands[named[0]] != self.images:
            told = [f"{self.bands[name]:,} with {name.replace(',', ' ')}" for name in named]
            rest = self.images - sum(self.bands.values())
            told += [f"{rest:,} without names"] if rest else []
            raise SpecError(f"images of unlike bands: {', '.join(told)}; bands names those to take")
        return named[0].split(",")

    def told_kinds(self) -> str:
        """Return the kinds and how many images are of each, in words."""
        return ", ".join(
            f"{self.kinds[name].images.images:,} of {name}" for name in sorted(self.kinds)
        )

    def to_text(self) -> dict[str, Any]:
        """Return the state as plain data with big integers as text, in a fixed order."""
        return {
            "kinds": {name: _kind_to_text(self.kinds[name]) for name in sorted(self.kinds)},
            "modes": {mode: self.modes[mode] for mode in sorted(self.modes)},
            "widths": {str(width): self.widths[width] for width in sorted(self.widths)},
            "heights": {str(height): self.heights[height] for height in sorted(self.heights)},
            "transparent": self.transparent,
            "animated": self.animated,
            "padded": self.padded,
            **{
                name: {key: counts[key] for key in sorted(counts)}
                for name, counts in (("left_out", self.left_out), ("bands", self.bands))
                if counts
            },
        }

    @classmethod
    def from_text(cls, data: dict[str, Any], *, ddof: int) -> "State":
        """Read what `to_text` wrote.

        Raises
        ------
        SpecError
            The parts do not fit together; the text leads with the field's path.
        """
        return cls(
            {name: _kind_from_text(name, kind, ddof) for name, kind in data["kinds"].items()},
            Counter(data["modes"]),
            Counter({int(width): count for width, count in data["widths"].items()}),
            Counter({int(height): count for height, count in data["heights"].items()}),
            data["transparent"],
            data["animated"],
            data["padded"],
            Counter(data.get("left_out", {})),
            Counter(data.get("bands", {})),
        )


def _less(name: str, count: int, other: int) -> int:
    if other > count:
        raise SpecError(f"state.{name}: {count}, from which {other} cannot be taken")
    return count - other


def _fewer(name: str, counts: Counter[_Fact], other: Counter[_Fact]) -> Counter[_Fact]:
    for value, count in other.items():
        _less(f"{name}.{value}", counts[value], count)
    return counts - other


def _kind_to_text(kind: KindState) -> dict[str, Any]:
    sums = kind.images
    text: dict[str, Any] = {}
    if kind.histogram is not None:
        text["histogram"] = kind.histogram.to_text()
    written = dyadic if kind.histogram is None else str
    text["images"] = {
        "images": sums.images,
        **{name: [written(value) for value in getattr(sums, name)] for name in DEGREES},
        "too_small": sums.too_small,
    }
    if kind.products is not None:
        text["products"] = [written(value) for value in kind.products]
    if kind.limits is not None:
        text["limits"] = [list(each) for each in kind.limits]
    return text


def _kind_from_text(name: str, text: dict[str, Any], ddof: int) -> KindState:
    path = f"state.kinds.{name}"
    try:
        kind = kind_of(name)
    except SpecError as error:
        raise SpecError(f"state.kinds: {error}") from error
    sums, lines, histogram = text["images"], text.get("histogram"), None
    if (lines is None) != (kind.bins is None):
        raise SpecError(f"{path}.histogram: is there for codes, and for them alone")
    if lines is not None and kind.bins is not None:
        try:
            histogram = Histogram.from_text(lines, bins=kind.bins)
        except SpecError as error:
            raise SpecError(f"{path}.histogram: {error}") from error
    values = {name: [integer(value) for value in sums[name]] for name in DEGREES}
    limits = text.get("limits")
    for part, items in [("histogram", lines), ("limits", limits), *values.items()]:
        if items is not None and len(items) != kind.channels:
            raise SpecError(f"{path}.{part}: {len(items)} channels, expected {kind.channels}")
    images = ImageSums(
        channels=kind.channels,
        ddof=ddof,
        images=sums["images"],
        too_small=sums["too_small"],
        **values,
    )
    products = text.get("products")
    pairs = kind.channels * (kind.channels - 1) // 2
    if products is not None and len(products) != pairs:
        raise SpecError(f"{path}.products: {len(products)} numbers, expected {pairs}")
    return KindState(
        histogram,
        images,
        products and [integer(value) for value in products],
        limits and [(low, high) for low, high in limits],
    )


def dyadic(value: int) -> str:
    """Return an integer as "odd*2^n": sums of floats end in hundreds of zero bits.

    >>> dyadic(0), dyadic(3), dyadic(-3 << 500)
    ('0', '3', '-3*2^500')
    """
    zeros = (value & -value).bit_length() - 1
    return f"{value >> zeros}*2^{zeros}" if zeros > 0 else str(value)
