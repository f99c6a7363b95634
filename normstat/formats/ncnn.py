"""ncnn's substract_mean_normalize, as C++."""

import re
from fractions import Fraction

from normstat.errors import SpecError
from normstat.formats.affine import BGR, GRAY, RGB, Affine, floats
from normstat.formats.base import (
    Change,
    Format,
    Reading,
    Updated,
    find_header,
    header,
    numbers,
    of_scale,
    replaced,
    with_header,
)
from normstat.formats.snippets import Snippet

_ARRAY = r"\b{name}\s*\[\s*\d*\s*\]\s*=\s*\{{([^}}]*)\}}"
_PIXEL = re.compile(r"\bPIXEL_(?:\w+2)?(RGB|BGR|GRAY)\b")
_ORDERS = {"RGB": RGB, "BGR": BGR, "GRAY": GRAY}


class Ncnn(Format):
    """y = (code − mean) · norm: norm is 1/std."""

    name = "ncnn"
    formula = "norm · (code − mean)"
    suffixes = (".cpp", ".cc", ".cxx", ".c", ".h", ".hpp")
    marks = (r"\bsubstract_mean_normalize\b|\bncnn\b", r"\bmean_vals?\b", r"\bnorm_vals?\b")

    def write(self, affine: Affine) -> str:
        count = len(affine.channels)
        kind = next((key for key, order in _ORDERS.items() if order == affine.channels), None)
        if kind is None and count > 1:
            raise SpecError(f"ncnn takes RGB, BGR or gray, not {' '.join(affine.channels)}")
        mean, norm = _texts(affine)
        return (
            "// normstat: y = (code - mean) * norm; norm is 1/std, in units of 1 / code\n"
            f"// {header(affine)}\n"
            f"const float mean_vals[{count}] = {{{mean}}};\n"
            f"const float norm_vals[{count}] = {{{norm}}};\n"
            f"ncnn::Mat in = ncnn::Mat::from_pixels(pixels, ncnn::Mat::PIXEL_{kind or 'GRAY'}, "
            "width, height);\n"
            "in.substract_mean_normalize(mean_vals, norm_vals);\n"
        )

    def read(self, text: str) -> Reading:
        mean, norm = (_numbers(_match(text, name)[1], name) for name in ("mean", "norm"))
        said = find_header(text)
        orders = {match[1] for match in _PIXEL.finditer(text)}
        channels = _ORDERS[orders.pop()] if len(orders) == 1 else None
        if channels is None or len(channels) != len(mean):
            channels = said.channels
        if len(mean) != len(norm):
            raise SpecError(f"mean has {len(mean)} numbers and norm {len(norm)}")
        offsets = [-m * n for m, n in zip(mean, norm, strict=True)]
        return of_scale(norm, offsets, said=said, channels=channels)

    def update(self, text: str, affine: Affine) -> Updated:
        self.read(text)
        changes: list[Change] = []
        for name, new in zip(("mean", "norm"), _texts(affine), strict=True):
            text = replaced(text, _match(text, name).span(1), new, f"{name}_vals", changes)
        return Updated(with_header(text, affine), tuple(changes))


def _texts(affine: Affine) -> tuple[str, str]:
    mean, norm = (
        ", ".join(f"{value!r}f" for value in values)
        for values in (affine.means(), floats(affine.scale))
    )
    return mean, norm


def _match(text: str, name: str) -> re.Match[str]:
    match = re.search(_ARRAY.format(name=f"{name}_vals?"), text)
    if not match:
        raise SpecError(f"{name}_vals: there is no such array")
    return match


def _numbers(text: str, name: str) -> tuple[Fraction, ...]:
    """Return the numbers of an initializer, which may be sums: 1/58.395f."""
    plain = re.sub(r"(?<=[\d.])[fF]\b", "", " ".join(text.split()))
    snippet = Snippet(f"values = [{plain}]\n")
    return numbers(snippet.value(snippet.assigned("values")["values"], name), f"{name}_vals")


FORMAT = Ncnn()
