"""No engine: one task after the other."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


def map_ordered(
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    *,
    jobs: int,  # noqa: ARG001 (every engine has it)
    address: str | None = None,  # noqa: ARG001
) -> Iterator[Result]:
    """Yield the results one by one.

    >>> list(map_ordered(abs, [-1, 2], jobs=1))
    [1, 2]
    """
    yield from map(function, tasks)
