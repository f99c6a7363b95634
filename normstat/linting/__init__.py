"""Normalization constants in source trees and configurations: found, told apart, judged.

Nothing that is read is ever imported or run.
"""

from normstat.linting.judging import lint

__all__ = ["lint"]
