"""Counting beside decoding: 16-bit gray and 13 bands in tiles, in one process."""

from collections.abc import Callable
from functools import partial
from io import BytesIO
from statistics import median
from time import process_time
from typing import Any

from tests.benchmarks.tables import show, verdict

GRAY_LIMIT = 1.3
BANDS_LIMIT = 1.5
_SIDE = 1024
_TIMES = 7


def race_rasters() -> None:
    """Print how much longer an image takes to be counted than to be decoded."""
    # NumPy stays out of a process that measures the memory of others until it is needed.
    import numpy as np  # noqa: PLC0415
    import tifffile  # noqa: PLC0415
    from PIL import Image  # noqa: PLC0415

    rng = np.random.default_rng(20)
    slopes = np.cumsum(rng.integers(-3, 4, (_SIDE, _SIDE)), axis=1) + 20_000
    layers = [slopes + rng.integers(0, 200, slopes.shape) for _ in range(13)]
    bands = np.stack(layers, axis=-1).astype(np.uint16)
    gray = BytesIO()
    Image.fromarray(np.ascontiguousarray(bands[..., 0])).save(gray, "PNG")

    def decode_png() -> None:
        Image.open(BytesIO(gray.getvalue())).load()

    rows = [_row("16-bit gray PNG, Pillow", decode_png, gray.getvalue(), GRAY_LIMIT)]
    for name, options in (("deflate", {"compression": "deflate", "predictor": True}), ("raw", {})):
        tiled = BytesIO()
        tifffile.imwrite(
            tiled, bands, tile=(256, 256), photometric="minisblack", planarconfig="contig",
            metadata=None, **options,
        )  # fmt: skip
        decode = partial(_decode_tiff, tiled.getvalue())
        rows.append(_row(f"13 tiled bands, {name}", decode, tiled.getvalue(), BANDS_LIMIT))
    show(
        f"Rasters of {_SIDE} × {_SIDE}, one process, {_TIMES} times",
        ["image", "decoded s", "counted s", "spread of ratio", "limit"],
        rows,
        "seconds of processor; tifffile.imread is the decoder of bands.",
    )


def _decode_tiff(content: bytes) -> None:
    import tifffile  # noqa: PLC0415

    tifffile.imread(BytesIO(content), maxworkers=1)


def _count(content: bytes) -> None:
    from normstat.counting import _counted  # noqa: PLC0415
    from normstat.images import read, undisturbed  # noqa: PLC0415
    from normstat.spec.model import Pipeline  # noqa: PLC0415

    with undisturbed(), read(partial(BytesIO, content), Pipeline()) as decoded:
        _counted(decoded, covariance=False)


def _row(name: str, decode: Callable[[], Any], content: bytes, limit: float) -> list[str]:
    decoded, counted = [], []
    for _ in range(_TIMES):
        decoded.append(_seconds(decode))
        counted.append(_seconds(partial(_count, content)))
    ratios = [c / d for c, d in zip(counted, decoded, strict=True)]
    return [
        name,
        f"{median(decoded):.3f}",
        f"{median(counted):.3f}",
        f"{min(ratios):.2f} .. {max(ratios):.2f}",
        verdict(median(ratios), limit),
    ]


def _seconds(function: Callable[[], Any]) -> float:
    start = process_time()
    function()
    return process_time() - start
