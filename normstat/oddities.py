"""Images that are unlike the rest of their dataset, and what each does to its mean and std."""

import os
from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from math import isqrt
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from normstat.contents import parts_of
from normstat.errors import NormstatError, SourceError, SpecError, UsageError
from normstat.measure import compute
from normstat.per_image import Columns, Row, Rows
from normstat.reading import Observer
from normstat.sources.base import printable
from normstat.spec.files import DEFAULT_PATH, YAML_SUFFIXES, file_and_group, load
from normstat.spec.model import Spec, integer
from normstat.statistics import Kind, kind_of
from normstat.statistics.exact import sqrt
from normstat.statistics.state import FLOAT_BITS
from normstat.tables import Table, is_table
from normstat.validation import measured_again, stale

TOP = 20

_FAR = 3.5  # robust z; Iglewicz and Hoaglin, "How to Detect and Handle Outliers", 1993, p. 12
_NEAR = 2.0  # robust z of what still belongs to the rest
_FEWEST = 5  # images, below which a median absolute deviation means nothing
_MAD = 1.4826  # × MAD is the std of a normal distribution: 1 / Φ⁻¹(3/4); ibid., p. 11
_MEAN_AD = 1.2533  # × the mean absolute deviation is, too: sqrt(π/2)
_CODE_FACTOR = 8  # "wrong range": three bits fewer than the rest
_FLOAT_FACTOR = 64
_ROOT_BITS = 1024

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
RuleName = Literal["kind", "constant", "inverted", "range", "gray", "mean", "std"]
Source = str | os.PathLike[str] | Spec
_Sort = tuple[str, str, int | float]  # kind, names of bands, max_pixel_value


class Reason(Struct, frozen=True, kw_only=True):
    """A rule of `RULES` that an image meets, and in words how."""

    rule: RuleName
    text: str


class Influence(Struct, frozen=True, kw_only=True):
    """The dataset without one image: its pooled mean and std, and how much they change.

    A change is the number without the image minus the number with it. All follow from exact sums
    and are rounded once: `mean` and `std` are what measuring the dataset without the file gives.
    """

    mean: list[float]
    std: list[float]
    mean_change: list[float]
    std_change: list[float]


class Outlier(Struct, frozen=True, kw_only=True):
    """One image. `path` is escaped as in tables; `mean` and `std` are in the dataset's units.

    `z_mean` and `z_std` are distances from the medians in robust standard deviations, a number a
    channel; null for a kind of image that has no common measure with the rest. `influence` is null
    for those, and where no other image is left.
    """

    path: str
    kind: str
    score: float
    reasons: list[Reason]
    mean: list[float]
    std: list[float]
    z_mean: list[float] | None
    z_std: list[float] | None
    influence: Influence | None


class Outliers(Struct, frozen=True, kw_only=True):
    """Images that are farthest from the rest, the farthest first.

    `mean` and `std` are those of the dataset, pooled over pixels (ddof 0); `median_mean` and
    `median_std` are medians over images, `robust_mean` and `robust_std` the robust standard
    deviations of the images around them. `named` counts the images that each rule names among
    all, not only among those listed.
    """

    name: str
    images: int
    channels: list[str]
    max_pixel_value: int | float
    mean: list[float]
    std: list[float]
    median_mean: list[float]
    median_std: list[float]
    robust_mean: list[float]
    robust_std: list[float]
    images_named: int
    named: dict[RuleName, int]
    notes: list[str]
    outliers: list[Outlier]


