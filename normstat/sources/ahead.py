"""Reading ahead: many calls that wait are under way at once, results come in order."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

Result = TypeVar("Result")

CALLS = 16  # under way at once: hides a latency of sixteen times what the caller does with a result
BYTES = 64_000_000  # that may lie in memory before their turn comes
_LOOK = 0.1  # seconds between looks whether anyone still waits


def read_ahead(calls: Iterable[tuple[Callable[[], Result], int]]) -> Iterator[Callable[[], Result]]:
    """Start calls before their turn and yield, in order, what waits for the result of each.

    Parameters
    ----------
    calls
        Each with about how many bytes its result has.

    Examples
    --------
    >>> [wait() for wait in read_ahead((partial(abs, number), 1) for number in (-1, 2))]
    [1, 2]
    """
    pending: deque[tuple[Future[Result], int]] = deque()
    size = 0

    def first() -> Callable[[], Result]:
        nonlocal size
        future, weight = pending.popleft()
        size -= weight
        return partial(_awaited, future)

    try:
        for call, weight in calls:
            _still_wanted()
            pending.append((_THREADS.submit(call), weight))
            size += weight
            while len(pending) >= CALLS or size > BYTES:
                yield first()
        while pending:
            yield first()
    finally:
        for future, _ in pending:
            future.cancel()


def _awaited(future: "Future[Result]") -> Result:
    while True:
        try:
            return future.result(_LOOK)
        except NotYet:
            if future.done():  # then it is what the call raised
                return future.result()
            _still_wanted()


class _Threads:
    """As many threads as calls are waiting.

    Those of concurrent.futures are joined when the program ends; a read that hangs must not keep
    it from ending.
    """

    def __init__(self) -> None:
        self._tasks: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        self._idle = threading.Semaphore(0)

    def submit(self, call: Callable[[], Result]) -> "Future[Result]":
        future: Future[Result] = Future()
        self._tasks.put((future, call))
        if not self._idle.acquire(blocking=False):
            threading.Thread(target=self._work, name="normstat-read", daemon=True).start()
        return future

    def _work(self) -> None:
        while True:
            future, call = self._tasks.get()
            if future.set_running_or_notify_cancel():
                try:
                    result = call()
                except BaseException as error:  # noqa: BLE001 (the caller's to handle)
                    future.set_exception(error)
                else:
                    future.set_result(result)
                    del result
            del future, call  # an idle thread keeps no image in memory
            self._idle.release()


_THREADS = _Threads()
_PULSE = ThreadPoolExecutor(1, "normstat-pulse")


def _still_wanted() -> None:
    """Raise RuntimeError when the program is about to end, as after Ctrl-C.

    Worker threads are waited for then, and nobody wants what they still read.
    """
    _PULSE.submit(int)
