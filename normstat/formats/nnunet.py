"""nnU-Net's dataset_fingerprint.json, for CTNormalization."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from normstat.errors import SpecError
from normstat.formats.affine import Affine, whole
from normstat.formats.base import Change, Header, Reading, Updated, number, reading
from normstat.formats.documents import DocumentFormat, Path, set_value

_FIELD = "foreground_intensity_properties_per_channel"
_INSTEAD = "in the fingerprint that nnU-Net made, `--update` replaces mean and std alone"

Limits = tuple[tuple[Fraction, Fraction], ...]


class NnUnet(DocumentFormat):
    """y = (code − mean) / std of codes clipped to two percentiles.

    What is written has what CTNormalization reads. Where some pixels do not count, codes are
    signed, or values have no range or leave it, it has the percentiles of the pixels that count;
    else it clips nothing: its percentiles are the ends of the range. nnU-Net itself draws a sample
    of the foreground, and takes the same definitions.
    """

    name = "nnunet"
    formula = "(code − mean) / std"
    files = ("dataset_fingerprint.json",)
    marks = (f'"{_FIELD}"',)

    def parent(self, data: Any) -> Path:
        if not isinstance(data, dict) or not isinstance(data.get(_FIELD), dict):
            raise SpecError(f"{_FIELD}: expected an object with a member a channel")
        return (_FIELD,)

    def values(self, affine: Affine) -> dict[str, Any]:
        try:
            limits = affine.clip
        except SpecError as error:
            raise SpecError(f"nnunet clips to percentiles, and {error}; {_INSTEAD}") from error
        if limits is None:
            if affine.code_max is None:
                why = "the spec does not bound its codes"
                raise SpecError(f"nnunet clips to percentiles, and {why}; {_INSTEAD}")
            limits = ((Fraction(0), affine.code_max),) * len(affine.channels)
        return self._fields(affine, limits)

    @staticmethod
    def _fields(affine: Affine, limits: Limits | None) -> dict[str, Any]:
        numbers = zip(affine.means(), affine.stds(), strict=True)
        fields = {
            str(index): {"mean": mean, "std": std} for index, (mean, std) in enumerate(numbers)
        }
        for index, (low, high) in enumerate(limits or ()):
            ends = {"percentile_00_5": whole(low), "percentile_99_5": whole(high)}
            fields[str(index)] = dict(sorted((fields[str(index)] | ends).items()))
        return fields

    def document(self, values: dict[str, Any]) -> Any:
        return {_FIELD: values}

    def reading(self, fields: Mapping[str, Any], data: Any, said: Header) -> Reading:
        count = len(fields)
        if set(fields) != {str(index) for index in range(count)} or not count:
            raise SpecError(f"{_FIELD}: expected members 0 to {max(count - 1, 0)}")
        parts: dict[str, list[Any]] = {"mean": [], "std": []}
        for index in map(str, range(count)):
            each = fields[index]
            for name, found in parts.items():
                if not isinstance(each, dict) or name not in each:
                    raise SpecError(f"{_FIELD}.{index}.{name} is not given")
                found.append(number(each[name], f"{_FIELD}.{index}.{name}"))
        warnings = []
        low, bottom = (
            [number(each.get(name, 0), name) for each in fields.values()]
            for name in ("percentile_00_5", "min")
        )
        if any(clip > least for clip, least in zip(low, bottom, strict=True)):
            warnings.append("codes are clipped to percentiles before; that is not part of a spec")
        return reading(parts["mean"], parts["std"], said=said, warnings=warnings)

    def update(self, text: str, affine: Affine) -> Updated:
        changes: list[Change] = []
        self.read(text)
        try:
            limits = affine.clip
        except SpecError:
            limits = None  # those that are there stay
        for index, fields in self._fields(affine, limits).items():
            for name in fields:
                document = self._parsed(text)
                if (_FIELD, index) not in document.spans:
                    raise SpecError(f"{_FIELD}.{index}: there is no such channel")
                text = set_value(document, (_FIELD, index), name, fields[name], changes)
        return Updated(text, tuple(changes))


FORMAT = NnUnet()
