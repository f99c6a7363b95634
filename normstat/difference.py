"""Are two configurations the same preprocessing, and if not, which slip explains it?"""

from collections.abc import Iterator, Sequence
from fractions import Fraction

import msgspec
import numpy as np

from normstat.candidates import Given, sides
from normstat.comparison import Candidate
from normstat.errors import SpecError
from normstat.formats.affine import BYTE, Affine, floats, whole
from normstat.formats.exports import differences
from normstat.metrics import Side
from normstat.mistakes import Party, explanations, small_explanations
from normstat.presets import load_catalogue
from normstat.spec.preset import PresetSpec
from normstat.spec.values import Number

TOLERANCE = 1e-6


class _Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a report: immutable."""


class Map(_Part, frozen=True, kw_only=True):
    """One side: y = scale · code + offset, a channel, in the order of the common channels."""

    name: str
    channels: list[str]
    code_max: Number | None
    scale: list[Number]
    offset: list[Number]

    @property
    def codes(self) -> str:
        """The range of the codes in words."""
        return "codes of any size" if self.code_max is None else f"codes 0..{self.code_max:g}"


class Difference(_Part, frozen=True, kw_only=True):
    """How far two maps are apart.

    `largest` is the largest |y_A − y_B| over every code, a channel, in normalized units; it is
    empty when the numbers of channels differ. `findings` are slips that explain it, `assumed`
    what the configurations leave out.
    """

    a: Map
    b: Map
    channels: list[str]
    code_max: Number | None
    largest: list[Number]
    tolerance: Number
    same: bool
    findings: list[str]
    assumed: list[str]

    @property
    def codes(self) -> str:
        """Over which codes it was looked."""
        return f"for every code from 0 to {65535 if self.code_max is None else self.code_max:g}"

    @property
    def verdict(self) -> str:
        """The answer in a sentence."""
        if not self.largest:
            return "DIFFERENT channels"
        worst = max(range(len(self.largest)), key=self.largest.__getitem__)
        words = f"|y_A − y_B| is {self.largest[worst]:.3g} at most"
        if self.same:
            return f"SAME {words}, within {self.tolerance:g}"
        if self.largest[worst] <= self.tolerance:
            return f"DIFFERENT order of channels; by name, {words}"
        return f"DIFFERENT {words}, in channel {self.channels[worst]}"


def diff(a: Given, b: Given, tolerance: float = TOLERANCE) -> Difference:
    """Tell whether two configurations are the same preprocessing.

    Parameters
    ----------
    a, b
        Specs, or names as on the command line: of a file, a folder or a preset.
    tolerance
        Largest |y_A − y_B| that is the same, in normalized units.

    Raises
    ------
    NormstatError
        A name stands for nothing, or its numbers are no normalization.

    Examples
    --------
    >>> import normstat
    >>> found = normstat.diff("imagenet", "imagenet-bgr-255")
    >>> found.same, max(found.largest) < 1e-6
    (False, True)
    >>> found.findings
    ['channel order: imagenet feeds R G B, imagenet-bgr-255 feeds B G R']
    """
    catalogue = load_catalogue()
    first, second = sides(a, b, catalogue)
    return difference(first, second, [preset.spec() for preset in catalogue], tolerance)


def difference(
    a: Candidate, b: Candidate, presets: Sequence[PresetSpec] = (), tolerance: float = TOLERANCE
) -> Difference:
    """Compare two maps for every code. Channels are matched by name where both have the same ones.

    Raises
    ------
    SpecError
        A std is not above zero; the text names the side.
    """
    first, second = _affine(a), _affine(b)
    names = first.channels, second.channels
    matched, largest, findings, fed_alike = second, None, [], False
    if len(names[0]) != len(names[1]):
        findings.append(f"channels: {a.name} has {len(names[0])}, {b.name} has {len(names[1])}")
    else:
        by_name = sorted(names[0]) == sorted(names[1])
        fed_alike = names[0] == names[1] or not by_name
        matched = _reordered(second, names[0]) if by_name else second
        largest = differences(first, matched).tolist()
        if not fed_alike:
            orders = (
                f"{each.name} feeds {' '.join(order)}"
                for each, order in zip((a, b), names, strict=True)
            )
            findings.append(f"channel order: {', '.join(orders)}")
        if max(largest) > tolerance:
            findings += _slips(a, b, first, matched, presets)
    limits = [each.code_max for each in (first, second) if each.code_max is not None]
    return Difference(
        a=_map(a, first, first),
        b=_map(b, second, matched),
        channels=list(names[0]),
        code_max=float(max(limits)) if limits else None,
        largest=largest or [],
        tolerance=tolerance,
        same=largest is not None and fed_alike and max(largest) <= tolerance,
        findings=findings,
        assumed=[*a.warnings, *b.warnings],
    )


def _affine(candidate: Candidate) -> Affine:
    try:
        return Affine.of(candidate.spec)
    except SpecError as error:
        raise SpecError(f"{candidate.name}: {error}") from error


def _reordered(affine: Affine, channels: Sequence[str]) -> Affine:
    index = [affine.channels.index(channel) for channel in channels]
    mean, std = (tuple(values[i] for i in index) for values in (affine.mean, affine.std))
    return Affine(mean, std, tuple(channels), affine.code_max, affine.unit)


def _slips(
    a: Candidate, b: Candidate, first: Affine, second: Affine, presets: Sequence[PresetSpec]
) -> Iterator[str]:
    """Yield the slips that explain a difference, in units of one range for both sides."""
    limits = [each.code_max for each in (first, second) if each.code_max is not None]
    if len(limits) == 2 and limits[0] != limits[1]:  # noqa: PLR2004
        words = (
            f"{each.name} is for codes up to {whole(limit)}"
            for each, limit in zip((a, b), limits, strict=True)
        )
        yield f"range: {', '.join(words)}"
    unit = max(limits) if limits else BYTE
    one, other = _party(a, first, unit), _party(b, second, unit)
    found = list(explanations(one, other, first.channels, presets))
    yield from found or small_explanations(one, other, float(unit))


def _party(candidate: Candidate, affine: Affine, unit: Fraction) -> Party:
    side = Side(np.array(affine.means(unit)), np.array(affine.stds(unit)))
    return Party(candidate.name, candidate.spec, side)


def _map(candidate: Candidate, affine: Affine, matched: Affine) -> Map:
    return Map(
        name=candidate.name,
        channels=list(affine.channels),
        code_max=None if affine.code_max is None else float(affine.code_max),
        scale=floats(matched.scale),
        offset=floats(matched.offset),
    )
