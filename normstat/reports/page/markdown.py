"""A page as Markdown, without its pictures."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import assert_never

from normstat.names import printable
from normstat.reports.comparison_markup import escaped
from normstat.reports.page.fitting import is_long
from normstat.reports.page.model import (
    Block,
    Code,
    Figure,
    Figures,
    Lines,
    Names,
    Page,
    Pictures,
    Table,
)

MARK = "<!-- normstat report -->"


def markdown(page: Page) -> str:
    """Return the page as Markdown; what figures show is in its tables and in words."""
    return "\n".join(_lines(page)).rstrip("\n") + "\n"


def _lines(page: Page) -> Iterator[str]:
    yield from (MARK, "", f"# {plain(page.title)}", "", plain(page.subtitle), "")
    for section in page.sections:
        yield from (f"## {plain(section.title)}", "")
        if section.lead:
            yield from (_prose(section.lead), "")
        for block in section.blocks:
            yield from _block(block)
        for column in section.columns:
            if column.head:
                yield from (f"### {plain(column.head)}", "")
            for block in column.blocks:
                yield from _block(block)


def _block(block: Block) -> Iterator[str]:
    match block:
        case Figure():
            yield from (plain(block.description), "")
        case Figures():
            yield from _listed(each.description for each in block.items)
        case Table():
            yield from _table(block)
        case Code():
            yield from _code(block)
        case Lines():
            yield from _paragraphs(block.texts)
        case Names():
            yield from (f"**{plain(block.title)}**", "")
            left = [f"and {block.left:,} more, all named in the spec"] if block.left else []
            yield from _listed([*(": ".join(each) for each in block.items), *left])
        case Pictures():
            yield from _listed(f"{each.name}: {each.remark}" for each in block.items)
        case _:
            assert_never(block)


def _listed(texts: Iterable[str]) -> Iterator[str]:
    yield from (f"- {plain(text)}" for text in texts)
    yield ""


def _paragraphs(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from (_prose(text), "")


def _code(block: Code) -> Iterator[str]:
    fence = _fence(block.text)
    yield from (f"**{plain(block.title)}**", "") if block.title else ()
    yield from (f"{fence}{block.language}", block.text.rstrip("\n"), fence, "")
    yield from _paragraphs(block.notes)


def _table(table: Table) -> Iterator[str]:
    cells = table.cells
    if cells.title:
        yield from (f"**{plain(cells.title)}**", "")
    columns = list(zip(*cells.rows, strict=True))
    yield f"| {' | '.join(map(plain, cells.heads or ('',) * len(columns)))} |"
    sides = ("---" if _is_words(table, n, each) else "---:" for n, each in enumerate(columns))
    yield f"|{'|'.join(sides)}|"
    for row in cells.rows:
        yield f"| {' | '.join(map(plain, row))} |"
    yield ""
    yield from _paragraphs(cells.notes)


def _is_words(table: Table, number: int, column: Sequence[str]) -> bool:
    """Whether a column has words, which begin at the left, rather than numbers."""
    first = 2 if table.numbered else 1
    return not table.cells.heads or number < first or any(map(is_long, column))


def plain(text: str) -> str:
    r"""Return text in which nothing is taken for Markdown or HTML, on one line.

    >>> plain("<b>|`x`\n# &amp; ~y~")
    '\\<b\\>\\|\\`x\\`\\\\n\\# \\&amp; \\~y\\~'
    """
    return re.sub(r"[&~!]", r"\\\g<0>", escaped(printable(text)))


def _prose(text: str) -> str:
    r"""Return a sentence as plain text, with the commands in it as code.

    >>> _prose("a_b: `normstat show *` <c>")
    'a\\_b: `normstat show *` \\<c\\>'
    """
    parts = re.split("`([^`]+)`", printable(text))
    return "".join(f"`{part}`" if odd % 2 else plain(part) for odd, part in enumerate(parts))


def _fence(text: str) -> str:
    """Return a fence that is longer than any run of backticks in the text.

    >>> _fence("a ```` b")
    '`````'
    """
    return "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
