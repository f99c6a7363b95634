"""Pairs in JSON."""

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Any

from normstat.linting.mappings import Items, declared_order, pairs_of, table_of
from normstat.linting.pairs import Pair, Span, is_mean, is_std


def pairs(text: str) -> Iterator[Pair]:
    """Yield the pairs of a JSON document.

    Raises
    ------
    ValueError
        It is not JSON; the text says where.

    >>> [pair.mean for pair in pairs('{"image_mean": [0.5], "image_std": [0.5]}')]
    [(0.5,)]
    """
    tree = table_of(parse(text), locator(text, '"{}"\\s*:'))
    yield from pairs_of(tree, order=declared_order(tree))


def parse(text: str) -> Any:
    """Return a JSON document with objects as `Items`."""
    return json.loads(text, object_pairs_hook=Items)


def locator(text: str, pattern: str) -> Callable[[str], Span]:
    """Return a function that tells where a key stands that is asked for in the order of the text.

    Parsers of the standard library do not say where a key was: the n-th question for a key is
    answered with its n-th place.
    """
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    places: dict[str, Iterator[re.Match[str]]] = {}
    last = Span(1, 1, 1, 1)

    def locate(key: str) -> Span:
        nonlocal last
        if not (is_mean(key) or is_std(key) or key == "source"):
            return last
        if key not in places:
            written = re.escape(json.dumps(key, ensure_ascii=False)[1:-1])
            places[key] = re.finditer(pattern.format(written), text, re.MULTILINE)
        if match := next(places[key], None):
            line = bisect_right(starts, match.start())
            column = match.start() - starts[line - 1] + 1
            last = Span(line, column, line, column + len(match.group()))
        return last

    return locate
