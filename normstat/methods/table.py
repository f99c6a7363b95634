"""The table of normalizations: a new method is a function and a row in `METHODS`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from normstat.errors import ImageError, NormstatError
from normstat.methods.applied import Applied, Codes
from normstat.methods.gaussian import Gaussian

# Whose median and quartiles `robust` takes.
Of = Literal["dataset", "image"]

EPSILON = 1e-4  # Albumentations' guard of its per-image methods, in codes
LIMIT = 20.0  # beyond which Albumentations clips them


@dataclass(frozen=True)
class Settings:
    """What a method knows beside the image, in units of the range of codes.

    Parameters
    ----------
    source
        The dataset's (or preset's) mean and std.
    target
        The mean and std that `match` maps to.
    candidates
        The specs that `adaptive` chooses from.
    low, high, median, spread
        The dataset's percentiles 0.5 and 99.5, its median and its interquartile range.
    matrix
        The whitening matrix.
    window
        Side of the neighbourhood of `local`, in pixels; odd.
    of
        Whether `robust` takes median and spread of the image or of the dataset.
    """

    source: Gaussian | None = None
    target: Gaussian | None = None
    candidates: tuple[Gaussian, ...] = ()
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    median: tuple[float, ...] = ()
    spread: tuple[float, ...] = ()
    matrix: tuple[tuple[float, ...], ...] = ()
    window: int = 31
    of: Of = "dataset"


@dataclass(frozen=True)
class Method:
    """A row of the table.

    `needs` are the `Settings` that must be there. `inverse` says how well `backward` undoes it.
    `fit` looks at planes, or at the codes that count, which each channel has its own number of.
    """

    name: str
    formula: str
    inverse: Literal["exact", "but for what was clipped", "none"]
    reference: str
    fit: Callable[[Codes, float, Settings], Applied]
    needs: tuple[str, ...] = ()
    per_image: bool = False


def standard(codes: Codes, top: float, settings: Settings) -> Applied:  # noqa: ARG001
    """(x − mean) / std of the dataset or preset."""
    return _standardized(_known(settings.source), top)


def image(codes: Codes, top: float, settings: Settings) -> Applied:  # noqa: ARG001
    """(x − mean) / (std + 1e-4) of all pixels and channels of the image, within ±20."""
    flat = _all(codes)
    return _of_statistics(codes, flat.mean(), flat.std() + EPSILON, LIMIT)


def image_per_channel(codes: Codes, top: float, settings: Settings) -> Applied:
    """As `image`, for each channel by itself; float images with several have no epsilon."""
    if len(codes) == 1:
        return image(codes, top, settings)
    mean, std = _each(codes, np.mean), _each(codes, np.std)
    return _of_statistics(codes, mean, _guarded(codes, std), LIMIT)


def min_max(codes: Codes, top: float, settings: Settings) -> Applied:  # noqa: ARG001
    """(x − min) / (max − min) of all channels of the image; with 1e-4 below for integers."""
    low, high = _each(codes, np.min).min(), _each(codes, np.max).max()
    return _of_statistics(codes, low, _guarded(codes, np.array(high - low)))


def min_max_per_channel(codes: Codes, top: float, settings: Settings) -> Applied:
    """(x − min) / (max − min + 1e-4) of each channel by itself."""
    if len(codes) == 1:
        return min_max(codes, top, settings)
    low, high = _each(codes, np.min), _each(codes, np.max)
    return _of_statistics(codes, low, high - low + EPSILON)


def _guarded(codes: Codes, spread: Any) -> Any:
    """Add the epsilon where Albumentations does: always for integers, never to a float's spread.

    A float's spread of zero gets it too, so that a constant image stays finite.
    """
    if np.issubdtype(codes[0].dtype, np.integer):
        return spread + EPSILON
    return np.where(spread > 0, spread, EPSILON)


def percentile(codes: Codes, top: float, settings: Settings) -> Applied:
    """Clip to the dataset's percentiles 0.5 and 99.5, then (x − mean) / std."""
    applied = standard(codes, top, settings)
    low, high = ((np.array(each) * top).tolist() for each in (settings.low, settings.high))
    return msgspec.structs.replace(applied, low=low, high=high)


def robust(codes: Codes, top: float, settings: Settings) -> Applied:
    """(x − median) / (p75 − p25), of the dataset or of the image."""
    if settings.of == "dataset":
        centre, spread = np.array(settings.median) * top, np.array(settings.spread) * top
    else:
        quarters = _each(codes, lambda plane: np.percentile(plane, [25, 50, 75]))
        centre, spread = quarters[:, 1], quarters[:, 2] - quarters[:, 0]
    # A spread of zero leaves the values in codes, as scikit-learn does.
    return _of_statistics(codes, centre, np.where(spread > 0, spread, 1.0))


def whiten(codes: Codes, top: float, settings: Settings) -> Applied:
    """W · (x − mean) with W Σ Wᵀ = 1."""
    source = _known(settings.source)
    ones = np.ones(len(source.mean))
    applied = _of_statistics(codes, np.array(source.mean) * top, ones * top)
    return msgspec.structs.replace(applied, matrix=[list(row) for row in settings.matrix])


