"""Specs added up and taken apart again, exactly: states are integer sums."""

from normstat.merging.addition import merge
from normstat.merging.subtraction import subtract

__all__ = ["merge", "subtract"]
