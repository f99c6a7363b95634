"""A normalization as exact rationals: what every format is written from and read into."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

import msgspec

from normstat.errors import SpecError
from normstat.spec.model import Constants, Spec

BYTE, WORD = Fraction(255), Fraction(65535)
RGB, BGR, GRAY = ("R", "G", "B"), ("B", "G", "R"), ("L",)


@dataclass(frozen=True)
class Affine:
    """The map y = (code − mean) / std = a·code + b, a channel, in units of the codes themselves.

    Numbers are rationals made from the decimals that people write, so that 0.485 · 255 is 123.675
    and not 123.67499999999998, whatever unit a format has; each is rounded once, when written.

    Parameters
    ----------
    mean, std
        In codes, one a channel. std > 0.
    channels
        Their names, in the order in which the network is fed.
    code_max
        The largest code: 255, 65535, 1 for float images; None when there is no bound.
    unit
        How many codes the numbers of the spec call 1.
    spec
        That of a dataset, whose pixels tell the `clip`.

    Raises
    ------
    SpecError
        The lengths differ, or a std is not above zero.

    Examples
    --------
    >>> half = Affine((Fraction(255, 2),), (Fraction(255, 2),), ("L",), BYTE)
    >>> half.scale[0] * 255 + half.offset[0]
    Fraction(1, 1)
    """

    mean: tuple[Fraction, ...]
    std: tuple[Fraction, ...]
    channels: tuple[str, ...]
    code_max: Fraction | None
    unit: Fraction = BYTE
    spec: Spec | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not len(self.mean) == len(self.std) == len(self.channels) > 0:
            raise SpecError(
                f"mean, std and channels differ in length: "
                f"{len(self.mean)}, {len(self.std)}, {len(self.channels)}"
            )
        for channel, std in zip(self.channels, self.std, strict=True):
            if not std > 0:
                raise SpecError(
                    f"std of channel {channel} is {float(std):g}, by which nothing can be divided"
                )

    @classmethod
    def of(cls, constants: Constants) -> "Affine":
        """Return the map of a spec.

        >>> from normstat.presets import preset
        >>> [float(mean) for mean in Affine.of(preset("imagenet")).mean]
        [123.675, 116.28, 103.53]
        """
        unit = exact(constants.max_pixel_value)
        mean, std = ([exact(value) * unit for value in constants[part]] for part in ("mean", "std"))
        bound = constants.full_scale
        code_max = None if bound is None else exact(bound) * unit
        if code_max is not None and mean and max(mean) > code_max:
            code_max = None  # the usual range is not the one of these numbers
        spec = constants if isinstance(constants, Spec) else None
        return cls(tuple(mean), tuple(std), tuple(constants.channels), code_max, unit, spec)

    @property
    def scale(self) -> tuple[Fraction, ...]:
        """a of y = a·code + b: 1 / std."""
        return tuple(1 / std for std in self.std)

    @property
    def offset(self) -> tuple[Fraction, ...]:
        """b of y = a·code + b: −mean / std."""
        return tuple(-mean / std for mean, std in zip(self.mean, self.std, strict=True))

    @cached_property
    def clip(self) -> tuple[tuple[Fraction, Fraction], ...] | None:
        """The exact 0.5 and 99.5 percentiles of the pixels that count, in codes, a channel.

        None where all pixels count and the range of the codes is theirs, and where no dataset is
        known. Signed codes have none, whatever they are divided by.

        Raises
        ------
        SpecError
            The dataset is of float values, of which no percentiles are known, and they have no
            range or leave it.
        """
        spec = self.spec
        if spec is None or not (_is_part(spec) or _is_beyond_codes(spec)):
            return None
        from normstat.statistics import State  # noqa: PLC0415 (NumPy)

        state = State.from_text(msgspec.to_builtins(spec.state), ddof=spec.estimator.ddof)
        whole, kind = state.combined(rgb=spec.pipeline.mode == "rgb")
        if whole.histogram is None:
            raise SpecError("no percentiles are known of float values")
        low, high = (
            [code + kind.zero for code in whole.histogram.percentile(percent)]
            for percent in (Fraction(1, 2), Fraction(199, 2))
        )
        return tuple(zip(low, high, strict=True))

    def means(self, unit: Fraction = Fraction(1)) -> list[float]:
        """Return the means in units of so many codes."""
        return floats(mean / unit for mean in self.mean)

    def stds(self, unit: Fraction = Fraction(1)) -> list[float]:
        """Return the stds in units of so many codes."""
        return floats(std / unit for std in self.std)

    def constants(self) -> Constants:
        """Return the map as a spec with nothing but the constants, in units of `unit`."""
        return Constants(
            channels=list(self.channels),
            mean=self.means(self.unit),
            std=self.stds(self.unit),
            max_pixel_value=whole(self.unit),
        )


def _is_part(spec: Spec) -> bool:
    """Whether some of the pixels do not count."""
    pipeline = spec.pipeline
    asked = (pipeline.masks, pipeline.ignore_value, pipeline.nodata, spec.state.left_out)
    return pipeline.alpha == "mask" or any(each is not msgspec.UNSET for each in asked)


def _is_beyond_codes(spec: Spec) -> bool:
    """Whether clipping to the range of codes, if there is one, would change or forbid values."""
    if spec.full_scale is None or (
        spec.histogram and spec.histogram.first_code is not msgspec.UNSET
    ):
        return True
    return min(spec.min, default=0) < 0 or max(spec.max, default=0) > spec.full_scale


def exact(value: float | Fraction) -> Fraction:
    """Return the decimal number that is written as this.

    >>> exact(0.1)
    Fraction(1, 10)
    """
    return value if isinstance(value, Fraction) else Fraction(repr(value))


def floats(values: Iterable[Fraction]) -> list[float]:
    """Round rationals to floats.

    Raises
    ------
    SpecError
        One is too large for a float.
    """
    try:
        return [float(value) for value in values]
    except OverflowError:
        raise SpecError("a number is too large to be written in these units") from None


def whole(value: Fraction) -> int | float:
    """Return an integer where it is one, else a float."""
    return int(value) if value.denominator == 1 else float(value)


def usual_channels(count: int, three: Sequence[str] = RGB) -> tuple[str, ...]:
    """Return the names of channels that nobody named.

    >>> usual_channels(2)
    ('C0', 'C1')
    """
    if count == len(RGB):
        return tuple(three)
    return GRAY if count == 1 else tuple(f"C{index}" for index in range(count))


def best_single_scale(affine: Affine) -> tuple[Fraction, tuple[Fraction, ...], Fraction]:
    r"""Return the one scale for all channels that is least far off, its offsets, and how far.

    Asked for are A and B_c that minimize max_c max_{0 ≤ x ≤ M} |(a_c·x + b_c) − (A·x + B_c)|.
    For a given A the difference (a_c − A)·x + (b_c − B_c) is linear in x; its largest size is least
    when it is as large at 0 as at M with opposite signs: B_c = b_c + (a_c − A)·M/2, which leaves
    |a_c − A|·M/2. The largest of |a_c − A| is least half-way between the smallest and the largest
    a_c, hence A = (min a + max a)/2, and no map with one scale is nearer than (max a − min a)·M/4.

    Returns
    -------
    scale
        A, a code.
    offsets
        B_c, a channel.
    error
        (max a − min a)·M/4, in normalized units.

    Raises
    ------
    SpecError
        The scales differ and codes have no bound: every single scale is infinitely far off.

    Examples
    --------
    >>> from normstat.presets import preset
    >>> scale, offsets, error = best_single_scale(Affine.of(preset("imagenet")))
    >>> round(float(error), 4)
    0.0244
    """
    low, high = min(affine.scale), max(affine.scale)
    if low == high:
        return low, affine.offset, Fraction(0)
    if affine.code_max is None:
        raise SpecError(
            "holds one scale, the stds differ, and the spec does not bound its codes, without "
            "which no scale is best"
        )
    scale, middle = (low + high) / 2, affine.code_max / 2
    offsets = tuple(
        b + (a - scale) * middle for a, b in zip(affine.scale, affine.offset, strict=True)
    )
    return scale, offsets, (high - low) * middle / 2
