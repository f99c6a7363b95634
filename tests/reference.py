"""Independent answers: everything from the pixels at once, in rationals, without normstat."""

from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np


def root(value: Fraction) -> float:
    """Square root by 60-digit decimals, a way that normstat does not take."""
    with localcontext() as context:
        context.prec = 60
        return float((Decimal(value.numerator) / Decimal(value.denominator)).sqrt())


@dataclass
class Reference:
    """Statistics of one channel of several images, given as integer arrays."""

    images: list[np.ndarray]
    unit: int
    ddof: int = 0

    def values(self):
        return [int(value) for image in self.images for value in image.ravel()]

    def mean(self):
        values = self.values()
        return Fraction(sum(values), len(values) * self.unit)

    def pooled_variance(self):
        values, mean = self.values(), self.mean() * self.unit
        squares = sum((value - mean) ** 2 for value in values)
        return squares / (len(values) - self.ddof) / self.unit**2

    def image_means(self):
        return [Fraction(int(image.sum()), image.size * self.unit) for image in self.images]

    def image_variances(self):
        return [
            sum((Fraction(int(v), self.unit) - mean) ** 2 for v in image.ravel())
            / (image.size - self.ddof)
            for image, mean in zip(self.images, self.image_means(), strict=True)
        ]

    def mean_of_means(self):
        return sum(self.image_means()) / len(self.images)

    def image_weighted_variance(self):
        mean = self.mean_of_means()
        each = [
            sum((Fraction(int(v), self.unit) - mean) ** 2 for v in image.ravel()) / image.size
            for image in self.images
        ]
        return sum(each) / len(each)

    def mean_of_stds(self):
        return sum(Fraction(root(v)) for v in self.image_variances()) / len(self.images)

    def rms_of_stds(self):
        return sum(self.image_variances()) / len(self.images)

    def within(self):
        """Pixel-weighted average of image variances."""
        n = sum(image.size for image in self.images)
        return (
            sum(
                variance * image.size
                for image, variance in zip(self.images, self.image_variances(), strict=True)
            )
            / n
        )


def within_one_ulp(found: float, exact: Fraction) -> bool:
    expected = float(exact)
    return expected in (found, np.nextafter(found, np.inf), np.nextafter(found, -np.inf))
