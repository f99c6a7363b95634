"""Engines that run a function over tasks: one function each, all of one signature.

`map_ordered(function, tasks, *, jobs, address=None)` yields the results in the order of the tasks,
and raises WorkerLostError when a process that worked for it has died.
"""

import sys
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module

from normstat.errors import UsageError
from normstat.registry import Entry, Registry

BACKENDS = Registry(
    "backend",
    {
        "serial": Entry("normstat.backends.serial:map_ordered", "one after the other, in here"),
        "threads": Entry("normstat.backends.local:map_in_threads", "threads of this process"),
        "processes": Entry("normstat.backends.local:map_in_processes", "worker processes"),
        "dask": Entry("normstat.backends.dask:map_ordered", "a Dask cluster", extra="dask"),
        "ray": Entry("normstat.backends.ray:map_ordered", "a Ray cluster", extra="ray"),
    },
)
ON_CLUSTERS = frozenset({"dask", "ray"})
# Those that work on this machine and may write to it.
LOCAL = tuple(name for name in BACKENDS if name not in ON_CLUSTERS)
# Whose workers run one task at a time in their main thread, where an alarm can reach it.
WITH_TIMEOUT = ("processes", "ray")
_IN_HERE = ("threads", "serial")

# Measured by `python -m tests.benchmarks threshold` on two cores: below these sizes opening a JPEG,
# which holds the GIL, takes longer than decoding it; so many files pay for the start of workers.
_SMALL_FILE = 9_000  # bytes, on average
_TINY_FILE = 2_000
MANY_FILES = 8_000


def choose(images: int, size: int, jobs: int) -> str:
    """Return the backend that is fastest for so many images of so many bytes together.

    Threads share the decoder's time outside the GIL, which dominates for photos. For small images
    the GIL is the limit: worker processes win once there are enough to pay for their start, and
    before that threads only get in each other's way. A Python without GIL has threads always.

    >>> choose(1000, 100_000_000, jobs=1), choose(1000, 100_000_000, jobs=2)
    ('serial', 'threads')
    """
    if jobs == 1:
        return "serial"
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        return "threads"
    if images >= MANY_FILES and size < images * _SMALL_FILE:
        return "processes"
    return "serial" if size < images * _TINY_FILE else "threads"


def reaching(backend: str, *, here_only: bool) -> str:
    """Return the backend whose workers reach the images: those in this process when only it can.

    Raises
    ------
    UsageError
        The workers of the one that was asked for are elsewhere.
    """
    if not here_only or backend in _IN_HERE:
        return backend
    if backend == "auto":
        return "threads"
    raise UsageError(
        f"backend {backend} works in other processes, and what is in memory:// is in this one "
        f"only; use {' or '.join(_IN_HERE)}"
    )


def session(name: str, *, jobs: int | None, address: str | None) -> AbstractContextManager[object]:
    """Hold an engine's cluster, or the connection to it, for all maps of the block.

    Without it each map has its own; engines of this machine have nothing to hold.
    """
    if name not in ON_CLUSTERS:
        return nullcontext()
    BACKENDS.load(name)  # says which package is missing
    module = import_module(BACKENDS[name].target.partition(":")[0])
    held: AbstractContextManager[object] = module.connected(
        jobs=jobs or usable_cores(), address=address
    )
    return held


def check_jobs(jobs: int | None) -> None:
    """Raise where there would be no worker."""
    if jobs is not None and jobs < 1:
        raise UsageError(f"jobs is {jobs}; it must be at least 1")


def usable_cores() -> int:
    """Return how many cores this process may really use: affinity and container limits count."""
    import joblib  # noqa: PLC0415 (a quarter of a second)

    return int(joblib.cpu_count())
