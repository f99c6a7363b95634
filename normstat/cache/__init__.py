"""What is known of each image, kept in a file: a second run reads only what is new or changed.

One row an image and policy, in SQLite with its rollback journal: a single file, which can be
shared over a network drive and read in a folder that cannot be written.
"""

from normstat.cache.store import Cache
from normstat.cache.upkeep import Contents, Held, Pruned, contents, prune

__all__ = ["Cache", "Contents", "Held", "Pruned", "contents", "prune"]
