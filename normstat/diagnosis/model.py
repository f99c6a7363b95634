"""The result of a diagnosis. Every name here is a name in its JSON, in the API and in the docs."""

from msgspec import Struct

from normstat.spec.values import Count, Number


class _Part(Struct, frozen=True, kw_only=True):
    """A part of a diagnosis: immutable."""


class Quadratic(_Part, frozen=True, kw_only=True):
    """Gradient descent on ½ E[(wᵀx − t)²], whose Hessian is E[xxᵀ]; x is the channels, then 1.

    What is None does not exist: with an eigenvalue of 0 there is no best rate.
    """

    hessian: list[list[Number]]
    eigenvalues: list[Number]
    condition: Number | None
    largest_rate: Number
    best_rate: Number | None
    contraction: Number | None
    steps: int | float | None


class Preprocessed(_Part, frozen=True, kw_only=True):
    """A preprocessing, and what the data is after it.

    `mean_abs` is E|x| a channel; `imbalance` is the largest over the smallest of these and the 1
    of the bias. `note` says what is wrong, if something is.
    """

    name: str
    formula: str
    quadratic: Quadratic | None
    mean_abs: list[Number] | None
    imbalance: Number | None
    note: str | None


class Descent(_Part, frozen=True, kw_only=True):
    """Steps of gradient descent that really ran on sampled pixels, beside those predicted.

    Both are of the same pixels; `measured` is None where the steps are too many to be run.
    """

    name: str
    condition: Number | None
    rate: Number | None
    predicted: int | float | None
    measured: Count | None


class Training(_Part, frozen=True, kw_only=True):
    """A small ReLU network after a number of steps at the best of some learning rates.

    Losses are mean squares of the error, in units of the variance of the targets; `rate` and `end`
    are None where every rate diverged.
    """

    name: str
    rate: Number | None
    rates: list[Number]
    start: Number
    end: Number | None


class Simulation(_Part, frozen=True, kw_only=True):
    """Gradient descent on sampled pixels: of a linear neuron, and of a two-layer network."""

    pixels: Count
    most_steps: Count
    descents: list[Descent]
    network_pixels: Count
    network_steps: Count
    hidden: Count
    trainings: list[Training]


class Band(_Part, frozen=True, kw_only=True):
    """The median, and between what 5 and 95 % lie."""

    median: Number
    low: Number
    high: Number


class Implied(_Part, frozen=True, kw_only=True):
    """The jitter that a per-image normalization implies, of one channel or of all together.

    With the image's own mean and std μ_A, σ_A and those of a crop μ_B, σ_B, values y of the
    image's normalization become α·y + β by the crop's: α = σ_A/σ_B, β = (μ_A − μ_B)/σ_B.
    `brightness_factor` is b = 1 + β·σ_A/μ_A, and `contrast_factor` α/b, since brightness by b
    multiplies the contrast too. `unreached` crops have b ≤ 0, which no brightness does; they have
    no `contrast_factor`. `brightness` and `contrast` are the arguments of ColorJitter whose range
    of factors [max(0, 1 − x), 1 + x] has the ends nearest, by least squares, to the 5 and 95 %
    points of these factors.
    """

    method: str
    channel: str | None
    alpha: Band
    beta: Band
    brightness_factor: Band
    contrast_factor: Band | None
    unreached: Count
    brightness: Number
    contrast: Number | None


class Jitter(_Part, frozen=True, kw_only=True):
    """Per-image normalization as augmentation, over random crops; flat ones have no α."""

    images: Count
    crops: Count
    flat: Count
    scale: tuple[Number, Number]
    implied: list[Implied]


class Diagnosis(_Part, frozen=True, kw_only=True):
    """What normalization does to training on a dataset.

    `simulation` is there when it was asked for, `jitter` when the images are; else `missing` says
    why not. `proven`, `measured` and `observed` say in a line each what is what.
    """

    name: str
    channels: list[str]
    definition: str
    images: Count
    skipped: Count
    pixels: Count
    tolerance: Number
    preprocessing: list[Preprocessed]
    seed: Count
    sampled: Count
    unreadable: Count
    simulation: Simulation | None
    jitter: Jitter | None
    missing: str | None
    proven: str
    measured: str
    observed: str
