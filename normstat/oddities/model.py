"""What `outliers` answers."""

from typing import Literal

from msgspec import Struct

RuleName = Literal["kind", "constant", "inverted", "range", "gray", "mean", "std"]


class Reason(Struct, frozen=True, kw_only=True):
    """A rule of `RULES` that an image meets, and in words how."""

    rule: RuleName
    text: str


class Influence(Struct, frozen=True, kw_only=True):
    """The dataset without one image: its pooled mean and std, and how much they change.

    A change is the number without the image minus the number with it. All follow from exact sums
    and are rounded once: `mean` and `std` are what measuring the dataset without the file gives.
    """

    mean: list[float]
    std: list[float]
    mean_change: list[float]
    std_change: list[float]


class Outlier(Struct, frozen=True, kw_only=True):
    """One image, by the name that it is shown with; `mean` and `std` in the dataset's units.

    `z_mean` and `z_std` are distances from the medians in robust standard deviations, a number a
    channel; null for a kind of image that has no common measure with the rest. `influence` is null
    for those, and where no other image is left.
    """

    path: str
    kind: str
    score: float
    reasons: list[Reason]
    mean: list[float]
    std: list[float]
    z_mean: list[float] | None
    z_std: list[float] | None
    influence: Influence | None


class Outliers(Struct, frozen=True, kw_only=True):
    """Images that are farthest from the rest, the farthest first.

    `mean` and `std` are those of the dataset, pooled over pixels (ddof 0); `median_mean` and
    `median_std` are medians over images, `robust_mean` and `robust_std` the robust standard
    deviations of the images around them. `named` counts the images that each rule names among
    all, not only among those listed.
    """

    name: str
    images: int
    channels: list[str]
    max_pixel_value: int | float
    mean: list[float]
    std: list[float]
    median_mean: list[float]
    median_std: list[float]
    robust_mean: list[float]
    robust_std: list[float]
    images_named: int
    named: dict[RuleName, int]
    notes: list[str]
    outliers: list[Outlier]
