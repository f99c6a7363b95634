"""The pixels of an image → the values that are stored, and what is measured of them."""

from typing import Any

import numpy as np
import numpy.typing as npt

from normstat.errors import ImageError, NormstatError
from normstat.manifest import Job
from normstat.methods import Codes, Method
from normstat.names import printable
from normstat.readers import Decoded, assembled
from normstat.statistics import kind_of

# Mean² over variance beyond which their difference has lost a digit too many.
_CANCELS = 10


def codes_of(decoded: Decoded, job: Job, name: str) -> tuple[Codes, npt.NDArray[np.bool_] | None]:
    """Return the planes of an image in the order of the numbers' channels, and where they count."""
    planes, valid = _planes(decoded)
    channels = job.channels
    if channels is None:
        return planes, valid
    own = decoded.facts.bands.split(",") if decoded.facts.bands else kind_of(decoded.kind).names
    order = _order(own, channels)
    if order is None:
        hint = "; --mode l makes images gray" if channels == ["L"] and own == [*"RGB"] else ""
        raise NormstatError(
            f"{printable(name)} has the channels {' '.join(map(printable, own))}, "
            f"{job.numbers} has {' '.join(channels)}{hint}"
        )
    return [planes[channel] for channel in order], None if valid is None else valid[order]


def _order(own: list[str], channels: list[str]) -> list[int] | None:
    """Return which of an image's channels is each of the numbers'."""
    if sorted(own) == sorted(channels):
        return [own.index(channel) for channel in channels]
    if own == ["L"] and sorted(channels) == ["B", "G", "R"]:
        return [0, 0, 0]
    nameless = own == [f"B{number + 1}" for number in range(len(channels))]
    return list(range(len(channels))) if nameless else None


def _planes(decoded: Decoded) -> tuple[Codes, npt.NDArray[np.bool_] | None]:
    if decoded.image is None:
        codes, valid = assembled(decoded)
        if not np.issubdtype(codes.dtype, np.integer):
            finite = np.isfinite(codes)
            valid = finite if valid is None else valid & finite
        return codes, None if valid is None or valid.all() else valid
    planes = [np.asarray(band) for band in decoded.image.split()]
    if decoded.mask is None:
        return planes, None
    shown = np.asarray(decoded.mask) != 0
    return planes, None if shown.all() else np.repeat(shown[None], len(planes), axis=0)


def codes_that_count(codes: Codes, valid: npt.NDArray[np.bool_], method: Method) -> Codes:
    """Return the codes of each channel that count."""
    if method.name == "local":
        raise ImageError("has pixels that do not count, around which local has no neighbours")
    for channel, counts in enumerate(valid):
        if not counts.any():
            raise ImageError(f"nothing counts in channel {channel + 1}")
    return [plane[counts] for plane, counts in zip(codes, valid, strict=True)]


def check_held(mean: list[float], stored: npt.NDArray[Any]) -> None:
    """Raise where the values of an image became infinite."""
    if not np.isfinite(mean).all():
        raise ImageError("has values that float32 cannot hold when they are normalized")
    if stored.dtype == np.float16 and not np.isfinite(stored).all():
        raise ImageError("has values that float16 cannot hold; --dtype float32 can")


def measured(values: npt.NDArray[np.floating]) -> tuple[list[float], list[float]]:
    """Return mean and std of each plane; rows are added in float32, their sums in float64."""
    mean = _row_sums(values, np.ones(values.shape[2], np.float32)) / values[0].size
    variance = _row_sums(values, values) / values[0].size - mean**2
    for flat in np.flatnonzero(mean**2 > _CANCELS * variance):
        rest = values[flat : flat + 1] - np.float32(mean[flat])
        offset = mean[flat] - np.float32(mean[flat])
        variance[flat] = _row_sums(rest, rest)[0] / rest.size - offset**2
    if values.dtype == np.float32 and not np.isfinite([mean, variance]).all():
        return measured(values.astype(np.float64))  # whose squares float32 cannot hold
    return mean.tolist(), np.sqrt(np.maximum(variance, 0)).tolist()


def _row_sums(
    values: npt.NDArray[np.floating], others: npt.NDArray[np.floating]
) -> npt.NDArray[np.float64]:
    # A dot product a row, not a matrix product, whose threads would get in the way of ours.
    sums: npt.NDArray[np.float64] = np.vecdot(values, others).sum(axis=1, dtype=np.float64)
    return sums
