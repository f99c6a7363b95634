"""Where images come from. Each kind of source lists references in a stable order and opens one."""

from normstat.sources.base import Listing, Portion, Source
from normstat.sources.listing import list_files
from normstat.sources.selection import Selection

__all__ = ["Listing", "Portion", "Selection", "Source", "list_files"]
