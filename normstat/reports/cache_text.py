"""What a cache holds, as text for a terminal."""

from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from normstat.cache import Contents, Held, Pruned
from normstat.reports.spec_text import pipeline_text


def contents_text(found: Contents) -> RenderableType:
    """Return what is in a cache, and under which policies."""
    facts = Table(box=None, show_header=False, pad_edge=False)
    facts.add_column(style="bold", no_wrap=True)
    facts.add_column(overflow="fold")
    facts.add_row("images", f"{found.images:,} of {size_text(found.bytes)}")
    facts.add_row("rows", f"{found.rows:,}, one an image and policy")
    facts.add_row("file", size_text(found.file_bytes))
    if found.oldest is not None and found.newest is not None:
        facts.add_row("stored", f"{_time(found.oldest)} to {_time(found.newest)}")
    policies = Table(box=None, pad_edge=False, header_style="bold")
    policies.add_column("rows", justify="right")
    policies.add_column("policy", overflow="fold")
    policies.add_column("software", overflow="fold")
    for held in sorted(found.policies, key=lambda each: -each.rows):
        policies.add_row(f"{held.rows:,}", _policy(held), _software(held))
    return Group(facts, Text(), policies) if found.policies else facts


def pruned_text(pruned: Pruned, *, dry_run: bool) -> str:
    """Return what was dropped, in a line.

    >>> pruned_text(Pruned(2, 1, 0, kept=7, before=81920, after=40960), dry_run=False)
    'dropped 3 of 10 rows: 2 gone, 1 changed; 81.9 kB became 41.0 kB'
    >>> pruned_text(Pruned(0, 0, 0, kept=7, before=81920, after=81920), dry_run=True)
    'would drop 0 of 7 rows'
    """
    reasons = [
        f"{count:,} {word}"
        for word, count in (
            ("gone", pruned.gone),
            ("changed", pruned.changed),
            ("of other software", pruned.outdated),
        )
        if count
    ]
    text = f"{'would drop' if dry_run else 'dropped'} {pruned.dropped:,} of "
    text += f"{pruned.dropped + pruned.kept:,} rows" + (": " if reasons else "")
    text += ", ".join(reasons)
    if not dry_run:
        text += f"; {size_text(pruned.before)} became {size_text(pruned.after)}"
    return text


def size_text(size: int) -> str:
    """Return bytes as people say it.

    >>> size_text(81920), size_text(3_100_000_000)
    ('81.9 kB', '3.1 GB')
    """
    number = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000:  # noqa: PLR2004
            return f"{number:.1f} {unit}" if unit != "bytes" else f"{size} bytes"
        number /= 1000
    return f"{number:.1f} TB"


def _policy(held: Held) -> Text:
    if held.pipeline is None:
        return Text("options that this normstat does not know", style="dim")
    text = pipeline_text(held.pipeline)
    return Text(f"{text}, at most {held.pipeline.max_pixels:,} pixels")


def _software(held: Held) -> Text:
    text = f"Pillow {held.software.get('pillow')}"
    return Text(text if held.current else f"{text}, not as installed: of no use now")


def _time(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
