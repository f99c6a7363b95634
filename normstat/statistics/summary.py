"""The numbers that follow from a state, finished in exact arithmetic and rounded once."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import nextafter
from statistics import NormalDist

from msgspec import UNSET

from normstat.errors import NormstatError
from normstat.spec.model import Estimator
from normstat.spec.numbers import Alternatives, Confidence, Histogram, Weighted
from normstat.spec.pipeline import Pipeline
from normstat.spec.values import LEVEL
from normstat.statistics.clusters import ImageSums
from normstat.statistics.exact import FIXED_BITS, fixed, sqrt
from normstat.statistics.histogram import Histogram as Codes
from normstat.statistics.kind_state import KindState
from normstat.statistics.kinds import FLOAT_BITS, Kind, kind_of
from normstat.statistics.state import State

PERCENTILES = ("0.5", "1", "5", "25", "50", "75", "95", "99", "99.5")
HISTOGRAM_BINS = 256


@dataclass(frozen=True)
class Summary:
    """Finished results; all fields but `pixels` are those of `Spec`, where their units are told."""

    channels: list[str]
    mean: list[float]
    std: list[float]
    max_pixel_value: float
    confidence: Confidence | None
    alternatives: Alternatives
    min: list[float]
    max: list[float]
    percentiles: dict[str, list[float]]
    covariance: list[list[float]] | None
    histogram: Histogram | None
    pixels: int


@dataclass(frozen=True)
class _Moments:
    """Mean, mean square and their errors in one channel under one weighting."""

    mean: Fraction
    square: Fraction
    mean_error: Fraction  # squared standard error
    variance_error: Fraction

    @property
    def variance(self) -> Fraction:
        # A constant image weighed equally can leave a zero a hair below itself.
        return max(self.square - self.mean**2, Fraction(0))


def summarize(
    state: State,
    estimator: Estimator,
    pipeline: Pipeline = Pipeline(),  # noqa: B008 (immutable)
    *,
    covariance: bool = False,
    percentiles: Sequence[str] = PERCENTILES,
    level: float = LEVEL,
) -> Summary:
    """Finish a state.

    Parameters
    ----------
    state
        Of some images; without any, as in an empty shard, there are no channels.
    estimator
        Which definitions the headline `mean` and `std` are.
    pipeline
        How many channels are reported, and what codes are divided by.
    covariance
        Report the covariance of channels, whose products the state then holds.
    percentiles
        Percents as decimal text, 0 to 100.
    level
        Probability of the intervals, above 0 and below 1.

    Raises
    ------
    NormstatError
        The std that was asked for does not exist for these images, or they do not fit together
        or to the pipeline.
    """
    if not state.images:
        return _nothing(percentiles, covariance=covariance)
    whole, kind = state.combined(rgb=pipeline.mode == "rgb")
    most = max(state.kinds.items(), key=lambda item: (item[1].images.images, item[0]))[0]
    top: float = kind.max_code
    max_pixel_value: float = kind_of(most).max_code
    if pipeline.max_pixel_value is not UNSET:
        _check_range(state, whole, kind, pipeline.max_pixel_value)
        top = max_pixel_value = pipeline.max_pixel_value
    # What the sums count by: codes, or for floats the fixed-point fraction of one.
    unit = Fraction(top) if kind.bins else Fraction(top) * (1 << FLOAT_BITS)
    channels = range(kind.channels)
    by_pixel = [_by_pixel(whole.images, c) for c in channels]
    by_image = [_by_image(whole.images, c) for c in channels]
    alternatives = _alternatives(whole.images, by_pixel, by_image, unit)
    chosen = by_pixel if estimator.weighting == "pixel" else by_image
    weighted = getattr(alternatives, estimator.weighting)
    low, high, quantiles, histogram = _distribution(whole, kind, percentiles, Fraction(top))
    return Summary(
        channels=state.band_names() or kind.names,
        mean=weighted.mean,
        std=_headline_std(alternatives, estimator, whole.images),
        max_pixel_value=max_pixel_value,
        confidence=_confidence(whole.images, chosen, estimator, unit, level),
        alternatives=alternatives,
        min=low,
        max=high,
        percentiles=quantiles,
        covariance=_covariance(whole, unit) if covariance else None,
        histogram=histogram,
        pixels=max(whole.images.n),
    )


def _check_range(state: State, whole: KindState, kind: Kind, most: float) -> None:
    if kind.has_range and len({kind_of(name).depth for name in state.kinds}) > 1:
        raise NormstatError(
            f"max_pixel_value {most:g} cannot hold for images of several depths: "
            f"{state.told_kinds()}"
        )
    if kind.has_range and max(whole.codes.maxima()) > most:
        raise NormstatError(
            f"codes up to {max(whole.codes.maxima())} are beyond max_pixel_value {most:g}"
        )


def _distribution(
    whole: KindState, kind: Kind, percentiles: Sequence[str], unit: Fraction
) -> tuple[list[float], list[float], dict[str, list[float]], Histogram | None]:
    """Return min, max, percentiles and the histogram; of floats only the first two are known."""
    if whole.limits is not None:
        low, high = ([float(Fraction(each[end]) / unit) for each in whole.limits] for end in (0, 1))
        return low, high, {}, None
    codes, zero = whole.codes, kind.zero
    return (
        [float((code + zero) / unit) for code in codes.minima()],
        [float((code + zero) / unit) for code in codes.maxima()],
        {
            percent: [float((code + zero) / unit) for code in codes.percentile(Fraction(percent))]
            for percent in percentiles
        },
        _binned(codes, zero),
    )


def _binned(codes: Codes, zero: int) -> Histogram:
    """Return counts in few bins: of the whole range, or of what signed codes use of theirs."""
    if not zero:
        size = codes.bins // HISTOGRAM_BINS
        return Histogram(codes_per_bin=size, counts=codes.grouped(size))
    low, high, size = min(codes.minima()), max(codes.maxima()), 1
    while high // size - low // size >= HISTOGRAM_BINS:
        size *= 2
    start = low // size
    counts = [bins[start : start + HISTOGRAM_BINS] for bins in codes.grouped(size)]
    return Histogram(codes_per_bin=size, first_code=start * size + zero, counts=counts)


def _nothing(percentiles: Sequence[str], *, covariance: bool) -> Summary:
    """Return the summary of no image: no channels, so no numbers."""
    nothing = Weighted(mean=[], std=[], within_std=[], between_std=[])
    return Summary(
        channels=[],
        mean=[],
        std=[],
        max_pixel_value=1,
        confidence=None,
        alternatives=Alternatives(
            pixel=nothing, image=nothing, mean_of_image_stds=[], rms_of_image_stds=[]
        ),
        min=[],
        max=[],
        percentiles={percent: [] for percent in percentiles},
        covariance=[] if covariance else None,
        histogram=Histogram(codes_per_bin=1, counts=[]),
        pixels=0,
    )


def _by_pixel(sums: ImageSums, c: int) -> _Moments:
    products = (sums.n, sums.nn, sums.s, sums.q, sums.ns, sums.ss, sums.nq, sums.sq, sums.qq)
    return _Products(sums.images, *(Fraction(each[c]) for each in products)).moments()


def _by_image(sums: ImageSums, c: int) -> _Moments:
    """Every image counts as one draw of its own mean and mean square."""
    k, mean, square = Fraction(sums.images), fixed(sums.mean[c]), fixed(sums.square[c])
    return _Products(
        sums.images,
        n=k,
        nn=k,
        s=mean,
        q=square,
        ns=mean,
        ss=fixed(sums.mean_mean[c], 2),
        nq=square,
        sq=fixed(sums.mean_square[c], 2),
        qq=fixed(sums.square_square[c], 2),
    ).moments()


@dataclass(frozen=True)
class _Products:
    """Σ over k images of n, s, q and of their products, in one channel."""

    k: int
    n: Fraction
    nn: Fraction
    s: Fraction
    q: Fraction
    ns: Fraction
    ss: Fraction
    nq: Fraction
    sq: Fraction
    qq: Fraction

    def moments(self) -> _Moments:
        """Return ratio estimates and their squared standard errors, images being the unit.

        The residuals are eᵢ = sᵢ − R·nᵢ for the mean R and gᵢ = qᵢ − 2R·sᵢ − (V − R²)·nᵢ for the
        variance V: the linearized ratio estimator (Cochran, Sampling Techniques, 3rd ed., 6.3).
        Their sums of squares are expanded into the sums that are kept.
        """
        ratio, square = self.s / self.n, self.q / self.n
        rest = square - 2 * ratio**2
        mean_residual = self.ss - 2 * ratio * self.ns + ratio**2 * self.nn
        variance_residual = (
            self.qq
            + 4 * ratio**2 * self.ss
            + rest**2 * self.nn
            - 4 * ratio * self.sq
            - 2 * rest * self.nq
            + 4 * ratio * rest * self.ns
        )
        zero = Fraction(0)
        factor = Fraction(self.k, self.k - 1) / self.n**2 if self.k > 1 else zero
        return _Moments(
            ratio,
            square,
            max(mean_residual, zero) * factor,
            max(variance_residual, zero) * factor,
        )


def _alternatives(
    sums: ImageSums, by_pixel: list[_Moments], by_image: list[_Moments], unit: Fraction
) -> Alternatives:
    channels, k = range(sums.channels), sums.images
    corrections: list[Fraction] | None = [Fraction(1)] * sums.channels
    if sums.ddof:
        corrections = None
        if min(sums.n) > sums.ddof:
            corrections = [Fraction(n, n - sums.ddof) for n in sums.n]
    pixel_within = [
        _settled((sums.q[c] - fixed(sums.s_mean[c])) / sums.n[c], unit) for c in channels
    ]
    image_within = [
        _settled(by_image[c].square - fixed(sums.mean_mean[c], 2) / k, unit) for c in channels
    ]
    defined = not sums.too_small
    return Alternatives(
        pixel=_weighted(by_pixel, pixel_within, corrections, unit),
        # No convention says what ddof 1 would divide by when images weigh the same.
        image=_weighted(by_image, image_within, None if sums.ddof else corrections, unit),
        mean_of_image_stds=(
            [float(fixed(sums.std[c]) / (k * unit)) for c in channels] if defined else None
        ),
        rms_of_image_stds=(
            [_root(fixed(sums.variance[c]) / k, unit) for c in channels] if defined else None
        ),
    )


def _weighted(
    moments: list[_Moments],
    within: list[Fraction],
    corrections: list[Fraction] | None,
    unit: Fraction,
) -> Weighted:
    return Weighted(
        mean=[float(each.mean / unit) for each in moments],
        std=None
        if corrections is None
        else [_root(m.variance * c, unit) for m, c in zip(moments, corrections, strict=True)],
        within_std=[_root(each, unit) for each in within],
        between_std=[
            _root(_settled(m.variance - w, unit), unit)
            for m, w in zip(moments, within, strict=True)
        ],
    )


def _headline_std(alternatives: Alternatives, estimator: Estimator, sums: ImageSums) -> list[float]:
    std: list[float] | None = {
        "pooled": getattr(alternatives, estimator.weighting).std,
        "mean-of-images": alternatives.mean_of_image_stds,
        "rms-of-images": alternatives.rms_of_image_stds,
    }[estimator.std]
    if std is None:
        raise NormstatError(
            f"std with ddof 1 does not exist here: {sums.too_small} of {sums.images} images have "
            "a single pixel. Use --ddof 0"
        )
    return std


def standard_errors(level: float) -> float:
    """Return how many standard errors a half-width is that holds with a probability.

    >>> round(standard_errors(0.95), 4), round(standard_errors(1 - 2**-53), 1)
    (1.96, 8.2)
    """
    return NormalDist().inv_cdf(min((1 + level) / 2, nextafter(1, 0)))


def _confidence(
    sums: ImageSums, moments: list[_Moments], estimator: Estimator, unit: Fraction, level: float
) -> Confidence | None:
    if sums.images < 2:  # noqa: PLR2004 (no spread without a second image)
        return None
    factor = standard_errors(level)
    if estimator.coverage == "sample":
        # Of a finite population (Cochran, Sampling Techniques, 3rd ed., 2.6).
        factor *= sqrt(1 - Fraction(sums.images, estimator.images_listed))
    errors = [_std_error(sums, c, each, estimator) for c, each in enumerate(moments)]
    return Confidence(
        level=level,
        mean=[factor * _root(each.mean_error, unit) for each in moments],
        std=[factor * error / unit for error in errors],
    )


def _std_error(sums: ImageSums, c: int, moments: _Moments, estimator: Estimator) -> float:
    """Return the standard error of the headline std, in codes."""
    k = sums.images
    total, squares = fixed(sums.variance[c]), fixed(sums.variance_variance[c], 2)
    if estimator.std == "mean-of-images":
        return sqrt(max(total - fixed(sums.std[c]) ** 2 / k, Fraction(0)) / (k * (k - 1)))
    if estimator.std == "rms-of-images":
        variance = total / k
        error = max(squares - total**2 / k, Fraction(0)) / (k * (k - 1))
    else:
        variance, error = moments.variance, moments.variance_error
    return sqrt(error / (4 * variance)) if variance > 0 else 0.0


def _covariance(whole: KindState, unit: Fraction) -> list[list[float]] | None:
    """Return the population covariance over the pixels that have a value in all channels."""
    found = whole.joint()
    if found is None:
        return None
    n, s = found.pixels, found.sums
    return [
        [
            float((Fraction(product, n) - Fraction(s[a] * s[b], n * n)) / unit**2)
            for b, product in enumerate(row)
        ]
        for a, row in enumerate(found.products)
    ]


def _settled(variance: Fraction, unit: Fraction) -> Fraction:
    """Return zero for what is only the rounding of fixed-point sums: 2·unit·2⁻⁶⁴ codes² a term."""
    return variance if variance > 4 * unit / (1 << FIXED_BITS) else Fraction(0)


def _root(variance: Fraction, unit: Fraction) -> float:
    return sqrt(variance / unit**2)
