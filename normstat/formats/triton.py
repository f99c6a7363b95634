"""Triton's config.pbtxt, whose own fields have no normalization."""

import re

from normstat.errors import SpecError
from normstat.formats.affine import RGB, Affine
from normstat.formats.base import (
    Change,
    Format,
    Reading,
    Updated,
    find_header,
    header,
    number,
    reading,
    replaced,
    with_header,
)

_KEYS = ("normalization_mean", "normalization_std")
_PARAMETER = r"parameters\s*:?\s*\{{\s*key\s*:\s*\"{key}\"\s*,?\s*value\s*:?\s*\{{\s*string_value\s*:\s*\"([^\"]*)\""  # noqa: E501
# What image_client.py does with -s (mean and std in codes, RGB).
_SCALINGS = {
    "INCEPTION": ([127.5] * 3, [127.5] * 3),
    "VGG": ([123.0, 117.0, 104.0], [1.0] * 3),
    "NONE": ([0.0] * 3, [1.0] * 3),
}


class Triton(Format):
    """y = (code − normalization_mean) / normalization_std, as parameters for a Python backend.

    Triton passes parameters on to the model's code and does nothing with them itself.
    """

    name = "triton"
    formula = "(code − mean) / std"
    suffixes = (".pbtxt",)
    files = ("config.pbtxt",)
    marks = (r"\bnormalization_(mean|std)\b",)

    def write(self, affine: Affine) -> str:
        parameters = "".join(
            f'parameters {{\n  key: "{key}"\n  value {{ string_value: "{value}" }}\n}}\n'
            for key, value in zip(_KEYS, _texts(affine), strict=True)
        )
        same = [
            f"# image_client.py does the same with -s {name}\n"
            for name, (mean, std) in _SCALINGS.items()
            if affine.channels == RGB and affine.means() == mean and affine.stds() == std
        ]
        return (
            "# normstat: mean and std in codes. Triton does not apply them: the model.py\n"
            "# of a Python backend finds them in the parameters of its model_config\n"
            f"{''.join(same)}# {header(affine)}\n{parameters}"
        )

    def read(self, text: str) -> Reading:
        found = []
        for key in _KEYS:
            try:
                values = [number(float(each), key) for each in _match(text, key)[1].split(",")]
            except ValueError as error:
                if isinstance(error, SpecError):
                    raise
                raise SpecError(f"{key}: not numbers") from None
            found.append(values)
        return reading(*found, said=find_header(text))

    def update(self, text: str, affine: Affine) -> Updated:
        self.read(text)
        changes: list[Change] = []
        for key, new in zip(_KEYS, _texts(affine), strict=True):
            text = replaced(text, _match(text, key).span(1), new, key, changes)
        return Updated(with_header(text, affine), tuple(changes))


def _texts(affine: Affine) -> tuple[str, str]:
    mean, std = (", ".join(map(repr, values)) for values in (affine.means(), affine.stds()))
    return mean, std


def _match(text: str, key: str) -> re.Match[str]:
    match = re.search(_PARAMETER.format(key=key), text)
    if not match:
        raise SpecError(f"{key}: there is no such parameter")
    return match


FORMAT = Triton()
