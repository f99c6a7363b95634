"""Results in the order of the tasks, from any engine that gives futures."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from time import monotonic
from typing import Protocol, TypeVar

Task = TypeVar("Task")
Result_co = TypeVar("Result_co", covariant=True)

TASKS_A_WORKER = 3  # given out at once: enough that none waits, few enough to fit into memory
_COUNT_EVERY = 2.0  # seconds


class Future(Protocol[Result_co]):
    """A result to come."""

    def result(self) -> Result_co: ...


def in_order(
    submit: Callable[[Task], Future[Result_co]],
    tasks: Iterable[Task],
    *,
    workers: int | Callable[[], int],
) -> Iterator[Result_co]:
    """Yield the results in the order of the tasks, which are drawn as workers become free.

    What is left when the caller stops early is the engine's to cancel.

    Parameters
    ----------
    workers
        How many there are, or what counts them now and then, where they come and go.

    Examples
    --------
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> with ThreadPoolExecutor() as pool:
    ...     list(in_order(lambda task: pool.submit(abs, task), [-1, 2], workers=2))
    [1, 2]
    """
    waiting: deque[Future[Result_co]] = deque()
    window, count_at = 0, 0.0
    for task in tasks:
        if not window or monotonic() >= count_at:
            window = TASKS_A_WORKER * max(1, workers if isinstance(workers, int) else workers())
            count_at = monotonic() + _COUNT_EVERY
        waiting.append(submit(task))
        while len(waiting) >= window:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
