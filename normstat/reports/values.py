"""Numbers as people read them: none shows as zero that is not."""

from collections.abc import Sequence

_LEAST, _MOST = 5e-5, 1e9  # outside of these numbers are told by their exponent
_LEAST_COPIED = 1e-3
_FRACTION = 10


def decimals_text(value: float) -> str:
    """Return four decimals, or as many digits and an exponent.

    >>> decimals_text(0.48501), decimals_text(-255), decimals_text(3e-6), decimals_text(0)
    ('0.4850', '-255.0000', '3.0000e-06', '0.0000')
    """
    return f"{value:.4f}" if value == 0 or _LEAST <= abs(value) < _MOST else f"{value:.4e}"


def value_text(value: float) -> str:
    """Return four decimals of a fraction, or five digits of anything else.

    >>> value_text(0.48501), value_text(-0.05), value_text(1234.5678), value_text(3e-6)
    ('0.4850', '-0.0500', '1234.6', '3.0000e-06')
    """
    return decimals_text(value) if abs(value) < _FRACTION else f"{value:.5g}"


def copyable(values: Sequence[float]) -> str:
    """Return numbers as a list that can be copied, with six decimals or as many digits.

    >>> copyable([0.485, 0, 2.5e-7])
    '[0.485000, 0.000000, 2.500000e-07]'
    """
    return "[" + ", ".join(map(_copied, values)) + "]"


def _copied(value: float) -> str:
    return f"{value:.6f}" if value == 0 or _LEAST_COPIED <= abs(value) < _MOST else f"{value:.6e}"
