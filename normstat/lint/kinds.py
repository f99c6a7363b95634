"""The kinds of files that are read: a suffix, how to find pairs, and how a comment begins."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module

from normstat.lint.pairs import Pair


@dataclass(frozen=True)
class FileKind:
    """A row of the table; `mark` is what a file with a pair has somewhere, in lower case."""

    name: str
    module: str
    suffixes: tuple[str, ...]
    mark: re.Pattern[bytes]

    def is_worth_parsing(self, content: bytes) -> bool:
        """Whether there may be a pair: a search costs a hundredth of parsing."""
        lower = content.lower()
        return any(word in lower for word in _WORDS) and self.mark.search(lower) is not None

    def pairs(self, text: str) -> Iterator[Pair]:
        """Yield the pairs of a text, or raise ValueError or SyntaxError when it is no such file."""
        read: Callable[[str], Iterator[Pair]] = import_module(self.module).pairs
        return read(text)


# Of these at least one is in every mark; they are found faster than a pattern.
_WORDS = (b"mean", b"normali", b"_stats", b"blobfromimage", b"subtrahend")
# A name of means that gets numbers soon after, or a call that normalizes with numbers.
_IN_CODE = re.compile(
    rb"(?:mean[\w'\"\]\\]*\s*(?::[^=\n]{0,80})?(?:=(?!=)|[:,](?=\s*\S{0,20}(?:std|sigma|torch|np|\[|\(|type|default|nargs|\d)))"
    rb"|subtrahend\s*=|normali[sz]\w*\s*\(|blobfromimages?\s*\("
    rb"|(?:stats|mean\w*std|norm_\w+)\s*=(?=\s*[\[(]))"
    rb"(?=.{0,160}?[\[(=,:\n]\s*(?:\\n\"?,?\s*\"?\s*)?[-+]?(?:\d*\.\d|\d+\s*[],./)*]))",
    re.DOTALL,
)
_IN_JSON = re.compile(rb"(?:mean\w*|subtrahend)\"\s*:\s*[\[{\d.-]")
_IN_YAML = re.compile(rb"(?:mean\w*|subtrahend)['\"]?\s*:\s*(?:[\[{&!#\d.-]|$)", re.MULTILINE)
_IN_TOML = re.compile(rb"(?:mean\w*|subtrahend)['\"]?\s*[\]=.]")
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
