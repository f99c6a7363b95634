"""Formats that are JSON or YAML: values are replaced in the text, all else stays as it was."""

import json
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, ClassVar

import msgspec

from normstat.errors import SpecError
from normstat.formats.affine import Affine
from normstat.formats.base import Change, Format, Header, Reading, Updated, find_header, with_header
from normstat.spec.files import YAML_SUFFIXES, dump_text, parse_yaml

Path = tuple[str | int, ...]
Spans = dict[Path, tuple[int, int]]

_DEEPEST, _MOST_VALUES = 100, 200_000
_STRINGS = json.JSONDecoder(strict=False)


def parse_json(text: str) -> Any:
    """Return the plain data of a JSON text.

    Raises
    ------
    SpecError
        It is not JSON. NaN is not.
    """
    try:
        return msgspec.json.decode(text.encode())
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise SpecError(f"not valid JSON: {error}") from None


class DocumentText(ABC):
    """A text that holds plain data, whose values can be replaced where they stand."""

    def __init__(self, text: str, data: Any) -> None:
        self.text = text
        self.data = data
        self._found: Spans = {}

    @cached_property
    @abstractmethod
    def spans(self) -> Spans:
        """Where each value stands."""

    @abstractmethod
    def insertion(self, parent: Path, key: str, value: Any) -> tuple[int, str]:
        """Return where a new member goes, and its text, which is set as its neighbour is."""

    @staticmethod
    @abstractmethod
    def literal(value: Any) -> str:
        """Return plain data on one line."""

    def element_spans(self, path: Path, count: int) -> list[tuple[int, int]] | None:
        """Return the places of the items of a list of this length."""
        found = [self.spans.get((*path, index)) for index in range(count + 1)]
        spans = [span for span in found[:count] if span is not None]
        return spans if len(spans) == count and found[count] is None else None


class JsonText(DocumentText):
    """A JSON text, whose new members go behind the last one."""

    def __init__(self, text: str) -> None:
        super().__init__(text, parse_json(text))
        self._keys: dict[Path, int] = {}  # where the key of a member begins

    @cached_property
    def spans(self) -> Spans:
        self._scan(self._skip(0), ())
        return self._found

    def insertion(self, parent: Path, key: str, value: Any) -> tuple[int, str]:
        members = [path for path in self._keys if path[:-1] == parent]
        written = f"{json.dumps(key)}: {self.literal(value)}"
        if not members:
            return self.spans[parent][0] + 1, written
        last = members[-1]
        line = self.text.rfind("\n", 0, self._keys[last]) + 1
        indent = self.text[line : self._keys[last]]
        lead = f",\n{indent}" if line and not indent.strip() else ", "
        return self.spans[last][1], lead + written

    @staticmethod
    def literal(value: Any) -> str:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)

    def _skip(self, at: int) -> int:
        while at < len(self.text) and self.text[at] in " \t\r\n":
            at += 1
        return at

    def _scan(self, at: int, path: Path) -> int:
        """Note the span of the value at a place, and of those in it; return where it ends."""
        if len(path) > _DEEPEST:
            raise SpecError("not valid JSON: nested too deeply")
        start, opening = at, self.text[at]
        if opening in "{[":
            at = self._skip(at + 1)
            index = 0
            while self.text[at] not in "}]":
                key: str | int = index
                if opening == "{":
                    key, after = _STRINGS.raw_decode(self.text, at)
                    self._keys[*path, key] = at
                    at = self._skip(self._skip(after) + 1)
                at = self._skip(self._scan(at, (*path, key)))
                index += 1
                if self.text[at] == ",":
                    at = self._skip(at + 1)
            at += 1
        elif opening == '"':
            _, at = _STRINGS.raw_decode(self.text, at)
        else:
            while at < len(self.text) and self.text[at] not in ",]} \t\r\n":
                at += 1
        self._found[path] = (start, at)
        return at


class YamlText(DocumentText):
    """A YAML text, whose comments stay and whose new members go before the first one."""

    def __init__(self, text: str) -> None:
        try:
            data = parse_yaml(text.encode())
        except (ValueError, RecursionError) as error:
            words = " ".join(str(error).split())
            raise SpecError(f"not valid YAML: {words or type(error).__name__}") from None
        _bound(data)
        super().__init__(text, data)
        self._nodes: dict[Path, Any] = {}

    @cached_property
    def spans(self) -> Spans:
        import yaml  # noqa: PLC0415

        root = yaml.compose(self.text, Loader=yaml.SafeLoader)
        if root is not None:
            self._walk(root, ())
        return self._found

    def _walk(self, node: Any, path: Path) -> None:
        import yaml  # noqa: PLC0415

        if len(path) > _DEEPEST:
            raise SpecError("not valid YAML: nested too deeply")
        self._nodes[path] = node
        self._found[path] = (node.start_mark.index, node.end_mark.index)
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                self._walk(value, (*path, key.value))
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                self._walk(value, (*path, index))

    def insertion(self, parent: Path, key: str, value: Any) -> tuple[int, str]:
        import yaml  # noqa: PLC0415

        node = self._nodes[parent]
        if not isinstance(node, yaml.MappingNode):
            raise SpecError(f"{'.'.join(map(str, parent))}: expected an object")
        written = f"{key}: {self.literal(value)}"
        if node.flow_style or not node.value:
            return node.start_mark.index + 1, written + (", " if node.value else "")
        first = node.value[0][0].start_mark
        return first.index, f"{written}\n{' ' * first.column}"

    @staticmethod
    def literal(value: Any) -> str:
        if isinstance(value, dict):
            inner = (f"{key}: {YamlText.literal(item)}" for key, item in value.items())
            return "{" + ", ".join(inner) + "}"
        if isinstance(value, list):
            return f"[{', '.join(map(YamlText.literal, value))}]"
        if isinstance(value, float):
            if not math.isfinite(value):
                raise SpecError("a number is too large")
            # YAML 1.1 takes 1e-07 for a text.
            mantissa, e, exponent = repr(value).partition("e")
            return repr(value) if not e or "." in mantissa else f"{mantissa}.0e{exponent}"
        return json.dumps(value, ensure_ascii=False)


