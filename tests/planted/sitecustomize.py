"""On PYTHONPATH, this plants decoders that crash, hang or swallow memory into every process.

A file whose content begins with the name of one of `DEEDS` is its victim's.
"""

import ctypes
import itertools
import os
import resource
import signal
import time
from pathlib import Path

from PIL import Image

ROOM = 500_000_000  # bytes that a worker may take beyond what it has


def abort(content):
    os.abort()


def segfault(content):
    ctypes.string_at(0)


def swallow_memory(content):
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + ROOM, hard))
    hoard = []
    try:
        while True:
            hoard.append(bytearray(1 << 24))
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def get_killed(content):
    os.kill(os.getpid(), signal.SIGKILL)


def sleep(content):
    time.sleep(3600)


def spin_in_python(content):
    while True:
        pass


def spin_in_c(content):
    sum(itertools.repeat(0))


def block_in_c(content):
    # A mutex that is locked twice: no signal brings this back, and it takes no processor's time.
    mutex = ctypes.create_string_buffer(64)
    libc = ctypes.PyDLL(None)
    libc.pthread_mutex_lock(mutex)
    libc.pthread_mutex_lock(mutex)


def crash_once(content):
    """End the process unless the file that the content names is there; make it first."""
    memory = Path(content.split(b"\n")[1].decode())
    if not memory.exists():
        memory.touch()
        os.abort()


DEEDS = {
    deed.__name__.encode(): deed
    for deed in (
        abort, segfault, swallow_memory, get_killed, sleep, spin_in_python, spin_in_c, block_in_c,
        crash_once,
    )
}  # fmt: skip
_open = Image.open


def _open_or_act(file, *args, **kwargs):
    content = file.read(200)
    file.seek(0)
    deed = DEEDS.get(content.split(b"\n")[0])
    if deed:
        deed(content)
    return _open(file, *args, **kwargs)


Image.open = _open_or_act
