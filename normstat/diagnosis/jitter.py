"""Per-image normalization as augmentation: the brightness and contrast jitter that it implies.

A is the whole image, B a crop of it, before any resize. Normalized with the statistics of the
image, a pixel x is y_A = (x − μ_A)/σ_A; with those of the crop, as a pipeline does that normalizes
after cropping, it is y_B = (x − μ_B)/σ_B. So

    y_B = α·y_A + β,  α = σ_A/σ_B,  β = (μ_A − μ_B)/σ_B,

and the network sees the same content with its contrast times α and its brightness moved by β. In
units of the image that is (x − μ_A)·α + μ_A + β·σ_A: contrast by the factor α around the mean, and
a mean that is b = 1 + β·σ_A/μ_A times as large. A brightness jitter by the factor b does that, and
multiplies the contrast by b too, so that the factor of a contrast jitter must be c = α/b: the two
turn mean and std μ, σ into bμ, bcσ in either order (torchvision, `adjust_brightness` and
`adjust_contrast`, but for their clipping). Where b is not above zero no jitter does it. The 1e-4
that libraries add to σ is left out.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from normstat.diagnosis.looking import Array, Seen
from normstat.diagnosis.model import Band, Implied, Jitter


def jitter(seen: Seen, channels: Sequence[str], scale: tuple[float, float]) -> Jitter:
    """Return the jitter that normalizing crops by themselves implies."""
    usable = int(np.count_nonzero(_usable(seen, 0)))
    return Jitter(
        images=seen.images,
        crops=usable,
        flat=len(seen.crops) - usable,
        scale=scale,
        implied=list(_implied(seen, channels)),
    )


def _implied(seen: Seen, channels: Sequence[str]) -> Iterator[Implied]:
    rows: list[tuple[str, str | None, int]] = [("image", None, 0)]
    if len(channels) > 1:
        rows += [("image_per_channel", name, 1 + c) for c, name in enumerate(channels)]
    for method, channel, column in rows:
        usable = _usable(seen, column)
        if usable.any():
            whole, crops = seen.whole[usable, column], seen.crops[usable, column]
            yield implied(whole, crops, method=method, channel=channel)


def _usable(seen: Seen, column: int) -> npt.NDArray[np.bool_]:
    """Return which crops have a spread, as has their image."""
    return np.asarray(np.minimum(seen.whole[:, column, 1], seen.crops[:, column, 1]) > 0)


def implied(whole: Array, crops: Array, *, method: str, channel: str | None) -> Implied:
    """Return the jitter of crops against their images.

    Parameters
    ----------
    whole, crops
        Mean and std, shape (crops, 2); no std is zero.

    Examples
    --------
    Crops that are as bright as their images but have half and twice their contrast:

    >>> whole = np.array([[0.5, 0.2], [0.5, 0.2]])
    >>> crops = np.array([[0.5, 0.4], [0.5, 0.1]])
    >>> found = implied(whole, crops, method="image", channel=None)
    >>> found.alpha.median, found.beta.median, found.brightness
    (1.25, 0.0, 0.0)

    A crop with half the contrast that is brighter: seen 2 times as contrasty and 0.75 times as
    bright, as by brightness 0.75 and contrast 2/0.75.

    >>> found = implied(whole[:1], np.array([[0.5625, 0.1]]), method="image", channel=None)
    >>> found.alpha.median, found.brightness_factor.median, found.contrast_factor.median * 0.75
    (2.0, 0.75, 2.0)
    """
    (mean, std), (crop_mean, crop_std) = whole.T, crops.T
    alpha, beta = std / crop_std, (mean - crop_mean) / crop_std
    factors = 1 + beta * std / mean
    reached = factors > 0
    brightness = _band(factors)
    contrast = _band(alpha[reached] / factors[reached]) if reached.any() else None
    return Implied(
        method=method,
        channel=channel,
        alpha=_band(alpha),
        beta=_band(beta),
        brightness_factor=brightness,
        contrast_factor=contrast,
        unreached=int(np.count_nonzero(~reached)),
        brightness=nearest_argument(brightness.low, brightness.high),
        contrast=nearest_argument(contrast.low, contrast.high) if contrast else None,
    )


def _band(values: Array) -> Band:
    low, median, high = np.percentile(values, [5, 50, 95]).tolist()
    return Band(median=median, low=low, high=high)


def nearest_argument(low: float, high: float) -> float:
    """Return x ≥ 0 whose range [max(0, 1 − x), 1 + x] has the ends nearest to `low` and `high`.

    Nearest by the sum of squares. ColorJitter draws its factors from that range.

    >>> nearest_argument(0.8, 1.3), nearest_argument(0.5, 4.0), nearest_argument(1.0, 1.0)
    (0.25, 3.0, 0.0)
    """
    # Up to 1 both ends move, beyond only the upper one does.
    candidates = (min(max((high - low) / 2, 0.0), 1.0), max(high - 1, 1.0))

    def misses(x: float) -> float:
        return (max(0.0, 1 - x) - low) ** 2 + (1 + x - high) ** 2

    return min(candidates, key=misses)