class DocumentFormat(Format):
    """A format that is JSON or YAML.

    `parent` finds the object that holds the fields; `values` are its members.
    """

    yaml: ClassVar[bool] = False
    suffixes: ClassVar[tuple[str, ...]] = (".json",)

    def parent(self, data: Any) -> Path:
        """Return the path of the object with the fields.

        Raises
        ------
        SpecError
            There is none.
        """
        if not isinstance(data, dict):
            raise SpecError("not an object with fields")
        return ()

    @abstractmethod
    def values(self, affine: Affine) -> dict[str, Any]:
        """Return the fields of the normalization, as plain data."""

    def document(self, values: dict[str, Any]) -> Any:
        """Return a whole document that holds the fields."""
        return values

    @abstractmethod
    def reading(self, fields: Mapping[str, Any], data: Any, said: Header) -> Reading:
        """Return what the fields stand for; `data` is the document that they are in."""

    def comment(self, affine: Affine) -> str:
        """Return what stands above the document, where comments are allowed."""
        return ""

    def write(self, affine: Affine) -> str:
        data = self.document(self.values(affine))
        return self.comment(affine) + dump_text(data, yaml=self.yaml)

    def read(self, text: str) -> Reading:
        data = self._parsed(text).data
        path = self.parent(data)
        return self.reading(
            value_at(data, path), data, find_header(text) if self.yaml else Header()
        )

    def update(self, text: str, affine: Affine) -> Updated:
        changes: list[Change] = []
        path = self.parent(self._parsed(text).data)
        for key, value in self.values(affine).items():
            text = set_value(self._parsed(text), path, key, value, changes)
        text = self.update_elsewhere(text, affine, changes)
        return Updated(with_header(text, affine) if self.yaml else text, tuple(changes))

    def update_elsewhere(self, text: str, affine: Affine, changes: list[Change]) -> str:
        """Change what the format keeps outside of `parent`."""
        return text

    def _parsed(self, text: str) -> DocumentText:
        return YamlText(text) if self.yaml else JsonText(text)


class YamlFormat(DocumentFormat):
    """A format that is YAML, which has comments."""

    yaml: ClassVar[bool] = True
    suffixes: ClassVar[tuple[str, ...]] = tuple(sorted(YAML_SUFFIXES))


def _bound(data: Any) -> None:
    """Refuse data that refers to itself so often that walking it would not end."""
    left = [data]
    for _ in range(_MOST_VALUES):
        if not left:
            return
        value = left.pop()
        left += (
            value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        )
    raise SpecError(f"more than {_MOST_VALUES:,} values, which no configuration has")


def value_at(data: Any, path: Path) -> Any:
    """Return what stands at a path of plain data."""
    for part in path:
        data = data[part]
    return data


def objects(data: Any) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield each object of plain data with its path, an outer one before those in it.

    >>> [path for path, _ in objects({"a": [{"b": 1}]})]
    [(), ('a', 0)]
    """
    waiting: list[tuple[Path, Any]] = [((), data)]
    while waiting:
        path, value = waiting.pop()
        inner: list[tuple[str | int, Any]] = []
        if isinstance(value, dict):
            yield path, value
            inner = list(value.items())
        elif isinstance(value, list):
            inner = list(enumerate(value))
        waiting += [((*path, key), each) for key, each in reversed(inner)]


def set_value(
    document: DocumentText, parent: Path, key: str, value: Any, changes: list[Change]
) -> str:
    """Return the text with one member of an object set, and note the change."""
    text, path = document.text, (*parent, key)
    name = ".".join(map(str, path))
    new = document.literal(value)
    if path not in document.spans:
        at, inserted = document.insertion(parent, key, value)
        changes.append(Change(name, None, new))
        return text[:at] + inserted + text[at:]
    old = value_at(document.data, path)
    if old == value and type(old) is type(value):
        return text
    start, end = document.spans[path]
    block = isinstance(old, list | dict) and text[start] not in "[{"
    if block:
        inside = [span for found, span in document.spans.items() if found[: len(path)] == path]
        end = max(last for first, last in inside if first != start or last != end)
    changes.append(Change(name, " ".join(text[start:end].split()), new))
    items = document.element_spans(path, len(value)) if isinstance(value, list) else None
    if items:  # one by one, so that their lines and comments stay
        for (first, last), item in zip(reversed(items), reversed(value), strict=True):
            text = text[:first] + document.literal(item) + text[last:]
        return text
    if block:
        start = text.rfind(":", 0, start) + 1  # a block of lines becomes one
        new = f" {new}"
    return text[:start] + new + text[end:]
