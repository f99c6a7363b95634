"""Ray: a cluster at an address, or workers that are started here for the run.

joblib's own Ray backend does not hold: it gives no results before all are there
(`return_as="generator"` is refused), and a worker that dies takes its pool with it.
"""

import os
import signal
import socket
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, Generic, TypeVar

import ray
import ray._private.worker
from ray import exceptions

from normstat.backends.window import in_order
from normstat.errors import NormstatError, TaskLostError, UsageError

Task = TypeVar("Task")
Result = TypeVar("Result")

_CONNECT = 10  # seconds
_PATIENCE = 60.0  # seconds without a result, after which it is asked whether anyone works
_HEED = 0.2
_STORE = 128 << 20  # bytes of shared memory: states are small

_LOST = (
    exceptions.WorkerCrashedError,
    exceptions.OutOfMemoryError,
    exceptions.NodeDiedError,
    exceptions.ObjectLostError,
)


def map_ordered(
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    *,
    jobs: int,
    address: str | None = None,
) -> Iterator[Result]:
    """Yield the results in order, computed by the workers of a cluster.

    Parameters
    ----------
    jobs
        CPUs of the Ray that is started when there is no `address`; one at an address has as many
        as it has.
    address
        "host:6379" on a machine of the cluster, "ray://host:10001" from elsewhere, "auto" for the
        one that runs here.

    Raises
    ------
    TaskLostError
        A worker or its machine died, or ran out of memory.
    NormstatError
        The cluster cannot be reached, went away, has no CPU, or its workers lack what is needed.
    """
    place = address or "the local Ray"
    running: list[Any] = []

    with connected(jobs=jobs, address=address):
        # Whatever dies is tried again by the caller, who knows how to find out why.
        remote = ray.remote(_call).options(num_cpus=1, max_retries=0)

        def submit(task: Task) -> _Pending[Result]:
            running.append(remote.remote(function, task))
            return _Pending(running, place)

        try:
            yield from in_order(submit, tasks, workers=_cpus)
        except _LOST as error:
            reason = (
                "ran out of memory" if isinstance(error, exceptions.OutOfMemoryError) else "died"
            )
            raise TaskLostError(f"its worker {reason}") from error
        except exceptions.RayError as error:
            raise NormstatError(f"{place}: {_line(error)}. Nothing was written") from error
        finally:
            # A Ray of our own ends with the run; its core can abort when a task that is being
            # cancelled ends at that moment.
            for reference in running if address else ():
                ray.cancel(reference)


def _call(function: Callable[[Task], Result], task: Task) -> Result:
    return function(task)


@contextmanager
def connected(*, jobs: int, address: str | None) -> Iterator[None]:
    """Hold the connection to a cluster; one that is started here ends with the block.

    A process has one: when it is there already, it is used and stays.
    """
    if ray.is_initialized():
        yield
        return
    with _quiet():
        try:
            with _own_handler():
                _start(jobs) if address is None else _connect(address)
            yield
        finally:
            ray.shutdown()


def _start(jobs: int) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray.init(
        address="local",
        num_cpus=jobs,
        include_dashboard=False,
        object_store_memory=_STORE,
        log_to_driver=False,
        logging_level="CRITICAL",
    )


def _connect(address: str) -> None:
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if address != "auto" and not (host and port.isdigit() and "/" not in host):
        raise UsageError(
            f"address {address!r} is not one of a Ray cluster, as host:6379, ray://host:10001 "
            "or auto"
        )
    try:
        if address != "auto":
            # Ray itself would try for minutes.
            socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT).close()
        with _silent(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ray.init(address=address, log_to_driver=False, logging_level="CRITICAL")
    except (OSError, OverflowError, RuntimeError, ValueError, exceptions.RayError) as error:
        raise NormstatError(
            f"{address}: no Ray cluster that can be used: {_line(error)}. Nothing was read; "
            "`ray start --head` starts one, which may want its token in RAY_AUTH_TOKEN here"
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the engine's log from standard output: what went wrong is raised."""
    worker = ray._private.worker
    before = worker._worker_logs_enabled
    worker._worker_logs_enabled = False
    try:
        yield
    finally:
        worker._worker_logs_enabled = before


@contextmanager
def _own_handler() -> Iterator[None]:
    """Keep this process's answer to SIGTERM, for which Ray has a stack trace."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _silent() -> Iterator[None]:
    """Lose what is written to standard error, where Ray's C++ complains each second."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _cpus() -> int:
    return int(ray.cluster_resources().get("CPU", 0))


def _line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".")


class _Pending(Generic[Result]):
    """The result of the task that was given last, from a cluster that may lose all its CPUs."""

    def __init__(self, running: list[Any], place: str) -> None:
        self._running = running
        self._reference = running[-1]
        self._place = place

    def result(self) -> Result:
        ask_at = monotonic() + _PATIENCE
        # Within Ray a Ctrl-C may have to wait for a second.
        while not ray.wait([self._reference], timeout=_HEED)[0]:
            if monotonic() > ask_at and not _cpus():
                raise NormstatError(
                    f"{self._place}: the cluster has no CPUs, for {_PATIENCE:g} s now. Nothing was "
                    "written; `ray start --address` adds some"
                )
        self._running.remove(self._reference)
        try:
            result: Result = ray.get(self._reference)
        except exceptions.RayTaskError as error:
            raise error.cause from error
        return result
