"""The numbers an image dataset should be normalized with: computed exactly, compared, applied.

>>> import normstat
>>> spec = normstat.compute("sample_data/photos")
>>> spec.channels
['R', 'G', 'B']
>>> spec.counts.images
30
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from normstat.errors import (
        ImageError,
        NormstatError,
        SourceError,
        SpecError,
        UsageError,
    )
    from normstat.measure import compute
    from normstat.normalization import Normalization
    from normstat.spec.files import load, save
    from normstat.spec.model import Spec
    from normstat.validate import validate

__version__ = "0.1.0"

__all__ = [
    "ImageError",
    "Normalization",
    "NormstatError",
    "SourceError",
    "Spec",
    "SpecError",
    "UsageError",
    "compute",
    "load",
    "save",
    "validate",
]

_HOMES = {
    "compute": "normstat.measure",
    "load": "normstat.spec.files",
    "save": "normstat.spec.files",
    "Spec": "normstat.spec.model",
    "Normalization": "normstat.normalization",
    "validate": "normstat.validate",
}


def __getattr__(name: str) -> Any:
    # Loaded at first use: `normstat --help` must not pay for NumPy and Pillow.
    if name in __all__:
        return getattr(import_module(_HOMES.get(name, "normstat.errors")), name)
    raise AttributeError(f"module 'normstat' has no attribute {name!r}")
