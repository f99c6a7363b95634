"""What normalization does to training: proven for a linear neuron, measured, and observed."""

from normstat.diagnosis.examination import diagnose, theory
from normstat.diagnosis.model import Diagnosis

__all__ = ["Diagnosis", "diagnose", "theory"]
