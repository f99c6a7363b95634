"""Which published normalization some numbers are, or which slip made them out of one.

Numbers *equal* a preset's when each is within `EQUAL` (1e-6) of the range. They are a *rounding* of
a preset's when each agrees in the digits that both have (0.481 is 0.48145466 rounded, 123.67 is
123.675 cut), or is another rounding of the same measurement (0.2471 for 0.2470).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import isfinite
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from normstat.errors import UsageError
from normstat.spec.model import PresetSpec

EQUAL = 1e-6

Values = tuple[float, ...]
Part = Literal["mean", "std"]
Kind = Literal[
    "equal", "rounded", "centred", "inverse", "digit", "number", "order", "range", "reciprocal",
    "variance", "mixture", "mean",
]  # fmt: skip
RANGES = {"0-1": 1.0, "0-255": 255.0}

_NOISE = 1e-9  # what arithmetic such as 123.675 / 255 leaves
_RELATIVE = 0.025  # a rounding that moves a number by more is no rounding
_LAST_DIGIT_RELATIVE = 1e-3
_MOST_DECIMALS = 9
_RGB = 3
# Significant digits that must agree before one that does not is called a slip.
_EVIDENCE, _EVIDENCE_ONE_CHANNEL, _EVIDENCE_ALMOST = 8, 4, 12
_DISTINCT = 6
_FEW = 3
_SAME_DATA = 1e-3


class Form(Struct, frozen=True):
    """The numbers of a preset as they may be written: in a range and an order.

    `names` are presets written just so, and then those that only have these numbers in another
    range or order; `written` says whether there is one of the first kind.
    """

    names: tuple[str, ...]
    mean: Values
    std: Values
    range: str
    order: str
    written: bool
    definition: str
    kind: str

    @property
    def unit(self) -> float:
        """What a difference is measured in: the range."""
        return RANGES.get(self.range) or max(map(abs, self.mean + self.std))


class Reading(Struct, frozen=True, kw_only=True):
    """One explanation of some numbers.

    `mean` and `std` are what the preset has where the numbers stand, in the same range and order;
    `part` is which of them is off.
    """

    kind: Kind
    presets: tuple[str, ...]
    range: str
    order: str
    text: str
    mean: Values
    std: Values
    written: bool = True
    part: Part | None = None


class Near(Struct, frozen=True, kw_only=True):
    """A preset that is near, and by how much mean and std differ at most, as part of the range."""

    preset: str
    range: str
    order: str
    mean: float
    std: float


class Identification(Struct, frozen=True, kw_only=True):
    """What some numbers are; `readings` has the best explanation first and is empty without one."""

    mean: Values
    std: Values | None
    readings: tuple[Reading, ...]

    @property
    def best(self) -> Reading | None:
        return self.readings[0] if self.readings else None

    @property
    def equal(self) -> bool:
        """Whether both mean and std are a preset's, in whatever range and order."""
        return self.best is not None and self.best.kind == "equal"


