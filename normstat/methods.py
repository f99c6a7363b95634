"""Every normalization there is: one table of pure functions, each with its inverse.

A method looks at an image's codes and returns what is to be done to them, an `Applied`; `forward`
does it and `backward` undoes it. Images are planes here, of shape (C, H, W), which is how most
are stored. A new method is a function and a row in `METHODS`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from normstat.errors import NormstatError
from normstat.normalization import Values, working_type
from normstat.spec.model import Constants

Codes = Sequence[npt.NDArray[Any]] | npt.NDArray[Any]  # planes, of one size

EPSILON = 1e-4  # Albumentations' guard of its per-image methods, in codes
LIMIT = 20.0  # beyond which Albumentations clips them
_FLAT = 1e-6  # a neighbourhood whose std, in units of the range, is below this counts as constant


class Applied(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is done to the codes of one image, channel by channel.

    values = clip(matrix · (scale · clip(code, low, high) + offset), ±limit); what is None is left
    out. With a `window` it is instead (x − mean) / std of the window around each pixel.
    """

    scale: list[float]
    offset: list[float]
    low: list[float] | None = None
    high: list[float] | None = None
    matrix: list[list[float]] | None = None
    limit: float | None = None
    window: int | None = None
    spec: str | None = None


@dataclass(frozen=True)
class Gaussian:
    """Mean and std a channel in units of the range, under the name that they are known by."""

    name: str
    mean: tuple[float, ...]
    std: tuple[float, ...]


def gaussian(each: tuple[str, Constants], first: tuple[str, Constants]) -> Gaussian:
    """Return the numbers of a named spec with its channels in the order of the first.

    They are fractions of the range of codes, or values of their own where there is no range.

    Raises
    ------
    NormstatError
        The channels differ, or only one of the two is for fractions of a range.
    SpecError
        A std is not above zero.
    """
    name, spec = each
    if sorted(spec.channels) != sorted(first[1].channels):
        raise NormstatError(
            f"channels differ: {name} has {' '.join(spec.channels)}, {first[0]} has "
            f"{' '.join(first[1].channels)}"
        )
    order = [spec.channels.index(channel) for channel in first[1].channels]
    scale = spec.full_scale
    if (scale is None) != (first[1].full_scale is None):
        ranged, other = (first[0], name) if scale is None else (name, first[0])
        raise NormstatError(
            f"{ranged} is for codes of a range, {other} for values without one: they have no "
            "common measure"
        )
    scale = scale or 1.0
    normalization = spec.normalization  # refuses a std of zero
    return Gaussian(
        name,
        tuple(normalization.mean[channel] / scale for channel in order),
        tuple(normalization.std[channel] / scale for channel in order),
    )


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
    of: Literal["image", "dataset"] = "dataset"


