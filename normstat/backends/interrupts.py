"""Who hears Ctrl-C: this process alone, where it can bear it; it then ends its workers."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Any


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Let a Ctrl-C wait for the end of this block, and none reach the workers started in it."""
    with interrupts_later(), _masked():
        yield


@contextmanager
def interrupts_later() -> Iterator[None]:
    """Let a Ctrl-C or a `kill` wait for the end of this block.

    In the wrong moment it would leave a lock of a pool of workers held for ever.
    """
    # Python handles signals in its main thread, whichever thread the system has told.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[tuple[int, Any]] = []
    found = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    handlers = {number: handler for number, handler in found.items() if callable(handler)}
    for number in handlers:
        signal.signal(number, lambda *arguments: came.append(arguments))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for first, frame in came[:1]:
            handlers[signal.Signals(first)](first, frame)


@contextmanager
def _masked() -> Iterator[None]:
    """Start processes and threads that inherit a mask."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Python's helper process, whose start would lift the mask.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
