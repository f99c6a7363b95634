"""MMEngine's ImgDataPreprocessor, and img_norm_cfg of its predecessors."""

import ast
from typing import Any

from normstat.errors import SpecError
from normstat.formats.affine import BGR, GRAY, RGB, Affine
from normstat.formats.base import Header, Reading, assumed, flag, numbers, reading
from normstat.formats.snippets import PythonFormat, Slot, Snippet, called, need, with_twins

_FLIPS = ("bgr_to_rgb", "rgb_to_bgr", "to_rgb")


class MmEngine(PythonFormat):
    """y = (code − mean) / std in the order after the flip (base_model/data_preprocessor.py).

    Images come as BGR, so that `bgr_to_rgb` feeds RGB. In 2.x it was called `to_rgb`.
    """

    name = "mmengine"
    formula = "(code − mean) / std"
    marks = (r"\b(bgr_to_rgb|rgb_to_bgr|to_rgb|\w*DataPreprocessor)\b", r"\bmean\s*=")
    template = """\
# normstat: mean and std in units of the codes, in the order after bgr_to_rgb
# {header}
data_preprocessor = dict(
    type="ImgDataPreprocessor",
    mean={mean},
    std={std},
    bgr_to_rgb={bgr_to_rgb},
)
"""

    def values(self, affine: Affine) -> dict[str, Any]:
        if affine.channels not in (RGB, BGR) and len(affine.channels) > 1:
            raise SpecError(f"mmengine takes RGB, BGR or gray, not {' '.join(affine.channels)}")
        return {
            "mean": affine.means(),
            "std": affine.stds(),
            "bgr_to_rgb": affine.channels == RGB,
        }

    def slots(self, snippet: Snippet) -> dict[str, Slot]:
        found = [
            snippet.arguments(call, "mean", "std", *_FLIPS)
            for call in ast.walk(snippet.tree)
            if isinstance(call, ast.Call)
            and (called(call) == "dict" or called(call).endswith("DataPreprocessor"))
            and not call.args
            and {"mean", "std"} <= {keyword.arg for keyword in call.keywords}
        ]
        if not found:
            raise SpecError("no dict or call with mean and std")
        said = {
            tuple(ast.dump(slot.node) if slot.node else None for slot in each.values())
            for each in found
        }
        if len(said) > 1:
            raise SpecError("mean and std are given with different values; leave one")
        slots = with_twins(found)
        if slots["rgb_to_bgr"].node is None:
            del slots["rgb_to_bgr"]
        old = slots.pop("to_rgb")
        return slots | ({"bgr_to_rgb": old} if old.node else {})

    def reading(self, values: dict[str, Any], said: Header) -> Reading:
        mean, std = (numbers(need(values, name), name) for name in ("mean", "std"))
        count = max(len(mean), len(std))
        if count == 1:
            return reading(mean, std, said=said, channels=said.channels or GRAY)
        if count != len(RGB):
            raise SpecError(f"mean: mmengine takes 1 or 3 numbers, not {count}")
        warnings = []
        if not {"bgr_to_rgb", "rgb_to_bgr"} & values.keys():
            warnings.append(assumed("bgr_to_rgb", "False"))
        if flag(values.get("rgb_to_bgr", False), "rgb_to_bgr"):
            channels = BGR
        else:
            channels = RGB if flag(values.get("bgr_to_rgb", False), "bgr_to_rgb") else BGR
        return reading(mean, std, said=said, channels=channels, warnings=warnings)


FORMAT = MmEngine()
