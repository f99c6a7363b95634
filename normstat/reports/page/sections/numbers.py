"""The numbers, to copy and by channel."""

from collections.abc import Iterator, Sequence

from normstat.reports.diagnosis_tables import Cells
from normstat.reports.page.model import (
    Block,
    Code,
    Lines,
    Section,
    Table,
)
from normstat.reports.page.sections.shared import by_channel, columns_of
from normstat.reports.page.subject import Known, Subject
from normstat.reports.values import copyable
from normstat.spec.model import Spec


def numbers(known: Known) -> Section:
    return Section(
        "numbers",
        "The numbers",
        "In units of code / max_pixel_value: y = (code / max_pixel_value − mean) / std.",
        columns=columns_of(known.subjects, _number_blocks),
    )


def _number_blocks(subject: Subject) -> Iterator[Block]:
    spec = subject.spec
    values = (
        f"mean = {copyable(spec.mean)}\nstd  = {copyable(spec.std)}\n"
        f"max_pixel_value = {spec.max_pixel_value:g}\n"
    )
    yield Code("", "python", values)
    yield Table(_channel_cells(spec))
    confidence = spec.confidence
    if confidence:
        yield Lines(
            (
                (
                    f"± is the half-width of the {100 * confidence.level:.4g} % interval, with "
                    "the image as the unit of sampling."
                ),
            ),
            quiet=True,
        )


def _channel_cells(spec: Spec) -> Cells:
    rows: list[tuple[str, Sequence[float]]] = [("mean", spec.mean)]
    if spec.confidence:
        rows.append(("± mean", spec.confidence.mean))
    rows.append(("std", spec.std))
    if spec.confidence:
        rows.append(("± std", spec.confidence.std))
    rows.append(("min", spec.min))
    shown: list[str] = [each for each in ("1", "50", "99") if each in spec.percentiles]
    shown = shown or list(spec.percentiles)
    rows += [(f"{each} %", spec.percentiles[each]) for each in shown]
    rows.append(("max", spec.max))
    return by_channel("per channel", spec.channels, rows)
