"""One opened file → the pixels that count, or the reason why it does not.

The only place that knows Pillow's traps; what Pillow cannot read is read by `normstat.readers`.
"""

from normstat.images.opening import FORMATS, VANISHED
from normstat.images.quiet import undisturbed
from normstat.images.reading import foreseen, read
from normstat.images.sizes import resized_and_cropped, resized_size

__all__ = [
    "FORMATS",
    "VANISHED",
    "foreseen",
    "read",
    "resized_and_cropped",
    "resized_size",
    "undisturbed",
]
