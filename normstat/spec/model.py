"""The typed model of a spec. Every name here is a name in the file, in the API and in the docs."""

from typing import TYPE_CHECKING, Any, Literal

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from normstat.errors import SpecError, UsageError
from normstat.registry import unknown
from normstat.spec.dataset import Dataset, Shards, Skipped
from normstat.spec.numbers import Alternatives, Confidence, Counts, Histogram
from normstat.spec.pipeline import Pipeline
from normstat.spec.state import StateText
from normstat.spec.values import (
    LEVEL,
    Count,
    Coverage,
    Ddof,
    GroupName,
    Level,
    MaxPixelValue,
    Name,
    Number,
    Section,
    Seed,
    Size,
    Std,
    Weighting,
)

if TYPE_CHECKING:
    from normstat.normalization import Normalization


class Sample(Section, frozen=True, kw_only=True):
    """Which images were drawn: so many, by this seed, and until which half-widths, if any."""

    images: Count
    seed: Seed
    stratified: bool
    tolerance: Number | None


class Estimator(Section, frozen=True, kw_only=True):
    """Which of the definitions in circulation the headline `mean` and `std` are.

    `level` is that of half-widths when it is not 0.95, also where no image gives them yet.
    """

    weighting: Weighting = "pixel"
    std: Std = "pooled"
    ddof: Ddof = 0
    coverage: Coverage = "census"
    limit: Size | None = None
    images_listed: Count
    sample: Sample | UnsetType = UNSET
    shards: Shards | UnsetType = UNSET
    level: Level | UnsetType = UNSET

    @property
    def confidence(self) -> float:
        """The probability that half-widths hold."""
        return LEVEL if self.level is UNSET else self.level


class Stamp(Section, frozen=True, kw_only=True):
    """When and where the spec was made; only on request, so that equal data gives equal bytes."""

    time: str
    host: str


class Constants(Section, frozen=True, kw_only=True):
    """What every spec has at its top: a normalization.

    `mean` and `std` are in units of code / `max_pixel_value`, one number a channel in the order of
    `channels`.
    """

    normstat_spec: Literal[1] = 1
    channels: list[Name]
    mean: list[Number]
    std: list[Number]
    max_pixel_value: MaxPixelValue

    def __getitem__(self, name: str) -> Any:
        """Return a top-level field, so that a loaded spec reads like the file."""
        return getattr(self, name)

    @property
    def full_scale(self) -> float | None:
        """What the largest code is in the units of `mean`; None when codes have no bound."""
        if self.max_pixel_value == 1 and max(self.mean) > 1:
            return 255.0  # constants that are applied to the codes themselves
        return 1.0

    @property
    def normalization(self) -> "Normalization":
        """The affine map y = (code / max_pixel_value − mean) / std."""
        from normstat.normalization import Normalization  # noqa: PLC0415 (cycle of words)

        return Normalization(
            mean=tuple(self.mean),
            std=tuple(self.std),
            max_pixel_value=self.max_pixel_value,
            channels=tuple(self.channels),
        )


class Group(Section, frozen=True, kw_only=True):
    """What a spec tells of some of its images: the fields are those of `Spec`."""

    name: GroupName
    channels: list[Name]
    mean: list[Number]
    std: list[Number]
    max_pixel_value: MaxPixelValue
    confidence: Confidence | None
    alternatives: Alternatives
    min: list[Number]
    max: list[Number]
    percentiles: dict[str, list[Number]]
    covariance: list[list[Number]] | None = None
    histogram: Histogram | None
    counts: Counts
    state: StateText

    def __repr__(self) -> str:
        """Return the numbers alone, as of a spec."""
        return (
            f"Group(name={self.name!r}, mean={self.mean}, std={self.std}, "
            f"images={self.counts.images}, ...)"
        )


class Spec(Constants, frozen=True, kw_only=True):
    """A dataset's normalization constants, how they were found, and the state that proves them.

    `min`, `max`, `percentiles` and every std are in units of code / `max_pixel_value` too. The
    states of `groups`, which has those of whose images some were read, add up to `state`.
    """

    estimator: Estimator
    confidence: Confidence | None
    alternatives: Alternatives
    min: list[Number]
    max: list[Number]
    percentiles: dict[str, list[Number]]
    covariance: list[list[Number]] | None = None
    histogram: Histogram | None
    counts: Counts
    pipeline: Pipeline
    dataset: Dataset
    skipped: list[Skipped]
    software: dict[str, str]
    stamp: Stamp | None = None
    state: StateText
    groups: list[Group] | UnsetType = UNSET

    def __repr__(self) -> str:
        """Return the numbers alone: with its state a spec would fill a notebook.

        >>> import normstat
        >>> normstat.compute("sample_data/photos")
        Spec(channels=['R', 'G', 'B'], mean=[0.4708..., ...], std=[0.2424..., ...], images=30, ...)
        """
        return (
            f"Spec(channels={self.channels}, mean={self.mean}, std={self.std}, "
            f"images={self.counts.images}, ...)"
        )

    def group(self, name: str) -> "Spec":
        """Return the spec of one group alone.

        Raises
        ------
        UsageError
            There is no such group; the nearest one is suggested.
        SpecError
            None of its images was read.

        Examples
        --------
        >>> import normstat
        >>> spec = normstat.compute("sample_data/photos", group_by="parent")
        >>> night = spec.group("night")
        >>> night.counts.images, night.mean < spec.mean
        (10, True)
        """
        if self.groups is UNSET:
            raise UsageError("it has no groups; `normstat compute --group-by RULE` finds them")
        known = {each.name: each for each in self.groups}
        if name not in known:
            listed = self.dataset.listed(name)
            if listed:
                raise SpecError(f"group {name!r}: none of its {listed:,} images was read")
            raise UsageError(unknown("group", name, known, "`normstat show` has the farthest"))
        found = known[name]
        grays = all(kind.startswith("gray") for kind in found.state.kinds)
        rgb = self.pipeline.mode == "auto" and grays and found.channels == ["R", "G", "B"]
        return replace(
            self,
            **{field: getattr(found, field) for field in GROUPED},
            estimator=replace(self.estimator, images_listed=self.dataset.listed(name)),
            # Its gray images count as colour because there was colour elsewhere.
            pipeline=replace(self.pipeline, mode="rgb") if rgb else self.pipeline,
            dataset=replace(self.dataset, group=name),
            skipped=[each for each in self.skipped if each.group == name],
            groups=UNSET,
        )

    @property
    def full_scale(self) -> float | None:
        """1 where numbers are fractions of the range of codes; None for values of their own."""
        return None if self.max_pixel_value == 1 and self.mean else 1.0


GROUPED = tuple(field for field in Group.__struct_fields__ if field != "name")
