"""Pairs in YAML, which is composed into nodes and never constructed: tags make nothing."""

from collections.abc import Iterator
from typing import Any

from normstat.lint.mappings import Table, declared_order, pairs_of
from normstat.lint.pairs import Entry, Pair, Span

_DEEPEST = 100


def pairs(text: str) -> Iterator[Pair]:
    """Yield the pairs of every document of a YAML file.

    Raises
    ------
    ValueError
        It is not YAML; the text says where.

    >>> [pair.span.line for pair in pairs("a: 1\\nmean: [0.5, 0.4, 0.3]\\nstd: [1, 1, 1]")]
    [2]
    """
    import yaml  # noqa: PLC0415 (many trees have none)

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        trees = [_tree(node, set(), 0) for node in yaml.compose_all(text, loader) if node]
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    for tree in trees:
        yield from pairs_of(tree, order=declared_order(tree))


def _tree(node: Any, seen: set[int], depth: int) -> Any:
    """Return a node as tables and lists; what an alias repeats is looked at once."""
    if node.id == "scalar":
        return _scalar(node)
    if id(node) in seen or depth > _DEEPEST:
        return None
    seen.add(id(node))
    if node.id == "sequence":
        return [_tree(each, seen, depth + 1) for each in node.value]
    return Table(
        Entry(str(key.value), _tree(value, seen, depth + 1), _span(key, value))
        for key, value in node.value
        if key.id == "scalar"
    )


def _scalar(node: Any) -> Any:
    if node.style in {"'", '"'}:
        return node.value
    try:
        return float(node.value)
    except ValueError:
        return {"true": True, "false": False}.get(node.value.lower(), node.value)


def _span(key: Any, value: Any) -> Span:
    start, end = key.start_mark, value.end_mark
    # A block ends where the next key begins.
    line, column = end.line, end.column
    if value.id != "scalar" and not value.flow_style and value.value:
        inner = value.value[-1]
        last = inner[1] if isinstance(inner, tuple) else inner
        line, column = last.end_mark.line, last.end_mark.column
    return Span(start.line + 1, start.column + 1, line + 1, column + 1)
