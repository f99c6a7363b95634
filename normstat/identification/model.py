"""What is found out about some numbers."""

from typing import Literal

from msgspec import Struct

from normstat.identification.agreement import Values
from normstat.identification.forms import Form, Part

Kind = Literal[
    "equal", "rounded", "centred", "inverse", "digit", "number", "order", "range", "reciprocal",
    "variance", "mixture", "mean",
]  # fmt: skip


class Reading(Struct, frozen=True, kw_only=True):
    """One explanation of some numbers.

    `mean` and `std` are what the preset has where the numbers stand, in the same range and order;
    `part` is which of them is off.
    """

    kind: Kind
    presets: tuple[str, ...]
    range: str
    order: str
    text: str
    mean: Values
    std: Values
    written: bool = True
    part: Part | None = None

    @classmethod
    def of(cls, kind: Kind, form: Form, text: str, part: Part | None = None) -> "Reading":
        """Return a reading of numbers as those of a form."""
        return cls(
            kind=kind,
            presets=form.names,
            range=form.range,
            order=form.order,
            text=text,
            mean=form.mean,
            std=form.std,
            written=form.written,
            part=part,
        )


class Near(Struct, frozen=True, kw_only=True):
    """A preset that is near, and by how much mean and std differ at most, as part of the range."""

    preset: str
    range: str
    order: str
    mean: float
    std: float


class Identification(Struct, frozen=True, kw_only=True):
    """What some numbers are; `readings` has the best explanation first and is empty without one."""

    mean: Values
    std: Values | None
    readings: tuple[Reading, ...]

    @property
    def best(self) -> Reading | None:
        return self.readings[0] if self.readings else None

    @property
    def equal(self) -> bool:
        """Whether both mean and std are a preset's, in whatever range and order."""
        return self.best is not None and self.best.kind == "equal"
