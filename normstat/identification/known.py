"""Every form of every preset, among which numbers are looked for."""

import reprlib
from collections.abc import Iterable, Iterator, Sequence
from math import isfinite
from typing import Literal

from msgspec.structs import replace

from normstat.errors import UsageError
from normstat.identification.agreement import Values, agreement, distance
from normstat.identification.forms import Form, forms_of, hits, place
from normstat.identification.model import Identification, Near, Reading
from normstat.identification.slips import SLIPS, Case, digit
from normstat.names import printable
from normstat.presets import load_catalogue
from normstat.spec.preset import PresetSpec

_FEW = 3
_SAME_DATA = 1e-3


def identify(mean: Sequence[float], std: Sequence[float] | None = None) -> Identification:
    """Return which published normalization a mean and a std are, or which slip made them of one.

    Parameters
    ----------
    mean, std
        One number a channel, in any range and order; a single std counts for every channel.
        Without a std the mean alone is looked for.

    Raises
    ------
    UsageError
        There is no number, one is not finite, or there are not as many of the one as of the other.

    Examples
    --------
    >>> found = identify((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
    >>> found.equal, found.best.presets[0]
    (True, 'imagenet-255')
    """
    centre = _numbers("mean", mean)
    spread = None if std is None else _numbers("std", std)
    if spread is not None and len(spread) not in (1, len(centre)):
        raise UsageError(
            f"mean has {len(centre)} numbers and std {len(spread)}: give one a channel, or one std "
            "for all"
        )
    return Known(preset.spec() for preset in load_catalogue()).identify(centre, spread)


def _numbers(name: str, given: Sequence[float]) -> Values:
    try:
        found = [(float(value), isfinite(value)) for value in given]  # isfinite takes no text
    except (TypeError, ValueError, OverflowError):
        found = []
    if not found or not all(finite for _, finite in found):
        text = printable(reprlib.repr(given))
        raise UsageError(f"{name} is {text}; it must be finite numbers, one a channel")
    return tuple(value for value, _ in found)


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
        forms = [form for spec in specs for form in forms_of(spec)]
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
            alike = distance(reading.mean, form.mean, form.unit) <= _SAME_DATA
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
        (distance(mean, form.mean, form.unit), distance(std, form.std, form.unit), form)
        for form in forms
    ]
    for of_mean, of_std, form in sorted(apart, key=lambda each: max(each[:2]))[:_FEW]:
        yield Near(
            preset=form.names[0], range=form.range, order=form.order, mean=of_mean, std=of_std
        )


def _readings(mean: Values, std: Values | None, forms: list[Form]) -> tuple[Reading, ...]:
    if std is None:
        return tuple(_mean_alone(mean, forms))
    for wanted in ("equal", "rounded"):
        found = [
            form
            for form in forms
            if (of_mean := agreement(mean, form.mean, form.unit))
            and _worst(of_mean, agreement(std, form.std, form.unit)) == wanted
        ]
        if found:
            found.sort(key=lambda form: not form.written)
            if wanted == "equal":
                return tuple(_matching("equal", form, mean, std) for form in found)
            found.sort(key=lambda form: distance(mean + std, form.mean + form.std, form.unit))
            return (_matching("rounded", found[0], mean, std),)
    case = Case(mean, std, forms)
    for slip in SLIPS:
        if reading := slip(case):
            return (reading,)
    return ()


def _worst(*found: str) -> str:
    return "" if "" in found else "rounded" if "rounded" in found else "equal"


def _matching(kind: Literal["equal", "rounded"], form: Form, mean: Values, std: Values) -> Reading:
    text = f"{place(form.names[0], form.range, form.order)}"
    if kind == "rounded":
        off = distance(mean + std, form.mean + form.std, form.unit)
        text += f", rounded: up to {off:.1g} of the range off"
    return Reading.of(kind, form, text)


def _mean_alone(mean: Values, forms: list[Form]) -> Iterator[Reading]:
    found = hits(mean, "mean", forms)
    for form in found[:1]:
        text = f"the mean of {place(form.names[0], form.range, form.order)}"
        yield Reading.of("mean", form, text)
    if not found:
        reading = digit(mean, None, forms)
        if reading:
            yield reading
