"""The sections of a report, each a function from what is known to what is said.

A new section is a module here and a row in `_SECTIONS`.
"""

from collections.abc import Callable

from normstat.reports.page.model import Section
from normstat.reports.page.sections.copying import copying
from normstat.reports.page.sections.definitions import definitions
from normstat.reports.page.sections.groups import groups
from normstat.reports.page.sections.histograms import histograms
from normstat.reports.page.sections.images import images, outliers
from normstat.reports.page.sections.nearest import nearest
from normstat.reports.page.sections.numbers import numbers
from normstat.reports.page.sections.provenance import provenance
from normstat.reports.page.sections.side_by_side import side_by_side
from normstat.reports.page.sections.sizes import sizes
from normstat.reports.page.sections.skipped import skipped
from normstat.reports.page.sections.training import training
from normstat.reports.page.subject import Known

_Maker = Callable[[Known], Section | None]

_SECTIONS: tuple[_Maker, ...] = (
    numbers,
    side_by_side,
    copying,
    histograms,
    nearest,
    definitions,
    groups,
    sizes,
    images,
    outliers,
    skipped,
    training,
    provenance,
)


def sections(known: Known) -> tuple[Section, ...]:
    """Return the sections that there is something to say in, in the order of reading."""
    found = (make(known) for make in _SECTIONS)
    return tuple(section for section in found if section)
