"""What a chunk, a run or a shard adds up to: the raw state, kept whole and merged by addition."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce
from itertools import combinations
from typing import Any, NamedTuple, TypeVar

from normstat.errors import SpecError
from normstat.spec.model import integer
from normstat.statistics.clusters import DEGREES, ImageSums
from normstat.statistics.histogram import Histogram
from normstat.statistics.kinds import EIGHT_TO_SIXTEEN, FLOAT_BITS, Facts, Kind, kind_of

_Fact = TypeVar("_Fact", str, int)


class LimitsError(SpecError):
    """The smallest and the largest of what would be left are not known."""


class Joint(NamedTuple):
    """Pixels, and Σ a a channel and Σ ab for all channels a and b over them."""

    pixels: int
    sums: list[int]
    products: list[list[int]]


@dataclass
class KindState:
    """Histogram and image sums of all images of one kind.

    `products` holds Σ xy over pixels for each pair of channels (0 1, 0 2, ... 1 2, ...) when the
    covariance was asked for, of pixels that have a value in all channels; `uneven` n, Σ x and Σ x²
    of each channel over the others, if there are any. Float values have no histogram, but `limits`:
    the smallest and the largest a channel.
    """

    histogram: Histogram | None
    images: ImageSums
    products: list[int] | None = None
    limits: list[tuple[float, float]] | None = None
    uneven: list[int] | None = None

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
        uneven = self._uneven_with(other, 1)
        return KindState(histogram, self.images.merged(other.images), products, limits, uneven)

    def subtracted(self, other: "KindState") -> "KindState":
        """Return the state without what `other` counted.

        Raises
        ------
        LimitsError
            It is of float values, and some images are left.
        SpecError
            `other` is no part of it; the text leads with the field.
        """
        if self.histogram is None or other.histogram is None:
            rest = self.images.subtracted(other.images)
            if self == other:
                return KindState(None, rest)
            raise LimitsError("limits: the extremes of what is left of float values are not known")
        products = None
        if (self.products is None) != (other.products is None):
            raise SpecError("products: only one of the two has them")
        if self.products is not None and other.products is not None:
            products = [a - b for a, b in zip(self.products, other.products, strict=True)]
        left = KindState(
            self.histogram.subtracted(other.histogram),
            self.images.subtracted(other.images),
            products,
            uneven=self._uneven_with(other, -1),
        )
        if bool(left.images.images) != all(left.images.n):
            raise SpecError(
                f"images.n: {left.images.n} of {left.images.images} images would be left"
            )
        pairs = combinations(left.images.q, 2)
        if any(ab * ab > aa * bb for ab, (aa, bb) in zip(products or (), pairs, strict=False)):
            raise SpecError("products: would be more than the squares allow")
        return left

    def _uneven_with(self, other: "KindState", sign: int) -> list[int] | None:
        if self.uneven is None and other.uneven is None:
            return None
        nothing = [0] * (3 * self.images.channels)
        pairs = zip(self.uneven or nothing, other.uneven or nothing, strict=True)
        both = [a + sign * b for a, b in pairs]
        return both if any(both) else None

    def joint(self) -> "Joint | None":
        """Return the sums over pixels that have a value in all channels.

        None when pairs were not counted, or no pixel has.
        """
        sums, channels = self.images, range(self.images.channels)
        if len(channels) > 1 and not self.products:
            return None
        uneven = self.uneven or [0] * (3 * len(channels))
        pixels = sums.n[0] - uneven[0]
        if not pixels:
            return None
        products = [[0] * len(channels) for _ in channels]
        for channel in channels:
            products[channel][channel] = sums.q[channel] - uneven[3 * channel + 2]
        for (a, b), product in zip(combinations(channels, 2), self.products or (), strict=True):
            products[a][b] = products[b][a] = product
        return Joint(pixels, [sums.s[c] - uneven[3 * c + 1] for c in channels], products)

    def widened(self) -> "KindState":
        """Return 8-bit state in 16-bit codes."""
        products = self.products
        return KindState(
            self.codes.spread(EIGHT_TO_SIXTEEN, 1 << 16),
            self.images.scaled(EIGHT_TO_SIXTEEN),
            products and [value * EIGHT_TO_SIXTEEN**2 for value in products],
            uneven=_scaled(self.uneven, EIGHT_TO_SIXTEEN),
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
            _scaled(self.uneven, 1 << FLOAT_BITS),
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
        LimitsError
            Some float values are left, and some are not.
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
                raise type(error)(f"state.kinds.{name}.{error}") from error
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
                "name a folder of one kind, or measure each apart with `normstat compute --include`"
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


def _scaled(uneven: list[int] | None, factor: int) -> list[int] | None:
    """Return n, Σ x and Σ x² of each channel with every value multiplied by `factor`."""
    return uneven and [value * factor ** (place % 3) for place, value in enumerate(uneven)]


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
    if kind.uneven is not None:
        text["uneven"] = [written(value) for value in kind.uneven]
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
    uneven = text.get("uneven")
    if uneven is not None and len(uneven) != 3 * kind.channels:
        raise SpecError(f"{path}.uneven: {len(uneven)} numbers, expected {3 * kind.channels}")
    return KindState(
        histogram,
        images,
        products and [integer(value) for value in products],
        limits and [(low, high) for low, high in limits],
        uneven and [integer(value) for value in uneven],
    )


def dyadic(value: int) -> str:
    """Return an integer as "odd*2^n": sums of floats end in hundreds of zero bits.

    >>> dyadic(0), dyadic(3), dyadic(-3 << 500)
    ('0', '3', '-3*2^500')
    """
    zeros = (value & -value).bit_length() - 1
    return f"{value >> zeros}*2^{zeros}" if zeros > 0 else str(value)
