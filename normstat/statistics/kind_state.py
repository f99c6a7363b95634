"""The raw state of all images of one kind of pixel, merged by addition."""

from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

from normstat.errors import SpecError
from normstat.spec.values import dyadic, integer
from normstat.statistics.clusters import DEGREES, ImageSums
from normstat.statistics.histogram import Histogram
from normstat.statistics.kinds import EIGHT_TO_SIXTEEN, FLOAT_BITS, Kind


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

    def to_text(self) -> dict[str, Any]:
        """Return the state as plain data with big integers as text."""
        written = dyadic if self.histogram is None else str
        sums = self.images
        text: dict[str, Any] = {}
        if self.histogram is not None:
            text["histogram"] = self.histogram.to_text()
        text["images"] = {
            "images": sums.images,
            **{name: [written(value) for value in getattr(sums, name)] for name in DEGREES},
            "too_small": sums.too_small,
        }
        if self.products is not None:
            text["products"] = [written(value) for value in self.products]
        if self.uneven is not None:
            text["uneven"] = [written(value) for value in self.uneven]
        if self.limits is not None:
            text["limits"] = [list(each) for each in self.limits]
        return text

    @classmethod
    def from_text(cls, text: dict[str, Any], kind: Kind, *, ddof: int) -> "KindState":
        """Read what `to_text` wrote.

        Raises
        ------
        SpecError
            The parts do not fit together or to the kind; the text leads with the field.
        """
        sums, lines, limits = text["images"], text.get("histogram"), text.get("limits")
        if (lines is None) != (kind.bins is None):
            raise SpecError("histogram: is there for codes, and for them alone")
        histogram = None
        if lines is not None and kind.bins is not None:
            try:
                histogram = Histogram.from_text(lines, bins=kind.bins)
            except SpecError as error:
                raise SpecError(f"histogram: {error}") from error
        values = {name: [integer(value) for value in sums[name]] for name in DEGREES}
        for part, items in [("histogram", lines), ("limits", limits), *values.items()]:
            if items is not None and len(items) != kind.channels:
                raise SpecError(f"{part}: {len(items)} channels, expected {kind.channels}")
        images = ImageSums(
            channels=kind.channels,
            ddof=ddof,
            images=sums["images"],
            too_small=sums["too_small"],
            **values,
        )
        pairs = kind.channels * (kind.channels - 1) // 2
        return cls(
            histogram,
            images,
            _integers(text, "products", pairs),
            limits and [(low, high) for low, high in limits],
            _integers(text, "uneven", 3 * kind.channels),
        )


def _scaled(uneven: list[int] | None, factor: int) -> list[int] | None:
    """Return n, Σ x and Σ x² of each channel with every value multiplied by `factor`."""
    return uneven and [value * factor ** (place % 3) for place, value in enumerate(uneven)]


def _integers(text: dict[str, Any], field: str, expected: int) -> list[int] | None:
    """Return so many integers of a field that may be missing."""
    found = text.get(field)
    if found is not None and len(found) != expected:
        raise SpecError(f"{field}: {len(found)} numbers, expected {expected}")
    return found and [integer(value) for value in found]
