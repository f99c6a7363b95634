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
    from normstat.candidates import compare
    from normstat.comparison import Comparison
    from normstat.consistency import validate
    from normstat.diagnosis import Diagnosis, diagnose
    from normstat.difference import diff
    from normstat.errors import (
        DifferentSoftwareWarning,
        ImageError,
        NormstatError,
        SourceError,
        SpecError,
        UsageError,
    )
    from normstat.formats.exports import export
    from normstat.identification import Identification, identify
    from normstat.inputs import apply
    from normstat.linting import lint
    from normstat.manifest import Manifest
    from normstat.measure import compute
    from normstat.merging import merge, subtract
    from normstat.normalization import Normalization, denormalize, normalize
    from normstat.oddities import Outliers, outliers
    from normstat.presets.catalogue import preset
    from normstat.reports.page.document import report
    from normstat.restoration import Restored, restore
    from normstat.spec.files import load, save
    from normstat.spec.model import Spec

__version__ = "0.1.0"

__all__ = [
    "Comparison",
    "Diagnosis",
    "DifferentSoftwareWarning",
    "Identification",
    "ImageError",
    "Manifest",
    "Normalization",
    "NormstatError",
    "Outliers",
    "Restored",
    "SourceError",
    "Spec",
    "SpecError",
    "UsageError",
    "apply",
    "compare",
    "compute",
    "denormalize",
    "diagnose",
    "diff",
    "export",
    "identify",
    "lint",
    "load",
    "merge",
    "normalize",
    "outliers",
    "preset",
    "report",
    "restore",
    "save",
    "subtract",
    "validate",
]

_HOMES = {
    "apply": "normstat.inputs",
    "Manifest": "normstat.manifest",
    "restore": "normstat.restoration",
    "Restored": "normstat.restoration",
    "identify": "normstat.identification",
    "Identification": "normstat.identification",
    "Comparison": "normstat.comparison",
    "compare": "normstat.candidates",
    "compute": "normstat.measure",
    "diff": "normstat.difference",
    "export": "normstat.formats.exports",
    "Diagnosis": "normstat.diagnosis",
    "diagnose": "normstat.diagnosis",
    "lint": "normstat.linting",
    "load": "normstat.spec.files",
    "merge": "normstat.merging",
    "Outliers": "normstat.oddities",
    "outliers": "normstat.oddities",
    "preset": "normstat.presets.catalogue",
    "report": "normstat.reports.page.document",
    "save": "normstat.spec.files",
    "Spec": "normstat.spec.model",
    "Normalization": "normstat.normalization",
    "subtract": "normstat.merging",
    "denormalize": "normstat.normalization",
    "normalize": "normstat.normalization",
    "validate": "normstat.consistency",
}


def __getattr__(name: str) -> Any:
    # Loaded at first use: `normstat --help` must not pay for NumPy and Pillow.
    if name in __all__:
        return getattr(import_module(_HOMES.get(name, "normstat.errors")), name)
    raise AttributeError(f"module 'normstat' has no attribute {name!r}")
