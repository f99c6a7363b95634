"""A published normalization as a spec, and where its numbers were read."""

from typing import Annotated, Literal

from msgspec import Meta, field

from normstat.spec.model import Constants
from normstat.spec.values import Name, Section, Size, Word


class Reference(Section, frozen=True, kw_only=True, omit_defaults=True):
    """Where a published number was read."""

    repo: str | None = None
    path: str | None = None
    literal: str
    commit: str | None = None
    access: Literal["opened", "excerpt"]


class Provenance(Section, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a published normalization.

    `code_max` is the largest code of the images that it is meant for, when they have one;
    `units` says what an input unit is when it is not an 8-bit code.
    """

    name: Word
    aliases: list[Word] = field(default_factory=list)
    title: Name
    kind: Literal["model", "dataset", "model+dataset"]
    code_max: Size | None = None
    units: str | None = None
    std_definition: Literal["pooled", "mean-of-images", "rms-of-images", "chosen", "unknown"]
    std_note: str | None = None
    applies_to: Name
    verified: bool
    sources: Annotated[list[Reference], Meta(min_length=1)]
    disputes: str | None = None
    notes: str | None = None


class PresetSpec(Constants, frozen=True, kw_only=True):
    """A published normalization as a spec: the numbers, and where they come from."""

    preset: Provenance

    def __repr__(self) -> str:
        """Return the numbers and whose they are, without all that is known of them.

        >>> import normstat
        >>> normstat.preset("clip")
        PresetSpec(preset='clip', channels=['R', 'G', 'B'], mean=[0.48..., ...], std=[0.26..., ...])
        """
        return (
            f"PresetSpec(preset={self.preset.name!r}, channels={self.channels}, "
            f"mean={self.mean}, std={self.std})"
        )

    @property
    def full_scale(self) -> float | None:
        """What the largest code is in the units of `mean`; None for reflectances and the like."""
        limit = self.preset.code_max
        return None if limit is None else limit / self.max_pixel_value
