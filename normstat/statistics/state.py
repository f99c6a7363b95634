"""What a chunk, a run or a shard adds up to: the raw state, kept whole and merged by addition."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, TypeVar

from normstat.errors import SpecError
from normstat.statistics.kind_state import KindState
from normstat.statistics.kinds import Facts, Kind, kind_of

_Fact = TypeVar("_Fact", str, int)


@dataclass
class State:
    """Everything a run has found out, by kind of pixel. The empty state is a true zero.

    Kinds are kept apart until the end, because only then is it known whether gray images stand
    alone or count as three equal channels beside colour. `left_out` counts values that do not
    count, by reason; `bands` images, by the names of their channels where they have any.
    """

    kinds: dict[str, KindState] = field(default_factory=dict)
    modes: Counter[str] = field(default_factory=Counter)
    widths: Counter[int] = field(default_factory=Counter)
    heights: Counter[int] = field(default_factory=Counter)
    transparent: int = 0
    animated: int = 0
    padded: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    bands: Counter[str] = field(default_factory=Counter)

    @property
    def images(self) -> int:
        return sum(kind.images.images for kind in self.kinds.values())

    def note(self, facts: Facts, images: int) -> None:
        """Count images of which the same facts are true."""
        self.modes[facts.mode] += images
        self.widths[facts.width] += images
        self.heights[facts.height] += images
        self.transparent += images * facts.transparent
        self.animated += images * facts.animated
        self.padded += images * facts.padded
        if facts.bands:
            self.bands[facts.bands] += images

    def merged(self, other: "State") -> "State":
        """Return the state of both, leaving both as they are."""
        kinds = dict(self.kinds)
        for name, theirs in other.kinds.items():
            kinds[name] = kinds[name].merged(theirs) if name in kinds else theirs
        return State(
            kinds,
            self.modes + other.modes,
            self.widths + other.widths,
            self.heights + other.heights,
            self.transparent + other.transparent,
            self.animated + other.animated,
            self.padded + other.padded,
            self.left_out + other.left_out,
            self.bands + other.bands,
        )

    @classmethod
    def of_all(cls, states: Iterable["State"]) -> "State":
        """Return the state of all together, of none the empty one."""
        return reduce(cls.merged, states, cls())

    def subtracted(self, other: "State") -> "State":
        """Return the state without what `other` counted: what it was before `other` was merged.

        Raises
        ------
        LimitsError
            Some float values are left, and some are not.
        SpecError
            `other` is no part of it: a count would be below zero; the text leads with the field.
        """
        kinds = dict(self.kinds)
        for name, theirs in other.kinds.items():
            if name not in kinds:
                raise SpecError(f"state.kinds.{name}: there are no such images")
            try:
                kinds[name] = kinds[name].subtracted(theirs)
            except SpecError as error:
                raise type(error)(f"state.kinds.{name}.{error}") from error
        flags = {
            name: _less(name, getattr(self, name), getattr(other, name))
            for name in ("transparent", "animated", "padded")
        }
        return State(
            {name: kind for name, kind in kinds.items() if kind.images.images},
            _fewer("modes", self.modes, other.modes),
            _fewer("widths", self.widths, other.widths),
            _fewer("heights", self.heights, other.heights),
            **flags,
            left_out=_fewer("left_out", self.left_out, other.left_out),
            bands=_fewer("bands", self.bands, other.bands),
        )

    def combined(self, *, rgb: bool) -> tuple[KindState, Kind]:
        """Return all kinds as one.

        Gray counts three times beside colour, 8 bit as 257 times; signed codes and float values
        are both values of their own.

        Parameters
        ----------
        rgb
            Three channels even when every image is gray.

        Raises
        ------
        SpecError
            There is no image, or kinds that have no common measure.
        """
        kinds = [kind_of(name) for name in sorted(self.kinds)]
        if not self.images:
            raise SpecError("holds no image")
        if len({kind.measure for kind in kinds}) > 1:
            raise SpecError(
                f"images of unlike kinds: {self.told_kinds()}. They have no common measure: "
                "name a folder of one kind, or measure each apart with `normstat compute --include`"
            )
        colour = rgb or any(kind.is_colour for kind in kinds)
        deep = any(kind.depth != "8" for kind in kinds)
        floats = next((kind for kind in kinds if kind.bins is None), None)
        parts = []
        for kind in kinds:
            part = self.kinds[kind.name]
            if deep and kind.depth == "8":
                part = part.widened()
            if colour and kind.is_gray and kind.is_mixable:
                part = part.as_rgb()
            if floats and kind.bins:
                part = part.as_floats(kind)
            parts.append(part)
        whole = reduce(KindState.merged, parts)
        if not all(whole.images.n):
            raise SpecError("holds no pixel")
        if kinds[0].is_mixable and (colour or len(kinds) > 1):
            return whole, kind_of(("rgb" if colour else "gray") + ("16" if deep else "8"))
        return whole, floats or kinds[0]

    def band_names(self) -> list[str]:
        """Return the names that the channels of all images have; none where they have none.

        Raises
        ------
        SpecError
            Images name their channels differently.
        """
        if not self.bands:
            return []
        named = sorted(self.bands)
        if len(named) > 1 or self.bands[named[0]] != self.images:
            told = [f"{self.bands[name]:,} with {name.replace(',', ' ')}" for name in named]
            rest = self.images - sum(self.bands.values())
            told += [f"{rest:,} without names"] if rest else []
            raise SpecError(f"images of unlike bands: {', '.join(told)}; bands names those to take")
        return named[0].split(",")

    def told_kinds(self) -> str:
        """Return the kinds and how many images are of each, in words."""
        return ", ".join(
            f"{self.kinds[name].images.images:,} of {name}" for name in sorted(self.kinds)
        )

    def to_text(self) -> dict[str, Any]:
        """Return the state as plain data with big integers as text, in a fixed order."""
        return {
            "kinds": {name: self.kinds[name].to_text() for name in sorted(self.kinds)},
            "modes": {mode: self.modes[mode] for mode in sorted(self.modes)},
            "widths": {str(width): self.widths[width] for width in sorted(self.widths)},
            "heights": {str(height): self.heights[height] for height in sorted(self.heights)},
            "transparent": self.transparent,
            "animated": self.animated,
            "padded": self.padded,
            **{
                name: {key: counts[key] for key in sorted(counts)}
                for name, counts in (("left_out", self.left_out), ("bands", self.bands))
                if counts
            },
        }

    @classmethod
    def from_text(cls, data: dict[str, Any], *, ddof: int) -> "State":
        """Read what `to_text` wrote.

        Raises
        ------
        SpecError
            The parts do not fit together; the text leads with the field's path.
        """
        return cls(
            {name: _kind(name, text, ddof) for name, text in data["kinds"].items()},
            Counter(data["modes"]),
            Counter({int(width): count for width, count in data["widths"].items()}),
            Counter({int(height): count for height, count in data["heights"].items()}),
            data["transparent"],
            data["animated"],
            data["padded"],
            Counter(data.get("left_out", {})),
            Counter(data.get("bands", {})),
        )


def _less(name: str, count: int, other: int) -> int:
    if other > count:
        raise SpecError(f"state.{name}: {count}, from which {other} cannot be taken")
    return count - other


def _fewer(name: str, counts: Counter[_Fact], other: Counter[_Fact]) -> Counter[_Fact]:
    for value, count in other.items():
        _less(f"{name}.{value}", counts[value], count)
    return counts - other


def _kind(name: str, text: dict[str, Any], ddof: int) -> KindState:
    try:
        kind = kind_of(name)
    except SpecError as error:
        raise SpecError(f"state.kinds: {error}") from error
    try:
        return KindState.from_text(text, kind, ddof=ddof)
    except SpecError as error:
        raise SpecError(f"state.kinds.{name}.{error}") from error
