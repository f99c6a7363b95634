"""Sums over images: what weightings, std definitions and standard errors are made of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import isqrt
from operator import add, mul, sub

from normstat.errors import SpecError
from normstat.statistics.exact import FIXED_BITS

# Field → its degree in codes: a sum of degree d grows by f**d when every code grows by f.
DEGREES = {
    "n": 0,
    "nn": 0,
    "s": 1,
    "q": 2,
    "ns": 1,
    "ss": 2,
    "nq": 2,
    "sq": 3,
    "qq": 4,
    "mean": 1,
    "square": 2,
    "variance": 2,
    "std": 1,
    "s_mean": 2,
    "mean_mean": 2,
    "mean_square": 3,
    "square_square": 4,
    "variance_variance": 4,
}

_SIGNED = {"s", "ns", "sq", "mean", "mean_square"}  # below zero where codes can be


@dataclass
class ImageSums:
    """Exact sums over images of each image's pixels n, sum s and sum of squares q.

    All are lists of one number a channel; n differs where values are missing in one channel only.
    `n` ... `qq` are plain integers. `mean` (s/n), `square` (q/n), `variance`, `std`
    and their products are fixed point with `FIXED_BITS` fractional bits a factor, each term
    rounded down, so that they add in any order to the same result.

    Parameters
    ----------
    channels
        How many numbers each field holds.
    ddof
        Subtracted from n in `variance` and `std`. Images of no more pixels than that are counted
        in `too_small` instead.

    Examples
    --------
    >>> sums = ImageSums(channels=1)
    >>> sums.add([[100, 25]], [[200, 50]], [[500, 400]])
    >>> sums.images, sums.n, sums.ns, sums.mean[0] >> FIXED_BITS
    (2, [125], [21250], 4)
    """

    channels: int
    ddof: int = 0
    images: int = 0
    too_small: int = 0
    n: list[int] = field(default_factory=list)
    nn: list[int] = field(default_factory=list)
    s: list[int] = field(default_factory=list)
    q: list[int] = field(default_factory=list)
    ns: list[int] = field(default_factory=list)
    ss: list[int] = field(default_factory=list)
    nq: list[int] = field(default_factory=list)
    sq: list[int] = field(default_factory=list)
    qq: list[int] = field(default_factory=list)
    mean: list[int] = field(default_factory=list)
    square: list[int] = field(default_factory=list)
    variance: list[int] = field(default_factory=list)
    std: list[int] = field(default_factory=list)
    s_mean: list[int] = field(default_factory=list)
    mean_mean: list[int] = field(default_factory=list)
    mean_square: list[int] = field(default_factory=list)
    square_square: list[int] = field(default_factory=list)
    variance_variance: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in DEGREES:
            if not getattr(self, name):
                setattr(self, name, [0] * self.channels)

    def add(
        self, n: Sequence[Sequence[int]], s: Sequence[Sequence[int]], q: Sequence[Sequence[int]]
    ) -> None:
        """Add images: channel by channel their pixel counts, sums and square sums."""
        self.images += len(n[0])
        self.too_small += sum(min(each) <= self.ddof for each in zip(*n, strict=True))
        for channel in range(self.channels):
            self._add_channel(channel, n[channel], s[channel], q[channel])

    def _add_channel(self, c: int, n: Sequence[int], s: Sequence[int], q: Sequence[int]) -> None:
        # Lists of plain integers, because this runs once an image and a channel.
        bits, ddof = FIXED_BITS, self.ddof
        mean = [(a << bits) // k for k, a in zip(n, s, strict=True)]
        square = [(b << bits) // k for k, b in zip(n, q, strict=True)]
        large = [(k, a, b) for k, a, b in zip(n, s, q, strict=True) if k > ddof]
        ratios = [(((k * b - a * a) << 2 * bits), k * (k - ddof)) for k, a, b in large]
        variance = [(spread >> bits) // freedom for spread, freedom in ratios]
        sums = {
            "n": sum(n),
            "nn": _dot(n, n),
            "s": sum(s),
            "q": sum(q),
            "ns": _dot(n, s),
            "ss": _dot(s, s),
            "nq": _dot(n, q),
            "sq": _dot(s, q),
            "qq": _dot(q, q),
            "mean": sum(mean),
            "square": sum(square),
            "variance": sum(variance),
            "std": sum([isqrt(spread // freedom) for spread, freedom in ratios]),
            "s_mean": sum([(a * a << bits) // k for k, a in zip(n, s, strict=True)]),
            "mean_mean": _dot(mean, mean),
            "mean_square": _dot(mean, square),
            "square_square": _dot(square, square),
            "variance_variance": _dot(variance, variance),
        }
        for name, total in sums.items():
            getattr(self, name)[c] += total

    def merged(self, other: "ImageSums") -> "ImageSums":
        """Return the sums over the images of both, which have the same channels and ddof."""
        return self._with(other, add)

    def subtracted(self, other: "ImageSums") -> "ImageSums":
        """Return the sums over the images that `other` does not have.

        Raises
        ------
        SpecError
            A sum would be below zero though none of its terms can be.
        """
        left = self._with(other, sub)
        for name in ("images", "too_small", *(each for each in DEGREES if each not in _SIGNED)):
            value = getattr(left, name)
            if min(value if isinstance(value, list) else [value]) < 0:
                raise SpecError(f"images.{name}: would be below zero")
        return left

    def _with(self, other: "ImageSums", sign: Callable[[int, int], int]) -> "ImageSums":
        """Return the sums that an operator makes of those of both."""
        return ImageSums(
            channels=self.channels,
            ddof=self.ddof,
            images=sign(self.images, other.images),
            too_small=sign(self.too_small, other.too_small),
            **{
                name: [
                    sign(a, b)
                    for a, b in zip(getattr(self, name), getattr(other, name), strict=True)
                ]
                for name in DEGREES
            },
        )

    def repeated(self, channels: int) -> "ImageSums":
        """Return gray sums as those of `channels` equal channels."""
        return self._changed(channels, {name: getattr(self, name) * channels for name in DEGREES})

    def scaled(self, factor: int) -> "ImageSums":
        """Return the sums as if every code had been multiplied by `factor`."""
        return self._changed(
            self.channels,
            {
                name: [value * factor**degree for value in getattr(self, name)]
                for name, degree in DEGREES.items()
            },
        )

    def _changed(self, channels: int, values: dict[str, list[int]]) -> "ImageSums":
        return ImageSums(
            channels=channels,
            ddof=self.ddof,
            images=self.images,
            too_small=self.too_small,
            **values,
        )


def _dot(a: Sequence[int], b: Sequence[int]) -> int:
    return sum(map(mul, a, b))
