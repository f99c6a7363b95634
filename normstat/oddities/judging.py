"""Rows of images → which are unlike the rest, and what each does to mean and std."""

import os
import re
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from math import isqrt

import numpy as np

from normstat.errors import NormstatError, UsageError
from normstat.names import printable, unescaped
from normstat.oddities.model import Influence, Outlier, Outliers, Reason
from normstat.oddities.places import Source, rows_of
from normstat.oddities.rules import FEWEST, RULES, Crowd, robust_spread, robust_z
from normstat.per_image import Columns, Row, Rows
from normstat.reading import Observer
from normstat.spec.files import DEFAULT_PATH
from normstat.spec.values import integer
from normstat.statistics import Kind, kind_of
from normstat.statistics.exact import sqrt
from normstat.statistics.kinds import FLOAT_BITS

TOP = 20

_ROOT_BITS = 1024
_UNSIGNED = re.compile(r"uint(\d\d?)")

_Sort = tuple[str, str, int | float]  # kind, names of bands, max_pixel_value


def outliers(
    *sources: Source,
    top: int = TOP,
    jobs: int | None = None,
    backend: str = "auto",
    address: str | None = None,
    timeout: float | None = None,
    cache: str | os.PathLike[str] | None = None,
    observer: Observer | None = None,
) -> Outliers:
    """Find the images that are farthest from the rest, and what each does to mean and std.

    Images are ranked by a score: their largest robust z (of the mean or the std of any channel:
    the distance from the median over images, divided by 1.4826 × the median absolute deviation),
    plus the weight of each rule of `RULES` that they meet.

    Parameters
    ----------
    sources
        A table that `compute` wrote for `per_image`; or a spec, whose images are read again from
        where it says or from the folders that follow it, and must be the same as then; or folders,
        archives and URLs, which are measured. By default normstat.json.
    top
        How many images are told; every image is looked at.
    jobs, backend, address, timeout, cache, observer
        See `compute`.

    Raises
    ------
    NormstatError
        There is no image, what is named cannot be read, or the images are no longer those of the
        spec.

    Examples
    --------
    >>> found = outliers("sample_data/photos", top=1)
    >>> found.images, found.outliers[0].path
    (30, 'forest/forest-10.jpg')
    >>> [round(change, 4) for change in found.outliers[0].influence.mean_change]
    [0.0006, -0.0032, -0.0024]
    """
    if top < 1:
        raise UsageError(f"top is {top}; it must be at least 1")
    options = {
        "jobs": jobs,
        "backend": backend,
        "address": address,
        "timeout": timeout,
        "cache": cache,
        "observer": observer,
    }
    name, rows, rgb, notes = rows_of(sources or (DEFAULT_PATH,), options)
    return _judged(name, rows, rgb=rgb, notes=notes, top=top)


@dataclass
class _Sums:
    """Σ 1, Σ code and Σ code² a channel, in units of which max_pixel_value has `unit`.

    `finest` is the largest code in them, or the 1 of values.
    """

    unit: Fraction
    finest: int
    n: list[int]
    s: list[int]
    q: list[int]

    def moments(self, c: int, without: "_Sums | None" = None) -> tuple[Fraction, Fraction]:
        """Return mean and variance of a channel, without an image's part of it if that is given."""
        n, s, q = (
            mine[c] - (theirs[c] if theirs else 0)
            for mine, theirs in (
                (self.n, without and without.n),
                (self.s, without and without.s),
                (self.q, without and without.q),
            )
        )
        mean = Fraction(s, n)
        return mean / self.unit, (Fraction(q, n) - mean**2) / self.unit**2


