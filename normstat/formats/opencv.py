"""OpenCV's dnn module (modules/dnn/src/dnn_utils.cpp)."""

from typing import Any

from normstat.formats.affine import BGR, RGB, Affine, best_single_scale, floats
from normstat.formats.base import Header, Reading, assumed, flag, number, numbers, of_scale
from normstat.formats.snippets import PythonFormat, Slot, Snippet


class Blob(PythonFormat):
    """y = scalefactor · (code − mean), mean in the order after swapRB; one scale for all."""

    name = "opencv-dnn"
    units = "code; mean in the order after swapRB"
    one_scale = True
    marks = (r"\bblobFromImages?\(",)
    template = """\
# normstat: y = scalefactor * (code - mean); mean in codes, in the order after swapRB
# {header}
import cv2


def blob(image, size=None):
    \"\"\"An image as cv2.imread returns it -> what net.setInput takes.\"\"\"
    return cv2.dnn.blobFromImage(
        image, scalefactor={scalefactor}, size=size, mean={mean}, swapRB={swapRB}
    )
"""

    def values(self, affine: Affine) -> dict[str, Any]:
        scale, offsets, _ = best_single_scale(affine)
        return {
            "scalefactor": floats([scale])[0],
            "mean": tuple(floats(-b / scale for b in offsets)),
            "swapRB": affine.channels == RGB,
        }

    def slots(self, snippet: Snippet) -> dict[str, Slot]:
        name = "blobFromImages" if snippet.calls("blobFromImages") else "blobFromImage"
        found = snippet.only(name, "image", "scalefactor", "size", "mean", "swapRB")
        return {key: found[key] for key in ("scalefactor", "mean", "swapRB")}

    def reading(self, values: dict[str, Any], said: Header) -> Reading:
        warnings = [
            assumed(name, words)
            for name, words in (("scalefactor", "1"), ("mean", "0"), ("swapRB", "False"))
            if name not in values
        ]
        scale = number(values.get("scalefactor", 1), "scalefactor")
        mean = numbers(values.get("mean", [0, 0, 0]), "mean")
        swapped = flag(values.get("swapRB", False), "swapRB")
        return of_scale(
            [scale],
            [-scale * each for each in mean],
            said=said,
            channels=(RGB if swapped else BGR) if len(mean) == len(RGB) else None,
            warnings=warnings,
        )


FORMAT = Blob()
