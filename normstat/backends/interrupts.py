"""Who hears Ctrl-C: this process alone, which then ends its workers without a word."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Start workers that leave Ctrl-C to this process.

    They inherit a mask, as threads do; a Ctrl-C in the meantime waits for the end of this block.
    """
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
