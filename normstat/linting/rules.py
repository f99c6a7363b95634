"""What can be wrong with a pair: a rule is a function and a row of `RULES`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from normstat.identification import Identification, Known, Reading
from normstat.identification.agreement import Values, is_distinct, number
from normstat.identification.forms import RANGES, Part, place
from normstat.linting.pairs import Pair

Severity = Literal["error", "warning", "info"]

_IN_CODES = 2  # above it a mean is not in 0–1
_SUBSTANTIAL = 0.05  # a std in 0–1 of images is above it; 1/std and 1/255 are below
_AS_EXPECTED = 1e-3


class Case(NamedTuple):
    """A pair, what its numbers are, what is known, and the project's own numbers if it has any."""

    pair: Pair
    found: Identification
    known: Known
    expected: "Expected | None" = None


class Expected(NamedTuple):
    """The project's own spec: its name, and its numbers in 0–1 in the order of its channels."""

    name: str
    mean: Values
    std: Values
    channels: tuple[str, ...]


class Complaint(NamedTuple):
    """What a rule says, and which part of the pair it is about."""

    text: str
    part: Part | None = None


Check = Callable[[Case], Complaint | None]


@dataclass(frozen=True)
class Rule:
    """A row of the table."""

    check: Check
    severity: Severity
    title: str
    advice: str


def _slip(case: Case, *kinds: str) -> Reading | None:
    """Return the best explanation when it is of one of these kinds and is not told elsewhere."""
    best = case.found.best
    return best if best and best.kind in kinds and not case.pair.derived else None


def digit(case: Case) -> Complaint | None:
    """NS001."""
    best = _slip(case, "digit")
    if best is None or (case.pair.std is None and not case.pair.normalizes):
        return None
    return Complaint(best.text, best.part)


def order(case: Case) -> Complaint | None:
    """NS002."""
    pair, best = case.pair, case.found.best
    if mixed := _slip(case, "order"):
        return Complaint(mixed.text, "std")
    if best is None or best.kind not in {"equal", "rounded"} or not is_distinct(pair.mean):
        return None
    orders = [each.order for each in case.found.readings]
    if pair.order and best.order and pair.order not in orders:
        return Complaint(
            f"numbers are {place(best.presets[0], best.range, best.order)}, but images are in "
            f"{pair.order} order here"
        )
    if not pair.order and not any(each.written for each in case.found.readings):
        other = case.known.named(best.presets[0], len(pair.mean))
        if other and other.order != best.order and not pair.derived:
            return Complaint(
                f"channels are in {best.order} order, where {best.presets[0]} has {other.order}"
            )
    return None


def units(case: Case) -> Complaint | None:
    """NS003."""
    pair, best = case.pair, case.found.best
    if mixed := _slip(case, "range"):
        return Complaint(mixed.text, mixed.part)
    if pair.std is None or not pair.accepts or len(pair.mean) not in (1, 3):
        return None
    wanted = pair.accepts.replace("-", "–")
    ranges = {each.range for each in case.found.readings}
    known = best is not None and best.kind not in {"inverse", "mean"}
    if pair.accepts == "0-1":
        if known and "0-255" in ranges and max(pair.mean) > _IN_CODES:
            return Complaint(f"numbers are in 0–255, but {pair.name} works in {wanted}")
        mixed_units = min(pair.mean) > _IN_CODES and _SUBSTANTIAL < min(pair.std) <= max(pair.std)
        if mixed_units and max(pair.std) < 1 and max(pair.mean) <= RANGES["0-255"]:
            return Complaint("mean is in 0–255 and std in 0–1", "mean")
    elif known and ranges == {"0-1"} and is_distinct(pair.mean) and max(pair.mean) < 1:
        return Complaint(f"numbers are in 0–1, but {pair.name} works in {wanted}")
    return None


def mixture(case: Case) -> Complaint | None:
    """NS004."""
    best = _slip(case, "mixture")
    return Complaint(best.text, "std") if best else None


def lonely_mean(case: Case) -> Complaint | None:
    """NS005."""
    pair, best = case.pair, case.found.best
    if pair.std is not None or not pair.needs_std or pair.derived:
        return None
    if pair.accepts:
        return Complaint(f"{pair.name} gets a mean without a std")
    if best and best.kind == "mean" and best.range == "0-1" and is_distinct(pair.mean):
        return Complaint(f"{best.text} without a std")
    return None


def reciprocal(case: Case) -> Complaint | None:
    """NS006."""
    best = _slip(case, "reciprocal")
    return Complaint(best.text, "std") if best else None


