"""The file systems of fsspec, opened so that a store answers soon or not at all.

The only module that knows fsspec.
"""

import json
import logging
import re
import threading
from functools import lru_cache
from typing import Any

import fsspec
from fsspec.asyn import AsyncFileSystem
from fsspec.utils import glob_translate

from normstat.errors import NormstatError, UsageError
from normstat.registry import unknown
from normstat.sources.ahead import CALLS
from normstat.sources.urls import protocols, public

_CONNECT = 10  # seconds for a connection
_WAIT = 30  # seconds for the next bytes
_CONNECTIONS = 8 * CALLS  # at once, in one process

# Sessions that a dying program leaves open are no news for whoever has not asked for a log.
for _name in ("asyncio", "aiobotocore", "botocore", "fsspec", "s3fs"):
    logging.getLogger(_name).addHandler(logging.NullHandler())

# File systems that run on fsspec's own loop are for all threads; each of the others is for one.
_SHARED: dict[tuple[str, str], tuple[Any, str]] = {}
_LOCK = threading.Lock()


def located(url: str, options: str) -> tuple[Any, str]:
    """Return the file system that a URL is on, for this thread, and its path there.

    Raises
    ------
    NormstatError
        What the protocol needs is not installed.
    UsageError
        There is no such protocol, or it has no such options.
    """
    key = url, options
    if key not in _SHARED:
        with _LOCK:
            system, path = _located(url, options, threading.get_ident())
            if not system.async_impl:
                return system, path
            _SHARED.setdefault(key, (system, path))
    return _SHARED[key]


@lru_cache(maxsize=1024)
def _located(url: str, options: str, thread: int) -> tuple[Any, str]:
    """Open the file system for a thread; fsspec knows by itself which thread asks."""
    del thread
    chain = protocols(url)
    given = json.loads(options)
    known = fsspec.available_protocols()
    try:
        nested = {name: dict(given.pop(name, {})) for name in chain}
        # What is named after other protocols is for other sources.
        nested[chain[0]] |= {name: each for name, each in given.items() if name not in known}
        kept = {name: _merged(_defaults(name), nested[name]) for name in nested}
        system, path = fsspec.url_to_fs(url, **kept)
    except ImportError as error:
        raise NormstatError(f"{public(url)}: {_told(error, chain)}") from error
    except ValueError as error:
        strange = [name for name in chain if name not in known]
        if strange:
            told = unknown("protocol", strange[0], dict.fromkeys(known))
            raise UsageError(f"{public(url)}: {told}") from error
        raise UsageError(f"{public(url)}: {public(str(error))}") from error
    except TypeError as error:
        raise UsageError(f"{public(url)}: storage options do not fit: {error}") from error
    if isinstance(getattr(system, "retries", None), int):
        system.retries = 1  # `insist` tries again; trying in trying multiplies
    return system, path


def _told(error: ImportError, chain: list[str]) -> str:
    """Return what to install."""
    if {"http", "https", "s3", "s3a"}.issuperset(chain):
        return f"needs {error.name or 'a package'}: pip install 'normstat[remote]'"
    return " ".join(str(error).split())


def _defaults(protocol: str) -> dict[str, Any]:
    """Return the options that let a store answer soon or not at all, once a call."""
    if protocol in {"s3", "s3a"}:
        return {
            "max_concurrency": 1,  # else it asks for the size before each read
            "config_kwargs": {
                "connect_timeout": _CONNECT,
                "read_timeout": _WAIT,
                "max_pool_connections": _CONNECTIONS,
                "retries": {"total_max_attempts": 1},
            },
        }
    if protocol in {"http", "https"}:
        from aiohttp import ClientTimeout  # noqa: PLC0415 (not every store needs it)

        timeout = ClientTimeout(total=None, sock_connect=_CONNECT, sock_read=_WAIT)
        return {"client_kwargs": {"timeout": timeout}}
    return {}


def _merged(defaults: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return the options that were given over the defaults, level by level."""
    both = defaults | given
    for name in defaults.keys() & given.keys():
        if isinstance(defaults[name], dict) and isinstance(given[name], dict):
            both[name] = _merged(defaults[name], given[name])
    return both


def has_flat_names(system: Any) -> bool:
    """Whether a store has its own way to list everything below a prefix."""
    return isinstance(system, AsyncFileSystem) and type(system)._find is not AsyncFileSystem._find


def pattern_of(wildcards: str) -> re.Pattern[str]:
    """Return what matches the paths that wildcards stand for.

    >>> bool(pattern_of("**/1?.png").match("a/b/12.png"))
    True
    """
    return re.compile(glob_translate(wildcards))
