"""Silence, for a whole process, what decoders say beside decoding."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import Lock

from PIL import Image


@contextmanager
def undisturbed() -> Iterator[None]:
    """Silence what decoders say about files beside reading them, for the whole process.

    Their warnings come without the file's name, and may tell what is in it. Pillow's own limit has
    a zone that only warns; `read` applies that of the pipeline.
    """
    _QUIET.enter()
    try:
        yield
    finally:
        _QUIET.leave()


class _Quiet:
    """What `undisturbed` sets when the first thread enters and sets back when the last leaves."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0
        self._before = ExitStack()

    def enter(self) -> None:
        with self._lock:
            if not self._inside:
                self._before.callback(setattr, Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
                self._before.enter_context(warnings.catch_warnings())
                warnings.filterwarnings("ignore", module=r"(PIL|pydicom|nibabel)\.")
                for log in map(logging.getLogger, ("PIL", "pydicom", "tifffile")):
                    self._before.callback(log.setLevel, log.level)
                    log.setLevel(logging.CRITICAL + 1)
                Image.MAX_IMAGE_PIXELS = None
            self._inside += 1

    def leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._before.close()


_QUIET = _Quiet()
