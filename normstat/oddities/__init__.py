"""Images that are unlike the rest of their dataset, and what each does to its mean and std."""

from normstat.oddities.judging import TOP, outliers
from normstat.oddities.model import Outlier, Outliers
from normstat.oddities.rules import RULES, number_text

__all__ = ["RULES", "TOP", "Outlier", "Outliers", "number_text", "outliers"]
