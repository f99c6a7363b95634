"""The spec: the file that `compute` writes and everything else reads."""

from normstat.spec.files import load, save
from normstat.spec.model import Estimator, Spec
from normstat.spec.pipeline import Pipeline

__all__ = ["Estimator", "Pipeline", "Spec", "load", "save"]
