"""A mean and a std that stand together, and how they are told from other numbers by their names."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from math import isfinite
from typing import Any, NamedTuple

from msgspec import Struct

from normstat.identification.agreement import Values

MOST_CHANNELS = 64

_MEAN = re.compile(r"means?(?!ing|while|t(?![a-z]))|subtrahend|(?<![a-z])mu(?![a-z])")
_STD = re.compile(
    r"standard_?deviations?|std_?devs?|stdevs?|stdvs?|stds?(?!in|out|err|lib|ou)|sigmas?|divisor"
    r"|scale_values|variances?"
)
# Words that say that numbers of these names are something else.
_OTHER = re.compile(
    r"mean_?(?:squared|absolute|shift|field|pool|ap|iou|average)|(?:geometric|harmonic)_?mean"
)


class Span(NamedTuple):
    """A place in a file; lines and columns count from 1, and the end is not part of it."""

    line: int
    column: int
    end_line: int
    end_column: int


class Entry(NamedTuple):
    """A name and what it stands for: numbers, a text, a truth value or None for anything else.

    `literal` says whether numbers stand there themselves, rather than names of numbers.
    """

    key: str
    value: Any
    span: Span
    literal: bool = True


class Pair(Struct, frozen=True, kw_only=True):
    """A mean and a std, or a mean alone, where they were found.

    Parameters
    ----------
    name
        What they are called there: the function, or the name of the mean.
    accepts
        The range in which the function works that gets them, "0-1" or "0-255"; empty when unknown.
    order
        The order of channels that stands beside them, "RGB" or "BGR"; empty when unknown.
    normalizes
        Whether they are given to something that normalizes images.
    needs_std
        Whether a mean alone is a mistake here.
    derived
        Whether the numbers stand elsewhere in the file too, as a pair of their own.
    cell
        Of a notebook, counted from 1.
    """

    name: str
    mean: Values
    std: Values | None
    span: Span
    std_span: Span | None = None
    accepts: str = ""
    order: str = ""
    normalizes: bool = False
    needs_std: bool = False
    derived: bool = False
    cell: int | None = None

    def at(self, part: str | None) -> Span:
        """Return where the mean or the std is."""
        return self.std_span if part == "std" and self.std_span else self.span

    @property
    def spans(self) -> tuple[Span, ...]:
        return (self.span, self.std_span) if self.std_span else (self.span,)


@lru_cache(maxsize=10_000)
def is_mean(name: str) -> bool:
    """Whether a name is one of means.

    >>> [is_mean(name) for name in ("IMAGENET_MEAN", "pixelMeans", "meaning", "mean_squared_error")]
    [True, True, False, False]
    """
    lower = name.lower()
    found = _MEAN.search(lower) is not None and not _OTHER.search(lower)
    return found and not _STD.search(lower)


@lru_cache(maxsize=10_000)
def is_std(name: str) -> bool:
    """Whether a name is one of standard deviations.

    >>> [is_std(name) for name in ("IMAGENET_STD", "stddev", "stdout", "mean_std")]
    [True, True, False, False]
    """
    lower = name.lower()
    return _STD.search(lower) is not None and not _MEAN.search(lower)


def stem(name: str) -> str:
    """Return what a name says beside mean or std, by which two of them belong together.

    >>> stem("IMAGENET_MEAN"), stem("imagenetStd"), stem("std"), stem("scale_values")
    ('imagenet', 'imagenet', '', 'values')
    """
    lower = name.lower().replace("scale_values", "std_values")
    rest = _STD.sub("_", _MEAN.sub("_", lower, count=1), count=1)
    return re.sub(r"[^a-z0-9]+", "_", rest).strip("_")


def as_values(value: Any) -> Values | None:
    """Return numbers, nested as they may be ([[[0.5]], [[0.4]]]), as one row; None for others."""
    if _is_number(value):
        return as_values([value])
    if not isinstance(value, list | tuple) or not 0 < len(value) <= MOST_CHANNELS:
        return None
    if all(map(_is_number, value)):
        row = tuple(map(_float, value))
        return row if all(map(isfinite, row)) else None
    rows = [as_values(each) if isinstance(each, list | tuple) else None for each in value]
    if len(rows) == 1:
        return rows[0]
    alone = [row[0] for row in rows if row is not None and len(row) == 1]
    return tuple(alone) if len(alone) == len(rows) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf")


class Context(NamedTuple):
    """What is known of the place of a pair."""

    name: str = ""
    accepts: str = ""
    order: str = ""
    normalizes: bool = False
    needs_std: bool = False


def paired(
    entries: Sequence[Entry], context: Context, *, scalars: bool = False
) -> Iterator[Pair | Entry]:
    """Yield a pair for each mean that has a std, and then what is left over.

    A mean and a std belong together by the rest of their names, or because there is one of each.

    Parameters
    ----------
    scalars
        Take single numbers too.
    """
    means = [each for each in _numeric(entries, scalars=scalars) if is_mean(each.key)]
    stds = [each for each in _numeric(entries, scalars=scalars) if is_std(each.key)]
    left_means, left_stds = [], list(stds)
    for mean in means:
        wanted = stem(mean.key)
        std = next((each for each in left_stds if stem(each.key) == wanted), None)
        if std is None:
            left_means.append(mean)
        else:
            left_stds.remove(std)
            yield make_pair(mean, std, context)
    if len(left_means) == len(left_stds) == 1 and _may_belong(left_means[0], left_stds[0]):
        yield make_pair(left_means[0], left_stds[0], context)
    else:
        yield from left_means
        yield from left_stds


def _may_belong(mean: Entry, std: Entry) -> bool:
    """Whether two names of other stems may be one pair: one stem is empty or says "image"."""
    vague = {"", "img", "image", "pixel", "rgb", "bgr", "values", "vals", "vec", "channel", "norm"}
    return bool({stem(mean.key), stem(std.key)} & vague)


def _numeric(entries: Iterable[Entry], *, scalars: bool) -> Iterator[Entry]:
    for each in entries:
        values = as_values(each.value)
        if values is not None and (scalars or isinstance(each.value, list | tuple)):
            yield each._replace(value=values)


def make_pair(mean: Entry, std: Entry | None, context: Context) -> Pair:
    """Return two entries as a pair in its context."""
    spread = std.value if std else None
    if std and "variance" in std.key.lower() and min(std.value) >= 0:
        spread = tuple(value**0.5 for value in std.value)
    own = mean.key.lower()
    order = context.order or next((word for word in ("bgr", "rgb") if word in own), "").upper()
    return Pair(
        name=context.name or mean.key,
        mean=mean.value,
        std=spread,
        span=mean.span,
        std_span=std.span if std else None,
        accepts=context.accepts,
        order=order,
        normalizes=context.normalizes,
        needs_std=context.needs_std,
        derived=not (mean.literal or (std is not None and std.literal)),
    )
