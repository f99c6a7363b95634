"""Gradient descent that really runs, on sampled pixels: a linear neuron, and a small network."""

from collections.abc import Iterator, Sequence

import numpy as np

from normstat.diagnosis.looking import Array
from normstat.diagnosis.model import Descent, Simulation, Training
from normstat.diagnosis.preprocessing import Preprocessing
from normstat.diagnosis.quadratic import TOLERANCE, Rates, rates_of

PIXELS = 1024
MOST_STEPS = 100_000
_SINGULAR = 1e-13  # of the largest eigenvalue: a smaller one is rounding

NETWORK_PIXELS = 512
NETWORK_STEPS = 500
HIDDEN = 16
_FACTORS = 2.0 ** np.arange(-7, 2)  # of 2/λmax, the neuron's largest stable rate


def simulate(pixels: Array, preprocessings: Sequence[Preprocessing], seed: int) -> Simulation:
    """Run gradient descent on pixels after each preprocessing.

    Parameters
    ----------
    pixels
        Shape (pixels, channels), as fractions of the range of codes, in random order: the network
        takes the first of them.
    seed
        Of what is drawn: first weights and targets.
    """
    possible = [each for each in preprocessings if not each.problem]
    some = pixels[:NETWORK_PIXELS]
    return Simulation(
        pixels=len(pixels),
        most_steps=MOST_STEPS,
        descents=[descent(each.name, inputs(pixels, each), seed) for each in possible],
        network_pixels=len(some),
        network_steps=NETWORK_STEPS,
        hidden=HIDDEN,
        trainings=list(_trainings(some, possible, seed)),
    )


def inputs(pixels: Array, preprocessing: Preprocessing) -> Array:
    """Return preprocessed pixels with a 1 for the bias, shape (pixels, channels + 1)."""
    matrix = np.array(preprocessing.matrix, np.float64)
    values = pixels @ matrix.T + np.array(preprocessing.offset, np.float64)
    return np.column_stack([values, np.ones(len(values))])


def descent(name: str, x: Array, seed: int) -> Descent:
    """Train a linear neuron with squared loss at the best rate, and count the steps.

    The targets are those of a neuron with random weights. The start is away from these along the
    eigenvectors of the largest and the smallest eigenvalue of E[xxᵀ], in equal parts: the two
    directions that are slowest, of which the prediction is, since from elsewhere it takes fewer
    steps. Descent has arrived when the distance is 1e-6 of that at the start.

    Parameters
    ----------
    x
        Shape (pixels, inputs), the bias's 1 among the inputs.

    Examples
    --------
    >>> found = descent("two inputs", np.array([[2.0, 0.0], [0.0, 1.0]]), seed=0)
    >>> round(found.condition, 9), found.predicted, found.measured
    (4.0, 28, 28)
    """
    values, vectors = np.linalg.eigh(x.T @ x / len(x))
    if values[0] <= values[-1] * _SINGULAR:
        return Descent(name=name, condition=None, rate=None, predicted=None, measured=None)
    rates = rates_of(values.tolist())
    return Descent(
        name=name,
        condition=rates.condition,
        rate=rates.best,
        predicted=rates.steps,
        measured=_steps(x, vectors[:, 0] + vectors[:, -1], rates, seed),
    )


def _steps(x: Array, start: Array, rates: Rates, seed: int) -> int | None:
    """Descend, and return after how many steps it has arrived."""
    if rates.best is None or rates.steps is None or rates.steps > MOST_STEPS:
        return None
    best = np.random.default_rng(seed).normal(size=x.shape[1])
    targets, weights = x @ best, best + start
    rate, near = rates.best / len(x), TOLERANCE * np.linalg.norm(start)
    for step in range(1, 2 * MOST_STEPS):
        weights -= rate * (x.T @ (x @ weights - targets))
        if np.linalg.norm(weights - best) <= near:
            return step
    return None


def _trainings(
    pixels: Array, preprocessings: Sequence[Preprocessing], seed: int
) -> Iterator[Training]:
    targets = _teacher(pixels, seed)
    for each in preprocessings:
        x = inputs(pixels, each)
        largest = 2 / float(np.linalg.eigvalsh(x.T @ x / len(x))[-1])
        rates = (largest * _FACTORS).tolist()
        starts, ends = zip(
            *(_trained(x, targets, rate, np.random.default_rng([seed, 1])) for rate in rates),
            strict=True,
        )
        best = min(range(len(rates)), key=ends.__getitem__)
        arrived = np.isfinite(ends[best])
        yield Training(
            name=each.name,
            rate=rates[best] if arrived else None,
            rates=rates,
            start=starts[0],
            end=ends[best] if arrived else None,
        )


def _teacher(pixels: Array, seed: int) -> Array:
    """Return targets: a random ReLU network of the pixels whose kinks lie at some of their colours.

    They have mean 0 and variance 1, as far as the pixels differ at all.
    """
    rng = np.random.default_rng([seed, 0])
    directions = rng.normal(size=(HIDDEN, pixels.shape[1]))
    kinks = pixels[rng.integers(len(pixels), size=HIDDEN)]
    bends = np.maximum(np.einsum("nhc,hc->nh", pixels[:, None] - kinks, directions), 0)
    values: Array = bends @ rng.normal(size=HIDDEN)
    values -= values.mean()
    return values / spread if (spread := float(values.std())) else values


def _trained(
    x: Array, targets: Array, rate: float, rng: np.random.Generator
) -> tuple[float, float]:
    """Train by full-batch gradient descent; return the loss before and after, infinite if it fails.

    The initial weights are normal with variance 2 over the number of inputs, biases zero (He et
    al., Delving Deep into Rectifiers, 2015).
    """
    channels = x.shape[1] - 1
    first = np.vstack([rng.normal(size=(channels, HIDDEN)) * np.sqrt(2 / channels), [0.0] * HIDDEN])
    second, bias = rng.normal(size=HIDDEN) * np.sqrt(2 / HIDDEN), 0.0
    start = loss = float("inf")
    with np.errstate(all="ignore"):  # a rate may be too large: that is what is tried out
        for step in range(NETWORK_STEPS + 1):
            hidden = np.maximum(x @ first, 0)
            errors = hidden @ second + bias - targets
            loss = float(errors @ errors) / len(x)
            if step == 0:
                start = loss
            if step == NETWORK_STEPS or not np.isfinite(loss):
                break
            back = np.outer(errors, second) * (hidden > 0)
            second = second - rate / len(x) * (hidden.T @ errors)
            bias -= rate * float(errors.mean())
            first -= rate / len(x) * (x.T @ back)
    return start, loss if np.isfinite(loss) else float("inf")