def outliers(
    *sources: Source,
    top: int = TOP,
    jobs: int | None = None,
    backend: str = "auto",
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
    jobs, backend, cache, observer
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
    options = {"jobs": jobs, "backend": backend, "cache": cache, "observer": observer}
    name, rows, rgb, notes = _rows(sources or (DEFAULT_PATH,), options)
    return _judged(name, rows, rgb=rgb, notes=notes, top=top)


# --- where the rows come from ---


_Found = tuple[str, Rows, bool, list[str]]  # name, rows, three channels, notes


def _rows(sources: Sequence[Source], options: dict[str, Any]) -> _Found:
    first, *rest = sources
    places = [each for each in rest if not isinstance(each, Spec)]
    if len(places) < len(rest) or any(_is_spec(each) or _is_table(each) for each in places):
        raise UsageError("one spec or one table at most, and a spec before its folders")
    if isinstance(first, Spec):
        return _of_spec(first, "the spec", places, options)
    name = printable(os.fspath(first))
    if _is_spec(first):
        return _of_spec(load(first), name, places, options)
    if not _is_table(first):
        return _of_folders([first, *places], options)
    if places:
        raise UsageError(f"{name} is a table, which has all it needs: name no folders")
    table = Table.at(Path(first))
    # A table is read and checked once; later passes are over what was found.
    return name, Rows.of(table), table.names == ("R", "G", "B"), []


def _of_folders(places: Sequence[str | os.PathLike[str]], options: dict[str, Any]) -> _Found:
    rows = Rows()
    try:
        compute(*places, per_image=rows, **options)
    except SpecError:  # images that are no one dataset are what is looked for
        if not len(rows):
            raise
    return " ".join(printable(os.fspath(place)) for place in places), rows, False, []


def _of_spec(
    spec: Spec, name: str, places: Sequence[str | os.PathLike[str]], options: dict[str, Any]
) -> _Found:
    if spec.dataset.group:
        raise UsageError(
            f"{name} is of one group; outliers are found in a whole dataset. Name the spec without "
            "its group, or a folder that holds the group alone"
        )
    roots = [os.fspath(place) for place in places] or spec.dataset.roots
    told = " ".join(map(printable, roots))
    # A spec may be from anywhere: what it names is looked at here, never fetched.
    if not places and not all(map(os.path.lexists, roots)):
        raise SourceError(f"{told} is not here; name its images: `normstat outliers {name} FOLDER`")
    if len(parts_of(spec)) == 1:
        # Names and sizes tell at once what reading all of it would.
        lines = list(stale(spec, *roots).lines())
        if lines:
            more = f" and {len(lines) - 1:,} more" if len(lines) > 1 else ""
            raise _changed(told, name, f"{lines[0]}{more}")
    rows = Rows()
    try:
        again = measured_again(spec, *roots, per_image=rows, **options)
    except SpecError as error:
        if not len(rows):
            raise
        raise _changed(told, name, str(error)) from error
    if again.state != spec.state:
        why = "files of the same names and sizes hold other pixels"
        if again.software != spec.software:
            why += f", or are read otherwise than by {_versions(spec)} (here: {_versions(again)})"
        raise _changed(told, name, why)
    notes = []
    if (spec.estimator.weighting, spec.estimator.std) != ("pixel", "pooled"):
        notes.append(
            f"mean and std here weigh each pixel the same; those of {name} are of weighting "
            f"{spec.estimator.weighting} and std {spec.estimator.std}"
        )
    return name, rows, spec.pipeline.mode == "rgb", notes


def _versions(spec: Spec) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(spec.software.items()))


def _changed(told: str, name: str, how: str) -> SourceError:
    return SourceError(
        f"{told} has changed since {name} was made: {how}. Nothing is told; measure it again with "
        f"`normstat compute`, or look at it as it is: `normstat outliers {told}`"
    )


def _is_spec(source: Source) -> bool:
    if isinstance(source, Spec):
        return True
    path, _ = file_and_group(source)
    return path.suffix.lower() in {".json", *YAML_SUFFIXES} and not path.is_dir()


def _is_table(source: Source) -> bool:
    if isinstance(source, Spec):
        return False
    path = Path(source)
    # Images can be in Parquet files too; the others can be nothing else.
    return path.suffix.lower() in {".csv", ".jsonl", ".ndjson"} or (
        path.suffix.lower() == ".parquet" and is_table(path)
    )


# --- what is unlike the rest ---


@dataclass(frozen=True)
class Crowd:
    """All images of kinds that combine, a row each; arrays are of shape (images, channels).

    `mean`, `std`, `low` and `high` are in units of code / max_pixel_value, of which `units` has one
    for each of `kinds`. `z_mean` and `z_std` are robust z; `centre` and `scale` their medians and
    deviations.
    """

    channels: tuple[str, ...]
    kinds: tuple[str, ...]
    units: tuple[int | float, ...]
    kind: npt.NDArray[np.int64]
    mean: Floats
    std: Floats
    low: Floats
    high: Floats
    equal: Flags
    z_mean: Floats
    z_std: Floats
    centre: Mapping[str, Floats]
    scale: Mapping[str, Floats]

    @property
    def usual(self) -> Kind:
        """The kind that most images are of."""
        return kind_of(self.kinds[self._most])

    @property
    def unit(self) -> int | float:
        """The max_pixel_value of most images; 1 where values are their own."""
        return self.units[self._most]

    @property
    def _most(self) -> int:
        return int(np.bincount(self.kind).argmax())

    def kind_at(self, row: int) -> Kind:
        return kind_of(self.kinds[int(self.kind[row])])

    def unit_at(self, row: int) -> int | float:
        return self.units[int(self.kind[row])]


