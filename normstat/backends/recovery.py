"""A run that outlives its workers: what killed one is found and left out, the rest counts."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from typing import Generic, Protocol, TypeVar

from normstat.errors import TaskLostError, WorkerLostError

Task = TypeVar("Task")
Result = TypeVar("Result")

_TRIES = 2  # of a single image before it is held to be guilty
_HOPELESS = 16  # guilty images in a row, without any result: then it is the engine


class MapOrdered(Protocol):
    """An engine with its workers and its address."""

    def __call__(
        self, function: Callable[[Task], Result], tasks: Iterable[Task]
    ) -> Generator[Result]: ...


def map_surviving(
    map_ordered: MapOrdered,
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    *,
    cut: Callable[[Task], list[Task]],
    lost: Callable[[Task, WorkerLostError], Result],
) -> Generator[Result]:
    """Yield results in order; a task that was lost with its worker gives those of its parts.

    When a worker dies, every task that was given out is tried again by itself, then cut into parts
    and these again until what kills workers is known. An engine that says which task it was (the
    first that has no result) has only that one tried, and is then given the others again.

    Parameters
    ----------
    cut
        Returns the parts of a task; none when it is as small as can be.
    lost
        Returns the result of a task that cannot be cut and kills its worker each time.

    Raises
    ------
    WorkerLostError
        Workers die of everything: then it is not the tasks.
    """
    given = _Given(tasks)
    alone = _Alone(map_ordered, function, cut, lost)
    while True:
        try:
            with closing(map_ordered(function, given.draw())) as results:
                for result in results:
                    given.done()
                    alone.guilty = 0
                    yield result
        except WorkerLostError as error:
            for task in given.suspects(error):
                yield from alone.run(task)
        else:
            return


class _Given(Generic[Task]):
    """Tasks as they are given out, and those that have no result yet."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._source = iter(tasks)
        self._open: deque[Task] = deque()
        self._again: deque[Task] = deque()

    def draw(self) -> Iterator[Task]:
        """Yield the next tasks, first those that have to be given out again."""
        while self._again:
            self._open.append(self._again.popleft())
            yield self._open[-1]
        for task in self._source:
            self._open.append(task)
            yield task

    def done(self) -> None:
        """The first open task has its result."""
        self._open.popleft()

    def suspects(self, error: WorkerLostError) -> list[Task]:
        """Return the open tasks that may have ended a worker; the others will be drawn again."""
        if not self._open:
            raise error
        suspects = list(self._open)
        if isinstance(error, TaskLostError):
            suspects, rest = suspects[:1], suspects[1:]
            self._again.extendleft(reversed(rest))
        self._open.clear()
        return suspects


class _Alone(Generic[Task, Result]):
    """Runs one task at a time, so that the death of a worker says whose fault it is."""

    def __init__(
        self,
        map_ordered: MapOrdered,
        function: Callable[[Task], Result],
        cut: Callable[[Task], list[Task]],
        lost: Callable[[Task, WorkerLostError], Result],
    ) -> None:
        self.guilty = 0
        self._map_ordered = map_ordered
        self._function = function
        self._cut = cut
        self._lost = lost

    def run(self, task: Task) -> Iterator[Result]:
        parts = self._cut(task)
        for _ in range(1 if parts else _TRIES):
            try:
                [result] = self._map_ordered(self._function, [task])
            except WorkerLostError as error:
                last = error
            else:
                self.guilty = 0
                yield result
                return
        for part in parts:
            yield from self.run(part)
        if not parts:
            self.guilty += 1
            if self.guilty == _HOPELESS:
                raise WorkerLostError(
                    f"workers die of everything, now of the {_HOPELESS}th image in a row: {last}. "
                    "--cache FILE keeps what was read, --backend serial needs no workers"
                ) from last
            yield self._lost(task, last)
