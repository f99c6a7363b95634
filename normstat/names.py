"""Names of images: as they are sorted, as they are shown, and as text that holds any of them."""

import re

_DIGITS = re.compile(r"\d+")
_FORMULA = re.compile(r"[=+\-@]")
_ESCAPED = re.compile(
    r"[\\\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_ESCAPE = re.compile(r"\\(?:([\\nrt])|x([0-9a-f]{2})|u([0-9a-f]{4}))")
_SHORT = {"\\": "\\", "\n": "n", "\r": "r", "\t": "t"}
_LONG = {short: char for char, short in _SHORT.items()}
_RAW = 0xDC00  # os.fsdecode holds a byte that is no UTF-8 as a surrogate from here on


def natural_key(name: str) -> str:
    """Return a string that sorts as people count: numbers by value, folders before what follows.

    A run of digits is led by the character of its length, so that comparing strings compares
    numbers; one string a name keeps a million keys small.

    >>> sorted(["a/img10", "a/img9", "a.b/img1"], key=natural_key)
    ['a/img9', 'a/img10', 'a.b/img1']
    """
    return _DIGITS.sub(_with_length, name.replace("/", "\0"))


def natural_place(name: str) -> tuple[str, str]:
    """Return what names are sorted by: as people count, and what is told apart stays apart."""
    return natural_key(name), name


def _with_length(match: re.Match[str]) -> str:
    digits = match.group().lstrip("0")
    # Digits sort where digits stand in the alphabet, whatever their length.
    return f"0{chr(len(digits))}{digits}"


def printable(name: str) -> str:
    r"""Return `name` with every character escaped that a terminal, a line or UTF-8 cannot hold.

    >>> printable("two words\nand a newline.png")
    'two words\\nand a newline.png'
    >>> printable("caf\udce9.jpg")
    'caf\\xe9.jpg'
    """
    raw = name.encode("utf-8", "surrogateescape")
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode()
        for char in raw.decode("utf-8", "backslashreplace")
    )


def escaped(name: str) -> str:
    r"""Return a name as text without control characters, from which `unescaped` gets it back.

    A backslash becomes two, a line break `\n`, a byte that is no UTF-8 `\xNN`, another character
    that a line cannot hold `\uNNNN`. So does a first character that would make a spreadsheet take
    the name for a formula.

    >>> print(escaped("two words, Zürich\n.png"), escaped("caf\udce9.jpg"), escaped("=1+1.png"))
    two words, Zürich\n.png caf\xe9.jpg \u003d1+1.png
    """
    if name.isprintable() and name.isascii() and "\\" not in name and not _FORMULA.match(name):
        return name
    text = _ESCAPED.sub(_escape, name)
    return f"\\u{ord(text[0]):04x}{text[1:]}" if _FORMULA.match(text) else text


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    if char in _SHORT:
        return f"\\{_SHORT[char]}"
    code = ord(char)
    return f"\\x{code - _RAW:02x}" if _RAW + 0x80 <= code < _RAW + 0x100 else f"\\u{code:04x}"


def unescaped(path: str) -> str:
    r"""Return the name that was escaped, as `os.fsdecode` would give it.

    >>> unescaped(escaped("a\\n\n\udcff.png")) == "a\\n\n\udcff.png"
    True
    """
    return _ESCAPE.sub(_unescape, path) if "\\" in path else path


def _unescape(match: re.Match[str]) -> str:
    short, raw, code = match.groups()
    if short:
        return _LONG[short]
    return chr(_RAW + int(raw, 16)) if raw else chr(int(code, 16))
