"""The numbers as frameworks want them."""

from collections.abc import Iterator
from functools import partial

from normstat.formats import FORMATS
from normstat.reports.page.model import (
    Block,
    Code,
    Lines,
    Section,
)
from normstat.reports.page.sections.shared import columns_of
from normstat.reports.page.subject import FRAMEWORKS, Known, Subject

_LANGUAGES = {"torchvision": "python", "albumentations": "python", "keras": "python",
              "transformers": "json", "opencv-dnn": "python", "python": "python"}  # fmt: skip


def copying(known: Known) -> Section:
    return Section(
        "copy",
        "Ready to copy",
        "Each text was read back and compared with the spec for every code. "
        "`normstat export --list` names all frameworks.",
        columns=columns_of(known.subjects, partial(_code_blocks, shown=len(known.subjects) == 1)),
    )


def _code_blocks(subject: Subject, *, shown: bool) -> Iterator[Block]:
    refused = []
    for name, found in subject.exports:
        if isinstance(found, str):
            refused.append(f"{name}: not possible. {found}")
            continue
        title = f"{name}: {FORMATS[name].summary}"
        yield Code(
            title,
            _LANGUAGES[name],
            found.text,
            shown=shown and name == FRAMEWORKS[0],
            notes=found.notes,
        )
    if refused:
        yield Lines(tuple(dict.fromkeys(refused)))
