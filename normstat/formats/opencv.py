"""OpenCV's dnn module (modules/dnn/src/dnn_utils.cpp)."""

from typing import Any

from normstat.errors import SpecError
from normstat.formats.affine import BGR, RGB, Affine, best_single_scale, floats
from normstat.formats.base import Header, Reading, assumed, flag, number, numbers, of_scale
from normstat.formats.snippets import PythonFormat, Slot, Snippet, need

_MOST = 4  # numbers that OpenCV's Scalar has


class Blob(PythonFormat):
    """y = scalefactor · (code − mean), mean in the order after swapRB; one scale for all."""

    name = "opencv-dnn"
    formula = "scalefactor · (code − mean)"
    one_scale = True
    marks = (r"\bblobFromImages?\(",)
    template = """\
# normstat: y = scalefactor * (code - mean); mean in codes, in the order after swapRB
# {header}
import cv2


def blob(image, size=None):
    \"\"\"An image as cv2.imread returns it -> what net.setInput takes.\"\"\"
    return cv2.dnn.blobFromImage(
        image,
        scalefactor={scalefactor},
        size=size,
        mean={mean},
        swapRB={swapRB},
    )
"""

    def values(self, affine: Affine) -> dict[str, Any]:
        if len(affine.channels) > _MOST:
            raise SpecError(f"opencv-dnn takes up to 4 channels, not {len(affine.channels)}")
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


class BlobParams(PythonFormat):
    """y = scalefactor · (code − mean), a scale a channel (OpenCV 4.8 and newer).

    Both are in the order after swapRB. Some versions swap the scales again for each image of a
    batch, so that images are to be given one by one.
    """

    name = "opencv-dnn-params"
    formula = "scalefactor · (code − mean)"
    marks = (r"\bImage2BlobParams\(",)
    template = """\
# normstat: y = scalefactor * (code - mean); mean in codes, both in the order after swapRB
# {header}
import cv2

params = cv2.dnn.Image2BlobParams()
params.scalefactor = {scalefactor}
params.mean = {mean}
params.swapRB = {swapRB}


def blob(image):
    \"\"\"An image as cv2.imread returns it -> what net.setInput takes; one image a call.\"\"\"
    return cv2.dnn.blobFromImageWithParams(image, params)
"""

    def values(self, affine: Affine) -> dict[str, Any]:
        if len(affine.channels) > _MOST:
            raise SpecError(f"opencv-dnn-params takes up to 4 channels, not {len(affine.channels)}")
        return {
            "scalefactor": tuple(floats(affine.scale)),
            "mean": tuple(affine.means()),
            "swapRB": affine.channels == RGB,
        }

    def slots(self, snippet: Snippet) -> dict[str, Slot]:
        return snippet.assigned("scalefactor", "mean", "swapRB")

    def reading(self, values: dict[str, Any], said: Header) -> Reading:
        scale, mean = (numbers(need(values, name), name) for name in ("scalefactor", "mean"))
        if len(scale) != len(mean):
            raise SpecError(f"scalefactor has {len(scale)} numbers and mean {len(mean)}")
        swapped = flag(values.get("swapRB", False), "swapRB")
        offsets = [-a * m for a, m in zip(scale, mean, strict=True)]
        channels = (RGB if swapped else BGR) if len(mean) == len(RGB) else None
        return of_scale(scale, offsets, said=said, channels=channels)


FORMAT, PARAMS = Blob(), BlobParams()
