"""The spec: the file that `compute` writes and everything else reads."""

from normstat.spec.files import load, save
from normstat.spec.model import Estimator, Pipeline, Spec

__all__ = ["Estimator", "Pipeline", "Spec", "load", "save"]
