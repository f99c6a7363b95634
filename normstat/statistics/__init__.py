"""Accumulators: exact where the data is integer, mergeable in any order, finished on read."""

from normstat.statistics.blocks import Block, counted
from normstat.statistics.clusters import ImageSums
from normstat.statistics.collector import Collector
from normstat.statistics.histogram import Histogram
from normstat.statistics.kind_state import KindState, LimitsError
from normstat.statistics.kinds import Facts, Kind, kind_of
from normstat.statistics.moments import Moments
from normstat.statistics.record import Record
from normstat.statistics.state import State
from normstat.statistics.summary import Summary, summarize

__all__ = [
    "Block",
    "Collector",
    "Facts",
    "Histogram",
    "ImageSums",
    "Kind",
    "KindState",
    "LimitsError",
    "Moments",
    "Record",
    "State",
    "Summary",
    "counted",
    "kind_of",
    "summarize",
]
