"""The kinds of files that are read: a suffix, how to find pairs, and how a comment begins."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module

from normstat.linting.pairs import Pair


@dataclass(frozen=True)
class FileKind:
    """A row of the table; a file with a pair has one of `marks` in lower case, by its word."""

    name: str
    module: str
    suffixes: tuple[str, ...]
    marks: Mapping[bytes, re.Pattern[bytes]]

    def is_worth_parsing(self, content: bytes) -> bool:
        """Whether there may be a pair: a search costs a fiftieth of parsing."""
        lower = content.lower()
        return any(
            word in lower and mark.search(lower) is not None for word, mark in self.marks.items()
        )

    def pairs(self, text: str) -> Iterator[Pair]:
        """Yield the pairs of a text, or raise ValueError or SyntaxError when it is no such file."""
        read: Callable[[str], Iterator[Pair]] = import_module(self.module).pairs
        return read(text)


# Numbers that begin soon.
_SOON = rb"(?=.{0,160}?[\[(=,:\n]\s*(?:\\n\"?,?\s*\"?\s*)?[-+]?(?:\d*\.\d|\d+\s*[],./)*]))"
# Words are found faster than patterns, and patterns that begin with letters faster than others.
_IN_CODE = {
    word: re.compile(pattern + _SOON, re.DOTALL)
    for word, pattern in {
        b"mean": rb"mean[\w'\"\]\\]*\s*(?::[^=\n]{0,80})?"
        rb"(?:=(?!=)|[:,](?=\s*\S{0,20}(?:std|sigma|torch|np|\[|\(|type|default|nargs|\d)))",
        b"normali": rb"normali[sz]\w*\s*\(",
        b"blobfromimage": rb"blobfromimages?\s*\(",
        b"subtrahend": rb"subtrahend\s*=",
        b"_stats": rb"_stats\s*=(?=\s*[\[(])",
        b"norm_": rb"norm_\w+\s*=(?=\s*[\[(])",
    }.items()
}
_IN_JSON = {word: re.compile(word + rb"\w*\"\s*:\s*[\[{\d.-]") for word in (b"mean", b"subtrahend")}
_IN_YAML = {
    word: re.compile(word + rb"\w*['\"]?\s*:\s*(?:[\[{&!#\d.-]|$)", re.MULTILINE)
    for word in (b"mean", b"subtrahend")
}
_IN_TOML = {word: re.compile(word + rb"\w*['\"]?\s*[\]=.]") for word in (b"mean", b"subtrahend")}
KINDS = (
    FileKind("Python", "normstat.linting.from_python", ("py", "pyi", "pyw"), _IN_CODE),
    FileKind("a notebook", "normstat.linting.from_notebook", ("ipynb",), _IN_CODE),
    FileKind("JSON", "normstat.linting.from_json", ("json",), _IN_JSON),
    FileKind("YAML", "normstat.linting.from_yaml", ("yaml", "yml"), _IN_YAML),
    FileKind("TOML", "normstat.linting.from_toml", ("toml",), _IN_TOML),
)
BY_SUFFIX = {suffix: kind for kind in KINDS for suffix in kind.suffixes}


def kind_of(path: str) -> FileKind | None:
    """Return the kind of a file by its suffix.

    >>> kind_of("configs/Base.YAML").name
    'YAML'
    """
    return BY_SUFFIX.get(path.rpartition(".")[2].lower())
