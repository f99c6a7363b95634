"""The typed model of a spec. Every name here is a name in the file, in the API and in the docs."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from normstat.errors import SpecError, UsageError
from normstat.registry import unknown
from normstat.spec.values import (
    LEVEL,
    MOST_SHARDS,
    Alpha,
    Axis,
    Count,
    Counts256,
    Coverage,
    Ddof,
    Digest,
    Frames,
    GroupName,
    Integers,
    Interpolation,
    Level,
    MaxPixelValue,
    Mode,
    Name,
    Number,
    Seed,
    Size,
    Std,
    Weighting,
    Word,
)

if TYPE_CHECKING:
    from normstat.normalization import Normalization


class _Part(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a spec: immutable, and strict about its fields."""


class Masks(_Part, frozen=True, kw_only=True):
    """Which pixels count, by the label that the image's mask has there.

    `ignore_label` never counts; "all" counts every other.
    """

    foreground: Literal["nonzero", "all"] | Annotated[list[int], Meta(min_length=1)] = "nonzero"
    ignore_label: int | UnsetType = UNSET


class Pipeline(_Part, frozen=True, kw_only=True):
    """How a file becomes the pixels that are counted; each field can change a number."""

    mode: Mode = "auto"
    alpha: Alpha = "drop"
    resize: Size | None = None
    crop: Size | None = None
    interpolation: Interpolation = "bilinear"
    max_pixels: Size = 178_956_970
    frames: Frames = "first"
    exif_orientation: Literal["ignored"] = "ignored"
    mixed_depths: Literal["each file as a fraction of its own range"] = (
        "each file as a fraction of its own range"
    )
    channels: Literal["native"] | UnsetType = UNSET
    bands: Annotated[list[Name], Meta(min_length=1)] | UnsetType = UNSET
    max_pixel_value: MaxPixelValue | UnsetType = UNSET
    nodata: Number | UnsetType = UNSET
    channel_axis: Axis | UnsetType = UNSET
    image_axis: Axis | UnsetType = UNSET
    columns: Annotated[list[Name], Meta(min_length=1)] | UnsetType = UNSET
    masks: Masks | UnsetType = UNSET
    ignore_value: Number | UnsetType = UNSET


class Sample(_Part, frozen=True, kw_only=True):
    """Which images were drawn: so many, by this seed, and until which half-widths, if any."""

    images: Count
    seed: Seed
    stratified: bool
    tolerance: Number | None


class Shards(_Part, frozen=True, kw_only=True):
    """Which parts of a listing were read, counted from 1, of how many."""

    of: Annotated[int, Meta(ge=2, le=MOST_SHARDS)]
    parts: Annotated[list[Size], Meta(min_length=1)]


class Estimator(_Part, frozen=True, kw_only=True):
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


class Confidence(_Part, frozen=True, kw_only=True):
    """Half-widths of the intervals of the headline numbers, with the image as sampling unit.

    Of a sample they say how far the numbers of all listed images may be; else, how far another
    dataset of as many images from the same source would be.
    """

    level: Number
    mean: list[Number]
    std: list[Number]


class Weighted(_Part, frozen=True, kw_only=True):
    """Mean and pooled std under one weighting; std² = within_std² + between_std²."""

    mean: list[Number]
    std: list[Number] | None
    within_std: list[Number]
    between_std: list[Number]


class Alternatives(_Part, frozen=True, kw_only=True):
    """Every definition side by side, in units of code / max_pixel_value."""

    pixel: Weighted
    image: Weighted
    mean_of_image_stds: list[Number] | None
    rms_of_image_stds: list[Number] | None


class Histogram(_Part, frozen=True, kw_only=True):
    """Pixel counts a channel. Bin i holds the codes from first_code + i·codes_per_bin on."""

    codes_per_bin: Size
    first_code: int | UnsetType = UNSET
    counts: list[list[Count]]


class Range(_Part, frozen=True, kw_only=True):
    """Smallest, median and largest value."""

    min: Count
    median: Number
    max: Count


class Sizes(_Part, frozen=True, kw_only=True):
    """Pixels of the decoded images, before any resize."""

    width: Range
    height: Range


class Counts(_Part, frozen=True, kw_only=True):
    """What was read."""

    images: Count
    pixels: Count
    by_mode: dict[str, Count]
    by_size: Sizes
    transparent: Count
    animated: Count
    padded: Count
    skipped: Count


class Selected(_Part, frozen=True, kw_only=True, omit_defaults=True):
    """Which files of the roots were looked at: all, or those that a list named."""

    include: list[str]
    exclude: list[str]
    extensions: list[str]
    follow_symlinks: bool
    hidden: bool
    files_from: Name | None = None
    null: bool = False
    column: Name | None = None
    mask_dir: Name | None = None
    mask_suffix: Name | None = None


SELECTED = Selected.__struct_fields__


