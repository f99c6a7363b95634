"""What normalization does to training: proven for a linear neuron, measured, and observed."""

from normstat.diagnosis.examination import diagnose
from normstat.diagnosis.model import Diagnosis

__all__ = ["Diagnosis", "diagnose"]
