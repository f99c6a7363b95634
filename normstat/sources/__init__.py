"""Where images come from. Each kind of source lists references in a stable order and opens one."""

from normstat.sources.base import Listing, Portion, Selection, Source
from normstat.sources.listing import list_files

__all__ = ["Listing", "Portion", "Selection", "Source", "list_files"]