def _judged(name: str, rows: Rows, *, rgb: bool, notes: list[str], top: int) -> Outliers:
    counts = Counter(map(_sort_of, rows))
    if not counts:
        raise NormstatError(f"{name}: holds no image")
    family = _family(counts)
    bands = {unescaped(names) for _, names, _ in family}
    columns = Columns.of((kind for kind, *_ in family), bands=bands, rgb=rgb)
    crowd, sums = _crowd(rows, family, columns)
    found = {rule: each.find(crowd) for rule, each in RULES.items()}
    far = np.abs(np.hstack([crowd.z_mean, crowd.z_std])).max(axis=1)
    scores = far + sum(RULES[rule].weight * flags for rule, flags in found.items())
    named = {rule: int(np.count_nonzero(flags)) for rule, flags in found.items()}
    marked = int(np.count_nonzero(np.any(list(found.values()), axis=0)))
    strangers = counts.total() - len(scores)
    if strangers:
        named["kind"] += strangers
        told = ", ".join(f"{count:,} of {_told(kind)}" for kind, count in sorted(counts.items()))
        usual = f"{len(scores):,} of {' and '.join(_told(kind) for kind in sorted(family))}"
        notes = [*notes, f"images of unlike kinds ({told}) have no common mean; this is of {usual}"]
    if len(scores) < FEWEST:
        notes = [*notes, f"fewer than {FEWEST} images: none is far from the rest by its z"]
    # The farthest first; what is equally far as it is listed.
    best = np.argsort(-scores, kind="stable")[:top]
    rank = {int(row): place for place, row in enumerate(best)}
    inside, outside, place = dict[int, Outlier](), list[Outlier](), 0
    for row in rows:
        if _sort_of(row) not in family:
            if len(outside) < top:
                outside.append(_stranger(row, crowd))
            continue
        if place in rank:
            reasons = [
                Reason(rule=rule, text=RULES[rule].tell(crowd, place))
                for rule, flags in found.items()
                if flags[place]
            ]
            own = _sums_of(row, columns, sums)
            inside[rank[place]] = Outlier(
                path=printable(unescaped(row.path)),
                kind=row.kind,
                score=float(scores[place]),
                reasons=reasons,
                mean=crowd.mean[place].tolist(),
                std=crowd.std[place].tolist(),
                z_mean=crowd.z_mean[place].tolist(),
                z_std=crowd.z_std[place].tolist(),
                influence=_influence(sums, own),
            )
        place += 1
    ranked = sorted(
        chain((inside[key] for key in sorted(inside)), outside), key=lambda each: -each.score
    )
    whole = [sums.moments(c) for c in range(len(columns.names))]
    return Outliers(
        name=name,
        images=counts.total(),
        channels=list(columns.names),
        max_pixel_value=crowd.unit,
        mean=[float(mean) for mean, _ in whole],
        std=[sqrt(variance) for _, variance in whole],
        median_mean=crowd.centre["mean"].tolist(),
        median_std=crowd.centre["std"].tolist(),
        robust_mean=crowd.scale["mean"].tolist(),
        robust_std=crowd.scale["std"].tolist(),
        images_named=marked + strangers,
        named={rule: count for rule, count in named.items() if count},
        notes=notes,
        outliers=ranked[:top],
    )


def _sort_of(row: Row) -> _Sort:
    return row.kind, row.bands, row.max_pixel_value


def _family(counts: Counter[_Sort]) -> set[_Sort]:
    """Return the sorts that combine with each other and that most images are of."""
    families: dict[tuple[str, str, Fraction], Counter[_Sort]] = {}
    for sort, count in counts.items():
        kind, bands, unit = sort
        # What codes are divided by has to be the same part of their range.
        family = kind_of(kind).measure, bands, Fraction(unit) / kind_of(kind).max_code
        families.setdefault(family, Counter())[sort] = count
    return set(max(families.items(), key=lambda item: (item[1].total(), item[0]))[1])


def _told(sort: _Sort) -> str:
    kind, bands, unit = sort
    usual = unit == kind_of(kind).max_code
    facts = ([printable(bands.replace(",", " "))] if bands else []) + (
        [] if usual else [f"/ {unit:g}"]
    )
    return f"{kind} ({', '.join(facts)})" if facts else kind


