"""What several sections say in the same way."""

from collections.abc import Callable, Iterator, Sequence

from normstat.comparison import NEAR_GAIN, NEAR_SHIFT, Comparison
from normstat.names import printable
from normstat.reports.diagnosis_tables import Cells
from normstat.reports.page.model import (
    Block,
    Column,
    Figure,
    Mark,
    Plane,
    hues,
)
from normstat.reports.page.subject import Subject
from normstat.reports.values import value_text

MOST_ACROSS = 4  # channels that stand beside each other
_MOST_TOLD = 16  # channels whose points are told one by one
_LONGEST_NAME = 400
NONE = "–"


def columns_of(
    subjects: Sequence[Subject], blocks: Callable[[Subject], Iterator[Block]]
) -> tuple[Column, ...]:
    several = len(subjects) > 1
    return tuple(
        Column(subject.name if several else "", tuple(blocks(subject))) for subject in subjects
    )


def by_channel(
    title: str, channels: Sequence[str], rows: Sequence[tuple[str, Sequence[float] | None]]
) -> Cells:
    """A column a channel when they are few, else a row."""
    if len(channels) <= MOST_ACROSS:
        across = [
            (label, *(map(value_text, values) if values else [NONE] * len(channels)))
            for label, values in rows
        ]
        return Cells("", (title, *channels), across)
    down = [
        (channel, *(value_text(values[index]) if values else NONE for _, values in rows))
        for index, channel in enumerate(channels)
    ]
    return Cells("", ("channel", *(label for label, _ in rows)), down)


def mean_of(values: Iterator[float]) -> float:
    found = list(values)
    return sum(found) / len(found)


def plane(name: str, marks: Sequence[Mark], names: Sequence[str]) -> Figure:
    words = [
        f"{mark.label} {other}: {_points_text(mark)}"
        for mark, other in zip(marks, names, strict=True)
    ]
    which = "; numbers as in the table" if len(marks) > 1 else f", after {names[0]}"
    return Figure(
        Plane(tuple(marks), NEAR_SHIFT, NEAR_GAIN),
        f"{name}: shift against gain, a point a channel{which}",
        f"Shift against gain of {name}. {'; '.join(words)}.",
    )


def _points_text(mark: Mark) -> str:
    """Return the shift and gain of every channel, or their means when channels are many."""
    if len(mark.points) > _MOST_TOLD:
        shift = mean_of(shift for _, shift, _ in mark.points)
        gain = mean_of(gain for _, _, gain in mark.points)
        return f"shift {shift:+.3f}, gain {gain:.3f} (means of {len(mark.points):,} channels)"
    shifts = " ".join(f"{hue.channel} {shift:+.3f}" for hue, shift, _ in mark.points)
    gains = " ".join(f"{hue.channel} {gain:.3f}" for hue, _, gain in mark.points)
    return f"shift {shifts}, gain {gains}"


def mark(label: str, pair: Comparison) -> Mark:
    columns = zip(hues(pair.channels), pair.metrics["shift"], pair.metrics["gain"], strict=True)
    return Mark(label, tuple(columns))


def span_of(values: Sequence[float] | None, sign: str) -> str:
    """Return the smallest and the largest of the channels.

    >>> span_of([0.5, -0.25], "+"), span_of([1.0], ""), span_of(None, "")
    ('-0.250 … +0.500', '1.000', '–')
    """
    if not values:
        return NONE
    low, high = f"{min(values):{sign}.3f}", f"{max(values):{sign}.3f}"
    return low if low == high else f"{low} … {high}"


def metric_text(pair: Comparison, name: str) -> str:
    return span_of(pair.metrics.get(name), "+" if name == "shift" else "")


def name_text(text: str) -> str:
    shown = printable(text)
    return shown if len(shown) <= _LONGEST_NAME else f"{shown[:_LONGEST_NAME]}…"
