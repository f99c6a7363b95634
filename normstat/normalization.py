"""A normalization as a value, one affine map a channel, and what it does to arrays."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from normstat.errors import SpecError, UsageError
from normstat.registry import instance

Values = npt.NDArray[np.float32]

# A block of a row-wise result stays in the cache between its two steps.
_BLOCK = 1 << 16
_LARGE_OFFSET = 4.0
_SMALLEST_SCALE, _LARGEST_SCALE = 1e-20, 1e20  # beyond these float32 may not hold the codes


@dataclass(frozen=True)
class Normalization:
    """The map y = (code / max_pixel_value − mean) / std, channel by channel.

    Parameters
    ----------
    mean, std
        In units of code / `max_pixel_value`, in the order of `channels`. std > 0.
    max_pixel_value
        What a code is divided by first: 255 for 8 bit, 65535 for 16 bit, 1 for float.
    channels
        Names in order, such as ("R", "G", "B").

    Raises
    ------
    SpecError
        The lengths differ, or a std or `max_pixel_value` is not above zero.

    Examples
    --------
    >>> half = Normalization((0.5,), (0.5,), 255, ("L",))
    >>> half.scale[0] * 255 + half.offset[0]
    1.0
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    max_pixel_value: float
    channels: tuple[str, ...]

    def __post_init__(self) -> None:
        if not len(self.mean) == len(self.std) == len(self.channels):
            raise SpecError(
                f"mean, std and channels differ in length: "
                f"{len(self.mean)}, {len(self.std)}, {len(self.channels)}"
            )
        if not self.channels:
            raise SpecError(
                "there are no channels: an empty shard has no numbers before it is merged"
            )
        for name, std in zip(self.channels, self.std, strict=True):
            if not std > 0:
                raise SpecError(
                    f"std of channel {name} is {std}: dividing by it has no result. "
                    "A constant channel cannot be standardized"
                )
        if not self.max_pixel_value > 0:
            raise SpecError(f"max_pixel_value is {self.max_pixel_value}; it must be above zero")

    @property
    def scale(self) -> tuple[float, ...]:
        """a of y = a·code + b: 1 / (std · max_pixel_value)."""
        return tuple(1 / (std * self.max_pixel_value) for std in self.std)

    @property
    def offset(self) -> tuple[float, ...]:
        """b of y = a·code + b: −mean / std."""
        return tuple(-mean / std for mean, std in zip(self.mean, self.std, strict=True))


def normalize(image: npt.NDArray[Any], normalization: Normalization) -> Values:
    """Apply a normalization to an image or a batch.

    Parameters
    ----------
    image
        Codes of shape (H, W), (H, W, C) or (N, H, W, C), uint8, uint16 or float, with the channels
        of the normalization. It is left as it is.

    Returns
    -------
    float32 array of the same shape
        a·code + b, a channel; nothing else is allocated.

    Raises
    ------
    UsageError
        The number of channels differs, or one of these is something else.

    Examples
    --------
    >>> half = Normalization((0.5,), (0.5,), 255, ("L",))
    >>> normalize(np.array([[0, 255]], dtype=np.uint8), half).tolist()
    [[-1.0, 1.0]]
    """
    _check("image", image, normalization)
    return affine(image, normalization.scale, normalization.offset)


def denormalize(
    values: npt.NDArray[Any],
    normalization: Normalization,
    dtype: npt.DTypeLike = np.uint8,
) -> npt.NDArray[Any]:
    """Undo a normalization: (y − b) / a, rounded to codes when `dtype` is an integer type.

    Raises
    ------
    UsageError
        The number of channels differs, or one of these is something else.

    Examples
    --------
    >>> half = Normalization((0.5,), (0.5,), 255, ("L",))
    >>> denormalize(np.array([[-1.0, 1.0]]), half).tolist()
    [[0, 255]]
    """
    _check("values", values, normalization)
    scale = [1 / a for a in normalization.scale]
    offset = [-b / a for a, b in zip(normalization.scale, normalization.offset, strict=True)]
    codes = np.empty(values.shape, dtype)
    images = values if values.ndim == 4 else values[None]  # noqa: PLR2004 (N, H, W, C)
    for image, result in zip(images, codes if values.ndim == 4 else codes[None], strict=True):  # noqa: PLR2004
        step = max(1, _BLOCK // max(1, image[:1].size))
        for start in range(0, len(image), step):
            rows = slice(start, start + step)
            result[rows] = as_codes(affine(image[rows], scale, offset), dtype)
    return codes


def affine(image: npt.NDArray[Any], scale: Any, offset: Any) -> Values:
    """Return scale·image + offset in float32, with the channels on the last axis (or one)."""
    work = working_type(offset, scale)
    result = np.empty(image.shape, np.float32)
    if image.size:
        _fill(result, image, np.asarray(scale, work), np.asarray(offset, work))
    return result


def _fill(
    result: Values,
    image: npt.NDArray[Any],
    factors: npt.NDArray[np.floating],
    terms: npt.NDArray[np.floating],
) -> None:
    """Write factors·image + terms into a contiguous result, a block at a time."""
    if not image.flags.c_contiguous:
        if image.ndim == 4:  # noqa: PLR2004 (N, H, W, C)
            for each, out in zip(image, result, strict=True):
                _fill(out, each, factors, terms)
            return
        step = max(1, _BLOCK // image[:1].size)
        for start in range(0, len(image), step):
            rows = slice(start, start + step)
            _fill(result[rows], np.ascontiguousarray(image[rows]), factors, terms)
        return
    # Whole rows at once: a loop over three channels would cost five times as much.
    row = image.shape[-1] if len(factors) == 1 else image.shape[-1] * image.shape[-2]
    lines, out = image.reshape(-1, row), result.reshape(-1, row)
    factors, terms = (np.tile(each, row // len(factors)) for each in (factors, terms))
    step = max(1, _BLOCK // row)
    for start in range(0, len(lines), step):
        block = out[start : start + step]
        if factors.dtype == np.float32:
            block[:] = lines[start : start + step]
            block *= factors.astype(np.float32, copy=False)
            block += terms.astype(np.float32, copy=False)
        else:
            block[:] = lines[start : start + step] * factors + terms


def working_type(offset: Any, scale: Any) -> type[np.float32] | type[np.float64]:
    """Return the type in which scale·code + offset keeps seven digits of a result near 1.

    With a large offset the sum cancels, and float32 would lose the digits that are left. Codes that
    a scale far from 1 is for are zero or infinite in float32.
    """
    usual = np.min(scale) >= _SMALLEST_SCALE and np.max(scale) <= _LARGEST_SCALE
    return np.float32 if usual and np.max(np.abs(offset)) <= _LARGE_OFFSET else np.float64


def as_codes(values: Values, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Round to the nearest code of an integer type, within its range; leave float as it is."""
    if not np.issubdtype(dtype, np.integer):
        return values.astype(dtype)
    limits = np.iinfo(dtype)
    return np.clip(np.rint(values), limits.min, limits.max).astype(dtype)


def _check(name: str, image: npt.NDArray[Any], normalization: Normalization) -> None:
    hint = "spec.normalization, or preset(NAME).normalization"
    instance("normalization", normalization, Normalization, hint)
    instance(name, image, np.ndarray, "numpy.asarray makes one")
    channels = len(normalization.channels)
    shape = (*image.shape, 1) if image.ndim == 2 else image.shape  # noqa: PLR2004 (H, W)
    if len(shape) not in (3, 4) or shape[-1] != channels:
        raise UsageError(
            f"an image of shape {image.shape} has not the {channels} channels of the "
            "normalization on its last axis"
        )
