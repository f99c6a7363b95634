"""A page as one HTML file that fetches nothing and runs nothing."""

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from html import escape
from itertools import count, groupby

from normstat.reports.page import figures
from normstat.reports.page.fitting import cell_room, ease, has_long_word, is_long, room
from normstat.reports.page.model import Block, Figure, Page, Picture, Table

_QUOTED = re.compile("`([^`]+)`")  # a command within a sentence
_TIES = re.compile(r" (?=…|%|\*$)|(?<=^score) ")  # where a line may not be broken
_JOINTS = re.compile(r"[/_.-]+(?=\w)")  # where a path may be broken


def html(page: Page) -> str:
    """Return the page as HTML.

    Every text is escaped by the template; figures are SVG and pictures are data within the file.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 (an extra)
    from markupsafe import Markup  # noqa: PLC0415

    numbers = count(1)

    def svg(figure: Figure) -> Markup:
        # Made by Matplotlib, which escapes the texts of a drawing as XML; ours are escaped there.
        return Markup(  # noqa: S704
            figures.svg(figure.plot, f"figure{next(numbers)}", figure.caption, figure.description)
        )

    def prose(text: str) -> Markup:
        return Markup(_QUOTED.sub(r"<code>\1</code>", escape(text)))  # noqa: S704 (escaped first)

    def breakable(name: str) -> Markup:
        return Markup(_JOINTS.sub(r"\g<0><wbr>", escape(name)))  # noqa: S704

    environment = Environment(
        loader=PackageLoader("normstat.reports.page", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["svg"] = svg
    environment.filters["prose"] = prose
    environment.filters["breakable"] = breakable
    environment.filters["data_uri"] = _data_uri
    environment.filters["room"] = room
    environment.filters["ease"] = ease
    environment.filters["side_by_side"] = _side_by_side
    environment.filters["cell_room"] = cell_room
    environment.filters["unbroken"] = lambda text: _TIES.sub("\N{NO-BREAK SPACE}", text)
    environment.tests["long"] = is_long
    environment.tests["long_worded"] = has_long_word
    rooms = sorted({room(each.cells) for each in _tables(page) if each.cells.heads})
    return environment.get_template("page.html.j2").render(page=page, rooms=rooms) + "\n"


def _tables(page: Page) -> Iterator[Table]:
    for section in page.sections:
        for blocks in (section.blocks, *(column.blocks for column in section.columns)):
            yield from (block for block in blocks if isinstance(block, Table))


def _side_by_side(blocks: Sequence[Block]) -> Iterator[tuple[bool, list[Block]]]:
    """Yield runs of figures and tables, which stand beside each other where there is room."""
    for beside, run in groupby(blocks, lambda block: isinstance(block, Figure | Table)):
        yield beside, list(run)


def _data_uri(picture: Picture) -> str:
    return f"data:{picture.media_type};base64,{b64encode(picture.content).decode()}"
