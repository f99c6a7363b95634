import os
import signal
import threading
import time
from functools import partial
from multiprocessing.connection import Connection

import pytest

from normstat.backends import BACKENDS, local, usable_cores
from normstat.backends.interrupts import interrupts_held, interrupts_later
from normstat.errors import NormstatError, UsageError, WorkerLostError
from normstat.registry import Entry, Registry
from tests.conftest import ENGINES, ENGINES_AND_JOBS


def double(value):
    return 2 * value


def fail(value):
    raise ValueError(value)


def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def half_sent(then):
    """Leave the first half of the result in the pipe of all workers, and the lock on it held."""

    def send(self, part):
        os.write(self.fileno(), bytes(part)[: len(part) // 2])
        then()

    Connection._send = send
    return bytes(100_000)


def asleep():
    time.sleep(600)


def one_is(then, task, *, after=None):
    """Do it in the second task, once there is a file of the name `after`."""
    while task == 1 and after and not after.exists():
        time.sleep(0.01)
    return half_sent(then) if task == 1 else bytes(100_000)


def within(seconds, call):
    """Whether a call comes to its end; a thread that hangs does not keep the tests from theirs."""
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(seconds)
    return not thread.is_alive()


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


def test_worker_that_dies_while_it_sends_a_result_is_noticed():
    def call():
        with pytest.raises(WorkerLostError, match="crashed or ran out of memory"):
            list(BACKENDS.load("processes")(partial(one_is, die), range(20), jobs=2))
        told.append(True)

    told = []
    assert within(30, call)
    assert told


def test_it_is_told_how_a_worker_died_however_soon_that_is_noticed(monkeypatch):
    monkeypatch.setattr(local, "_GLANCE", 0.001)  # before loky has noticed
    for _ in range(4):
        with pytest.raises(WorkerLostError, match=r"memory, SIGKILL\(-9\)$"):
            list(BACKENDS.load("processes")(die, [0], jobs=2))


@pytest.mark.filterwarnings("error")
def test_workers_that_leave_are_replaced():
    def call():
        told.extend(results)

    told = []
    results = BACKENDS.load("processes")(double, range(100), jobs=2)
    assert next(results) == 0
    for _ in range(2):
        local._workers(2)._call_queue.put(None)  # what they take for a long time without tasks
    assert within(30, call)
    assert told == [2 * value for value in range(1, 100)]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_it_is_noticed_when_nobody_sees_to_the_results_any_more():
    def call():
        with pytest.raises(WorkerLostError):
            list(results)
        told.append(True)

    told = []
    results = BACKENDS.load("processes")(double, range(100), jobs=2)
    assert next(results) == 0
    local._workers(2)._result_queue.put("no result")  # which loky's manager falls over
    assert within(30, call)
    assert told


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_while_a_pool_is_at_work(number):
    def interrupt():
        with interrupts_later():
            with interrupts_held():
                os.kill(os.getpid(), number)
                told.append("held")
            told.append("later")
        told.append("not at all")

    told = []
    stop = threading.Event()
    threading.Thread(target=stop.wait).start()  # may be the one that the system tells
    before = signal.signal(number, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            interrupt()
    finally:
        signal.signal(number, before)
        stop.set()
    assert told == ["held", "later"]


def test_run_ends_while_a_worker_sends_a_result(tmp_path):
    received = tmp_path / "received"
    function = partial(one_is, asleep, after=received)
    results = BACKENDS.load("processes")(function, range(20), jobs=2)
    assert next(results) == bytes(100_000)
    received.touch()
    time.sleep(0.5)  # until the pipe holds a half
    assert within(30, results.close)


def test_run_ends_while_tasks_wait_that_fill_the_pipe():
    results = BACKENDS.load("processes")(len, [bytes(1_000_000)] * 20, jobs=2)
    assert next(results) == 1_000_000
    assert within(30, results.close)


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
