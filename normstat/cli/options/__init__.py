"""Options that several commands share, and those of `compute`, of which it has the most.

A heading of the help has a file here, with its options in their order; what stands under none is in
`common`. `values` is how the text of an option is read. `numbers`, which only `compute` has, is not
imported here: it loads the statistics, for which no other command should have to wait.
"""

from normstat.cli.options.common import (
    FORMAT,
    force_option,
    format_option,
    from_option,
    merged_options,
    on_error_option,
    presets_option,
    progress_option,
    quiet_option,
    screen_option,
    spec_argument,
    stamp_option,
)
from normstat.cli.options.files import list_options, selection_options, storage_option
from normstat.cli.options.masks import mask_options
from normstat.cli.options.part import part_options
from normstat.cli.options.pixels import pipeline_options
from normstat.cli.options.values import PLACE, choice, comma_separated
from normstat.cli.options.workers import (
    cache_option,
    cluster_options,
    local_worker_options,
    worker_options,
)

__all__ = [
    "FORMAT",
    "PLACE",
    "cache_option",
    "choice",
    "cluster_options",
    "comma_separated",
    "force_option",
    "format_option",
    "from_option",
    "list_options",
    "local_worker_options",
    "mask_options",
    "merged_options",
    "on_error_option",
    "part_options",
    "pipeline_options",
    "presets_option",
    "progress_option",
    "quiet_option",
    "screen_option",
    "selection_options",
    "spec_argument",
    "stamp_option",
    "storage_option",
    "worker_options",
]
