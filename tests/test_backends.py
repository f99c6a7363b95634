import os

import pytest

from normstat.backends import BACKENDS, usable_cores
from normstat.errors import NormstatError, UsageError
from normstat.registry import Entry, Registry
from tests.conftest import ENGINES, ENGINES_AND_JOBS


def double(value):
    return 2 * value


def fail(value):
    raise ValueError(value)


@pytest.mark.parametrize(("name", "jobs"), ENGINES_AND_JOBS)
def test_results_come_in_the_order_of_the_tasks(name, jobs):
    map_ordered = BACKENDS.load(name)
    assert list(map_ordered(double, range(50), jobs=jobs)) == [2 * value for value in range(50)]


@pytest.mark.parametrize("name", ENGINES)
def test_exception_of_a_task_reaches_the_caller(name):
    with pytest.raises(ValueError, match="7"):
        list(BACKENDS.load(name)(fail, [7], jobs=2))


@pytest.mark.parametrize("name", ENGINES)
def test_tasks_are_drawn_as_they_are_needed(name):
    drawn = []
    results = BACKENDS.load(name)(double, (drawn.append(i) or i for i in range(10_000)), jobs=2)
    next(iter(results))
    assert len(drawn) < 1_000
    results.close()


def test_cores_are_those_that_this_process_may_use():
    everywhere = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(everywhere)})
        assert usable_cores() == 1
    finally:
        os.sched_setaffinity(0, everywhere)


def test_missing_extra_has_its_install_line():
    table = Registry("engine", {"x": Entry("no_such_module:f", "", extra="dask")})
    with pytest.raises(NormstatError, match=r"pip install 'normstat\[dask\]'"):
        table.load("x")


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'processes'"):
        BACKENDS.load("process")
