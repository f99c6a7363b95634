"""Pairs in nested keys and values, as JSON, YAML and TOML have them."""

from collections.abc import Callable, Iterator
from typing import Any

from normstat.linting.interfaces import context_of
from normstat.linting.pairs import Entry, Pair, Span, as_values, is_mean, make_pair, paired

# Keys under which a single mean is known to be one of images.
_ALONE = {"mean", "means", "image_mean", "img_mean", "rgb_mean", "pixel_mean"}


# A spec holds several means and stds, each of them labelled; `validate` is what checks it.
_OWN = "normstat_spec"


class Table(list[Entry]):
    """The keys of an object in order, each with its value and place."""


def pairs_of(value: Any, name: str = "", order: str = "") -> Iterator[Pair]:
    """Yield the pairs of a document.

    Parameters
    ----------
    value
        Tables, lists and plain values.
    name
        The key that holds it.
    order
        The order of channels that the document declares elsewhere.
    """
    if isinstance(value, list) and not isinstance(value, Table):
        if as_values(value) is None:
            for each in value:
                yield from pairs_of(each, name, order)
        return
    if not isinstance(value, Table) or any(entry.key == _OWN for entry in value):
        return
    context = context_of(name, value)
    context = context._replace(order=context.order or order, name=name)
    for found in paired(value, context, scalars=True):
        if isinstance(found, Pair):
            yield found
        elif is_mean(found.key) and found.key.lower() in _ALONE:
            yield make_pair(found, None, context._replace(needs_std=True))
    for entry in value:
        if isinstance(entry.value, list):
            yield from pairs_of(entry.value, entry.key, order)


def declared_order(value: Any) -> str:
    """Return what the key FORMAT of a document says, as Detectron2 has it."""
    if isinstance(value, Table):
        for entry in value:
            if entry.key == "FORMAT" and entry.value in ("BGR", "RGB"):
                return str(entry.value)
            if found := declared_order(entry.value):
                return found
    return ""


def table_of(data: Any, locate: Callable[[str], Span]) -> Any:
    """Return plain dicts as tables, depth first; `locate` is asked for each key in order."""
    if isinstance(data, dict):
        data = list(data.items())
        return Table(_entry(key, value, locate) for key, value in data)
    if isinstance(data, Items):
        return Table(_entry(key, value, locate) for key, value in data)
    if isinstance(data, list):
        if data and all(isinstance(each, int | float) for each in data):
            return data
        return [table_of(each, locate) for each in data]
    return data


class Items(list[tuple[str, Any]]):
    """The pairs of a JSON object, repeated keys and all."""


def _entry(key: str, value: Any, locate: Callable[[str], Span]) -> Entry:
    span = locate(key)
    return Entry(key, table_of(value, locate), span)
