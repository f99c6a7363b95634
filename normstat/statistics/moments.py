"""Mean and variance of floats in one pass."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Moments:
    """Count, mean and sum of squared deviations, which stay accurate far from zero.

    Blocks are reduced around their own mean and joined by the pairwise update of Chan, Golub and
    LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances", 1979;
    a block of one value is Welford's update (Technometrics 4, 1962). A float sum depends on its
    order in the last bits: merge in listing order, never in order of arrival.

    Parameters
    ----------
    count
        Number of values.
    mean
        Their mean; 0 when there are none.
    m2
        Σ (value − mean)².

    Examples
    --------
    >>> Moments.of(np.array([1e9, 1e9 + 2])).variance()
    1.0
    >>> Moments() == Moments().merged(Moments())
    True
    """

    count: int = 0
    mean: float = 0.0
    m2: float = 0.0

    @classmethod
    def of(cls, values: npt.ArrayLike) -> "Moments":
        """Return the moments of one block of finite values of any shape.

        They are infinite or NaN where floats cannot hold the values' sum or squares.
        """
        block = np.asarray(values, dtype=np.float64).ravel()
        if not block.size:
            return cls()
        with np.errstate(over="ignore", invalid="ignore"):
            mean = float(block.mean())
            deviations = block - mean
            # The residue of the mean's own rounding, Chan et al., eq. 1.7.
            residue = float(deviations.sum())
            # Not np.dot: its sum depends on the threads of BLAS, and so on the load and the jobs.
            squares = float(np.square(deviations, out=deviations).sum())
        m2 = squares - residue * residue / block.size
        # Not max(m2, 0.0), which is 0 of NaN.
        return cls(block.size, mean + residue / block.size, 0.0 if m2 < 0 else m2)

    def merged(self, other: "Moments") -> "Moments":
        """Return the moments of both."""
        if not other.count:
            return self
        if not self.count:
            return other
        count = self.count + other.count
        delta = other.mean - self.mean
        mean = self.mean + delta * (other.count / count)
        m2 = self.m2 + other.m2 + delta * delta * (self.count * other.count / count)
        return Moments(count, mean, m2)

    def variance(self, ddof: int = 0) -> float:
        """Return Σ (value − mean)² / (count − ddof); NaN when that has no value."""
        return self.m2 / (self.count - ddof) if self.count > ddof else float("nan")