def image_stds(case: Case) -> Complaint | None:
    """NS007."""
    best = case.found.best
    if best is None or best.kind != "equal" or case.pair.derived:
        return None
    pooled = case.known.pooled(best)
    if pooled is None:
        return None
    numbers = ", ".join(number(round(value, 6)) for value in pooled.std)
    return Complaint(
        f"std of {best.presets[0]} is a mean of image stds; pooled it is {numbers} "
        f"({pooled.names[0]})",
        "std",
    )


def unexpected(case: Case) -> Complaint | None:
    """NS008."""
    pair, expected = case.pair, case.expected
    if expected is None or pair.std is None or pair.derived or not _may_be_images(case):
        return None
    std = pair.std * (len(pair.mean) if len(pair.std) == 1 else 1)
    if len(pair.mean) != len(expected.mean) or len(std) != len(pair.mean):
        return None
    reversed_here = pair.order and pair.order == "".join(reversed(expected.channels))
    step = -1 if reversed_here else 1
    apart = min(
        max(
            abs(ours / top - theirs)
            for ours, theirs in zip(
                pair.mean + std, expected.mean[::step] + expected.std[::step], strict=True
            )
        )
        for top in RANGES.values()
    )
    if apart <= _AS_EXPECTED:
        return None
    return Complaint(f"differs from {expected.name} by up to {apart:.2g} of the range")


def _may_be_images(case: Case) -> bool:
    """Whether numbers are plausible as those of images: something normalizes, or they look so."""
    pair = case.pair
    if case.found.best and case.found.best.kind == "inverse":
        return False
    if pair.normalizes or case.found.best:
        return True
    std = pair.std or ()
    top = 1 if max(pair.mean) <= 1 else RANGES["0-255"]
    return len(pair.mean) > 1 and all(0 < value < top for value in pair.mean + std)


def lengths(case: Case) -> Complaint | None:
    """NS009."""
    pair = case.pair
    if pair.std is None or not pair.normalizes or len(pair.std) in (1, len(pair.mean)):
        return None
    if len(pair.mean) == 1:
        return None
    return Complaint(f"mean has {len(pair.mean)} numbers and std {len(pair.std)}", "std")


def no_divisor(case: Case) -> Complaint | None:
    """NS010."""
    pair = case.pair
    if pair.std is None or not pair.normalizes or min(pair.std) > 0:
        return None
    inverse = case.found.best is not None and case.found.best.kind == "inverse"
    if inverse or not any(pair.std + pair.mean):
        return None  # zeros that are filled in later
    return Complaint(f"std {number(min(pair.std))} is not above zero", "std")


def one_number(case: Case) -> Complaint | None:
    """NS011."""
    best = _slip(case, "number")
    return Complaint(best.text, best.part) if best else None


def variance(case: Case) -> Complaint | None:
    """NS012."""
    best = _slip(case, "variance")
    return Complaint(best.text, "std") if best else None


RULES: dict[str, Rule] = {
    "NS001": Rule(
        digit, "error", "one digit off a known preset", "Correct the number that the message names."
    ),
    "NS002": Rule(
        order, "warning", "channels in the other order than the preset's",
        "Reverse the numbers, or say that images are BGR (`bgr_to_rgb=False`, a name with BGR).",
    ),
    "NS003": Rule(
        units, "error", "0–1 beside 0–255, or given to a function that works in the other",
        "Divide by 255, or multiply by it; both mean and std.",
    ),
    "NS004": Rule(
        mixture, "warning", "mean and std of different presets", "Take both from one preset."
    ),
    "NS005": Rule(
        lonely_mean, "warning", "mean without a std",
        "Give the std too; some functions silently take ImageNet's.",
    ),
    "NS006": Rule(
        reciprocal, "error", "1/std where std belongs", "Give std itself."
    ),
    "NS007": Rule(
        image_stds, "info", "mean of image stds where a pooled value is published",
        "Keep it to repeat older results; take the pooled std for unit variance.",
    ),
    "NS008": Rule(
        unexpected, "error", "differs from the project's own spec (`--expect`)",
        "Load the spec instead of copying its numbers, or copy them again.",
    ),
    "NS009": Rule(
        lengths, "error", "mean and std of different lengths", "Give one number a channel."
    ),
    "NS010": Rule(
        no_divisor, "error", "std that nothing can be divided by", "A std is above zero."
    ),
    "NS011": Rule(
        one_number, "warning", "all numbers but one are a preset's",
        "Correct the number, or say where all of them are from.",
    ),
    "NS012": Rule(
        variance, "error", "variance where std belongs", "Take the square root."
    ),
}  # fmt: skip