@dataclass(frozen=True)
class Rule:
    """Something that can be odd about an image.

    `weight` counts in the score. `find` says of every image whether it is so, `tell` how.
    """

    summary: str
    weight: float
    find: Callable[[Crowd], Flags]
    tell: Callable[[Crowd, int], str]


def _few(flags: Flags) -> Flags:
    """Return flags that fewer than half of the images have: what most are is not odd."""
    return flags if 2 * np.count_nonzero(flags) < len(flags) else np.zeros_like(flags)


def _is_far(z: Floats) -> Flags:
    far: Flags = np.asarray((np.abs(z) > _FAR).any(axis=1))
    return far if len(z) >= _FEWEST else np.zeros_like(far)


def _far_mean(crowd: Crowd) -> Flags:
    return _is_far(crowd.z_mean)


def _far_std(crowd: Crowd) -> Flags:
    return _is_far(crowd.z_std)


def _tell_far(what: Literal["mean", "std"]) -> Callable[[Crowd, int], str]:
    def tell(crowd: Crowd, row: int) -> str:
        z = (crowd.z_mean if what == "mean" else crowd.z_std)[row]
        worst = int(np.abs(z).argmax())
        value = (crowd.mean if what == "mean" else crowd.std)[row, worst]
        side = "above" if z[worst] > 0 else "below"
        return (
            f"{what} of {crowd.channels[worst]} is {value:.4g}, {abs(z[worst]):.1f} robust "
            f"deviations {side} the median {crowd.centre[what][worst]:.4g}"
        )

    return tell


def _constants(crowd: Crowd) -> Flags:
    constant: Flags = (crowd.low == crowd.high).all(axis=1)
    return constant


def _constant(crowd: Crowd) -> Flags:
    return _few(_constants(crowd))


def _tell_constant(crowd: Crowd, row: int) -> str:
    values = dict.fromkeys(f"{value:.4g}" for value in crowd.low[row])
    return f"constant: every pixel is {' '.join(values)}"


def _inverted(crowd: Crowd) -> Flags:
    """Where the mean is far from the rest, while that of the negative, 1 − mean, is not.

    A negative has the same std. Values of their own have no range to be inverted in; and where the
    rest has a mean near 1/2, a mean does not tell.
    """
    if crowd.unit == 1:
        return np.zeros(len(crowd.mean), np.bool_)
    turned = _z(1 - crowd.mean, crowd.centre["mean"], crowd.scale["mean"])
    like_the_rest = (np.abs(turned) <= _NEAR) & (np.abs(crowd.z_std) <= _FAR)
    return _far_mean(crowd) & like_the_rest.all(axis=1)


def _tell_inverted(crowd: Crowd, row: int) -> str:
    mean, centre = float(crowd.mean[row].mean()), float(crowd.centre["mean"].mean())
    return (
        f"inverted polarity? its mean is {mean:.3g}, that of its negative {1 - mean:.3g}, and the "
        f"median {centre:.3g}"
    )


def _extent(crowd: Crowd) -> Floats:
    extent: Floats = np.maximum(np.abs(crowd.low), np.abs(crowd.high)).max(axis=1)
    return extent


def _range(crowd: Crowd) -> Flags:
    """Where the largest value is far below or above that of the median image."""
    extent = _extent(crowd)
    usual = float(np.median(extent))
    # Values of their own: 0..1 among 0..255 and the other way round.
    factor = _CODE_FACTOR if crowd.usual.has_range else _FLOAT_FACTOR
    odd: Flags = (usual > 0) & ((extent * factor <= usual) | (extent >= usual * factor))
    return _few(odd & ~_constants(crowd))


def _tell_range(crowd: Crowd, row: int) -> str:
    unit = crowd.unit_at(row)
    extent, usual = float(_extent(crowd)[row]), float(np.median(_extent(crowd)))
    if not crowd.usual.has_range:
        return (
            f"values up to {extent * unit:.4g}, where half of the images reach {usual * unit:.4g}"
        )
    why = ": labels, or fewer bits than the file has?" if extent < usual else ": more bits?"
    return (
        f"codes up to {extent * unit:.0f} of {unit:g}, where half of the images reach "
        f"{usual * unit:.0f}{why}"
    )


def _gray(crowd: Crowd) -> Flags:
    return _few(crowd.equal & ~_constants(crowd))