@dataclass(frozen=True)
class Method:
    """A row of the table.

    `needs` are the `Settings` that must be there. `inverse` says how well `backward` undoes it.
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
    flat = _wide(codes)
    return _of_statistics(codes, flat.mean(), flat.std() + EPSILON, LIMIT)


def image_per_channel(codes: Codes, top: float, settings: Settings) -> Applied:
    """As `image`, for each channel by itself; float images with several have no epsilon."""
    if len(codes) == 1:
        return image(codes, top, settings)
    flat = _wide(codes)
    return _of_statistics(codes, flat.mean(axis=1), _guarded(codes, flat.std(axis=1)), LIMIT)


def min_max(codes: Codes, top: float, settings: Settings) -> Applied:  # noqa: ARG001
    """(x − min) / (max − min) of all channels of the image; with 1e-4 below for integers."""
    flat = _wide(codes)
    low, high = flat.min(), flat.max()
    return _of_statistics(codes, low, _guarded(codes, np.array(high - low)))


def min_max_per_channel(codes: Codes, top: float, settings: Settings) -> Applied:
    """(x − min) / (max − min + 1e-4) of each channel by itself."""
    if len(codes) == 1:
        return min_max(codes, top, settings)
    flat = _wide(codes)
    low, high = flat.min(axis=1), flat.max(axis=1)
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
        quarters = np.percentile(_wide(codes), [25, 50, 75], axis=1)
        centre, spread = quarters[1], quarters[2] - quarters[0]
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
    flat = _wide(codes) / top
    mean, std = flat.mean(axis=1), flat.std(axis=1)

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
    scale = channels / spread
    return Applied(scale=scale.tolist(), offset=(-channels * centre * scale).tolist(), limit=limit)


def _wide(codes: Codes) -> npt.NDArray[np.float64]:
    return np.asarray(codes, np.float64).reshape(len(codes), -1)


def forward(codes: Codes, applied: Applied) -> Values:
    """Return the values of an image of shape (C, H, W), float32 of the same shape."""
    if applied.low is not None and applied.high is not None:
        codes = np.clip(np.asarray(codes), _planes(applied.low), _planes(applied.high))
    values = _affine(codes, applied.scale, applied.offset)
    if applied.window is not None:
        return _local(values, applied.window)
    if applied.matrix is not None:
        values = _mixed(applied.matrix, values)
    if applied.limit is not None:
        np.clip(values, -applied.limit, applied.limit, out=values)
    return values


def backward(values: Values, applied: Applied) -> Values:
    """Return the codes that `forward` made values of, not yet rounded.

    Raises
    ------
    NormstatError
        The method cannot be undone.
    """
    if applied.window is not None:
        raise NormstatError(
            "local cannot be undone: the mean and std around each pixel are not kept"
        )
    if applied.matrix is not None:
        values = _mixed(np.linalg.inv(np.array(applied.matrix)), values)
    scale = 1 / np.array(applied.scale)
    return _affine(values, scale, -np.array(applied.offset) * scale)


def _affine(planes: Codes, scale: Any, offset: Any) -> Values:
    values = np.empty((len(planes), *planes[0].shape), np.float32)
    for channel, (a, b) in enumerate(zip(scale, offset, strict=True)):
        if working_type(b) is np.float64:
            values[channel] = np.multiply(planes[channel], a, dtype=np.float64) + b
            continue
        values[channel] = planes[channel]
        values[channel] *= np.float32(a)
        values[channel] += np.float32(b)
    return values


def _mixed(matrix: Any, values: Values) -> Values:
    mixed: Values = np.asarray(matrix, np.float32) @ values.reshape(len(values), -1)
    return mixed.reshape(values.shape)


def _planes(values: Any) -> Values:
    return np.asarray(values, np.float32)[:, None, None]


def clipped(codes: Codes, applied: Applied) -> tuple[int, float]:
    """Return how many codes `forward` moves by clipping, and the farthest, in codes."""
    low, high = _bounds(applied)
    if low is None or high is None:
        return 0, 0.0
    planes = np.asarray(codes)
    over = np.maximum(np.maximum(low - planes, planes - high), 0)
    return int(np.count_nonzero(over)), float(over.max(initial=0))


def _bounds(applied: Applied) -> tuple[Any, Any]:
    if applied.low is not None:
        return _planes(applied.low), _planes(applied.high)
    if applied.limit is not None:
        scale, offset = np.array(applied.scale), np.array(applied.offset)
        return _planes((-applied.limit - offset) / scale), _planes((applied.limit - offset) / scale)
    return None, None


def _local(values: Values, window: int) -> Values:
    """Standardize each pixel by the window around it, cut off at the borders."""
    wide = values.astype(np.float64)
    count = _window_sums(np.ones((1, *values.shape[1:])), window)
    mean = _window_sums(wide, window) / count
    variance = np.maximum(_window_sums(wide * wide, window) / count - mean**2, 0)
    std = np.sqrt(variance)
    flat = std < _FLAT
    return np.where(flat, 0, (wide - mean) / np.where(flat, 1, std)).astype(np.float32)


def _window_sums(values: npt.NDArray[np.float64], window: int) -> npt.NDArray[np.float64]:
    """Sums over windows by an integral image (Crow, Summed-Area Tables, 1984)."""
    half = window // 2
    for axis in (1, 2):
        size = values.shape[axis]
        sums = np.concatenate([np.zeros_like(values.take([0], axis)), values.cumsum(axis)], axis)
        ends = np.minimum(np.arange(size) + half + 1, size)
        starts = np.maximum(np.arange(size) - half, 0)
        values = sums.take(ends, axis) - sums.take(starts, axis)
    return values


def whitening_matrix(
    covariance: npt.ArrayLike, kind: Literal["zca", "pca"]
) -> tuple[tuple[float, ...], ...]:
    """Return W with W Σ Wᵀ = 1: Λ^-½ Uᵀ for PCA, U Λ^-½ Uᵀ for ZCA.

    Kessy, Lewin and Strimmer, "Optimal Whitening and Decorrelation", 2018.

    Raises
    ------
    NormstatError
        Channels depend on each other, as those of gray images in RGB do.

    Examples
    --------
    >>> whitening_matrix([[4.0, 0.0], [0.0, 1.0]], "zca")
    ((0.5, 0.0), (0.0, 1.0))
    """
    values, vectors = np.linalg.eigh(np.asarray(covariance, dtype=np.float64))
    if values[0] <= values[-1] * 1e-12:
        raise NormstatError(
            "the channels depend on each other, so their covariance cannot be whitened; "
            "gray images need one channel (--mode l)"
        )
    # Largest variance first, each axis with its largest part positive: one matrix, not many.
    largest = vectors[np.abs(vectors).argmax(axis=0), range(len(values))]
    vectors = (vectors * np.sign(largest))[:, ::-1]
    matrix = (vectors / np.sqrt(values[::-1])).T
    if kind == "zca":
        matrix = vectors @ matrix
    return tuple(tuple(row) for row in matrix.tolist())


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
        "as image, for each channel",
        "but for what was clipped",
        "Albumentations 2, Normalize(normalization='image_per_channel')",
        image_per_channel,
        per_image=True,
    ),
    Method(
        "min_max",
        "(x − min) / (max − min) of the image",
        "exact",
        "Albumentations 2, Normalize(normalization='min_max')",
        min_max,
        per_image=True,
    ),
    Method(
        "min_max_per_channel",
        "as min_max, for each channel",
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
