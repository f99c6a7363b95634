"""What a run tells of each image alone: a row of finished numbers and of exact sums."""

from normstat.per_image.row import Channel, Row, packed_row
from normstat.per_image.rows import Columns, Rows

__all__ = ["Channel", "Columns", "Row", "Rows", "packed_row"]
