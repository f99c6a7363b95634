"""How two rows of numbers agree, digit by digit, and how little chance has to do with it.

Numbers *equal* a preset's when each is within `EQUAL` (1e-6) of the range. They are a *rounding* of
a preset's when each agrees in the digits that both have (0.481 is 0.48145466 rounded, 123.67 is
123.675 cut), or is another rounding of the same measurement (0.2471 for 0.2470).
"""

from collections.abc import Iterable
from typing import Literal

EQUAL = 1e-6
DISTINCT = 6  # significant digits of numbers that are nobody's choice

Values = tuple[float, ...]
Agreement = Literal["equal", "rounded", ""]

_NOISE = 1e-9  # what arithmetic such as 123.675 / 255 leaves
_RELATIVE = 0.025  # a rounding that moves a number by more is no rounding
_LAST_DIGIT_RELATIVE = 1e-3
_MOST_DECIMALS = 9


def same(value: float, published: float, unit: float) -> bool:
    """Whether two numbers are one."""
    return abs(value - published) <= EQUAL * unit


def _decimals(values: Values) -> int:
    """Return how many digits after the point a row is written with; 0.26 beside 0.2516 has four."""
    for digits in range(_MOST_DECIMALS):
        if all(abs(each - round(each, digits)) <= _NOISE * max(1, abs(each)) for each in values):
            return digits
    return _MOST_DECIMALS


def agreement(values: Values, published: Values, unit: float) -> Agreement:
    """Tell whether a row is a published one, or a rounding of it in 0–1 or in 0–255."""
    pairs = list(zip(values, published, strict=True))
    if all(same(a, b, unit) for a, b in pairs):
        return "equal"
    if any(abs(a - b) > max(_RELATIVE * abs(b), EQUAL * unit) for a, b in pairs):
        return ""
    scales = (1.0, 255.0) if unit == 1 else (1.0,)  # 124/255 is a rounding of 123.675/255
    return "rounded" if any(_is_rounding(values, published, scale) for scale in scales) else ""


def _is_rounding(values: Values, published: Values, scale: float) -> bool:
    """Whether rows agree in the digits that both have; the last of them may be one off."""
    ours = tuple(each * scale for each in values)
    theirs = tuple(each * scale for each in published)
    digits = _decimals(ours), _decimals(theirs)
    for a, b in zip(ours, theirs, strict=True):
        steps = abs(a - b) * 10.0 ** min(digits)
        if digits[0] > digits[1]:
            limit = 0.5 + EQUAL  # the preset is a rounding of these
        elif abs(a - b) <= _LAST_DIGIT_RELATIVE * abs(b):
            limit = 1 + EQUAL  # 0.4915 for 0.4914
        else:
            limit = 1 - EQUAL  # 123.67 is cut
        if steps > limit:
            return False
    return True


def distance(values: Values, published: Values, unit: float) -> float:
    """Return the largest difference, as part of the range."""
    return max(abs(a - b) for a, b in zip(values, published, strict=True)) / unit


def _significant(value: float) -> int:
    digits = f"{abs(value):.9f}".rstrip("0").replace(".", "").lstrip("0")
    return len(digits)


def evidence(values: Iterable[float]) -> int:
    """Return the significant digits of distinct numbers: how little chance has to do with them."""
    return sum(_significant(value) for value in {round(value, 9) for value in values})


def is_distinct(values: Values) -> bool:
    """Whether numbers are somebody's measurement, not 0, 0.5, 1 or another that many choose."""
    return len({round(value, 9) for value in values}) > 1 and evidence(values) >= DISTINCT


def number(value: float) -> str:
    """Return a number as people write it.

    >>> number(123.0), number(0.225), number(0.485 * 255)
    ('123', '0.225', '123.675')
    """
    return f"{value:.9g}"


def is_one_slip(ours: str, theirs: str) -> bool:
    """Whether one character was mistyped, left out, doubled, or swapped with its neighbour.

    >>> [is_one_slip(typed, "0.456") for typed in ("0.465", "0.446", "0.56", "0.4566", "0.654")]
    [True, True, True, True, False]
    """
    if len(ours) == len(theirs):
        off = [index for index, (a, b) in enumerate(zip(ours, theirs, strict=True)) if a != b]
        if len(off) == 1:
            return True
        return len(off) == 2 and (  # noqa: PLR2004 (two neighbours)
            off[1] == off[0] + 1
            and ours[off[0]] == theirs[off[1]]
            and ours[off[1]] == theirs[off[0]]
        )
    short, long = sorted((ours, theirs), key=len)
    return len(long) == len(short) + 1 and any(
        long[:index] + long[index + 1 :] == short for index in range(len(long))
    )
