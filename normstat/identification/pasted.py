"""Mean and std out of what people paste."""

import re
from collections.abc import Sequence

from normstat.errors import UsageError
from normstat.identification.agreement import Values

_RGB = 3
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
