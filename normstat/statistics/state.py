"""What a chunk, a run or a shard adds up to: the raw state, kept whole and merged by addition."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from normstat.errors import SpecError
from normstat.statistics.clusters import DEGREES, ImageSums
from normstat.statistics.histogram import Histogram

EIGHT_TO_SIXTEEN = 257  # 65535 / 255: the same fraction of the range, exactly


@dataclass(frozen=True)
class Kind:
    """A kind of pixel: its channels and its largest code."""

    channels: int
    max_code: int

    @property
    def bins(self) -> int:
        return self.max_code + 1


KINDS = {"gray8": Kind(1, 255), "rgb8": Kind(3, 255), "gray16": Kind(1, 65535)}


class Facts(NamedTuple):
    """What is counted of an image beside its pixels; width and height are before any resize."""

    mode: str
    width: int
    height: int
    transparent: bool
    animated: bool
    padded: bool


@dataclass
class KindState:
    """Histogram and image sums of all images of one kind.

    `products` holds Σ rg, Σ rb and Σ gb over pixels when the covariance was asked for.
    """

    histogram: Histogram
    images: ImageSums
    products: list[int] | None = None

    def merged(self, other: "KindState") -> "KindState":
        """Return the state of both."""
        products = None
        if self.products is not None and other.products is not None:
            products = [a + b for a, b in zip(self.products, other.products, strict=True)]
        return KindState(
            self.histogram.merged(other.histogram), self.images.merged(other.images), products
        )

    def gram(self) -> list[list[int]] | None:
        """Return Σ ab over pixels for all channels a and b; None when pairs were not counted."""
        squares = self.images.q
        if len(squares) == 1:
            return [squares]
        if not self.products:
            return None
        rg, rb, gb = self.products
        r, g, b = squares
        return [[r, rg, rb], [rg, g, gb], [rb, gb, b]]

    def widened(self) -> "KindState":
        """Return 8-bit state in 16-bit codes."""
        products = self.products
        return KindState(
            self.histogram.spread(EIGHT_TO_SIXTEEN, KINDS["gray16"].bins),
            self.images.scaled(EIGHT_TO_SIXTEEN),
            products and [value * EIGHT_TO_SIXTEEN**2 for value in products],
        )

    def as_rgb(self) -> "KindState":
        """Return gray state as that of three equal channels, whose products are the squares."""
        return KindState(
            self.histogram.repeated(3), self.images.repeated(3), self.histogram.square_sums() * 3
        )


@dataclass
class State:
    """Everything a run has found out, by kind of pixel. The empty state is a true zero.

    Kinds are kept apart until the end, because only then is it known whether gray images stand
    alone or count as three equal channels beside colour.
    """

    kinds: dict[str, KindState] = field(default_factory=dict)
    modes: Counter[str] = field(default_factory=Counter)
    widths: Counter[int] = field(default_factory=Counter)
    heights: Counter[int] = field(default_factory=Counter)
    transparent: int = 0
    animated: int = 0
    padded: int = 0

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
        )

    def combined(self, *, rgb: bool) -> tuple[KindState, Kind]:
        """Return all kinds as one: gray counts three times beside colour, 8 bit as 257 times.

        Parameters
        ----------
        rgb
            Three channels even when every image is gray.
        """
        if not self.images:
            raise SpecError("holds no image")
        channels = 3 if rgb or any(KINDS[name].channels > 1 for name in self.kinds) else 1
        max_code = max(KINDS[name].max_code for name in self.kinds)
        whole: KindState | None = None
        for name in sorted(self.kinds):
            part = self.kinds[name]
            if KINDS[name].max_code < max_code:
                part = part.widened()
            if KINDS[name].channels < channels:
                part = part.as_rgb()
            whole = whole.merged(part) if whole else part
        if whole is None or not whole.images.n:
            raise SpecError("holds no pixel")
        return whole, Kind(channels, max_code)

    def to_text(self) -> dict[str, Any]:
        """Return the state as plain data with big integers as text, in a fixed order."""
        return {
            "kinds": {
                name: _kind_to_text(self.kinds[name]) for name in KINDS if name in self.kinds
            },
            "modes": {mode: self.modes[mode] for mode in sorted(self.modes)},
            "widths": {str(width): self.widths[width] for width in sorted(self.widths)},
            "heights": {str(height): self.heights[height] for height in sorted(self.heights)},
            "transparent": self.transparent,
            "animated": self.animated,
            "padded": self.padded,
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
        )


def _kind_to_text(kind: KindState) -> dict[str, Any]:
    sums = kind.images
    text: dict[str, Any] = {
        "histogram": kind.histogram.to_text(),
        "images": {
            "images": sums.images,
            "n": str(sums.n),
            "nn": str(sums.nn),
            **{name: [str(value) for value in getattr(sums, name)] for name in DEGREES},
            "too_small": sums.too_small,
        },
    }
    if kind.products is not None:
        text["products"] = [str(value) for value in kind.products]
    return text


def _kind_from_text(name: str, text: dict[str, Any], ddof: int) -> KindState:
    kind, sums, path = KINDS[name], text["images"], f"state.kinds.{name}"
    try:
        histogram = Histogram.from_text(text["histogram"], bins=kind.bins)
    except SpecError as error:
        raise SpecError(f"{path}.histogram: {error}") from error
    values = {name: [int(value) for value in sums[name]] for name in DEGREES}
    for part, items in [("histogram", text["histogram"]), *values.items()]:
        if len(items) != kind.channels:
            raise SpecError(f"{path}.{part}: {len(items)} channels, expected {kind.channels}")
    images = ImageSums(
        channels=kind.channels,
        ddof=ddof,
        images=sums["images"],
        n=int(sums["n"]),
        nn=int(sums["nn"]),
        too_small=sums["too_small"],
        **values,
    )
    products = text.get("products")
    pairs = kind.channels if kind.channels > 1 else 0
    if products is not None and len(products) != pairs:
        raise SpecError(f"{path}.products: {len(products)} numbers, expected {pairs}")
    return KindState(histogram, images, products and [int(value) for value in products])