class Known:
    """Every form of some presets, by the number of channels.

    Parameters
    ----------
    presets
        In the order in which names are told.

    Examples
    --------
    >>> from normstat.presets import load_catalogue
    >>> known = Known(each.spec() for each in load_catalogue())
    >>> found = known.identify((124, 116, 104), (58, 57, 57))
    >>> found.best.kind, found.best.presets[0]
    ('rounded', 'imagenet-255')
    >>> known.identify((0.485, 0.456, 0.406), (0.299, 0.224, 0.225)).best.text
    'std 0.299 is one digit off: imagenet has 0.229'
    """

    def __init__(self, presets: Iterable[PresetSpec]) -> None:
        made: dict[Values, Form] = {}
        specs = list(presets)
        forms = [form for spec in specs for form in _forms(spec)]
        for form in sorted(forms, key=lambda form: not form.written):
            key = tuple(float(f"{value:.9g}") for value in form.mean + form.std)
            if key in made:
                names = (*made[key].names, *form.names)
                made[key] = replace(made[key], names=tuple(dict.fromkeys(names)))
            else:
                made[key] = form
        self._forms: dict[int, list[Form]] = {}
        for form in made.values():
            self._forms.setdefault(len(form.mean), []).append(form)

    def forms(self, channels: int) -> list[Form]:
        """Return the forms of that many channels, those first that are written just so."""
        return self._forms.get(channels, [])

    def named(self, name: str, channels: int) -> Form | None:
        """Return how a preset is written."""
        return next((form for form in self.forms(channels) if name in form.names), None)

    def pooled(self, reading: Reading) -> Form | None:
        """Return the pooled std of a dataset whose mean of image stds a reading is."""
        forms = self.forms(len(reading.mean))
        own = [form for form in forms if set(form.names) & set(reading.presets)]
        if {(form.definition, form.kind) for form in own} != {("mean-of-images", "dataset")}:
            return None
        for form in forms:
            alike = _error(reading.mean, form.mean, form.unit) <= _SAME_DATA
            here = (form.range, form.order) == (reading.range, reading.order)
            if form.definition == "pooled" and "dataset" in form.kind and here and alike:
                return form
        return None

    def identify(self, mean: Sequence[float], std: Sequence[float] | None = None) -> Identification:
        """Return what a mean and a std are.

        Parameters
        ----------
        mean, std
            One number a channel, in any range and order; a single std counts for every channel.
            Without a std the mean alone is looked for.

        Returns
        -------
        Identification
            Its readings are of one kind: presets that are equal, else those that the numbers are
            a rounding of, else the slips that explain them.
        """
        centre = tuple(mean)
        spread = None if std is None else tuple(std)
        if spread is not None and len(spread) == 1:
            spread *= len(centre)
        readings: tuple[Reading, ...] = ()
        finite = all(map(isfinite, centre + (spread or ())))
        if finite and (spread is None or len(spread) == len(centre)):
            readings = _readings(centre, spread, self.forms(len(centre)))
        return Identification(mean=centre, std=spread, readings=readings)

    def nearest(self, found: Identification) -> tuple[Near, ...]:
        """Return the presets that numbers are nearest to, in whatever range and order."""
        if found.std is None or len(found.std) != len(found.mean):
            return ()
        return tuple(_nearest(found.mean, found.std, self.forms(len(found.mean))))


def _nearest(mean: Values, std: Values, forms: Iterable[Form]) -> Iterator[Near]:
    """Yield the forms of least difference, the usual name of each."""
    apart = [
        (_error(mean, form.mean, form.unit), _error(std, form.std, form.unit), form)
        for form in forms
    ]
    for of_mean, of_std, form in sorted(apart, key=lambda each: max(each[:2]))[:_FEW]:
        yield Near(
            preset=form.names[0], range=form.range, order=form.order, mean=of_mean, std=of_std
        )


_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_TERM = re.compile(rf"({_NUMBER})(?:/({_NUMBER}))?")
_GROUP = re.compile(r"[\[({][^\[\](){}]*[\])}]|[^\s\[\](){}]+|[\[\](){}]")
_NOISE_WORDS = re.compile(r"\b(?:mean|std|stds|means)\s*[=:]?|[\[\](){},;=:\"']")


