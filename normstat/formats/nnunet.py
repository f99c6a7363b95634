"""nnU-Net's dataset_fingerprint.json, for CTNormalization."""

from collections.abc import Mapping
from typing import Any

from normstat.errors import SpecError
from normstat.formats.affine import Affine, whole
from normstat.formats.base import Change, Header, Reading, Updated, number, reading
from normstat.formats.documents import DocumentFormat, Path, set_value

_FIELD = "foreground_intensity_properties_per_channel"


class NnUnet(DocumentFormat):
    """y = (code − mean) / std of codes clipped to two percentiles.

    What is written has what CTNormalization reads. Of a spec that was made with masks it has the
    percentiles of the foreground; without, it clips nothing: its percentiles are the ends of the
    range. nnU-Net itself draws a sample of the foreground, and takes the same definitions.
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
        numbers = zip(affine.means(), affine.stds(), self._limits(affine), strict=True)
        return {
            str(index): {
                "mean": mean,
                "percentile_00_5": low,
                "percentile_99_5": high,
                "std": std,
            }
            for index, (mean, std, (low, high)) in enumerate(numbers)
        }

    @staticmethod
    def _limits(affine: Affine) -> list[tuple[float, float]]:
        if affine.clip is not None:
            return [(whole(low), whole(high)) for low, high in affine.clip]
        if affine.code_max is None:
            raise SpecError("nnunet clips to percentiles, and the spec does not bound its codes")
        return [(0, whole(affine.code_max))] * len(affine.channels)

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
        for index, fields in self.values(affine).items():
            for name in fields if affine.clip is not None else ("mean", "std"):
                document = self._parsed(text)
                if (_FIELD, index) not in document.spans:
                    raise SpecError(f"{_FIELD}.{index}: there is no such channel")
                text = set_value(document, (_FIELD, index), name, fields[name], changes)
        return Updated(text, tuple(changes))


FORMAT = NnUnet()
