"""Pairs in TOML."""

import tomllib
from collections.abc import Iterator

from normstat.linting.from_json import locator
from normstat.linting.mappings import declared_order, pairs_of, table_of
from normstat.linting.pairs import Pair


def pairs(text: str) -> Iterator[Pair]:
    """Yield the pairs of a TOML document.

    Raises
    ------
    ValueError
        It is not TOML; the text says where.

    >>> [pair.std for pair in pairs("mean = [0.5, 0.4, 0.3]\\nstd = [0.2, 0.2, 0.2]")]
    [(0.2, 0.2, 0.2)]
    """
    tree = table_of(tomllib.loads(text), locator(text, r"(?:^|(?<=[\s{{,.\"']))['\"]?{}['\"]?\s*="))
    yield from pairs_of(tree, order=declared_order(tree))
