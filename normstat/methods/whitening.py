"""The matrix that makes channels independent, each of variance 1."""

from typing import Literal

import numpy as np
import numpy.typing as npt

from normstat.errors import NormstatError

Whiten = Literal["zca", "pca"]


def whitening_matrix(covariance: npt.ArrayLike, kind: Whiten) -> tuple[tuple[float, ...], ...]:
    """Return W with W Σ Wᵀ = 1: Λ^-½ Uᵀ for PCA, U Λ^-½ Uᵀ for ZCA.

    Kessy, Lewin and Strimmer, "Optimal Whitening and Decorrelation", 2018.

    Raises
    ------
    NormstatError
        Channels depend on each other, as those of gray images in RGB do.

    Examples
    --------
    >>> whitening_matrix([[4.0, 0.0], [0.0, 1.0]], "zca")
    ((0.5, 0.0), (0.0, 1.0))
    """
    values, vectors = np.linalg.eigh(np.asarray(covariance, dtype=np.float64))
    if values[0] <= values[-1] * 1e-12:
        raise NormstatError(
            "the channels depend on each other, so their covariance cannot be whitened; "
            "gray images need one channel (--mode l)"
        )
    # Largest variance first, each axis with its largest part positive: one matrix, not many.
    largest = vectors[np.abs(vectors).argmax(axis=0), range(len(values))]
    vectors = (vectors * np.sign(largest))[:, ::-1]
    matrix = (vectors / np.sqrt(values[::-1])).T
    if kind == "zca":
        matrix = vectors @ matrix
    return tuple(tuple(row) for row in matrix.tolist())
