"""Threads and worker processes of this machine."""

import os
import re
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeAlias, TypeVar

from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.backend import resource_tracker as loky_tracker
from joblib.externals.loky.backend.utils import get_exitcodes_terminated_worker
from joblib.externals.loky.process_executor import BrokenProcessPool

from normstat.backends.interrupts import interrupts_held, interrupts_later
from normstat.backends.window import in_order
from normstat.errors import WorkerLostError

Task = TypeVar("Task")
Result = TypeVar("Result")
_Done: TypeAlias = "SimpleQueue[Future[Result]]"

_GLANCE = 0.5  # seconds
_EXIT_CODES = "exit codes of the workers are "  # of loky's message


def map_in_threads(
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    *,
    jobs: int,
    address: str | None = None,  # noqa: ARG001 (every engine has it)
) -> Iterator[Result]:
    """Yield the results in order, computed by `jobs` threads.

    >>> list(map_in_threads(abs, [-1, 2], jobs=2))
    [1, 2]
    """
    pool = ThreadPoolExecutor(jobs)
    try:
        yield from in_order(
            lambda task: _FromThread(_submit(pool, function, task)), tasks, workers=jobs
        )
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def map_in_processes(
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    *,
    jobs: int,
    address: str | None = None,  # noqa: ARG001 (every engine has it)
) -> Iterator[Result]:
    """Yield the results in order, computed by `jobs` worker processes, which stay for a while.

    Raises
    ------
    WorkerLostError
        A worker died.
    """
    _start_helper()
    with interrupts_held():
        pool = _workers(jobs)
        # The first task starts the workers.
        pool.submit(import_module, function.__module__)
    finished = False
    try:
        yield from in_order(
            lambda task: _FromProcess(pool, _submit(pool, function, task)), tasks, workers=jobs
        )
        finished = True
    except BrokenProcessPool as error:
        codes = re.search(_EXIT_CODES + "{(.*?)}", str(error))
        raise WorkerLostError(
            f"a decoder crashed or ran out of memory{f', {codes[1]}' if codes else ''}"
        ) from error
    finally:
        if not finished:
            _end_workers(pool)
            pool.shutdown(wait=True)


def _submit(pool: Executor, function: Callable[[Task], Result], task: Task) -> "_Done[Result]":
    """Return where the future will be when it is done.

    To wait for the future itself is to take its lock again and again, and a Ctrl-C between that and
    the next line would leave the lock held, and the worker that has the result waiting.
    """
    done: _Done[Result] = SimpleQueue()
    with interrupts_later():
        pool.submit(function, task).add_done_callback(done.put)
    return done


@dataclass(frozen=True)
class _FromThread(Generic[Result]):
    """A result to come from a thread."""

    done: "_Done[Result]"

    def result(self) -> Result:
        return self.done.get().result()


@dataclass(frozen=True)
class _FromProcess(Generic[Result]):
    """A result to come from a worker process, or the news that there will be none.

    Workers share one pipe for results. One that dies in the middle of a result leaves the others
    without the lock on it, and loky waiting for the rest.
    """

    pool: Any
    done: "_Done[Result]"

    def result(self) -> Result:
        manager = self.pool._executor_manager_thread
        while True:
            is_managed = manager.is_alive()
            try:
                future = self.done.get(timeout=_GLANCE)
            except Empty:
                workers = list(self.pool._processes.items())
                died = {pid: each for pid, each in workers if each.exitcode}
                if died:
                    codes = get_exitcodes_terminated_worker(died)
                    raise BrokenProcessPool(_EXIT_CODES + codes) from None
                if not is_managed:
                    raise BrokenProcessPool("loky manages its workers no more") from None
            else:
                return future.result()


def _end_workers(pool: Any) -> None:
    """Kill the workers of a pool, which loky then holds to be broken.

    Its own way to kill them trips over results that arrive meanwhile.
    """
    results, manager = pool._result_queue, pool._executor_manager_thread
    for process in list(pool._processes.values()):
        process.terminate()
    if manager is not None:
        manager.join(_GLANCE)
        if manager.is_alive() and not pool._flags.broken:
            # It waits for the rest of a result: let end of file be what follows.
            results._writer.close()


def _workers(jobs: int) -> Any:
    # Whoever reads a damaged file does not want to see the stack of the worker that it ended.
    quiet = {"PYTHONFAULTHANDLER": os.environ.get("PYTHONFAULTHANDLER", "")}
    # Idle workers leave and others come. With `-W error`, loky's manager would end of saying so.
    warnings.filterwarnings("ignore", "A worker stopped while some jobs were given")
    return get_reusable_executor(jobs, env=quiet, initializer=_end_with, initargs=(os.getpid(),))


def _end_with(parent: int) -> None:
    """Let this worker end when the process that started it was killed and could not see to it."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_GLANCE)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def start_processes(jobs: int, module: str) -> None:
    """Start workers in the background and let them import a module, while something else goes on.

    `map_in_processes` finds them ready.
    """

    def start() -> None:
        pool = _workers(jobs)
        for _ in range(jobs):
            pool.submit(import_module, module)

    _start_helper()
    with interrupts_held():
        threading.Thread(target=start, daemon=True).start()


def _start_helper() -> None:
    """Start loky's helper process, whose start would lift the mask of `interrupts_held`."""
    loky_tracker.ensure_running()
