"""Every normalization there is, each with its inverse.

A method of the `table` looks at an image's codes and returns what is to be done to them, an
`Applied`; `forward` does it and `backward` undoes it.
"""

from normstat.methods.applied import Applied, Codes, backward, clipped, forward
from normstat.methods.table import METHODS, Method, Of, Settings
from normstat.methods.whitening import Whiten

__all__ = [
    "METHODS",
    "Applied",
    "Codes",
    "Method",
    "Of",
    "Settings",
    "Whiten",
    "backward",
    "clipped",
    "forward",
]
