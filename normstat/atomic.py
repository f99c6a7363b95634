"""Files that are there whole or not at all: written beside their place and moved into it."""

import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_MARK = ".normstat-"
_MOMENT = 1.0  # seconds


@contextmanager
def written_whole(target: Path) -> Iterator[Path]:
    """Yield a path beside `target` to write to; move it there when all went well, else remove it.

    An existing target keeps its permissions, and a link stays a link to what is replaced.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with written_whole(folder / "a.txt") as path:
    ...     _ = path.write_text("whole")
    >>> [each.name for each in folder.iterdir()]
    ['a.txt']
    """
    target = target.resolve()
    beside = target.with_name(f"{_MARK}{os.getpid()}-{secrets.token_hex(4)}{target.suffix}")
    try:
        yield beside
        if target.exists():
            beside.chmod(stat.S_IMODE(target.stat().st_mode))
        beside.replace(target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


@contextmanager
def swept(folder: Path) -> Iterator[None]:
    """Remove what killed processes left beside their targets, before and after.

    After an interrupt, threads that are in the middle of a file get a moment to finish it.
    """
    _sweep(folder)
    try:
        yield
    except BaseException:
        deadline = time.monotonic() + _MOMENT
        while time.monotonic() < deadline and any(folder.rglob(f"{_MARK}{os.getpid()}-*")):
            time.sleep(0.01)
        raise
    finally:
        _sweep(folder)


def _sweep(folder: Path) -> None:
    for path in folder.rglob(f"{_MARK}*-*"):
        pid = path.name.removeprefix(_MARK).partition("-")[0]
        if pid.isdigit() and not _alive(int(pid)):
            path.unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
