"""Which backend runs a piece of work, with how many workers."""

import signal
from contextlib import AbstractContextManager
from functools import partial

from normstat.backends import (
    BACKENDS,
    MANY_FILES,
    ON_CLUSTERS,
    WITH_TIMEOUT,
    check_jobs,
    choose,
    reaching,
    session,
    usable_cores,
)
from normstat.backends.recovery import MapOrdered
from normstat.errors import UsageError
from normstat.registry import unknown
from normstat.sources import Listing


class Engine:
    """The backend that was asked for, or the fastest.

    Parameters
    ----------
    backend
        A name of `BACKENDS`, or "auto".
    jobs
        Workers; by default the cores that this process may use.
    address
        Of the cluster, for a backend that works on one.
    timeout
        Whether workers must be such that a slow image can be given up: seconds, or None.

    Raises
    ------
    UsageError
        There is no such backend, or two of these do not fit.
    """

    def __init__(
        self,
        backend: str = "auto",
        jobs: int | None = None,
        *,
        address: str | None = None,
        timeout: float | None = None,
    ) -> None:
        if backend != "auto" and backend not in BACKENDS:
            raise UsageError(unknown("backend", backend, BACKENDS))
        if address and backend not in ON_CLUSTERS:
            raise UsageError(f"address is for the backends {' and '.join(sorted(ON_CLUSTERS))}")
        if timeout is not None and not timeout > 0:
            raise UsageError(f"timeout is {timeout} s; it must be above 0")
        if timeout is not None and not hasattr(signal, "SIGALRM"):
            raise UsageError("timeout needs the alarms of POSIX, which this system lacks")
        if timeout is not None and backend == "auto":
            backend = "processes"
        if timeout is not None and backend not in WITH_TIMEOUT:
            raise UsageError(
                f"timeout needs workers that can be interrupted: backend "
                f"{' or '.join(WITH_TIMEOUT)}"
            )
        check_jobs(jobs)
        self._backend = backend
        self._jobs = jobs
        self._address = address
        self._prepared = False

    def prepare(self, found: Listing, module: str) -> None:
        """Start worker processes while files are still being listed, once they will be needed.

        They import `module` in the meantime.
        """
        if self._prepared or len(found) < MANY_FILES:
            return
        self._prepared = True
        workers = self._jobs or usable_cores()
        if self._name(found, workers) == "processes":
            from normstat.backends.local import start_processes  # noqa: PLC0415 (loads joblib)

            start_processes(workers, module)

    @property
    def is_elsewhere(self) -> bool:
        """Whether workers may be on other machines, with other disks."""
        return self._address is not None

    def held(self) -> AbstractContextManager[object]:
        """Hold the cluster, or the connection to it, for all maps of the block."""
        return session(self._backend, jobs=self._jobs, address=self._address)

    def over(self, listing: Listing, chunks: int) -> MapOrdered:
        """Return the engine's map for so many chunks of a listing.

        Raises
        ------
        UsageError
            Its workers cannot reach the images.
        """
        workers = self._workers(chunks)
        map_ordered: MapOrdered = partial(
            BACKENDS.load(self._name(listing, workers)), jobs=workers, address=self._address
        )
        return map_ordered

    def _workers(self, chunks: int) -> int:
        if self._backend in ON_CLUSTERS:  # whose workers are there already
            return self._jobs or usable_cores()
        return 1 if chunks < 2 else min(self._jobs or usable_cores(), chunks)  # noqa: PLR2004

    def _name(self, listing: Listing, workers: int) -> str:
        here_only = any(
            source.here_only
            for each in (listing, listing.masks)
            for source in (each.sources if each is not None else ())
        )
        backend = reaching(self._backend, here_only=here_only)
        if backend != "auto":
            return backend
        return choose(len(listing), sum(listing.sizes), workers)