def local(codes: Codes, top: float, settings: Settings) -> Applied:
    """(x − mean) / std of the window around each pixel; 0 where it is constant."""
    return msgspec.structs.replace(_of_statistics(codes, 0.0, float(top)), window=settings.window)


def adaptive(codes: Codes, top: float, settings: Settings) -> Applied:
    """`standard` by the spec whose Gaussian is nearest to the image's own."""
    mean = _each(codes, lambda plane: np.mean(plane / top))
    std = _each(codes, lambda plane: np.std(plane / top))

    def distance(candidate: Gaussian) -> float:
        """Squared 2-Wasserstein distance of Gaussians with independent channels."""
        deltas = (mean - np.array(candidate.mean)) ** 2 + (std - np.array(candidate.std)) ** 2
        return float(deltas.sum())

    nearest = min(settings.candidates, key=distance)
    return msgspec.structs.replace(_standardized(nearest, top), spec=nearest.name)


def match(codes: Codes, top: float, settings: Settings) -> Applied:  # noqa: ARG001
    """(x − mean) / std · std_target + mean_target: 0–1 values with the target's statistics."""
    source, target = _known(settings.source), _known(settings.target)
    ratio = np.array(target.std) / np.array(source.std)
    offset = np.array(target.mean) - np.array(source.mean) * ratio
    return Applied(scale=(ratio / top).tolist(), offset=offset.tolist())


def _known(gaussian: Gaussian | None) -> Gaussian:
    if gaussian is None:
        raise NormstatError("the method needs a spec or a preset")
    return gaussian


def _standardized(source: Gaussian, top: float) -> Applied:
    std = np.array(source.std)
    return Applied(scale=(1 / (std * top)).tolist(), offset=(-np.array(source.mean) / std).tolist())


def _of_statistics(codes: Codes, centre: Any, spread: Any, limit: float | None = None) -> Applied:
    """Return (x − centre) / spread, the two given in codes, for all channels or each."""
    channels = np.ones(len(codes))
    with np.errstate(over="ignore", invalid="ignore"):
        scale = channels / spread
        offset = -channels * centre * scale
    if not (np.isfinite(scale) & (scale > 0) & np.isfinite(offset)).all():
        raise ImageError("has values too large, or too close together, for floats to divide them")
    return Applied(scale=scale.tolist(), offset=offset.tolist(), limit=limit)


def _all(codes: Codes) -> npt.NDArray[np.float64]:
    return np.concatenate([np.ravel(plane) for plane in codes], dtype=np.float64)


def _each(codes: Codes, function: Callable[[Any], Any]) -> npt.NDArray[np.float64]:
    """Return what a function makes of the codes of each channel, in 64 bits."""
    return np.array([function(np.asarray(plane, np.float64).ravel()) for plane in codes])


_TABLE = (
    Method(
        "standard",
        "(x/M − mean) / std",
        "exact",
        "LeCun et al., Efficient BackProp, 1998",
        standard,
        needs=("source",),
    ),
    Method(
        "image",
        "(x − mean) / (std + 1e-4) of the image, within ±20",
        "but for what was clipped",
        "Albumentations 2, Normalize(normalization='image')",
        image,
        per_image=True,
    ),
    Method(
        "image_per_channel",
        "as image, for each channel; several of floats without the 1e-4",
        "but for what was clipped",
        "Albumentations 2, Normalize(normalization='image_per_channel')",
        image_per_channel,
        per_image=True,
    ),
    Method(
        "min_max",
        "(x − min) / (max − min + 1e-4) of the image; of floats without the 1e-4",
        "exact",
        "Albumentations 2, Normalize(normalization='min_max')",
        min_max,
        per_image=True,
    ),
    Method(
        "min_max_per_channel",
        "(x − min) / (max − min + 1e-4) of each channel; a single one as min_max",
        "exact",
        "Albumentations 2, Normalize(normalization='min_max_per_channel')",
        min_max_per_channel,
        per_image=True,
    ),
    Method(
        "percentile",
        "(clip(x/M, p0.5, p99.5) − mean) / std of the dataset",
        "but for what was clipped",
        "Isensee et al., nnU-Net, 2021",
        percentile,
        needs=("source", "low"),
    ),
    Method(
        "robust",
        "(x − median) / (p75 − p25)",
        "exact",
        "scikit-learn, RobustScaler",
        robust,
        needs=("median",),
        per_image=True,
    ),
    Method(
        "whiten",
        "W (x/M − mean) with W Σ Wᵀ = 1",
        "exact",
        "Kessy, Lewin and Strimmer, Optimal Whitening and Decorrelation, 2018",
        whiten,
        needs=("source", "matrix"),
    ),
    Method(
        "local",
        "(x − mean) / std of the window around each pixel",
        "none",
        "Jarrett et al., What is the Best Multi-Stage Architecture for Object Recognition?, 2009",
        local,
        per_image=True,
    ),
    Method(
        "adaptive",
        "standard, by the spec nearest to the image",
        "exact",
        "2-Wasserstein distance of Gaussians",
        adaptive,
        needs=("candidates",),
        per_image=True,
    ),
    Method(
        "match",
        "(x/M − mean) · std_target / std + mean_target",
        "exact",
        "Reinhard et al., Color Transfer between Images, 2001",
        match,
        needs=("source", "target"),
    ),
)
METHODS = {method.name: method for method in _TABLE}
