"""Eigenvalues of small rational matrices, right to the last digit however bad the condition.

In 64-bit arithmetic an eigenvalue is known to about 1e-16 of the largest one, which for raw codes
of nearly gray images is more than the smallest one itself.
"""

from collections.abc import Sequence
from decimal import Context, Decimal, localcontext
from fractions import Fraction

Matrix = list[list[Fraction]]

_DIGITS = 120
_SETTLED = Decimal(10) ** -100  # of the largest entry: an off-diagonal one below it is none


def eigenvalues(matrix: Sequence[Sequence[Fraction]]) -> list[float]:
    """Return the eigenvalues of a symmetric positive semidefinite matrix, largest first.

    Those that are zero are exactly 0.0, since the rank is found in rationals. The others are by
    Jacobi's method in decimals of 120 digits (Golub and Van Loan, Matrix Computations, 8.5).

    Examples
    --------
    >>> eigenvalues([[Fraction(2), Fraction(1)], [Fraction(1), Fraction(2)]])
    [3.0, 1.0]
    >>> eigenvalues([[Fraction(1), Fraction(1)], [Fraction(1), Fraction(1)]])
    [2.0, 0.0]
    """
    with localcontext(Context(prec=_DIGITS)):
        values = sorted(map(float, _jacobi(_decimals(matrix))), reverse=True)
    nonzero = rank(matrix)
    return values[:nonzero] + [0.0] * (len(values) - nonzero)


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
    """Return the matrix product a·b."""
    columns = list(zip(*b, strict=True))
    return [
        [sum((x * y for x, y in zip(row, column, strict=True)), Fraction(0)) for column in columns]
        for row in a
    ]


def _decimals(matrix: Sequence[Sequence[Fraction]]) -> list[list[Decimal]]:
    return [
        [Decimal(value.numerator) / Decimal(value.denominator) for value in row] for row in matrix
    ]


def _jacobi(a: list[list[Decimal]]) -> list[Decimal]:
    """Rotate pairs of axes until nothing is left beside the diagonal, and return that."""
    pairs = [(p, q) for q in range(len(a)) for p in range(q)]
    limit = max(abs(value) for row in a for value in row) * _SETTLED
    while any(abs(a[p][q]) > limit for p, q in pairs):
        for p, q in pairs:
            if abs(a[p][q]) > limit:
                _rotate(a, p, q)
    return [a[i][i] for i in range(len(a))]


def _rotate(a: list[list[Decimal]], p: int, q: int) -> None:
    theta = (a[q][q] - a[p][p]) / (2 * a[p][q])
    tangent = 1 / (abs(theta) + (theta * theta + 1).sqrt()).copy_sign(theta)
    cosine = 1 / (tangent * tangent + 1).sqrt()
    sine = tangent * cosine
    for row in a:
        row[p], row[q] = cosine * row[p] - sine * row[q], sine * row[p] + cosine * row[q]
    a[p], a[q] = (
        [cosine * x - sine * y for x, y in zip(a[p], a[q], strict=True)],
        [sine * x + cosine * y for x, y in zip(a[p], a[q], strict=True)],
    )