def parse_numbers(words: Sequence[str]) -> tuple[Values, Values | None]:
    """Return mean and std out of words as people paste them; a mean alone has no std.

    Raises
    ------
    UsageError
        A word is no number, or the numbers cannot be two groups of one length.

    Examples
    --------
    >>> parse_numbers(["0.5,0.4,0.3", "[0.2, 0.2, 51/255]"])
    ((0.5, 0.4, 0.3), (0.2, 0.2, 0.2))
    >>> parse_numbers(["mean=[0.5, 0.4, 0.3],", "std=[0.2, 0.2, 0.2]"])
    ((0.5, 0.4, 0.3), (0.2, 0.2, 0.2))
    >>> parse_numbers("0.5 0.4 0.3 0.2 0.2 0.2".split())
    ((0.5, 0.4, 0.3), (0.2, 0.2, 0.2))
    """
    joined = " ".join(words)
    groups = [group for text in _GROUP.findall(joined) if (group := _values(text))]
    if not groups:
        raise UsageError("there are no numbers: `normstat identify 0.485,0.456,0.406 0.229,...`")
    flat = tuple(value for group in groups for value in group)
    if len(groups) == 2 and len(groups[0]) == len(groups[1]):  # noqa: PLR2004 (mean and std)
        return groups[0], groups[1]
    if len(groups) == 1 and len(flat) in (1, _RGB):
        return flat, None
    if len(groups) in (1, len(flat)):  # one list, or each number a word
        if len(flat) == _RGB:
            return flat, None
        if len(flat) % 2 == 0:
            return flat[: len(flat) // 2], flat[len(flat) // 2 :]
    sizes = " and ".join(str(len(group)) for group in groups)
    raise UsageError(
        f"{sizes} numbers cannot be a mean and a std: give as many of the one as of the other"
    )


def _values(text: str) -> Values:
    values = []
    for word in _NOISE_WORDS.sub(" ", text).split():
        match = _TERM.fullmatch(word)
        if match is None:
            raise UsageError(f"{word!r} is neither a number nor a file")
        divisor = float(match[2] or 1)
        value = float(match[1]) / divisor if divisor else float("inf")
        if not abs(value) <= 1e300:  # noqa: PLR2004 (what a spec can hold)
            raise UsageError(f"{word!r} is not a finite number")
        values.append(value)
    return tuple(values)


def _forms(spec: PresetSpec) -> Iterator[Form]:
    """Yield a preset as it is written, then in the other range and the other order."""
    limit = spec.full_scale
    ranges = {"own": 1.0}
    if limit is not None:
        ranges = {name: top / limit for name, top in RANGES.items()}
        if limit not in RANGES.values():
            ranges = {f"0-{limit:g}": 1.0, **ranges}
    own = "".join(spec.channels)
    is_rgb = limit is not None and sorted(spec.channels) == sorted("RGB")
    for name, factor in ranges.items():
        mean, std = (tuple(value * factor for value in part) for part in (spec.mean, spec.std))
        for step in (1, -1) if is_rgb else (1,):
            yield Form(
                names=(spec.preset.name,),
                mean=mean[::step],
                std=std[::step],
                range=name,
                order=own[::step] if is_rgb else "",
                written=factor == 1 and step == 1,
                definition=spec.preset.std_definition,
                kind=spec.preset.kind,
            )


# --- How two numbers, and two rows of numbers, agree


def _same(value: float, published: float, unit: float) -> bool:
    return abs(value - published) <= EQUAL * unit


def _decimals(values: Values) -> int:
    """Return how many digits after the point a row is written with; 0.26 beside 0.2516 has four."""
    for digits in range(_MOST_DECIMALS):
        if all(abs(each - round(each, digits)) <= _NOISE * max(1, abs(each)) for each in values):
            return digits
    return _MOST_DECIMALS


def _agree(values: Values, published: Values, unit: float) -> Literal["equal", "rounded", ""]:
    """Tell whether a row is a published one, or a rounding of it in 0–1 or in 0–255."""
    pairs = list(zip(values, published, strict=True))
    if all(_same(a, b, unit) for a, b in pairs):
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


def _error(values: Values, published: Values, unit: float) -> float:
    return max(abs(a - b) for a, b in zip(values, published, strict=True)) / unit


def _significant(value: float) -> int:
    digits = f"{abs(value):.9f}".rstrip("0").replace(".", "").lstrip("0")
    return len(digits)


def _weight(values: Iterable[float]) -> int:
    """Return the significant digits of distinct numbers: how little chance has to do with them."""
    return sum(_significant(value) for value in {round(value, 9) for value in values})


def is_distinct(values: Values) -> bool:
    """Whether numbers are somebody's measurement, not 0, 0.5, 1 or another that many choose."""
    return len({round(value, 9) for value in values}) > 1 and _weight(values) >= _DISTINCT


# --- Readings


def _readings(mean: Values, std: Values | None, forms: list[Form]) -> tuple[Reading, ...]:
    if std is None:
        return tuple(_mean_alone(mean, forms))
    for wanted in ("equal", "rounded"):
        found = [
            form
            for form in forms
            if (of_mean := _agree(mean, form.mean, form.unit))
            and _worst(of_mean, _agree(std, form.std, form.unit)) == wanted
        ]
        if found:
            found.sort(key=lambda form: not form.written)
            if wanted == "equal":
                return tuple(_matching("equal", form, mean, std) for form in found)
            found.sort(key=lambda form: _error(mean + std, form.mean + form.std, form.unit))
            return (_matching("rounded", found[0], mean, std),)
    case = _Case(mean, std, forms)
    for slip in _SLIPS:
        if reading := slip(case):
            return (reading,)
    return ()


class _Case:
    """Numbers that are no preset's, and the forms that have this mean or this std."""

    def __init__(self, mean: Values, std: Values, forms: list[Form]) -> None:
        self.mean, self.std, self.forms = mean, std, forms
        self.means = _hits(mean, "mean", forms)
        self.stds = _hits(std, "std", forms)


def _worst(*found: str) -> str:
    return "" if "" in found else "rounded" if "rounded" in found else "equal"


def _matching(kind: Literal["equal", "rounded"], form: Form, mean: Values, std: Values) -> Reading:
    text = f"{place(form.names[0], form.range, form.order)}"
    if kind == "rounded":
        off = _error(mean + std, form.mean + form.std, form.unit)
        text += f", rounded: up to {off:.1g} of the range off"
    return _reading(kind, form, text)


def place(name: str, of_range: str, order: str) -> str:
    """Return a preset's name with the range and order that numbers are in.

    >>> place("imagenet", "0-255", "BGR")
    'imagenet in 0–255, BGR'
    """
    where = {"own": ""}.get(of_range, f" in {of_range.replace('-', '–')}")
    return f"{name}{where}" + (f", {order}" if order else "")


def _reading(kind: Kind, form: Form, text: str, part: Part | None = None) -> Reading:
    return Reading(
        kind=kind,
        presets=form.names,
        range=form.range,
        order=form.order,
        text=text,
        mean=form.mean,
        std=form.std,
        written=form.written,
        part=part,
    )


def _mean_alone(mean: Values, forms: list[Form]) -> Iterator[Reading]:
    hits = _hits(mean, "mean", forms)
    for form in hits[:1]:
        text = f"the mean of {place(form.names[0], form.range, form.order)}"
        yield _reading("mean", form, text)
    if not hits:
        reading = _digit(mean, None, forms)
        if reading:
            yield reading


def _hits(values: Values, part: Part, forms: list[Form]) -> list[Form]:
    """Return the forms whose mean or std these are, the nearest first, those as written first."""
    found = [form for form in forms if _agree(values, getattr(form, part), form.unit)]
    found.sort(key=lambda form: not form.written)
    found.sort(key=lambda form: round(_error(values, getattr(form, part), form.unit), 6))
    return found


def _related(
    means: list[Form], stds: list[Form], condition: Callable[[Form, Form], bool]
) -> tuple[Form, Form] | None:
    """Return the first mean and std that are of one preset and meet a condition."""
    for one in means:
        for other in stds:
            if set(one.names) & set(other.names) and condition(one, other):
                return one, other
    return None


def _digit(mean: Values, std: Values | None, forms: list[Form]) -> Reading | None:
    """All numbers but one are a preset's, and that one is a slip of the finger away."""
    best: Reading | None = None
    for form in forms:
        ours, theirs = mean + (std or ()), form.mean + (form.std if std else ())
        pairs = list(zip(ours, theirs, strict=True))
        wrong = [
            index
            for index, (value, published) in enumerate(pairs)
            if not _same(value, published, form.unit)
        ]
        if len(wrong) != 1:
            continue
        (index,) = wrong
        value, published = pairs[index]
        weight = _weight(b for k, (_, b) in enumerate(pairs) if k != index)
        part: Part = "mean" if index < len(mean) else "std"
        needed = _EVIDENCE_ONE_CHANNEL if len(mean) == 1 else _EVIDENCE
        if std is None:
            needed = _DISTINCT
        if weight >= needed and is_one_slip(number(value), number(published)):
            text = (
                f"{part} {number(value)} is one digit off: {form.names[0]} has {number(published)}"
            )
            return _reading("digit", form, text, part)
        if best is None and weight >= _EVIDENCE_ALMOST:
            text = (
                f"{part} {number(value)} is the only number that is not {form.names[0]}'s, which "
                f"has {number(published)}"
            )
            best = _reading("number", form, text, part)
    return best


def _typing(case: _Case) -> Reading | None:
    # All numbers but one are a preset's: so are those of a whole row.
    rows = case.means or case.stds
    return _digit(case.mean, case.std, case.forms) if rows or len(case.mean) == 1 else None


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


def _mixed_ranges(case: _Case) -> Reading | None:
    found = _related(
        case.means,
        case.stds,
        lambda one, other: one.range != other.range and one.order == other.order,
    )
    if not found or not is_distinct(case.std):
        return None
    one, other = found
    where = [form.range.replace("-", "–") for form in found]
    text = f"mean is {one.names[0]}'s in {where[0]}, std is its std in {where[1]}"
    right = one if one.written >= other.written else other
    return _reading("range", right, text, "std" if right is one else "mean")


def _mixed_orders(case: _Case) -> Reading | None:
    found = _related(
        case.means,
        case.stds,
        lambda one, other: one.range == other.range and one.order != other.order,
    )
    if not found or not (is_distinct(case.mean) and is_distinct(case.std)):
        return None
    one, other = found
    text = f"mean is {one.names[0]}'s in {one.order} order, std is its std in {other.order} order"
    return _reading("order", one, text, "std")


def _inverse(case: _Case) -> Reading | None:
    """The numbers that undo a normalization, whole or one of its two steps."""
    mean, std = case.mean, case.std
    if max(mean) > 0 or min(std) <= 0:
        return None
    forward = tuple(-m / s for m, s in zip(mean, std, strict=True))
    undone = tuple(1 / s for s in std)
    for form in case.forms:
        if not (is_distinct(form.mean) or is_distinct(form.std)):
            continue
        whole = _agree(undone, form.std, form.unit) and _agree(forward, form.mean, form.unit)
        scaling = not any(mean) and is_distinct(undone) and _agree(undone, form.std, form.unit)
        shifting = set(std) == {1.0} and is_distinct(mean) and _agree(forward, form.mean, form.unit)
        if whole or scaling or shifting:
            text = f"undoes {place(form.names[0], form.range, form.order)}"
            return _reading("inverse", form, text + ("" if whole else ", one step of two"))
    return None


def _reciprocal(case: _Case) -> Reading | None:
    if min(case.std) <= 0 or min(case.mean) < 0 or not any(case.mean):
        return None
    return _transformed("reciprocal", "1/std", case, lambda std: 1 / std, needs_mean=False)


def _variance(case: _Case) -> Reading | None:
    if min(case.std) <= 0 or not case.means:
        return None
    return _transformed("variance", "the variance", case, lambda std: std**2, needs_mean=True)


def _transformed(
    kind: Kind,
    what: str,
    case: _Case,
    function: Callable[[float], float],
    *,
    needs_mean: bool,
) -> Reading | None:
    """A std that was put through something, beside the mean of its own preset if need be."""
    stds = [
        form
        for form in case.forms
        if is_distinct(form.std)
        and _agree(case.std, tuple(map(function, form.std)), function(form.unit))
    ]
    found = _related(case.means, stds, lambda one, other: one.order == other.order)
    if found:
        right = found[0]
    elif stds and not needs_mean:
        right = stds[0]
    else:
        return None
    return _reading(kind, right, f"std is {what} of {right.names[0]}", "std")


def _centred(case: _Case) -> Reading | None:
    """A preset's mean that is subtracted, with one scale for all channels."""
    std = case.std
    if len(set(std)) > 1 or std[0] not in (1.0, 255.0, 1 / 255):
        return None
    hits = [form for form in case.means if is_distinct(form.mean)]
    if not hits:
        return None
    name = place(hits[0].names[0], hits[0].range, hits[0].order)
    return _reading("centred", hits[0], f"the mean of {name}, without its std")


def _mixture(case: _Case) -> Reading | None:
    mean, std, means, stds = case.mean, case.std, case.means, case.stds
    if not means or not stds or not any(mean) or len(mean) != _RGB:
        return None
    # One of the two may be 0.5, but two numbers that everybody chooses are no mixture.
    if not (is_distinct(mean) or is_distinct(std)) or set(std) == {1.0}:
        return None
    if {name for form in means for name in form.names} & {
        name for form in stds for name in form.names
    }:
        return None
    for one in means:
        for other in stds:
            if one.range == other.range:
                text = f"mean is {one.names[0]}'s, std is {other.names[0]}'s"
                return _reading("mixture", one, text, "std")
    return None


_SLIPS: tuple[Callable[[_Case], Reading | None], ...] = (
    _mixed_orders,
    _typing,
    _mixed_ranges,
    _inverse,
    _reciprocal,
    _centred,
    _mixture,
    _variance,
)
