"""How far two normalizations, or the data behind them, are apart: one table of functions.

A new metric is a function of two sides and a row in `METRICS`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

# A share of pixels below this counts as this in the stability index, whose logarithm needs one.
_SMALLEST_SHARE = 1e-4
_ROUNDING = 1e-12
_WORST_CONDITION = 1e12


@dataclass(frozen=True)
class Side:
    """One side of a comparison, in units of the range of codes (0 to 1), channels in order.

    Parameters
    ----------
    mean, std
        Shape (channels,); std > 0.
    covariance
        Shape (channels, channels), when it is known.
    histogram
        Shares of pixels, shape (channels, bins), each row summing to 1, when it is known. Bin i
        stands for the value i / (bins − 1).
    """

    mean: Array
    std: Array
    covariance: Array | None = None
    histogram: Array | None = None


@dataclass(frozen=True)
class Metric:
    """A row of the table.

    `ideal` is the value for equal sides; a metric that is not `by_channel` has one number for
    all. `needs` tells what both sides must have.
    """

    name: str
    title: str
    formula: str
    range: str
    good: str
    reference: str
    function: Callable[[Side, Side], Array]
    ideal: float = 0.0
    by_channel: bool = True
    symmetric: bool = False
    needs: Literal["moments", "histogram"] = "moments"

    def worst(self, values: Array) -> float:
        """Return how far the channel farthest from the ideal is: for a ratio, in either direction.

        >>> METRICS["gain"].worst(np.array([0.5, 1.2])), METRICS["shift"].worst(np.array([-3, 1]))
        (2.0, 3.0)
        """
        if self.ideal == 1.0:
            return float(np.max(np.maximum(values, 1 / np.maximum(values, 1e-300))))
        return float(np.max(np.abs(values)))


def shift(a: Side, b: Side) -> Array:
    """Mean that A's data has after B's normalization."""
    return (a.mean - b.mean) / b.std


def gain(a: Side, b: Side) -> Array:
    """Std that A's data has after B's normalization."""
    return a.std / b.std


def kl(a: Side, b: Side) -> Array:
    """Kullback–Leibler divergence of Gaussian A from Gaussian B, in nats."""
    first, second = _covariances(a, b)
    inverse = np.linalg.inv(second)
    delta = b.mean - a.mean
    logs = np.linalg.slogdet(second)[1] - np.linalg.slogdet(first)[1]
    value = (np.trace(inverse @ first) + delta @ inverse @ delta - len(delta) + logs) / 2
    return np.array([max(float(value), 0.0)])


def kl_reverse(a: Side, b: Side) -> Array:
    """Kullback–Leibler divergence of Gaussian B from Gaussian A, in nats."""
    return kl(b, a)


def jeffreys(a: Side, b: Side) -> Array:
    """Sum of both Kullback–Leibler divergences, in nats."""
    return kl(a, b) + kl(b, a)


def w2(a: Side, b: Side) -> Array:
    """2-Wasserstein distance of the Gaussians, in units of the range."""
    first, second = _covariances(a, b)
    squared = float(np.sum((a.mean - b.mean) ** 2))
    if not np.array_equal(first, second):  # equal ones would leave a rounding error
        root = _square_root(second)
        cross = _square_root(root @ first @ root)
        squared += max(float(np.trace(first + second - 2 * cross)), 0.0)
    return np.array([np.sqrt(squared)])


def js(a: Side, b: Side) -> Array:
    """Jensen–Shannon divergence of the histograms, in bits."""
    p, q = _histograms(a, b)
    middle = (p + q) / 2
    return np.maximum((_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2, 0.0)


def psi(a: Side, b: Side) -> Array:
    """Population stability index over the deciles of B."""
    p, q = _histograms(a, b)
    values = []
    for ours, theirs in zip(p, q, strict=True):
        # A decile that falls on the edge of a bin belongs to it, whatever the sum's rounding.
        edges = np.searchsorted(np.cumsum(theirs) + _ROUNDING, np.arange(1, 10) / 10)
        starts = np.unique(np.concatenate([[0], edges + 1]))
        starts = starts[starts < len(theirs)]
        shares = (np.add.reduceat(each, starts) for each in (ours, theirs))
        found, expected = (np.maximum(each, _SMALLEST_SHARE) for each in shares)
        values.append(np.sum((found - expected) * np.log(found / expected)))
    return np.array(values)


def ks(a: Side, b: Side) -> Array:
    """Kolmogorov–Smirnov statistic of the histograms."""
    p, q = _histograms(a, b)
    return np.asarray(np.max(np.abs(np.cumsum(p - q, axis=1)), axis=1))


def w1(a: Side, b: Side) -> Array:
    """1-Wasserstein distance of the histograms, in units of the range."""
    p, q = _histograms(a, b)
    gaps: Array = np.abs(np.cumsum(p - q, axis=1))[:, :-1]
    return np.asarray(gaps.sum(axis=1) / (p.shape[1] - 1))


def _covariances(a: Side, b: Side) -> tuple[Array, Array]:
    """Full covariances when both are known and can be inverted, else diagonal ones.

    Those of gray images in three channels, for one, cannot.
    """
    known = [side.covariance for side in (a, b) if side.covariance is not None]
    if len(known) == 2 and max(map(np.linalg.cond, known)) < _WORST_CONDITION:  # noqa: PLR2004
        return known[0], known[1]
    return np.diag(a.std**2), np.diag(b.std**2)


def _square_root(matrix: Array) -> Array:
    values, vectors = np.linalg.eigh(matrix)
    root: Array = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    return root


def _histograms(a: Side, b: Side) -> tuple[Array, Array]:
    if a.histogram is None or b.histogram is None:
        raise ValueError("a side has no histogram")
    return a.histogram, b.histogram


def _relative_entropy(p: Array, q: Array) -> Array:
    """Σ p·log₂(p/q) a channel, with 0·log 0 = 0."""
    ratio = np.divide(p, q, out=np.ones_like(p), where=p > 0)
    return np.asarray(np.sum(p * np.log2(ratio), axis=1))


_TABLE = (
    Metric(
        "shift",
        "mean after the other's normalization",
        "(mean_A − mean_B) / std_B",
        "any",
        "within ±0.1",
        "the definition of standardization",
        shift,
    ),
    Metric(
        "gain",
        "std after the other's normalization",
        "std_A / std_B",
        "above 0",
        "0.8 to 1.25",
        "the definition of standardization",
        gain,
        ideal=1.0,
    ),
    Metric(
        "kl",
        "Kullback–Leibler A‖B of Gaussians (nats)",
        "½ (tr(Σ_B⁻¹Σ_A) + Δᵀ Σ_B⁻¹ Δ − k + ln(det Σ_B / det Σ_A))",
        "0 and up",
        "below 0.1",
        "Kullback and Leibler, On Information and Sufficiency, 1951",
        kl,
        by_channel=False,
    ),
    Metric(
        "kl_reverse",
        "Kullback–Leibler B‖A of Gaussians (nats)",
        "kl with A and B exchanged",
        "0 and up",
        "below 0.1",
        "Kullback and Leibler, 1951",
        kl_reverse,
        by_channel=False,
    ),
    Metric(
        "jeffreys",
        "symmetric Kullback–Leibler of Gaussians (nats)",
        "kl + kl_reverse",
        "0 and up",
        "below 0.2",
        "Jeffreys, An Invariant Form for the Prior Probability, 1946",
        jeffreys,
        by_channel=False,
        symmetric=True,
    ),
    Metric(
        "w2",
        "2-Wasserstein (Fréchet) of Gaussians (range)",
        "sqrt(|Δ|² + tr(Σ_A + Σ_B − 2 (Σ_B^½ Σ_A Σ_B^½)^½))",
        "0 and up",
        "below 0.05",
        "Dowson and Landau, The Fréchet Distance between Multivariate Normal Distributions, 1982",
        w2,
        by_channel=False,
        symmetric=True,
    ),
    Metric(
        "js",
        "Jensen–Shannon of histograms (bits)",
        "½ Σ p log₂(p/m) + ½ Σ q log₂(q/m), m = (p + q)/2",
        "0 to 1",
        "below 0.02",
        "Lin, Divergence Measures Based on the Shannon Entropy, 1991",
        js,
        symmetric=True,
        needs="histogram",
    ),
    Metric(
        "psi",
        "population stability index over B's deciles",
        "Σ (p − q) ln(p/q), shares of at least 0.0001",
        "0 and up",
        "below 0.1",
        "Siddiqi, Credit Risk Scorecards, 2006",
        psi,
        needs="histogram",
    ),
    Metric(
        "ks",
        "Kolmogorov–Smirnov of histograms",
        "max |F_A − F_B|",
        "0 to 1",
        "below 0.05",
        "Smirnov, Table for Estimating the Goodness of Fit, 1948",
        ks,
        symmetric=True,
        needs="histogram",
    ),
    Metric(
        "w1",
        "1-Wasserstein of histograms (range)",
        "∫ |F_A − F_B| dx",
        "0 to 1",
        "below 0.02",
        "Vallender, Calculation of the Wasserstein Distance, 1974",
        w1,
        symmetric=True,
        needs="histogram",
    ),
)
METRICS = {metric.name: metric for metric in _TABLE}
