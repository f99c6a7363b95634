"""Where images come from. Each kind of source lists references in a stable order and opens one."""

from normstat.sources.base import Listing, Selection, Source
from normstat.sources.directory import FileSource, list_files

__all__ = ["FileSource", "Listing", "Selection", "Source", "list_files"]