def _tell_gray(crowd: Crowd, row: int) -> str:
    if crowd.kind_at(row).is_gray:
        return "gray among colour"
    return "gray among colour: its three channels have the same sums"


def _kind(crowd: Crowd) -> Flags:
    usual, kinds = crowd.usual, map(kind_of, crowd.kinds)
    # Gray among colour has a rule of its own.
    odd = np.array(
        [kind.depth != usual.depth or (kind.is_colour and usual.is_gray) for kind in kinds]
    )
    flags: Flags = odd[crowd.kind]
    return _few(flags)


def _tell_kind(crowd: Crowd, row: int) -> str:
    return f"{crowd.kind_at(row).name} among {crowd.usual.name}"


# Each is a name in the output. The weights let what is certainly odd outrank what is only far.
RULES: dict[RuleName, Rule] = {
    "kind": Rule("another depth, or other channels, than most", 10.0, _kind, _tell_kind),
    "constant": Rule("every pixel is the same", 10.0, _constant, _tell_constant),
    "inverted": Rule(
        f"its mean is far, that of its negative (1 − mean) within z {_NEAR:g}",
        10.0,
        _inverted,
        _tell_inverted,
    ),
    "range": Rule(
        f"its largest code is {_CODE_FACTOR} times off the usual (floats: {_FLOAT_FACTOR})",
        10.0,
        _range,
        _tell_range,
    ),
    "gray": Rule("gray among colour, as one channel or three equal ones", 3.0, _gray, _tell_gray),
    "mean": Rule(f"its mean is farther than z {_FAR:g}", 0.0, _far_mean, _tell_far("mean")),
    "std": Rule(f"its std is farther than z {_FAR:g}", 0.0, _far_std, _tell_far("std")),
}


def _z(values: Floats, centre: Floats, scale: Floats) -> Floats:
    apart = values - centre
    z: Floats = np.divide(apart, scale, out=np.zeros_like(apart), where=scale > 0)
    return z


def _spread(values: Floats) -> tuple[Floats, Floats]:
    """Return the medians over images and the robust standard deviations around them.

    Where more than half of the images are the same, whose MAD is 0, the deviation follows from the
    mean absolute one.
    """
    centre: Floats = np.median(values, axis=0)
    apart = np.abs(values - centre)
    scale = _MAD * np.median(apart, axis=0)
    return centre, np.where(scale > 0, scale, _MEAN_AD * apart.mean(axis=0))


# --- the answer ---


@dataclass
class _Sums:
    """Σ 1, Σ code and Σ code² a channel, in units of which max_pixel_value has `unit`.

    `finest` is the largest code in them.
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
    columns = Columns.of((kind for kind, *_ in family), rgb=rgb)
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
    if len(scores) < _FEWEST:
        notes = [*notes, f"fewer than {_FEWEST} images: none is far from the rest by its z"]
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
                path=row.path,
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
        depth = "codes" if kind_of(kind).is_mixable else kind
        # What codes are divided by has to be the same part of their range.
        family = depth, bands, Fraction(unit) / kind_of(kind).max_code
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
    finest, top = max((kind_of(kind).max_code, unit) for kind, unit in units.items())
    scale = 1 << FLOAT_BITS if known[0].bins is None else 1
    width = len(columns.names)
    sums = _Sums(Fraction(top) * scale, finest, *([0] * width for _ in range(3)))
    place = {kind: index for index, kind in enumerate(kinds)}
    # Flat, because there can be millions.
    values, kind_of_row, equal = array("d"), array("q"), array("b")
    for row in rows:
        if _sort_of(row) not in family:
            continue
        found = list(columns.channels(row).values())
        for each in found:
            values.extend((each.mean, each.std, each.min, each.max))
        kind_of_row.append(place[row.kind])
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
        centres[what], scales[what] = _spread(measured)
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
        _z(mean, centres["mean"], scales["mean"]),
        _z(std, centres["std"], scales["std"]),
        centres,
        scales,
    )
    return crowd, sums


def _sums_of(row: Row, columns: Columns, whole: _Sums) -> _Sums:
    """Return the exact sums of an image in units of the dataset: 8 bit beside 16 as 257 times."""
    factor = whole.finest // kind_of(row.kind).max_code
    found = list(columns.channels(row).values())
    return _Sums(
        whole.unit,
        whole.finest,
        [each.count for each in found],
        [_number(each.sum) * factor for each in found],
        [_number(each.squares) * factor**2 for each in found],
    )


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
        path=row.path,
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
