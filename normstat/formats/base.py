"""What a format is: one way to write a normalization down, and to find it again."""

import json
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from fractions import Fraction
from typing import Any, ClassVar

from normstat.errors import SpecError, UsageError
from normstat.formats.affine import Affine, exact, usual_channels, whole

_MOST_CHANNELS = 4096
_LARGEST = 1e300
_DECIMALS = 1e-9  # how far off the decimals of 1/255 are


@dataclass(frozen=True)
class Reading:
    """What a text says.

    `warnings` tell which documented defaults stand in for what it does not say. The order of the
    channels and the largest code are `known` when the text or the format itself fixes them, and
    else usual ones.
    """

    affine: Affine
    order_known: bool = True
    range_known: bool = True
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """One value that an update replaced; `old` is None for one that was missing."""

    field: str
    old: str | None
    new: str


@dataclass(frozen=True)
class Updated:
    """A text with new numbers, all else as it was."""

    text: str
    changes: tuple[Change, ...]


class Format(ABC):
    """One way to write a normalization down. Text in, text out; no framework is imported.

    `formula` is what y is, in the words of the format; `files` are the names that it usually has
    (shell patterns) and `suffixes` those that it can have; `marks` are regular expressions that
    all occur in its text. A text that matches several formats needs `--from`.
    """

    name: ClassVar[str]
    formula: ClassVar[str]
    one_scale: ClassVar[bool] = False
    binary: ClassVar[bool] = False
    files: ClassVar[tuple[str, ...]] = ()
    suffixes: ClassVar[tuple[str, ...]]
    marks: ClassVar[tuple[str, ...]]

    @abstractmethod
    def write(self, affine: Affine) -> str:
        """Return the text for a map. What it cannot hold is found when it is read back."""

    @abstractmethod
    def read(self, text: str) -> Reading:
        """Return the map that a text stands for.

        Raises
        ------
        SpecError
            The text is something else, or a field has no such value; the field is named.
        """

    def update(self, text: str, affine: Affine) -> Updated:
        """Return the text with the values of the normalization changed, and nothing else.

        Raises
        ------
        SpecError
            As `read` does.
        """
        raise UsageError(f"{self.name} cannot be updated; write it anew with -o")

    def encode(self, text: str) -> bytes:
        """Return what is stored for a text."""
        return text.encode()

    def decode(self, content: bytes) -> str:
        """Return the text of what was stored."""
        return as_text(content)

    def recognises(self, name: str, content: bytes) -> bool:
        """Whether a file of this name and content can be of this format."""
        if not (name.lower().endswith(self.suffixes) or self.is_usual(name)):
            return False
        if self.binary:
            return True
        try:
            text = as_text(content)
        except SpecError:
            return False
        return all(re.search(mark, text) for mark in self.marks)

    def is_usual(self, name: str) -> bool:
        """Whether files of this format usually have this name."""
        return any(fnmatch(name, pattern) for pattern in self.files)


