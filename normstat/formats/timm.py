"""timm's config.json (models/_hub.py, data/config.py)."""

from collections.abc import Mapping
from typing import Any

from normstat.errors import SpecError
from normstat.formats.affine import BYTE, GRAY, RGB, Affine
from normstat.formats.base import Header, Reading, numbers, reading
from normstat.formats.documents import DocumentFormat, Path


class Timm(DocumentFormat):
    """y = (code / 255 − mean) / std of 8-bit RGB, or of so many channels as mean has."""

    name = "timm"
    formula = "(code / 255 − mean) / std"
    files = ("config.json",)
    marks = (r'"(pretrained_cfg|crop_pct|architecture)"',)

    def parent(self, data: Any) -> Path:
        path = super().parent(data)
        if "pretrained_cfg" not in data:
            return path
        if not isinstance(data["pretrained_cfg"], dict):
            raise SpecError("pretrained_cfg: expected an object with mean and std")
        return ("pretrained_cfg",)

    def values(self, affine: Affine) -> dict[str, Any]:
        return {"mean": affine.means(BYTE), "std": affine.stds(BYTE)}

    def document(self, values: dict[str, Any]) -> Any:
        return {"pretrained_cfg": values}

    def reading(self, fields: Mapping[str, Any], data: Any, said: Header) -> Reading:
        for name in ("mean", "std"):
            if name not in fields:
                raise SpecError(f"{name} is not given")
        mean, std = numbers(fields["mean"], "mean"), numbers(fields["std"], "std")
        count = max(len(mean), len(std))
        size = fields.get("input_size")
        if count == 1 and isinstance(size, list) and size[:1] == [len(RGB)]:
            mean, count = mean * len(RGB), len(RGB)
        return reading(
            mean, std, unit=BYTE, code_max=BYTE, channels={1: GRAY, len(RGB): RGB}.get(count)
        )


FORMAT = Timm()
