"""Eigenvalues of small rational matrices, right to the last digit however bad the condition.

In 64-bit arithmetic an eigenvalue is known to about 1e-16 of the largest one, which for raw codes
of nearly gray images is more than the smallest one itself.
"""

from collections.abc import Sequence
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from math import lcm

Matrix = list[list[Fraction]]

_DIGITS = 120
_SETTLED = Decimal(10) ** -100  # of the largest entry: an off-diagonal one below it is none
_SURELY = Decimal(10) ** -80  # of the largest eigenvalue: one above it is not zero


def eigenvalues(matrix: Sequence[Sequence[Fraction]]) -> list[float]:
    """Return the eigenvalues of a symmetric positive semidefinite matrix, largest first.

    Those that are zero are exactly 0.0, since the rank is found in rationals. The others are by
    Householder's tridiagonal form and the implicit QL method, in decimals of 120 digits (Golub and
    Van Loan, Matrix Computations, 8.3).

    Examples
    --------
    >>> eigenvalues([[Fraction(2), Fraction(1)], [Fraction(1), Fraction(2)]])
    [3.0, 1.0]
    >>> eigenvalues([[Fraction(1), Fraction(1)], [Fraction(1), Fraction(1)]])
    [2.0, 0.0]
    """
    with localcontext(Context(prec=_DIGITS)):
        values = sorted(_of_tridiagonal(*_tridiagonal(_decimals(matrix))), reverse=True)
        settled = values[-1] > values[0] * _SURELY
    nonzero = len(values) if settled else rank(matrix)
    return [float(value) for value in values[:nonzero]] + [0.0] * (len(values) - nonzero)


def rank(matrix: Sequence[Sequence[Fraction]]) -> int:
    """Return the rank, by elimination in rationals.

    >>> rank([[Fraction(1, 3), Fraction(1)], [Fraction(1), Fraction(3)]])
    1
    """
    rows, found = [list(row) for row in matrix], 0
    for column in range(len(rows)):
        pivot = next((i for i in range(found, len(rows)) if rows[i][column]), None)
        if pivot is None:
            continue
        rows[found], rows[pivot] = rows[pivot], rows[found]
        for row in rows[found + 1 :]:
            factor = row[column] / rows[found][column]
            row[:] = [a - factor * b for a, b in zip(row, rows[found], strict=True)]
        found += 1
    return found


def product(a: Sequence[Sequence[Fraction]], b: Sequence[Sequence[Fraction]]) -> Matrix:
    """Return the matrix product a·b.

    >>> half = Fraction(1, 2)
    >>> product([[half, Fraction(1)]], [[half], [Fraction(2)]])
    [[Fraction(9, 4)]]
    """
    rows, first = _integers(a)
    columns, second = _integers(list(zip(*b, strict=True)))
    return [
        [Fraction(_sum_of_products(row, column), first * second) for column in columns]
        for row in rows
    ]


def _sum_of_products(a: Sequence[int], b: Sequence[int]) -> int:
    return sum(x * y for x, y in zip(a, b, strict=True) if x and y)


def _integers(matrix: Sequence[Sequence[Fraction]]) -> tuple[list[list[int]], int]:
    """Return numerators over one denominator, as rationals cost a hundred times what these do."""
    shared = lcm(*(value.denominator for row in matrix for value in row))
    return [[int(value * shared) for value in row] for row in matrix], shared


def _decimals(matrix: Sequence[Sequence[Fraction]]) -> list[list[Decimal]]:
    return [
        [Decimal(value.numerator) / Decimal(value.denominator) for value in row] for row in matrix
    ]


def _tridiagonal(a: list[list[Decimal]]) -> tuple[list[Decimal], list[Decimal]]:
    """Reflect until only the diagonal and what is next to it are left, and return both."""
    beside = []
    for k in range(len(a) - 1):
        below = range(k + 1, len(a))
        v = [a[i][k] for i in below]
        if not any(v[1:]):
            beside.append(v[0])
            continue
        beside.append(-_dot(v, v).sqrt().copy_sign(v[0]))
        v[0] -= beside[-1]
        half = _dot(v, v) / 2
        p = [_dot(a[i][k + 1 :], v) / half for i in below]
        shrunk = _dot(p, v) / (2 * half)
        w = [x - shrunk * y for x, y in zip(p, v, strict=True)]
        for i, x, y in zip(below, v, w, strict=True):
            a[i][k + 1 :] = [
                value - x * q - y * r for value, q, r in zip(a[i][k + 1 :], w, v, strict=True)
            ]
    return [a[i][i] for i in range(len(a))], beside


def _dot(a: Sequence[Decimal], b: Sequence[Decimal]) -> Decimal:
    return sum((x * y for x, y in zip(a, b, strict=True)), Decimal(0))


def _of_tridiagonal(d: list[Decimal], e: list[Decimal]) -> list[Decimal]:
    """Rotate by shifted QL steps until nothing is left beside the diagonal, and return that."""
    e = [*e, Decimal(0)]
    limit = max(map(abs, [*d, *e])) * _SETTLED
    for first in range(len(d)):
        while (last := _end(e, first, limit)) > first:
            _step(d, e, first, last)
    return d


def _end(e: Sequence[Decimal], first: int, limit: Decimal) -> int:
    """Return where the block that begins at `first` is parted from what follows."""
    return next(i for i in range(first, len(e)) if abs(e[i]) <= limit)


def _step(d: list[Decimal], e: list[Decimal], first: int, last: int) -> None:
    """Make one QL step with Wilkinson's shift on a block that is not parted."""
    ratio = (d[first + 1] - d[first]) / (2 * e[first])
    root = (ratio * ratio + 1).sqrt().copy_sign(ratio)
    g = d[last] - d[first] + e[first] / (ratio + root)
    sine = cosine = Decimal(1)
    moved = Decimal(0)
    for i in reversed(range(first, last)):
        f, b = sine * e[i], cosine * e[i]
        e[i + 1] = (f * f + g * g).sqrt()
        if not e[i + 1]:
            d[i + 1] -= moved
            e[last] = Decimal(0)
            return
        sine, cosine = f / e[i + 1], g / e[i + 1]
        g = d[i + 1] - moved
        r = (d[i] - g) * sine + 2 * cosine * b
        moved = sine * r
        d[i + 1] = g + moved
        g = cosine * r - b
    d[first] -= moved
    e[first], e[last] = g, Decimal(0)
