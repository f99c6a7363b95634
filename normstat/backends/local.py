"""Threads and worker processes of this machine, through joblib."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import joblib

Task = TypeVar("Task")
Result = TypeVar("Result")


def map_in_threads(
    function: Callable[[Task], Result], tasks: Iterable[Task], *, jobs: int
) -> Iterator[Result]:
    """Yield the results in order, computed by `jobs` threads.

    >>> list(map_in_threads(abs, [-1, 2], jobs=2))
    [1, 2]
    """
    return _map("threading", function, tasks, jobs)


def map_in_processes(
    function: Callable[[Task], Result], tasks: Iterable[Task], *, jobs: int
) -> Iterator[Result]:
    """Yield the results in order, computed by `jobs` worker processes."""
    return _map("loky", function, tasks, jobs)


def _map(
    backend: str, function: Callable[[Task], Result], tasks: Iterable[Task], jobs: int
) -> Iterator[Result]:
    # Tasks are drawn as workers become free, so a million of them never wait in memory.
    parallel = joblib.Parallel(
        n_jobs=jobs, backend=backend, return_as="generator", batch_size=1, pre_dispatch="3*n_jobs"
    )
    results = parallel(joblib.delayed(function)(task) for task in tasks)
    try:
        for result in results:  # noqa: UP028 (`yield from` would close them before `finally`)
            yield result
    finally:
        # A caller that stops early has its reason; joblib would advise it to draw fewer tasks.
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"joblib\.")
            results.close()
