"""Dask: a cluster at an address, or worker processes that are started here for the run.

joblib's own Dask backend does not hold: it draws tasks as fast as workers finish them (632 results
were waiting when 100 had been taken), and a task that ends its workers lets it wait for ever.
"""

import logging
import os
import signal
import warnings
from asyncio import CancelledError
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Generic, TypeVar
from weakref import WeakSet

import dask
import distributed
from distributed.comm import CommClosedError
from distributed.comm.addressing import parse_address, parse_host_port
from distributed.comm.registry import get_backend

from normstat.backends.interrupts import interrupts_held
from normstat.backends.window import in_order
from normstat.errors import NormstatError, TaskLostError, UsageError

Task = TypeVar("Task")
Result = TypeVar("Result")

_CONNECT = 10  # seconds
_PATIENCE = 60.0  # seconds without a result, after which it is asked whether anyone works
_FAILURES = 1  # deaths of workers that a task survives, on clusters that are started here

# Connections that are open: a map inside of `connected` takes the same one.
_OPEN: dict[tuple[int, str | None], distributed.Client] = {}


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
        Worker processes of the cluster that is started when there is no `address`; one at an
        address has as many as it has.
    address
        Of the scheduler, as "tcp://host:8786".

    Raises
    ------
    TaskLostError
        A task ended its workers, as often as the cluster's `allowed-failures` let it.
    NormstatError
        The cluster cannot be reached, went away, has no workers, or they lack what is needed.
    """
    place = address or "the local Dask cluster"
    running: WeakSet[distributed.Future] = WeakSet()

    with connected(jobs=jobs, address=address) as client:

        def submit(task: Task) -> _Pending[Result]:
            future = client.submit(function, task, pure=False)
            running.add(future)
            return _Pending(client, future, place)

        try:
            _check(client, function.__module__, place)
            yield from in_order(submit, tasks, workers=lambda: sum(client.nthreads().values()))
        except distributed.KilledWorker as error:
            raise TaskLostError(
                f"{error.allowed_failures + 1} workers in a row died of it"
            ) from error
        except (CommClosedError, CancelledError) as error:
            raise NormstatError(
                f"{place}: the connection to the scheduler was lost. Nothing was written"
            ) from error
        finally:
            if client.status == "running":
                client.cancel(list(running), force=True)


@contextmanager
def connected(*, jobs: int, address: str | None) -> Iterator[distributed.Client]:
    """Hold the connection to a cluster; one that is started here ends with the block."""
    key = (jobs, address)
    if key in _OPEN:
        yield _OPEN[key]
        return
    with _quiet(), _cluster(jobs) if address is None else _scheduler(address) as client:
        _OPEN[key] = client
        try:
            yield client
        finally:
            del _OPEN[key]
            client.close()


@contextmanager
def _scheduler(address: str) -> Iterator[distributed.Client]:
    try:
        scheme, location = parse_address(address)
        get_backend(scheme)
        parse_host_port(location)
        with warnings.catch_warnings():
            # What matters for numbers is compared by the workers themselves.
            warnings.simplefilter("ignore", distributed.versions.VersionMismatchWarning)
            client = distributed.Client(address, timeout=_CONNECT, set_as_default=False)
    except ValueError as error:
        raise UsageError(
            f"address {address!r} is not one of a Dask scheduler, as tcp://host:8786: {error}"
        ) from error
    except OSError as error:
        raise NormstatError(
            f"{address}: no Dask scheduler answers: {error}. Nothing was read; "
            "`dask scheduler` starts one and prints its address"
        ) from error
    yield client


@contextmanager
def _cluster(jobs: int) -> Iterator[distributed.Client]:
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": _FAILURES}),
        interrupts_held(),
    ):
        cluster = distributed.LocalCluster(
            n_workers=jobs,
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",  # any port: that of another must not matter
            silence_logs=logging.CRITICAL,
        )
        client = distributed.Client(cluster, set_as_default=False)
    try:
        yield client
    finally:
        client.close()
        # A task that runs would be waited for.
        for nanny in cluster.workers.values():
            nanny.auto_restart = False
            with suppress(ProcessLookupError, TypeError):
                os.kill(nanny.pid, signal.SIGKILL)
        cluster.close()


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the engine's log from the terminal: what went wrong is raised."""
    loggers = [logging.getLogger(name) for name in ("distributed", "tornado", "asyncio")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _check(client: distributed.Client, module: str, place: str) -> None:
    """Raise when there are no workers or they lack a module."""
    probe: _Pending[object] = _Pending(
        client, client.submit(import_module, module, pure=False), place
    )
    error = probe.exception()
    if error:
        raise NormstatError(
            f"{place}: its workers cannot import {module}: {error}; install the same normstat there"
        )


class _Pending(Generic[Result]):
    """A result to come from a cluster that may lose all of its workers meanwhile."""

    def __init__(self, client: distributed.Client, future: distributed.Future, place: str) -> None:
        self._client = client
        self._future = future
        self._place = place

    def exception(self) -> BaseException | None:
        while True:
            try:
                error: BaseException | None = self._future.exception(timeout=_PATIENCE)
            except TimeoutError:
                if not self._client.nthreads():
                    raise NormstatError(
                        f"{self._place}: the cluster has no workers, for {_PATIENCE:g} s now. "
                        "Nothing was written; `dask worker ADDRESS` starts one"
                    ) from None
            else:
                return error

    def result(self) -> Result:
        error = self.exception()
        if error:
            raise error
        result: Result = self._future.result()
        return result
