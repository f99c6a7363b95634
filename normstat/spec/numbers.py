"""What a spec tells of images beside their normalization."""

from msgspec import UNSET, UnsetType

from normstat.spec.values import Count, Number, Section, Size


class Confidence(Section, frozen=True, kw_only=True):
    """Half-widths of the intervals of the headline numbers, with the image as sampling unit.

    Of a sample they say how far the numbers of all listed images may be; else, how far another
    dataset of as many images from the same source would be.
    """

    level: Number
    mean: list[Number]
    std: list[Number]


class Weighted(Section, frozen=True, kw_only=True):
    """Mean and pooled std under one weighting; std² = within_std² + between_std²."""

    mean: list[Number]
    std: list[Number] | None
    within_std: list[Number]
    between_std: list[Number]


class Alternatives(Section, frozen=True, kw_only=True):
    """Every definition side by side, in units of code / max_pixel_value."""

    pixel: Weighted
    image: Weighted
    mean_of_image_stds: list[Number] | None
    rms_of_image_stds: list[Number] | None


class Histogram(Section, frozen=True, kw_only=True):
    """Pixel counts a channel. Bin i holds the codes from first_code + i·codes_per_bin on."""

    codes_per_bin: Size
    first_code: int | UnsetType = UNSET
    counts: list[list[Count]]


class Range(Section, frozen=True, kw_only=True):
    """Smallest, median and largest value."""

    min: Count
    median: Number
    max: Count


class Sizes(Section, frozen=True, kw_only=True):
    """Pixels of the decoded images, before any resize."""

    width: Range
    height: Range


class Counts(Section, frozen=True, kw_only=True):
    """What was read."""

    images: Count
    pixels: Count
    by_mode: dict[str, Count]
    by_size: Sizes
    transparent: Count
    animated: Count
    padded: Count
    skipped: Count
