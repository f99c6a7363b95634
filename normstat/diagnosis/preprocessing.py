"""The preprocessings that are compared: affine maps of a pixel's channels, in exact rationals."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from normstat.diagnosis.spectrum import Matrix
from normstat.errors import NormstatError, SpecError
from normstat.methods.gaussian import Gaussian
from normstat.methods.whitening import whitening_matrix
from normstat.spec.model import Spec

_LARGEST = 1e9  # in units of the range: no image has such a mean, nor a std of less than 1e-9
_ABSURD = "no image has such a mean or std; its numbers are in another unit, or wrong"


@dataclass(frozen=True)
class Preprocessing:
    """x = matrix · f + offset, for the channels f of a pixel as fractions of the range of codes.

    `problem` says why there is no such map for this data.
    """

    name: str
    formula: str
    matrix: tuple[tuple[Fraction, ...], ...] = ()
    offset: tuple[Fraction, ...] = ()
    problem: str | None = None

    @property
    def by_channel(self) -> bool:
        """Whether each channel stays by itself."""
        return not any(
            value for i, row in enumerate(self.matrix) for j, value in enumerate(row) if i != j
        )

    @property
    def with_bias(self) -> Matrix:
        """The map of (f, 1) to (x, 1)."""
        rows = [[*row, b] for row, b in zip(self.matrix, self.offset, strict=True)]
        return [*rows, [Fraction(0)] * len(self.offset) + [Fraction(1)]]


def preprocessings(
    spec: Spec,
    means: Sequence[Fraction],
    covariance: Sequence[Sequence[float]] | None,
    presets: Sequence[Gaussian],
) -> Iterator[Preprocessing]:
    """Yield raw, 0–1, centered, 0.5/0.5, each preset, standardized and whitened.

    Parameters
    ----------
    spec
        The dataset's, whose headline mean and std are what it is standardized with.
    means
        Of all pixels, exact, in units of the range: those that whitening removes, whatever the
        weighting of the headline mean.
    covariance
        Of all pixels, in units of the range; without it there is no whitening.
    presets
        In units of the range, with the channels of the spec in its order.
    """
    size, top = len(spec.channels), spec.max_pixel_value
    zeros, ones = (0.0,) * size, (1.0,) * size
    yield _affine(f"raw 0–{top:g}", "x = code", zeros, (1 / Fraction(top),) * size)
    yield _affine("0–1", f"x = code/{top:g}", zeros, ones)
    own = _unrounded(spec.mean, means)
    yield _affine("centered", f"x = code/{top:g} − mean", own, ones)
    yield _affine("[−1, 1]", f"x = (code/{top:g} − 0.5)/0.5", (0.5,) * size, (0.5,) * size)
    for preset in presets:
        yield _affine(
            preset.name, f"x = (code/{top:g} − mean)/std of the preset", preset.mean, preset.std
        )
    yield _standardized(spec, own)
    yield _whitened(spec, means, covariance)


def _unrounded(mean: Sequence[float], exact: Sequence[Fraction]) -> list[float | Fraction]:
    """Return the mean that the floats of a spec are rounded from, where it is that of all pixels.

    What is left of a constant channel would be rounding else, not zero.
    """
    return [e if float(e) == m else m for m, e in zip(mean, exact, strict=True)]


def _affine(
    name: str, formula: str, mean: Sequence[float | Fraction], std: Sequence[float | Fraction]
) -> Preprocessing:
    """Return x = (f − mean) / std."""
    if not _possible(mean, std):
        return Preprocessing(name, formula, problem=_ABSURD)
    scale = [1 / Fraction(value) for value in std]
    matrix = tuple(
        tuple(value if i == j else Fraction(0) for j in range(len(scale)))
        for i, value in enumerate(scale)
    )
    offset = tuple(-Fraction(m) * s for m, s in zip(mean, scale, strict=True))
    return Preprocessing(name, formula, matrix, offset)


def _possible(mean: Sequence[float | Fraction], std: Sequence[float | Fraction]) -> bool:
    spreads = all(1 / _LARGEST < each < _LARGEST for each in std)
    return spreads and all(-_LARGEST < each < _LARGEST for each in mean)


def _standardized(spec: Spec, mean: Sequence[float | Fraction]) -> Preprocessing:
    name, formula = "standardized", f"x = (code/{spec.max_pixel_value:g} − mean)/std of the dataset"
    try:
        std = spec.normalization.std  # refuses a std of zero
    except SpecError as error:
        return Preprocessing(name, formula, problem=str(error))
    return _affine(name, formula, mean, std)


def _whitened(
    spec: Spec, means: Sequence[Fraction], covariance: Sequence[Sequence[float]] | None
) -> Preprocessing:
    name = "whitened"
    formula = f"x = W (code/{spec.max_pixel_value:g} − mean of all pixels), W Σ Wᵀ = 1"
    if covariance is None:
        return Preprocessing(name, formula, problem="the products of channels were not counted")
    constant = [c for i, c in enumerate(spec.channels) if not covariance[i][i]]
    if constant:
        problem = f"channel {' '.join(constant)} is constant, so there is nothing to whiten"
        return Preprocessing(name, formula, problem=problem)
    try:
        whitening = whitening_matrix(covariance, "zca")
    except NormstatError as error:
        return Preprocessing(name, formula, problem=str(error))
    matrix = tuple(tuple(Fraction(value) for value in row) for row in whitening)
    offset = tuple(
        -sum((w * m for w, m in zip(row, means, strict=True)), Fraction(0)) for row in matrix
    )
    return Preprocessing(name, formula, matrix, offset)