def _crowd(rows: Rows, family: set[_Sort], columns: Columns) -> tuple[Crowd, _Sums]:
    """Return what is known of images of kinds that combine, and their exact sums."""
    units = {kind: unit for kind, _, unit in sorted(family)}
    kinds = list(units)
    known = [kind_of(kind) for kind in kinds]
    finest, top = max((_fineness(kind_of(kind)), unit) for kind, unit in units.items())
    scale = 1 << FLOAT_BITS if any(kind.bins is None for kind in known) else 1
    width = len(columns.names)
    sums = _Sums(Fraction(top) * scale, finest, *([0] * width for _ in range(3)))
    place = {kind: index for index, kind in enumerate(kinds)}
    # Flat, because there can be millions.
    values, kind_of_row, bits = array("d"), array("q"), array("q")
    equal, white = array("b"), array("b")
    for row in rows:
        if _sort_of(row) not in family:
            continue
        found = list(columns.channels(row).values())
        for each in found:
            values.extend((each.mean, each.std, each.min, each.max))
        kind_of_row.append(place[row.kind])
        mode = row.mode.split()
        bits.append(_bits(mode))
        white.append("MONOCHROME1" in mode)
        own = {(each.count, each.sum, each.squares) for each in found}
        equal.append(columns.names == ("R", "G", "B") and len(own) == 1)
        part = _sums_of(row, columns, sums)
        for mine, theirs in ((sums.n, part.n), (sums.s, part.s), (sums.q, part.q)):
            for c in range(width):
                mine[c] += theirs[c]
    table = np.frombuffer(values, np.float64).reshape(-1, width, 4)
    mean, std, low, high = (table[:, :, part] for part in range(4))
    centres, scales = {}, {}
    for what, measured in (("mean", mean), ("std", std)):
        centres[what], scales[what] = robust_spread(measured)
    crowd = Crowd(
        columns.names,
        tuple(kinds),
        tuple(units.values()),
        np.frombuffer(kind_of_row, np.int64),
        mean,
        std,
        low,
        high,
        np.frombuffer(equal, np.bool_),
        np.frombuffer(bits, np.int64),
        np.frombuffer(white, np.bool_),
        robust_z(mean, centres["mean"], scales["mean"]),
        robust_z(std, centres["std"], scales["std"]),
        centres,
        scales,
    )
    return crowd, sums


def _bits(mode: Sequence[str]) -> int:
    """Return how many bits the values of a mode have, 0 if it does not say.

    >>> _bits(["DX", "uint12"]), _bits(["CT", "int12"]), _bits(["CT", "uint12", "rescaled"])
    (12, 0, 0)
    """
    found = [match for match in map(_UNSIGNED.fullmatch, mode) if match]
    return int(found[0][1]) if found and "rescaled" not in mode else 0


def _sums_of(row: Row, columns: Columns, whole: _Sums) -> _Sums:
    """Return the exact sums of an image in units of the dataset: 8 bit beside 16 as 257 times."""
    factor = whole.finest // _fineness(kind_of(row.kind))
    found = list(columns.channels(row).values())
    return _Sums(
        whole.unit,
        whole.finest,
        [each.count for each in found],
        [_number(each.sum) * factor for each in found],
        [_number(each.squares) * factor**2 for each in found],
    )


def _fineness(kind: Kind) -> int:
    """Return how many units of a kind's sums are the largest code, or 1 of floats."""
    return kind.max_code if kind.bins else 1 << FLOAT_BITS


def _number(value: int | str) -> int:
    return value if isinstance(value, int) else integer(value)


def _influence(whole: _Sums, part: _Sums) -> Influence | None:
    if any(a <= b for a, b in zip(whole.n, part.n, strict=True)):
        return None
    mean, std, mean_change, std_change = [], [], [], []
    for c in range(len(whole.n)):
        before_mean, before = whole.moments(c)
        after_mean, after = whole.moments(c, part)
        mean.append(float(after_mean))
        std.append(sqrt(after))
        mean_change.append(float(after_mean - before_mean))
        std_change.append(float(_root(after) - _root(before)))
    return Influence(mean=mean, std=std, mean_change=mean_change, std_change=std_change)


def _root(value: Fraction) -> Fraction:
    """Return a square root to far more digits than a difference of two can lose."""
    return Fraction(
        isqrt((value.numerator << 2 * _ROOT_BITS) // value.denominator), 1 << _ROOT_BITS
    )


def _stranger(row: Row, crowd: Crowd) -> Outlier:
    return Outlier(
        path=printable(unescaped(row.path)),
        kind=row.kind,
        score=RULES["kind"].weight,
        reasons=[
            Reason(
                rule="kind",
                text=f"{_told(_sort_of(row))} among {crowd.usual.name}, which cannot be combined",
            )
        ],
        mean=[each.mean for each in row.channels],
        std=[each.std for each in row.channels],
        z_mean=None,
        z_std=None,
        influence=None,
    )
