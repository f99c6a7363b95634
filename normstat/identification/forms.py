"""The numbers of presets as they may be written: in either range and either order."""

from collections.abc import Iterator, Sequence
from typing import Literal

from msgspec import Struct

from normstat.identification.agreement import Values, agreement, distance
from normstat.spec.preset import PresetSpec

Part = Literal["mean", "std"]
RANGES = {"0-1": 1.0, "0-255": 255.0}


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


def forms_of(spec: PresetSpec) -> Iterator[Form]:
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


def place(name: str, of_range: str, order: str) -> str:
    """Return a preset's name with the range and order that numbers are in.

    >>> place("imagenet", "0-255", "BGR")
    'imagenet in 0–255, BGR'
    """
    where = {"own": ""}.get(of_range, f" in {of_range.replace('-', '–')}")
    return f"{name}{where}" + (f", {order}" if order else "")


def hits(values: Values, part: Part, forms: Sequence[Form]) -> list[Form]:
    """Return the forms whose mean or std these are, the nearest first, those as written first."""
    found = [form for form in forms if agreement(values, getattr(form, part), form.unit)]
    found.sort(key=lambda form: not form.written)
    found.sort(key=lambda form: round(distance(values, getattr(form, part), form.unit), 6))
    return found
