"""What is proven: gradient descent of a linear neuron with squared loss.

The loss is ½ E[(wᵀx − t)²] over the pixels, with x the channels and a 1 for the bias; with its ½
the gradient is Hw − E[tx] with the Hessian H = E[xxᵀ] (LeCun, Bottou, Orr and Müller, Efficient
BackProp, 1998, section 5, which has the same ½). A step of rate η multiplies the error along an
eigenvector by 1 − ηλ, so that every direction shrinks when η < 2/λmax. The slowest one shrinks
fastest at η = 2/(λmax + λmin), by (κ − 1)/(κ + 1) a step, κ = λmax/λmin (Nesterov, Introductory
Lectures on Convex Optimization, 2004, theorem 2.1.15).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, log, log1p

from normstat.diagnosis.model import Quadratic
from normstat.diagnosis.spectrum import Matrix, eigenvalues, product
from normstat.statistics import KindState

TOLERANCE = 1e-6  # of the first distance from the best weights, at which descent has arrived
_COUNTABLE = 2**53


@dataclass(frozen=True)
class Rates:
    """What follows from the eigenvalues alone; see `Quadratic`."""

    condition: float | None
    largest: float
    best: float | None
    contraction: float | None
    steps: int | float | None


def means_of(whole: KindState, top: Fraction) -> list[Fraction]:
    """Return the mean of all pixels a channel, exact, where the code `top` counts as 1."""
    return [Fraction(s, n) / top for s, n in zip(whole.images.s, whole.images.n, strict=True)]


def second_moments(whole: KindState, top: Fraction) -> Matrix | None:
    """Return E[zzᵀ] of z = (channels, 1), exact, where the code `top` counts as 1.

    It is of pixels that have a value in all channels. None when their products were not counted.
    """
    found = whole.joint()
    if found is None:
        return None
    means = [Fraction(each, found.pixels) / top for each in found.sums]
    rows = [
        [Fraction(product, found.pixels) / top**2 for product in row] + [mean]
        for row, mean in zip(found.products, means, strict=True)
    ]
    return [*rows, [*means, Fraction(1)]]


def covariance(moments: Matrix) -> list[list[float]]:
    """Return the covariance of the channels, from what `second_moments` returns.

    >>> half = Fraction(1, 2)
    >>> covariance([[half, half], [half, Fraction(1)]])
    [[0.25]]
    """
    channels, mean = range(len(moments) - 1), moments[-1]
    return [[float(moments[a][b] - mean[a] * mean[b]) for b in channels] for a in channels]


def quadratic(moments: Matrix, with_bias: Matrix) -> Quadratic:
    """Return the theory for x = `with_bias` · z, given E[zzᵀ].

    Examples
    --------
    One channel that is 0 and 1 equally often: H = [[½, ½], [½, 1]], whose eigenvalues are
    (3 ± √5)/4. Centered at ½ it is [[¼, 0], [0, 1]].

    >>> half, one, zero = Fraction(1, 2), Fraction(1), Fraction(0)
    >>> z = [[half, half], [half, one]]
    >>> found = quadratic(z, [[one, zero], [zero, one]])
    >>> [round(value, 4) for value in found.eigenvalues], round(found.condition, 4)
    ([1.309, 0.191], 6.8541)
    >>> found = quadratic(z, [[one, -half], [zero, one]])
    >>> found.eigenvalues, found.condition, found.best_rate, found.contraction, found.steps
    ([1.0, 0.25], 4.0, 1.6, 0.6, 28)
    """
    hessian = product(product(with_bias, moments), list(zip(*with_bias, strict=True)))
    values = eigenvalues(hessian)
    rates = rates_of(values)
    return Quadratic(
        hessian=[[float(value) for value in row] for row in hessian],
        eigenvalues=values,
        condition=rates.condition,
        largest_rate=rates.largest,
        best_rate=rates.best,
        contraction=rates.contraction,
        steps=rates.steps,
    )


def rates_of(values: Sequence[float]) -> Rates:
    """Return rates and steps for eigenvalues, of which the largest is above zero.

    >>> rates_of([4.0, 1.0])
    Rates(condition=4.0, largest=0.5, best=0.4, contraction=0.6, steps=28)
    >>> rates_of([4.0, 0.0])
    Rates(condition=None, largest=0.5, best=None, contraction=None, steps=None)
    """
    most, least = max(values), min(values)
    if least == 0:
        return Rates(None, 2 / most, None, None, None)
    condition = most / least
    return Rates(
        condition,
        2 / most,
        2 / (most + least),
        (condition - 1) / (condition + 1),
        _steps(condition),
    )


def _steps(condition: float) -> int | float:
    """Return after how many steps at the best rate an error is below the tolerance."""
    gap = 2 / (condition + 1)  # 1 − contraction, without its cancellation at large κ
    if gap >= 1 - TOLERANCE:
        return 1
    steps = log(TOLERANCE) / log1p(-gap)
    return max(1, ceil(steps)) if steps < _COUNTABLE else steps
