"""Tables of names that load what they stand for at first use."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Any, TypeVar, get_args

from normstat.errors import NormstatError, UsageError

Value = TypeVar("Value")

_FEW = 20  # names that an error message may list


@dataclass(frozen=True)
class Entry:
    """Where a name's object lives, what it is in one line, and the extra that it needs."""

    target: str
    summary: str
    extra: str | None = None


class Registry(Mapping[str, Entry]):
    """A table from name to a lazily imported object.

    Parameters
    ----------
    kind
        What the names name, as it reads in an error message: "backend", "command".
    entries
        name → `Entry`, whose target is written "module:attribute".

    Examples
    --------
    >>> table = Registry("shape", {"path": Entry("pathlib:Path", "a path")})
    >>> table.load("path").__name__
    'Path'
    >>> table.load("pth")
    Traceback (most recent call last):
    normstat.errors.UsageError: unknown shape 'pth'; did you mean 'path'?
    """

    def __init__(self, kind: str, entries: Mapping[str, Entry]) -> None:
        self.kind = kind
        self._entries = dict(entries)

    def __getitem__(self, name: str) -> Entry:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def load(self, name: str) -> Any:
        """Import and return what `name` stands for.

        Raises
        ------
        UsageError
            There is no such name; the nearest one is suggested.
        NormstatError
            The extra that it needs is not installed; the text has the install line.
        """
        if name not in self._entries:
            raise UsageError(unknown(self.kind, name, self._entries))
        entry = self._entries[name]
        module, _, attribute = entry.target.partition(":")
        try:
            return getattr(import_module(module), attribute)
        except ModuleNotFoundError as error:
            if entry.extra is None:
                raise
            package = (error.name or "").partition(".")[0]
            raise NormstatError(
                f"{self.kind} {name!r} needs {package!r}, which is not installed: "
                f"pip install 'normstat[{entry.extra}]'"
            ) from error


def one_of(kind: str, value: str, literal: Any) -> None:
    """Raise when a value is none of those of a `Literal` type.

    Raises
    ------
    UsageError
        With the nearest one.
    """
    values = get_args(literal)
    if value not in values:
        raise UsageError(unknown(kind, str(value), dict.fromkeys(values)))


def several(option: str, values: Iterable[Value] | None) -> tuple[Value, ...]:
    """Return the values of an option that takes several. A text alone is none of its letters.

    None is not asked for.

    >>> several("exclude", ["night", "*_mask.png"])
    ('night', '*_mask.png')

    Raises
    ------
    UsageError
        It is a text, or a single value.
    """
    if values is None:
        return ()
    if isinstance(values, str):
        parts = [part.strip() for part in values.split(",")]
        raise UsageError(f"{option} is {values!r}, but takes several: write {parts}")
    try:
        return tuple(iter(values))
    except TypeError:
        kind = type(values).__name__
        raise UsageError(f"{option} is a {kind}, but takes several: write [...]") from None


def instance(argument: str, value: object, kind: type, hint: str) -> None:
    """Raise when what is given is not of the kind that is asked for.

    Raises
    ------
    UsageError
        With `hint`, how to come by one.
    """
    if not isinstance(value, kind):
        given = type(value).__name__
        raise UsageError(f"{argument} is a {given}, not a {kind.__name__}: {hint}")


def unknown(kind: str, name: str, known: Mapping[str, Any], hint: str = "") -> str:
    """Return the sentence for a name that is not in a table, with the nearest one that is.

    Without a near one the names are told, or `hint` when there are too many.

    >>> unknown("preset", "imagenett", {"imagenet": 1, "clip": 2})
    "unknown preset 'imagenett'; did you mean 'imagenet'?"
    """
    near = get_close_matches(name, known, n=1)
    if near:
        return f"unknown {kind} {name!r}; did you mean {near[0]!r}?"
    if len(known) <= _FEW:
        hint = f"there are: {', '.join(known)}"
    return f"unknown {kind} {name!r}" + (f"; {hint}" if hint else "")
