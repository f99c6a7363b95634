"""The kinds of files that are read: a suffix, how to find pairs, and how a comment begins."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module

from normstat.lint.pairs import Pair


@dataclass(frozen=True)
class FileKind:
    """A row of the table; what has no `mark`, in lower case, is not even parsed."""

    name: str
    module: str
    suffixes: tuple[str, ...]
    mark: re.Pattern[bytes]

    def pairs(self, text: str) -> Iterator[Pair]:
        """Yield the pairs of a text, or raise ValueError or SyntaxError when it is no such file."""
        read: Callable[[str], Iterator[Pair]] = import_module(self.module).pairs
        return read(text)


# Numbers that begin soon after a name of means, or in a call that normalizes.
_IN_CODE = re.compile(
    rb"(?:(?:mean|\bmu\b|subtrahend)[\w\\\"'\].]*\s*(?::[^=\n]{0,80})?[=:,](?!=)"
    rb"|normali[sz]\w*\s*\(|blobfromimages?\s*\(|(?:stats|std|params|values|constants)\s*=)"
    rb"(?=.{0,240}?[\[(=,:\n]\s*(?:\\n\"?,?\s*\"?\s*)?[-+]?\.?\d)",
    re.DOTALL,
)
_IN_JSON = re.compile(rb"(?:mean|\bmu|subtrahend)\w*\"\s*:\s*[\[{\d.-]")
_IN_YAML = re.compile(rb"(?:mean|\bmu|subtrahend)\w*['\"]?\s*:\s*(?:[\[{&!#\d.-]|$)", re.MULTILINE)
_IN_TOML = re.compile(rb"(?:mean|\bmu|subtrahend)\w*['\"]?\s*[\]=.]")
KINDS = (
    FileKind("Python", "normstat.lint.from_python", ("py", "pyi", "pyw"), _IN_CODE),
    FileKind("a notebook", "normstat.lint.from_notebook", ("ipynb",), _IN_CODE),
    FileKind("JSON", "normstat.lint.from_json", ("json",), _IN_JSON),
    FileKind("YAML", "normstat.lint.from_yaml", ("yaml", "yml"), _IN_YAML),
    FileKind("TOML", "normstat.lint.from_toml", ("toml",), _IN_TOML),
)
BY_SUFFIX = {suffix: kind for kind in KINDS for suffix in kind.suffixes}


def kind_of(path: str) -> FileKind | None:
    """Return the kind of a file by its suffix.

    >>> kind_of("configs/Base.YAML").name
    'YAML'
    """
    return BY_SUFFIX.get(path.rpartition(".")[2].lower())
