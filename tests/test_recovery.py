"""An engine in this process whose workers die of the tasks that they are told to die of."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from normstat.backends.recovery import map_surviving
from normstat.backends.window import in_order
from normstat.errors import TaskLostError, WorkerLostError

IMAGES = tuple(range(8))


class Engine:
    """Runs tasks, which are tuples of images, a few at a time; some images kill a worker."""

    def __init__(self, deadly=(), *, only_once=(), window=3, error=WorkerLostError):
        self.error = error
        self.deadly, self.only_once = set(deadly), set(only_once)
        self.deaths, self.ran, self.window = 0, [], window

    def __call__(self, function, tasks):
        yield from in_order(lambda task: Future(self, function, task), tasks, workers=self.window)

    def run(self, function, task):
        self.ran.append(task)
        if self.deadly & set(task) or self.only_once & set(task):
            self.only_once -= set(task)
            self.deaths += 1
            raise self.error("SIGSEGV")
        return function(task)


class Future:
    def __init__(self, engine, function, task):
        self.result = lambda: engine.run(function, task)


def halves(task):
    middle = len(task) // 2
    return [task[:middle], task[middle:]] if middle else []


def surviving(engine, tasks):
    """Return all images in the order of the results, those that were lost as text."""
    results = map_surviving(
        engine, list, tasks, cut=halves, lost=lambda task, error: [f"{task[0]}: {error}"]
    )
    return [image for result in results for image in result]


def told(images, deadly):
    return [f"{image}: SIGSEGV" if image in deadly else image for image in images]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("guilty", IMAGES)
def test_one_guilty_image_is_found_wherever_it_is(guilty, size):
    tasks = [IMAGES[start : start + size] for start in range(0, len(IMAGES), size)]
    assert surviving(Engine({guilty}), tasks) == told(IMAGES, {guilty})


@pytest.mark.parametrize("guilty", list(combinations(IMAGES, 2)))
def test_two_guilty_images_of_one_task_are_found(guilty):
    assert surviving(Engine(guilty), [IMAGES]) == told(IMAGES, guilty)


@given(
    deadly=st.sets(st.integers(0, 199), max_size=12),
    cuts=st.sets(st.integers(1, 199)),
    window=st.integers(1, 4),
    error=st.sampled_from([WorkerLostError, TaskLostError]),
)
def test_order_and_number_of_images_are_kept(deadly, cuts, window, error):
    edges = [0, *sorted(cuts), 200]
    tasks = [tuple(range(*pair)) for pair in pairwise(edges)]
    engine = Engine(deadly, window=window, error=error)
    assert surviving(engine, tasks) == told(range(200), deadly)


def test_a_worker_that_dies_once_costs_nothing():
    engine = Engine(only_once={5})
    assert surviving(engine, [IMAGES]) == list(IMAGES)
    assert engine.deaths == 1


def test_innocent_neighbours_are_not_cut():
    engine = Engine({8})
    tasks = [tuple(range(start, start + 8)) for start in range(0, 80, 8)]
    assert surviving(engine, tasks) == told(range(80), {8})
    assert {task for task in engine.ran if 8 not in task and task[0] // 8 != 1} == {
        task for task in tasks if task[0] != 8
    }


def test_when_workers_die_of_everything_it_is_not_the_images():
    with pytest.raises(WorkerLostError, match="workers die of everything, now of the 16th image"):
        surviving(Engine(range(100)), [tuple(range(100))])


def test_many_guilty_images_with_a_good_one_between_are_only_left_out():
    deadly = {image for image in range(200) if image % 10}
    assert surviving(Engine(deadly), [tuple(range(200))]) == told(range(200), deadly)


def test_an_engine_that_dies_without_a_task_is_no_task_of_ours():
    def dead(function, tasks):
        raise WorkerLostError("no worker")
        yield

    with pytest.raises(WorkerLostError, match="no worker"):
        surviving(dead, [IMAGES])


def test_other_errors_go_through():
    def failing(function, tasks):
        yield function(next(iter(tasks)))
        raise KeyError("x")

    with pytest.raises(KeyError):
        surviving(failing, [IMAGES, IMAGES])


def test_results_come_before_the_next_tasks_are_drawn():
    drawn = []
    tasks = ((drawn.append(image), (image,))[1] for image in range(100))
    results = map_surviving(Engine({50}), list, tasks, cut=halves, lost=lambda task, _: [])
    next(results)
    assert len(drawn) < 12
    results.close()
