"""How much room a table needs, so that a page shows it otherwise where there is less."""

import re
from collections.abc import Iterable
from math import ceil

from normstat.reports.diagnosis_tables import Cells

# Widths of characters in rem, of 0.9 rem high text in fonts as wide as DejaVu Sans.
_CHARACTER = 0.575
_THIN, _NARROW = frozenset(".,:;|!'()[]ijlftr "), 0.345
_BROAD, _WIDE = frozenset("mwMW%@±…"), 0.9
_GAP = 0.9  # rem between columns
_LONGEST_WORD = 20  # characters; a longer one is broken
_TEXT = 24  # characters of a cell that is broken into lines
_LONG_TEXT = 24.0  # rem that a long text takes at most
_BROKEN = 9.0  # rem that are left to what is broken
_MOST_ACROSS = 10  # columns, before they become rows
_WIDEST = 120  # rem


def upright(cells: Cells) -> Cells:
    """Return a table whose many columns have become rows, when its rows are fewer.

    >>> wide = Cells("", ("", *map(str, range(12))), [("a", *map(str, range(12)))])
    >>> upright(wide).heads, upright(wide).rows[11]
    (('', 'a'), ('11', '11'))
    """
    if len(cells.heads) <= _MOST_ACROSS or len(cells.rows) >= len(cells.heads):
        return cells
    heads, *rows = zip(cells.heads, *cells.rows, strict=True)
    return Cells(cells.title, heads, rows, cells.notes)


def room(cells: Cells) -> int:
    """Return how many rem wide a table has to be to show every column, broken where it may be.

    >>> room(Cells("", ("", "mean, all alike"), [("R", "0.4850")]))
    5
    """
    columns = list(zip(*([cells.heads] if cells.heads else []), *cells.rows, strict=True))
    needs = [_names(column) if not n else _values(column) for n, column in enumerate(columns)]
    return min(_WIDEST, ceil(sum(needs) + (len(needs) - 1) * _GAP))


def ease(cells: Cells) -> int:
    """Return how many rem wide a table is with every cell on one line, but for long texts.

    >>> ease(Cells("", ("", "shift"), [("imagenet", "-0.062 … +0.078")]))
    14
    """
    columns = zip(*([cells.heads] if cells.heads else []), *cells.rows, strict=True)
    needs = [min(_LONG_TEXT, max(map(_width, column))) for column in columns]
    return ceil(sum(needs) + (len(needs) - 1) * _GAP)


def cell_room(cells: Cells) -> float:
    """Return how many rem the longest value and the head of its column take, on one line."""
    needs = [
        _width(head) + _GAP + max(_width(row[column]) for row in cells.rows)
        for column, head in enumerate(cells.heads[1:], 1)
        if cells.rows and not any(is_long(row[column]) for row in cells.rows)
    ]
    return round(max(needs, default=_BROKEN), 1)


def is_long(text: str) -> bool:
    """Whether a cell is broken into lines, anywhere if need be, rather than kept on one."""
    return len(text.replace(" ", "")) > _TEXT or has_long_word(text)


def has_long_word(text: str) -> bool:
    """Whether a word is so long that it is broken."""
    return _longest(text) > _LONGEST_WORD


def _names(column: tuple[str, ...]) -> float:
    return max(_BROKEN if has_long_word(text) else _widest(text.split()) for text in column)


def _values(column: tuple[str, ...]) -> float:
    """Return the width of a column, whose ranges may be broken in their middle."""
    head, *values = column
    needs = (_BROKEN if is_long(text) else _widest(re.split("(?<= …) ", text)) for text in values)
    return max(_widest(head.split()), *needs, 0.0)


def _longest(text: str) -> int:
    return max(map(len, text.split()), default=0)


def _widest(parts: Iterable[str]) -> float:
    return max(map(_width, parts), default=0.0)


def _width(text: str) -> float:
    return sum(
        _NARROW if each in _THIN else _WIDE if each in _BROAD else _CHARACTER for each in text
    )
