"""Threads and worker processes of this machine, through joblib."""

import signal
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from multiprocessing import resource_tracker
from typing import TypeVar

import joblib
from joblib.externals.loky.backend import resource_tracker as loky_tracker

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
    with _interrupts_held() if backend == "loky" else nullcontext():
        results = parallel(joblib.delayed(function)(task) for task in tasks)
    with _quiet_end():
        try:
            for result in results:  # noqa: UP028 (`yield from` would close them before `finally`)
                yield result
        finally:
            results.close()


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Start workers that leave Ctrl-C to this process, which then ends them without a word.

    They inherit a mask; a Ctrl-C in the meantime waits for the end of this block.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Python's and loky's helper processes, whose start would lift the mask.
    resource_tracker.ensure_running()
    loky_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _quiet_end() -> Iterator[None]:
    """Let a caller stop early without being told so by joblib and by the thread that it stops."""
    before = threading.excepthook

    def hook(failure: threading.ExceptHookArgs) -> None:
        # The manager looks for the task that its own end has just taken away.
        if failure.exc_type is not KeyError or "ExecutorManager" not in str(failure.thread):
            before(failure)

    threading.excepthook = hook
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*tasks", module=r"joblib\.")
            yield
    finally:
        threading.excepthook = before
