"""Which images are read when not all are, and when they are enough."""

from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from hashlib import blake2b
from math import ceil

from normstat.errors import UsageError
from normstat.statistics.summary import Summary

FIRST_LOOK = 200  # images: with fewer, the standard error itself is too uncertain to stop by
_LEAST_GROWTH, _MOST_GROWTH = Fraction(5, 4), Fraction(4)
_MARGIN = 1.05
_HASH = 1 << 64


def drawn(names: Sequence[str], *, seed: int, stratify: bool) -> list[int]:
    """Return the places of all names in the order in which a sample takes them.

    Names are ordered by a keyed hash, so that the sample depends on the seed and the names alone:
    not on a library's generator, and hardly on a few files that come or go. Any first part of the
    order is a simple random sample.

    Parameters
    ----------
    names
        Paths below the sources, each once.
    stratify
        Take each folder in proportion: any first part has within one image as many of a folder as
        its share (systematic sampling with a random start a folder; Cochran, Sampling Techniques,
        3rd ed., chapter 8).

    Examples
    --------
    >>> drawn(["a", "b", "c", "d"], seed=0, stratify=False)
    [0, 2, 3, 1]
    >>> names = [f"few/{i}" for i in range(10)] + [f"many/{i}" for i in range(90)]
    >>> sum(place < 10 for place in drawn(names, seed=0, stratify=True)[:50])
    5
    """
    hashes = [_hash(name, seed) for name in names]
    order = sorted(range(len(names)), key=hashes.__getitem__)
    if not stratify:
        return order
    folders: dict[str, list[int]] = defaultdict(list)
    for place in order:
        folders[names[place].rpartition("/")[0]].append(place)
    turns: dict[int, Fraction] = {}
    for folder, places in folders.items():
        start = Fraction(_hash(f"{folder}/", seed), _HASH)
        turns |= {place: (rank + start) / len(places) for rank, place in enumerate(places)}
    return sorted(order, key=turns.__getitem__)


def _hash(text: str, seed: int) -> int:
    key = seed.to_bytes(16, "big")
    return int.from_bytes(
        blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8, key=key).digest()
    )


def fixed_size(sample: str | int, total: int) -> int:
    """Return how many images "500" or "5%" of so many are.

    Raises
    ------
    UsageError
        It is neither a number above zero nor a percentage up to 100.

    Examples
    --------
    >>> fixed_size("500", 1000), fixed_size("2.5%", 1000), fixed_size(500, 30)
    (500, 25, 30)
    """
    text = str(sample)
    try:
        number = Fraction(text.removesuffix("%"))
    except (ValueError, ZeroDivisionError):
        number = Fraction(-1)
    percent = text.endswith("%")
    if number <= 0 or (percent and number > 100) or (not percent and number.denominator > 1):  # noqa: PLR2004
        raise UsageError(f"sample {text!r} is neither a number of images nor a percentage")
    return min(total, ceil(number * total / 100) if percent else int(number))


def widest(summary: Summary) -> float:
    """Return the largest half-width of any channel's mean or std; infinite while there is none."""
    if summary.confidence is None:
        return float("inf")
    return max(*summary.confidence.mean, *summary.confidence.std)


def next_look(read: int, half_width: float, tolerance: float, total: int) -> int:
    """Return after how many images to look again.

    The half-width falls as sqrt(1/k − 1/K) for k of K images, which says how many would be enough.
    The next look is after at least a quarter more and at most four times as many, so that looks
    are few, which keeps their confidence, and one bad estimate costs little.

    >>> next_look(200, 0.02, 0.01, 10**6)
    800
    >>> next_look(200, 0.011, 0.01, 10**6), next_look(200, 1.0, 0.01, 500)
    (255, 500)
    """
    spread = half_width**2 / (1 / read - 1 / total) if read < total else 0.0
    wanted = ceil(_MARGIN / (tolerance**2 / spread + 1 / total)) if spread else read
    least, most = ceil(_LEAST_GROWTH * read), int(_MOST_GROWTH * read)
    return min(total, max(least, min(wanted, most)))
