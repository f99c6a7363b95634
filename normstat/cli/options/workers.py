"""Who does the work, and what is kept of it."""

from collections.abc import Iterable

import click

from normstat.backends import BACKENDS, LOCAL
from normstat.cli.options.values import PLACE
from normstat.cli.sections import WORKERS, Decorator, under


def _workers(backends: Iterable[str], more: str = "") -> Decorator:
    return under(
        WORKERS,
        click.option(
            "-j",
            "--jobs",
            type=click.IntRange(min=1),
            metavar="N",
            help="Workers on this machine.  [default: the cores this process may use]",
        ),
        click.option(
            "--backend",
            type=click.Choice(["auto", *backends]),
            default="auto",
            help="How workers run; auto takes processes for many small files, else threads." + more,
        ),
    )


# What writes files has workers that see this machine's disk.
local_worker_options = _workers(LOCAL)
worker_options = _workers(BACKENDS, "  dask and ray start workers here or have an --address.")
cluster_options = under(
    WORKERS,
    click.option(
        "--address",
        metavar="URL",
        help="Of a running cluster: tcp://host:8786 for --backend dask; host:6379, "
        "ray://host:10001 or auto for ray. It has as many workers as it has.",
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        metavar="SECONDS",
        help="Skip an image that takes longer.  [default: wait; needs worker processes]",
    ),
)
cache_option = under(
    WORKERS,
    click.option(
        "--cache",
        metavar="FILE",
        type=PLACE,
        help="Keep what is found of each image in FILE; the next run reads only what is new or "
        "changed, and one that was stopped goes on.",
    ),
)
