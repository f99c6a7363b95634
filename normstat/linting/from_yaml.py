"""Pairs in YAML, read as a stream of events: tags make nothing, aliases repeat nothing."""

from collections.abc import Iterator
from typing import Any

from normstat.linting.mappings import Table, declared_order, pairs_of
from normstat.linting.pairs import Entry, Pair, Span

_DEEPEST = 100  # libyaml's own composer ends the process when a text nests without end


def pairs(text: str) -> Iterator[Pair]:
    """Yield the pairs of every document of a YAML file.

    Raises
    ------
    ValueError
        It is not YAML, or nested too deeply; the text says where.

    >>> [pair.span.line for pair in pairs("a: 1\\nmean: [0.5, 0.4, 0.3]\\nstd: [1, 1, 1]")]
    [2]
    """
    import yaml  # noqa: PLC0415 (many trees have none)

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        trees = list(_documents(yaml.parse(text, loader)))
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    for tree in trees:
        yield from pairs_of(tree, order=declared_order(tree))


class _Open:
    """A mapping or sequence whose end has not been seen yet."""

    def __init__(self, *, mapping: bool) -> None:
        self.mapping = mapping
        self.value: list[Any] = Table() if mapping else []
        self.key: Any = None  # the event of a key that waits for its value
        self.last: Any = None  # the event that ended what came last

    def add(self, value: Any, event: Any) -> None:
        self.last = event
        if not self.mapping:
            self.value.append(value)
        elif self.key is None:
            self.key = (event, value)
        else:
            start, key = self.key
            self.key = None
            if isinstance(key, str | float):
                name = start.value if hasattr(start, "value") else ""
                self.value.append(Entry(name, value, _span(start.start_mark, event.end_mark)))


def _documents(events: Iterator[Any]) -> Iterator[Any]:
    """Yield each document as tables, lists and plain values; an alias is None."""
    waiting: list[_Open] = []
    for event in events:
        kind = type(event).__name__
        if kind in {"MappingStartEvent", "SequenceStartEvent"}:
            waiting.append(_Open(mapping=kind == "MappingStartEvent"))
            if len(waiting) > _DEEPEST:
                raise ValueError(f"line {event.start_mark.line + 1}: nested too deeply")
            continue
        if kind in {"MappingEndEvent", "SequenceEndEvent"}:
            done = waiting.pop()
            value: Any = done.value
            # A block is said to end where the next key begins; its last part tells better.
            flow = event.end_mark.index > event.start_mark.index
            event = event if flow or done.last is None else done.last  # noqa: PLW2901
        elif kind == "ScalarEvent":
            value = _scalar(event)
        elif kind == "AliasEvent":
            value = None
        else:
            continue
        if waiting:
            waiting[-1].add(value, event)
        else:
            yield value


def _scalar(event: Any) -> Any:
    if event.style in {"'", '"'}:
        return event.value
    try:
        return float(event.value)
    except ValueError:
        return {"true": True, "false": False}.get(event.value.lower(), event.value)


def _span(start: Any, end: Any) -> Span:
    return Span(start.line + 1, start.column + 1, end.line + 1, end.column + 1)
