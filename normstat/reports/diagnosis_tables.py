"""The tables of a diagnosis as plain cells, for whatever shows them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt

from normstat.diagnosis.model import Band, Diagnosis, Implied, Jitter, Simulation

_NONE = "–"
_MANY_STEPS = 10_000_000
_NEAR_ONE = 0.9999
_MOST_CHANNELS = 4  # whose Hessians are shown
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Cells:
    """A table: its title, the heads of its columns, its rows, and what must be said below it."""

    title: str
    heads: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    notes: tuple[str, ...] = ()


def counted(found: Diagnosis) -> str:
    """Return what was counted, in a line."""
    skipped = f", {found.skipped:,} skipped" if found.skipped else ""
    return (
        f"{found.images:,} image{'s' * (found.images != 1)}{skipped}, {found.pixels:,} pixels a "
        f"channel; {found.definition}"
    )


def tables(found: Diagnosis, *, hessians: bool = True) -> Iterator[Cells]:
    """Yield the tables in the order in which they are read, with or without the Hessians."""
    if any(each.quadratic for each in found.preprocessing):
        yield _rates(found)
        yield _eigenvalues(found)
        if hessians and len(found.channels) <= _MOST_CHANNELS:
            yield _hessians(found)
    yield _magnitudes(found)
    if found.simulation:
        yield _descents(found.simulation)
        yield _trainings(found.simulation)
    if found.jitter and found.jitter.implied:
        yield _jitter(found)
        yield _color_jitter(found.jitter)


def _rates(found: Diagnosis) -> Cells:
    rows = []
    for each in found.preprocessing:
        theory = each.quadratic
        if theory is None:
            rows.append((each.name, *[_NONE] * 5))
            continue
        rows.append(
            (
                each.name,
                _number(theory.condition),
                _number(theory.largest_rate),
                _number(theory.best_rate),
                _contraction(theory.contraction),
                _count(theory.steps),
            )
        )
    notes = dict.fromkeys(
        f"{each.name}: {each.note}" if each.quadratic is None else each.note
        for each in found.preprocessing
        if each.note
    )
    return Cells(
        "learning rates of a linear neuron",
        ("", "κ", "stable <", "best", "contraction", "steps"),
        rows,
        (
            (
                "stable below 2/λmax; best: 2/(λmax+λmin), where the error contracts by "
                f"(κ−1)/(κ+1) a step and to {found.tolerance:g} of itself in so many (LeCun et "
                "al., Efficient BackProp, 1998; Nesterov, 2004)"
            ),
            *notes,
        ),
    )


def _eigenvalues(found: Diagnosis) -> Cells:
    size = len(found.channels) + 1
    return Cells(
        "eigenvalues of E[xxᵀ], channels and bias",
        ("", *(f"λ{index + 1}" for index in range(size))),
        [
            (each.name, *(_number(value) for value in each.quadratic.eigenvalues))
            for each in found.preprocessing
            if each.quadratic
        ],
    )


def _hessians(found: Diagnosis) -> Cells:
    size = len(found.channels)
    names = [*found.channels, "1"]
    pairs = [
        *((i, i) for i in range(size)),
        *combinations(range(size), 2),
        *((i, size) for i in range(size)),
    ]
    return Cells(
        "Hessian E[xxᵀ]",
        ("", *(f"{names[i]}·{names[j]}" for i, j in pairs)),
        [
            (each.name, *(_entry(each.quadratic.hessian, i, j) for i, j in pairs))
            for each in found.preprocessing
            if each.quadratic
        ],
        ("it is symmetric; 1 is the bias, and 1·1 is 1",),
    )


def _entry(hessian: Sequence[Sequence[float]], i: int, j: int) -> str:
    """Return an entry; what the rounding of a whitening leaves is nothing.

    >>> hessian = [[1.0, 6e-15], [6e-15, 1.0]]
    >>> _entry(hessian, 0, 0), _entry(hessian, 0, 1)
    ('1', '0')
    """
    rounding = _ROUNDING * sqrt(hessian[i][i] * hessian[j][j])
    return _number(hessian[i][j] if abs(hessian[i][j]) > rounding else 0)


def _magnitudes(found: Diagnosis) -> Cells:
    shown = [each for each in found.preprocessing if each.quadratic or each.mean_abs]
    mixed = any(each.mean_abs is None for each in shown)
    return Cells(
        "first layer: E|x|, which its gradients grow with",
        ("", *found.channels, "bias", "max/min"),
        [
            (
                each.name,
                *map(_number, each.mean_abs or (None,) * len(found.channels)),
                "1",
                _number(each.imbalance),
            )
            for each in shown
        ],
        ("whitening mixes the channels, whose joint histogram is not kept",) if mixed else (),
    )


def _descents(found: Simulation) -> Cells:
    unmeasured = [each for each in found.descents if each.measured is None]
    notes = []
    if any(each.predicted is not None for each in unmeasured):
        notes.append(f"more than {found.most_steps:,} steps are predicted only")
    if any(each.condition is None for each in unmeasured):
        notes.append("what is singular on these pixels has no best rate, and never arrives")
    if len(unmeasured) < len(found.descents):
        notes.append("κ is that of these pixels")
    return Cells(
        f"simulated: a linear neuron on {found.pixels:,} sampled pixels",
        ("", "κ", "best", "predicted", "measured"),
        [
            (
                each.name,
                _number(each.condition),
                _number(each.rate),
                _count(each.predicted),
                _count(each.measured),
            )
            for each in found.descents
        ],
        ("; ".join(notes),) if notes else (),
    )


def _trainings(found: Simulation) -> Cells:
    return Cells(
        f"observed: a ReLU network, {found.hidden} hidden, {found.network_pixels:,} pixels, "
        f"{found.network_steps:,} steps",
        ("", "best rate", "first loss", "last loss"),
        [
            (each.name, _number(each.rate), _number(each.start), _number(each.end))
            for each in found.trainings
        ],
        (
            (
                "the same first weights and targets, each at the best of "
                f"{max((len(each.rates) for each in found.trainings), default=0)} rates; loss in "
                "units of the targets' variance"
            ),
        ),
    )


def _jitter(found: Diagnosis) -> Cells:
    shown = found.jitter
    if shown is None:
        raise ValueError("there is no jitter to show")
    low, high = shown.scale
    flat = (f"{shown.flat:,} flat crops have none",) if shown.flat else ()
    return Cells(
        f"per-image normalization of crops ({low:g} to {high:g} of the area) as jitter",
        ("", "α", "5 … 95 %", "β", "5 … 95 %"),
        [
            (
                _which(each),
                f"{each.alpha.median:.2f}",
                _span(each.alpha, ""),
                f"{each.beta.median:+.2f}",
                _span(each.beta, "+"),
            )
            for each in shown.implied
        ],
        (
            "values become α·y + β: α = σ_image/σ_crop, β = (μ_image − μ_crop)/σ_crop",
            *flat,
        ),
    )


def _color_jitter(shown: Jitter) -> Cells:
    beyond = max(each.unreached for each in shown.implied)
    unreached = (
        f"up to {beyond:,} of {shown.crops:,} crops of a row have b ≤ 0, which no jitter does; "
        "they are left out of contrast"
    )
    return Cells(
        "nearest ColorJitter",
        ("", "brightness", "5 … 95 %", "contrast", "5 … 95 %"),
        [
            (
                _which(each),
                f"{each.brightness:.2f}",
                _span(each.brightness_factor, ""),
                _NONE if each.contrast is None else f"{each.contrast:.2f}",
                _NONE if each.contrast_factor is None else _span(each.contrast_factor, ""),
            )
            for each in shown.implied
        ],
        (
            (
                "the argument x whose factors [max(0, 1 − x), 1 + x] end nearest to the 5 and 95 % "
                "points: of b = 1 + β·σ_image/μ_image for brightness, which multiplies the "
                "contrast too, and so of α/b for contrast"
            ),
            *((unreached,) if beyond else ()),
        ),
    )


def _which(each: Implied) -> str:
    return "per image" if each.channel is None else f"per channel {each.channel}"


def _span(band: Band, sign: str) -> str:
    return f"{band.low:{sign}.2f} … {band.high:{sign}.2f}"


def _number(value: float | None) -> str:
    """Return three digits.

    >>> [_number(value) for value in (249420.4, 84.89, 0.0371, 4.06e-05, 0, None)]
    ['249,000', '84.9', '0.0371', '4.06e-05', '0', '–']
    """
    if value is None:
        return _NONE
    rounded = float(f"{value:.3g}")
    if 1000 <= rounded < _MANY_STEPS:  # noqa: PLR2004 (where three digits need no exponent)
        return f"{rounded:,.0f}"
    return f"{value:.3g}"


def _contraction(value: float | None) -> str:
    """Return four digits, of what is missing to 1 when that is little.

    >>> _contraction(0.9767), _contraction(0.999992)
    ('0.9767', '1−8.0e-06')
    """
    if value is None:
        return _NONE
    return f"{value:.4f}" if value < _NEAR_ONE else f"1−{1 - value:.1e}"


def _count(steps: float | None) -> str:
    if steps is None:
        return _NONE
    return f"{steps:,}" if steps < _MANY_STEPS else f"{steps:.1e}"
