"""Asking a store again when it fails in passing, and saying in a few words why it failed."""

import errno
import threading
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any, TypeVar

from normstat.errors import NormstatError, SourceError
from normstat.sources.urls import public

Result = TypeVar("Result")

TRIES = 5
PAUSE = 0.25  # seconds before the second try; each further pause is twice as long
SILENCE = 60.0  # seconds without any answer after which a store is given up

_LATER = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
_DENIED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
_GONE = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}
_FINAL = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)
# Of botocore, aiohttp, httpx, http.client and google-auth: by name, since none may be installed.
_PASSING = {
    "HTTPClientError", "ConnectionError", "ClientConnectionError", "ClientPayloadError",
    "TransportError", "HTTPException", "ResponseParserError",
}  # fmt: skip


def insist(call: Callable[[], Result]) -> Result:
    """Call, and again after growing pauses as long as what goes wrong may pass.

    Time-outs, lost connections and the statuses 408, 425, 429 and 5xx may pass; what is missing,
    forbidden or wrong stays so and is raised at once.

    Raises
    ------
    OSError
        It failed for good; `strerror` says why. It is a FileNotFoundError or PermissionError when
        that is the reason.
    """
    tries = 0
    while True:
        tries += 1
        try:
            result = call()
        except (MemoryError, NormstatError):
            raise
        # Stores fail with errors of every library below them. Whatever it is, it is told.
        except Exception as error:
            may_pass = passes(error)
            _HEALTH.heard(answer=not may_pass)
            if not may_pass or tries == TRIES:
                raise _told(error, tries) from error
        else:
            _HEALTH.heard(answer=True)
            return result
        time.sleep(PAUSE * 2 ** (tries - 1))


def check_answering(place: str) -> None:
    """Raise SourceError when the stores of this process have been silent for a minute.

    Then it is not the files: to leave out all that are left would be a run of days, and a spec
    of the first few.
    """
    silent = _HEALTH.silent()
    if silent > SILENCE:
        raise SourceError(
            f"{place}: no answer for {silent:.0f} s; nothing was written. Is the network up?"
        )


class _Health:
    """Since when nothing but failures came."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: float | None = None

    def heard(self, *, answer: bool) -> None:
        with self._lock:
            if answer:
                self._since = None
            elif self._since is None:
                self._since = time.monotonic()

    def silent(self) -> float:
        with self._lock:
            return 0.0 if self._since is None else time.monotonic() - self._since


_HEALTH = _Health()


def passes(error: BaseException) -> bool:
    """Whether the same request may succeed later.

    >>> passes(ConnectionResetError()), passes(TimeoutError()), passes(FileNotFoundError())
    (True, True, False)
    """
    status = _status(error)
    if status:
        return status in _LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    root = _root(error)
    if isinstance(root, _FINAL):
        return False
    return isinstance(root, OSError | EOFError) or _is_about_the_way(error)


def reason(error: BaseException) -> str:
    """Return in a few words, without secrets, why a store failed.

    >>> reason(TimeoutError())
    'timed out'
    """
    for each in _causes(error):
        answer = _answer(each).get("Error", {})
        if not str(answer.get("Code", "1")).isdigit():  # S3 has names for what went wrong
            return public(f"{answer['Code']}: {answer.get('Message', '')}".rstrip(": "))
    status = _status(error)
    if status:
        known = status in list(HTTPStatus)
        return f"HTTP {status}" + (f" {HTTPStatus(status).phrase}" if known else "")
    root = _root(error)
    if isinstance(root, TimeoutError) or "Timeout" in type(root).__name__:
        return "timed out"
    text = getattr(root, "strerror", None) or getattr(root, "message", None) or str(root)
    return public(" ".join(str(text).split())) or type(root).__name__


def _told(error: Exception, tries: int) -> OSError:
    text = reason(error) + (f", {tries} times" if tries > 1 else "")
    status, root = _status(error), _root(error)
    if status in _GONE or (not status and isinstance(root, FileNotFoundError)):
        return FileNotFoundError(errno.ENOENT, text)
    if status in _DENIED or (not status and isinstance(root, PermissionError)):
        return PermissionError(errno.EACCES, text)
    return OSError(errno.EIO, text)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what caused it, down to the first."""
    here: BaseException | None = error
    while here is not None:
        yield here
        here = here.__cause__


def _root(error: BaseException) -> BaseException:
    return list(_causes(error))[-1]


def _is_about_the_way(error: BaseException) -> bool:
    """Whether it is the connection that failed, not the store."""
    kinds = {kind.__name__ for each in _causes(error) for kind in type(each).__mro__}
    return bool(kinds & _PASSING)


def _status(error: BaseException) -> int | None:
    """Return the HTTP status that a store answered with."""
    if _is_about_the_way(error):
        return None  # aiohttp gives those a status of its own
    for each in _causes(error):
        found = _answer(each).get("ResponseMetadata", {}).get("HTTPStatusCode")
        for name in ("status", "status_code", "code"):
            found = found or getattr(each, name, None)
            found = found or getattr(getattr(each, "response", None), name, None)
        if isinstance(found, int) and found >= HTTPStatus.BAD_REQUEST:
            return found
    return None


def _answer(error: BaseException) -> dict[str, Any]:
    """Return what botocore keeps of an answer."""
    answer = getattr(error, "response", None)
    return answer if isinstance(answer, dict) else {}
