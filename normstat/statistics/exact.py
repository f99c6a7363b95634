"""Exact rationals and how they become floats: rounded once, at the end."""

from fractions import Fraction
from math import isqrt

FIXED_BITS = 64  # fractional bits of the sums of irrational or unlike fractions


def sqrt(value: Fraction) -> float:
    """Return the correctly rounded square root of a rational ≥ 0.

    The integer root keeps at least 64 significant bits and a sticky last bit, so that the one
    rounding is the conversion to float (Boldo and Melquiond, "Emulation of FMA and
    Correctly-Rounded Sums: Proved Algorithms Using Rounding to Odd", 2008).

    >>> sqrt(Fraction(1, 4)), sqrt(Fraction(2)) == 2**0.5
    (0.5, True)
    """
    top, bottom = value.numerator, value.denominator
    shift = max(0, 130 - top.bit_length() + bottom.bit_length()) // 2
    scaled, rest = divmod(top << (2 * shift), bottom)
    root = isqrt(scaled)
    if rest or root * root != scaled:
        root |= 1
    return root / (1 << shift)


def fixed(total: int, factors: int = 1) -> Fraction:
    """Return the value of a fixed-point sum whose terms are products of `factors` numbers."""
    return Fraction(total, 1 << (FIXED_BITS * factors))