class Entry(_Part, frozen=True, kw_only=True, omit_defaults=True):
    """A file, or a folder (its name ends in "/") with what lies in it.

    `digest` covers the sorted names and sizes; a file needs none.
    """

    name: Name
    files: Count = 1
    bytes: Count
    digest: Digest | None = None


class Files(_Part, frozen=True, kw_only=True):
    """What was there to be read. `digest` covers the sorted relative names and sizes.

    `contents` tells what is where: every file while they are few, else every folder. `groups` are
    the files of each group, when images were told apart by the rule `group_by`.
    """

    roots: list[str]
    selected: Selected | None
    files: Count
    bytes: Count
    digest: Digest
    contents: list[Entry]
    group_by: Name | UnsetType = UNSET
    groups: dict[GroupName, Count] | UnsetType = UNSET

    def files_of(self, group: str) -> int:
        """Return how many of the files are of a group."""
        return (self.groups or {}).get(group, 0)


class Part(Files, frozen=True, kw_only=True):
    """A dataset that was merged with others or taken out, and how much of it counts there.

    `checksum` is of the exact state of its images, and adds up as states do. So do `pixels`, which
    are those of the first channel where values are missing in some.
    """

    shards: Shards | UnsetType = UNSET
    images: Count
    pixels: Count
    skipped: Count
    checksum: Count
    software: dict[str, str]
    without: list["Part"] | UnsetType = UNSET


class Dataset(Files, frozen=True, kw_only=True):
    """A dataset, or several that were merged.

    Merged ones are kept whole in `parts`; `files` and `bytes` are then their sums, `digest` is
    over theirs, and `selected` is null when they differ in it. `without` has what was taken out
    of the files of this dataset. `group` is the only group of them that counts here.
    """

    parts: list[Part] | UnsetType = UNSET
    without: list[Part] | UnsetType = UNSET
    group: GroupName | UnsetType = UNSET

    def listed(self, group: str) -> int:
        """Return how many files of a group there are, without those that were taken out."""
        taken: list[Part] = [
            hole for each in (self, *(self.parts or ())) for hole in each.without or ()
        ]
        return self.files_of(group) - sum(hole.files_of(group) for hole in taken)


class Skipped(_Part, frozen=True, kw_only=True):
    """A file that does not count, why, and the group in which it would."""

    name: Name
    reason: Name
    group: GroupName | UnsetType = UNSET


class ImageSumsText(_Part, frozen=True, kw_only=True):
    """Sums over images, from which weightings and standard errors follow.

    For image i: n pixels, s the sum and q the sum of squares of its codes in one channel.
    `mean`, `square`, `variance`, `std` and their products are of the image's own s/n, q/n,
    variance and std, in fixed point with 64 fractional bits a factor.
    """

    images: Count
    n: Integers
    nn: Integers
    s: Integers
    q: Integers
    ns: Integers
    ss: Integers
    nq: Integers
    sq: Integers
    qq: Integers
    mean: Integers
    square: Integers
    variance: Integers
    std: Integers
    s_mean: Integers
    mean_mean: Integers
    mean_square: Integers
    square_square: Integers
    variance_variance: Integers
    too_small: Count


class KindText(_Part, frozen=True, kw_only=True):
    """The exact state of all images of one kind of pixel.

    Float values have limits (the smallest and the largest a channel) instead of a histogram.
    """

    histogram: list[Counts256] | UnsetType = UNSET
    images: ImageSumsText
    products: Integers | UnsetType = UNSET
    uneven: Integers | UnsetType = UNSET
    limits: list[tuple[float, float]] | UnsetType = UNSET


class StateText(_Part, frozen=True, kw_only=True):
    """The exact, mergeable state. Every other number of the spec follows from it."""

    kinds: dict[str, KindText]
    modes: dict[str, Count]
    widths: dict[str, Count]
    heights: dict[str, Count]
    transparent: Count
    animated: Count
    padded: Count
    left_out: dict[str, Count] | UnsetType = UNSET
    bands: dict[str, Count] | UnsetType = UNSET


class Stamp(_Part, frozen=True, kw_only=True):
    """When and where the spec was made; only on request, so that equal data gives equal bytes."""

    time: str
    host: str


class Constants(_Part, frozen=True, kw_only=True):
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


class Group(_Part, frozen=True, kw_only=True):
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


class Reference(_Part, frozen=True, kw_only=True, omit_defaults=True):
    """Where a published number was read."""

    repo: str | None = None
    path: str | None = None
    literal: str
    commit: str | None = None
    access: Literal["opened", "excerpt"]


class Provenance(_Part, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a published normalization.

    `code_max` is the largest code of the images that it is meant for, when they have one;
    `units` says what an input unit is when it is not an 8-bit code.
    """

    name: Word
    aliases: list[Word] = []
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

    @property
    def full_scale(self) -> float | None:
        """What the largest code is in the units of `mean`; None for reflectances and the like."""
        limit = self.preset.code_max
        return None if limit is None else limit / self.max_pixel_value