def as_text(content: bytes) -> str:
    """Return UTF-8 as text, without a byte order mark.

    Raises
    ------
    SpecError
        It is not UTF-8.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecError(f"not text in UTF-8 (byte {error.start})") from None


def replaced(text: str, place: tuple[int, int], new: str, field: str, changes: list[Change]) -> str:
    """Return the text with new words in a place of it, and note the change if it is one."""
    start, end = place
    old = text[start:end]
    if old == new:
        return text
    changes.append(Change(field, " ".join(old.split()), new))
    return text[:start] + new + text[end:]


def number(value: Any, field: str) -> Fraction:
    """Return a number of a configuration as a rational.

    Raises
    ------
    SpecError
        It is none, such as a boolean or NaN; the text names the field.

    Examples
    --------
    >>> number(0.229, "std")
    Fraction(229, 1000)
    >>> number(True, "std")
    Traceback (most recent call last):
    normstat.errors.SpecError: std: expected a finite number, got True
    """
    if isinstance(value, Fraction):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        if isinstance(value, int) and abs(value) <= _LARGEST:
            return Fraction(value)
        if isinstance(value, float) and math.isfinite(value) and abs(value) <= _LARGEST:
            return exact(value)
    raise SpecError(f"{field}: expected a finite number, got {_shown(value)}")


def numbers(value: Any, field: str) -> tuple[Fraction, ...]:
    """Return one or more numbers of a configuration; a single one counts as a list of one."""
    if not isinstance(value, list | tuple):
        return (number(value, field),)
    if not 0 < len(value) <= _MOST_CHANNELS:
        raise SpecError(f"{field}: expected a number a channel, got {len(value)} of them")
    return tuple(number(each, f"{field}[{index}]") for index, each in enumerate(value))


def flag(value: Any, field: str) -> bool:
    """Return a boolean of a configuration."""
    if isinstance(value, bool):
        return value
    raise SpecError(f"{field}: expected true or false, got {_shown(value)}")


def _shown(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= 40 else f"{text[:36]} ..."  # noqa: PLR2004


@dataclass(frozen=True)
class Header:
    """The comment in which a text says what its own fields do not: channels and range."""

    channels: tuple[str, ...] | None = None
    code_max: Fraction | None = None
    range_known: bool = False


_HEADER = re.compile(r"channels: (?P<channels>[^;\n]+); codes: (?P<codes>[^\s;]+)")
_PLAIN = re.compile(r"[^\s;\[\]\"]+", re.ASCII)


def header(affine: Affine) -> str:
    """Return the words of the comment that `find_header` understands.

    >>> from normstat.presets import preset
    >>> header(Affine.of(preset("imagenet")))
    'channels: R G B; codes: 0..255'
    """
    names = " ".join(affine.channels)
    if not all(_PLAIN.fullmatch(name) for name in affine.channels):
        names = json.dumps(affine.channels).replace(";", "\\u003b")
    bound = "any" if affine.code_max is None else f"0..{whole(affine.code_max)}"
    return f"channels: {names}; codes: {bound}"


def find_header(text: str) -> Header:
    """Return what the comment says; nothing when there is none."""
    match = _HEADER.search(text)
    if not match:
        return Header()
    words = match["channels"].strip()
    try:
        channels = json.loads(words) if words.startswith("[") else words.split()
        if not all(isinstance(each, str) for each in channels):
            raise ValueError
        low, dots, high = match["codes"].partition("..")
        code_max = None if match["codes"] == "any" else Fraction(high)
        if code_max is not None and not (dots and low == "0" and 0 < code_max <= exact(_LARGEST)):
            raise ValueError
    except (ValueError, ZeroDivisionError, RecursionError):
        raise SpecError(f"the comment {_shown(match[0])}: not understood") from None
    return Header(tuple(channels), code_max, range_known=True)


def with_header(text: str, affine: Affine) -> str:
    """Return the text with its comment, when it has one, telling of this map."""
    words = header(affine)
    return _HEADER.sub(lambda _: words, text, count=1)


def reading(
    mean: Sequence[Fraction],
    std: Sequence[Fraction],
    *,
    unit: Fraction = Fraction(1),
    code_max: Fraction | None = None,
    said: Header | None = None,
    channels: Sequence[str] | None = None,
    three: Sequence[str] = ("R", "G", "B"),
    warnings: Sequence[str] = (),
) -> Reading:
    """Return a reading of mean and std in units of so many codes.

    Parameters
    ----------
    mean, std
        One a channel; one for all is enough.
    code_max
        The largest code where the format fixes it.
    said
        What a comment says of channels and range.
    channels
        The order where the format fixes it.
    three
        The usual order of three channels where nothing does.
    """
    said = said or Header()
    count = max(len(mean), len(std))
    if {len(mean), len(std)} - {1, count}:
        raise SpecError(f"mean has {len(mean)} numbers and std {len(std)}")
    names = channels or said.channels
    if names is not None and len(names) != count:
        raise SpecError(f"there are {len(names)} channels and {count} means or stds")
    centre, spread = (
        tuple(each * unit for each in (values * count if len(values) == 1 else values))
        for values in (tuple(mean), tuple(std))
    )
    limit = code_max if code_max is not None else said.code_max
    found = Affine(
        centre,
        spread,
        tuple(names or usual_channels(count, three)),
        limit,
        limit or unit,
    )
    return Reading(
        found,
        order_known=names is not None,
        range_known=code_max is not None or said.range_known,
        warnings=tuple(warnings),
    )


def of_scale(scale: Sequence[Fraction], offset: Sequence[Fraction], **how: Any) -> Reading:
    """Return a reading of y = scale·code + offset.

    Raises
    ------
    SpecError
        A scale is not above zero.
    """
    for each in scale:
        if not each > 0:
            raise SpecError(f"scale: expected a number above zero, got {float(each):g}")
    count = max(len(scale), len(offset))
    if {len(scale), len(offset)} - {1, count}:
        raise SpecError(f"there are {len(scale)} scales and {len(offset)} offsets")
    a, b = (
        tuple(values) * count if len(values) == 1 else tuple(values) for values in (scale, offset)
    )
    return reading([-y / x for x, y in zip(a, b, strict=True)], [1 / x for x in a], **how)


def divisor(factor: Fraction) -> Fraction:
    """Return what a factor such as 0.00392156862745098 divides by: 255.

    >>> divisor(Fraction("0.00392156862745098"))
    Fraction(255, 1)
    """
    nearest = round(1 / factor)
    if nearest and abs(float(factor * nearest) - 1) < _DECIMALS:
        return Fraction(nearest)
    return 1 / factor


def assumed(field: str, value: str) -> str:
    """Return the warning for a field that is missing."""
    return f"{field} is not given: {value} is assumed, its documented default"
