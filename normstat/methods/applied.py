"""What is done to the codes of an image, doing it and undoing it.

Images are planes here, of shape (C, H, W), which is how most are stored.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from normstat.errors import NormstatError
from normstat.normalization import Values, working_type

Codes = Sequence[npt.NDArray[Any]] | npt.NDArray[Any]  # planes, of one size

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
        if working_type(b, a) is np.float64:
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


def clipped(
    codes: Codes, applied: Applied, valid: npt.NDArray[np.bool_] | None = None
) -> tuple[int, float]:
    """Return how many codes `forward` moves by clipping, and the farthest, in codes.

    Those that are not `valid`, of the same shape, are none.
    """
    low, high = _bounds(applied)
    if low is None or high is None:
        return 0, 0.0
    planes = np.asarray(codes)
    over = np.maximum(np.maximum(low - planes, planes - high), 0)
    if valid is not None:
        over[~valid] = 0
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
