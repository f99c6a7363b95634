"""The slips that make other numbers out of a preset's: a new one is a function and a row."""

from collections.abc import Callable

from normstat.identification.agreement import (
    DISTINCT,
    Values,
    agreement,
    evidence,
    is_distinct,
    is_one_slip,
    number,
    same,
)
from normstat.identification.forms import Form, Part, hits, place
from normstat.identification.model import Kind, Reading

_RGB = 3
# Significant digits that must agree before one that does not is called a slip.
_EVIDENCE, _EVIDENCE_ONE_CHANNEL, _EVIDENCE_ALMOST = 8, 4, 12


class Case:
    """Numbers that are no preset's, and the forms that have this mean or this std."""

    def __init__(self, mean: Values, std: Values, forms: list[Form]) -> None:
        self.mean, self.std, self.forms = mean, std, forms
        self.means = hits(mean, "mean", forms)
        self.stds = hits(std, "std", forms)


def _related(
    means: list[Form], stds: list[Form], condition: Callable[[Form, Form], bool]
) -> tuple[Form, Form] | None:
    """Return the first mean and std that are of one preset and meet a condition."""
    for one in means:
        for other in stds:
            if set(one.names) & set(other.names) and condition(one, other):
                return one, other
    return None


def digit(mean: Values, std: Values | None, forms: list[Form]) -> Reading | None:
    """All numbers but one are a preset's, and that one is a slip of the finger away."""
    best: Reading | None = None
    for form in forms:
        ours, theirs = mean + (std or ()), form.mean + (form.std if std else ())
        pairs = list(zip(ours, theirs, strict=True))
        wrong = [
            index
            for index, (value, published) in enumerate(pairs)
            if not same(value, published, form.unit)
        ]
        if len(wrong) != 1:
            continue
        (index,) = wrong
        value, published = pairs[index]
        weight = evidence(b for k, (_, b) in enumerate(pairs) if k != index)
        part: Part = "mean" if index < len(mean) else "std"
        needed = _EVIDENCE_ONE_CHANNEL if len(mean) == 1 else _EVIDENCE
        if std is None:
            needed = DISTINCT
        if weight >= needed and is_one_slip(number(value), number(published)):
            text = (
                f"{part} {number(value)} is one digit off: {form.names[0]} has {number(published)}"
            )
            return Reading.of("digit", form, text, part)
        if best is None and weight >= _EVIDENCE_ALMOST:
            text = (
                f"{part} {number(value)} is the only number that is not {form.names[0]}'s, which "
                f"has {number(published)}"
            )
            best = Reading.of("number", form, text, part)
    return best


def _typing(case: Case) -> Reading | None:
    # All numbers but one are a preset's: so are those of a whole row.
    rows = case.means or case.stds
    return digit(case.mean, case.std, case.forms) if rows or len(case.mean) == 1 else None


def _mixed_ranges(case: Case) -> Reading | None:
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
    return Reading.of("range", right, text, "std" if right is one else "mean")


def _mixed_orders(case: Case) -> Reading | None:
    found = _related(
        case.means,
        case.stds,
        lambda one, other: one.range == other.range and one.order != other.order,
    )
    if not found or not (is_distinct(case.mean) and is_distinct(case.std)):
        return None
    one, other = found
    text = f"mean is {one.names[0]}'s in {one.order} order, std is its std in {other.order} order"
    return Reading.of("order", one, text, "std")


def _inverse(case: Case) -> Reading | None:
    """The numbers that undo a normalization, whole or one of its two steps."""
    mean, std = case.mean, case.std
    if max(mean) > 0 or min(std) <= 0:
        return None
    forward = tuple(-m / s for m, s in zip(mean, std, strict=True))
    undone = tuple(1 / s for s in std)
    for form in case.forms:
        if not (is_distinct(form.mean) or is_distinct(form.std)):
            continue
        whole = agreement(undone, form.std, form.unit) and agreement(forward, form.mean, form.unit)
        scaling = not any(mean) and is_distinct(undone) and agreement(undone, form.std, form.unit)
        shifting = (
            set(std) == {1.0} and is_distinct(mean) and agreement(forward, form.mean, form.unit)
        )
        if whole or scaling or shifting:
            text = f"undoes {place(form.names[0], form.range, form.order)}"
            return Reading.of("inverse", form, text + ("" if whole else ", one step of two"))
    return None


def _reciprocal(case: Case) -> Reading | None:
    if min(case.std) <= 0 or min(case.mean) < 0 or not any(case.mean):
        return None
    return _transformed("reciprocal", "1/std", case, lambda std: 1 / std, needs_mean=False)


def _variance(case: Case) -> Reading | None:
    if min(case.std) <= 0 or not case.means:
        return None
    return _transformed("variance", "the variance", case, lambda std: std**2, needs_mean=True)


def _transformed(
    kind: Kind,
    what: str,
    case: Case,
    function: Callable[[float], float],
    *,
    needs_mean: bool,
) -> Reading | None:
    """A std that was put through something, beside the mean of its own preset if need be."""
    stds = [
        form
        for form in case.forms
        if is_distinct(form.std)
        and agreement(case.std, tuple(map(function, form.std)), function(form.unit))
    ]
    found = _related(case.means, stds, lambda one, other: one.order == other.order)
    if found:
        right = found[0]
    elif stds and not needs_mean:
        right = stds[0]
    else:
        return None
    return Reading.of(kind, right, f"std is {what} of {right.names[0]}", "std")


def _centred(case: Case) -> Reading | None:
    """A preset's mean that is subtracted, with one scale for all channels."""
    std = case.std
    if len(set(std)) > 1 or std[0] not in (1.0, 255.0, 1 / 255):
        return None
    form = next((each for each in case.means if is_distinct(each.mean)), None)
    if form is None:
        return None
    name = place(form.names[0], form.range, form.order)
    return Reading.of("centred", form, f"the mean of {name}, without its std")


def _mixture(case: Case) -> Reading | None:
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
                return Reading.of("mixture", one, text, "std")
    return None


SLIPS: tuple[Callable[[Case], Reading | None], ...] = (
    _mixed_orders,
    _typing,
    _mixed_ranges,
    _inverse,
    _reciprocal,
    _centred,
    _mixture,
    _variance,
)
