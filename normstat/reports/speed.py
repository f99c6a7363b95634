"""How fast a run was."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Speed:
    """How fast a run was; not a property of the data, so not in the spec."""

    seconds: float
    images: int
    bytes: int

    def __str__(self) -> str:
        rate = max(self.seconds, 1e-9)
        return (
            f"{self.seconds:.1f} s, {self.images / rate:,.0f} images/s, "
            f"{self.bytes / rate / 1e6:,.1f} MB/s"
        )
