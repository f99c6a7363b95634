"""Engines that run a function over tasks: one function each, all of one signature.

`map_ordered(function, tasks, *, jobs)` yields the results in the order of the tasks.
"""

import sys

from normstat.registry import Entry, Registry

BACKENDS = Registry(
    "backend",
    {
        "serial": Entry("normstat.backends.serial:map_ordered", "one after the other, in here"),
        "threads": Entry("normstat.backends.local:map_in_threads", "threads of this process"),
        "processes": Entry("normstat.backends.local:map_in_processes", "worker processes"),
    },
)

# Measured on two cores with Pillow 13: decoding a JPEG of this size spends half of its time
# holding the GIL, and starting workers costs as much as some thousand tiny images.
_SMALL_FILE = 12_000  # bytes
_MANY_FILES = 8_000


def choose(images: int, size: int, jobs: int) -> str:
    """Return the backend that is fastest for so many images of so many bytes together.

    Threads share the decoder's time outside the GIL, which dominates for photos. For tiny images
    the GIL is the limit and worker processes win, once there are enough to pay for their start.
    A Python without GIL needs no processes.

    >>> choose(1000, 100_000_000, jobs=1), choose(1000, 100_000_000, jobs=2)
    ('serial', 'threads')
    """
    if jobs == 1:
        return "serial"
    has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    if has_gil and images >= _MANY_FILES and size < images * _SMALL_FILE:
        return "processes"
    return "threads"


def usable_cores() -> int:
    """Return how many cores this process may really use: affinity and container limits count."""
    import joblib  # noqa: PLC0415 (a quarter of a second)

    return int(joblib.cpu_count())
