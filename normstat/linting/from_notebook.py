"""Pairs in the code cells of notebooks."""

import re
from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from normstat.linting import from_python
from normstat.linting.from_json import locator, parse
from normstat.linting.pairs import Pair, Span

_MAGIC = re.compile(r"^(\s*)[%!?].*$", re.MULTILINE)


def pairs(text: str) -> Iterator[Pair]:
    """Yield the pairs of every code cell; a cell that is not Python is passed over.

    Raises
    ------
    ValueError
        It is not a notebook.
    """
    notebook = parse(text)
    locate = locator(text, '"{}"\\s*:')
    cells = _field(notebook, "cells")
    if not isinstance(cells, list):
        raise ValueError("has no cells")
    lines = text.count("\n")
    for number, cell in enumerate(cells, start=1):
        place = None
        for key in _keys(cell):
            if key == "source":
                place = locate(key)
        source = _field(cell, "source")
        written = source if isinstance(source, str) else "".join(_strings(source))
        if place is None or _field(cell, "cell_type") != "code":
            continue
        try:
            found = list(from_python.pairs(_MAGIC.sub(r"\1pass", written)))
        except SyntaxError:
            continue
        # Usually each line of a cell is a line of the file.
        spread = lines > len(cells) and not isinstance(source, str)
        for pair in found:
            yield replace(
                pair,
                cell=number,
                span=_moved(pair.span, place, spread=spread),
                std_span=pair.std_span and _moved(pair.std_span, place, spread=spread),
            )


def _moved(span: Span, place: Span, *, spread: bool) -> Span:
    if not spread:
        return place
    return Span(place.line + span.line, 1, place.line + span.end_line, 1)


def _field(items: Any, name: str) -> Any:
    if isinstance(items, list):
        for item in items:
            if isinstance(item, tuple) and item[0] == name:
                return item[1]
    return None


def _keys(value: Any) -> Iterator[str]:
    """Yield every key in the order of the text."""
    if isinstance(value, list):
        for each in value:
            if isinstance(each, tuple):
                yield each[0]
                yield from _keys(each[1])
            else:
                yield from _keys(each)


def _strings(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
