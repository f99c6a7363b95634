"""The exact, mergeable state of a spec as text."""

from msgspec import UNSET, UnsetType

from normstat.spec.values import Count, Counts256, Integers, Section


class ImageSumsText(Section, frozen=True, kw_only=True):
    """Sums over images, from which weightings and standard errors follow.

    For image i: n pixels, s the sum and q the sum of squares of its codes in one channel.
    `mean`, `square`, `variance`, `std` and their products are of the image's own s/n, q/n,
    variance and std, in fixed point with 64 fractional bits a factor.
    """

    images: Count
    n: Integers
    nn: Integers
    s: Integers
    q: Integers
    ns: Integers
    ss: Integers
    nq: Integers
    sq: Integers
    qq: Integers
    mean: Integers
    square: Integers
    variance: Integers
    std: Integers
    s_mean: Integers
    mean_mean: Integers
    mean_square: Integers
    square_square: Integers
    variance_variance: Integers
    too_small: Count


class KindText(Section, frozen=True, kw_only=True):
    """The exact state of all images of one kind of pixel.

    Float values have limits (the smallest and the largest a channel) instead of a histogram.
    """

    histogram: list[Counts256] | UnsetType = UNSET
    images: ImageSumsText
    products: Integers | UnsetType = UNSET
    uneven: Integers | UnsetType = UNSET
    limits: list[tuple[float, float]] | UnsetType = UNSET


class StateText(Section, frozen=True, kw_only=True):
    """The exact, mergeable state. Every other number of the spec follows from it."""

    kinds: dict[str, KindText]
    modes: dict[str, Count]
    widths: dict[str, Count]
    heights: dict[str, Count]
    transparent: Count
    animated: Count
    padded: Count
    left_out: dict[str, Count] | UnsetType = UNSET
    bands: dict[str, Count] | UnsetType = UNSET
