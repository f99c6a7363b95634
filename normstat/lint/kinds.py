"""The kinds of files that are read: a suffix, how to find pairs, and how a comment begins."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module

from normstat.lint.pairs import Pair


@dataclass(frozen=True)
class FileKind:
    """A row of the table; `words` are bytes of which a file with a pair has at least one."""

    name: str
    module: str
    suffixes: tuple[str, ...]
    words: tuple[bytes, ...] = (b"mean", b"subtrahend")

    def pairs(self, text: str) -> Iterator[Pair]:
        """Yield the pairs of a text, or raise ValueError or SyntaxError when it is no such file."""
        read: Callable[[str], Iterator[Pair]] = import_module(self.module).pairs
        return read(text)


_IN_CODE = (b"mean", b"normaliz", b"normalis", b"_stats", b"subtrahend", b"blobfromimage")
KINDS = (
    FileKind("Python", "normstat.lint.from_python", ("py", "pyi", "pyw"), _IN_CODE),
    FileKind("a notebook", "normstat.lint.from_notebook", ("ipynb",), _IN_CODE),
    FileKind("JSON", "normstat.lint.from_json", ("json",)),
    FileKind("YAML", "normstat.lint.from_yaml", ("yaml", "yml")),
    FileKind("TOML", "normstat.lint.from_toml", ("toml",)),
)
BY_SUFFIX = {suffix: kind for kind in KINDS for suffix in kind.suffixes}


def kind_of(path: str) -> FileKind | None:
    """Return the kind of a file by its suffix.

    >>> kind_of("configs/Base.YAML").name
    'YAML'
    """
    return BY_SUFFIX.get(path.rpartition(".")[2].lower())
