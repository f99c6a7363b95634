"""What is known of the functions and configurations that take a mean and a std.

Which range they work in is from their documentation; a name that is not here may work in any.
"""

import re
from collections.abc import Sequence
from typing import Any

from normstat.linting.pairs import Context, Entry

# By the full name of the function, imports resolved. They work on images in 0–1.
_IN_0_1 = re.compile(
    r"(?:torchvision\b.*|albumentations\b.*|kornia\b.*)\.[Nn]ormalize$"
    r"|timm\b.*\.(?:create_transform|transforms_imagenet_\w+)$"
)
# By the last part of a type: preprocessors of MMEngine, which get codes.
_IN_0_255 = re.compile(r"(?:Det|Seg|Cls|Img|Pose|TextDet|TextRecog)DataPre[Pp]rocessor$")
# Names of the same form that take no mean and std of images.
_OTHERS = re.compile(
    r"matplotlib\b|sklearn\b|torch\.nn\b|torch\.functional\b|plt\b|mpl\b|tensorflow\.(?:keras|linalg)\.utils\b"
    r"|keras\.utils\b|(?:colors|F\.gumbel_softmax)\.Normalize$|os\.path\b|unicodedata\b"
)
# Classes by their last name; functions by the whole of it, for many things are normalized.
_CLASSES = re.compile(
    r"[A-Z]\w*?(?:Normali[sz](?:e|er|ation))\w*$|Normali[sz](?:e|er|ation)\w*$|[A-Z]\w*Preprocessor$"
)
_FUNCTIONS = re.compile(r"(?:image_|img_|im|un|de|_)*normali[sz]e(?:_images?|_img|_tensor|_fn)?_?$")
_TYPE_KEYS = ("_target_", "type", "__class_fullname__", "class_path", "class_name", "name")
# Keys beside a mean and a std, by the order of the numbers when they are true and false.
_SWITCHES = {
    "to_rgb": ("RGB", "BGR"),
    "bgr_to_rgb": ("RGB", "BGR"),
    "to_bgr": ("BGR", "RGB"),
    "rgb_to_bgr": ("BGR", ""),
}
_ORDER_KEYS = {"channel_order", "color_format", "input_format", "format", "color_mode", "bgr"}
_UNSCALED = 0.1  # a rescale factor below it turns codes into 0–1


def is_other(function: str) -> bool:
    """Whether a function is known to be about something else.

    >>> is_other("matplotlib.colors.Normalize"), is_other("torchvision.transforms.Normalize")
    (True, False)
    """
    return _OTHERS.search(function) is not None


def is_normalizer(function: str) -> bool:
    """Whether something is called like a class that normalizes, or is a function that does.

    >>> [is_normalizer(name) for name in ("T.Normalize", "img_normalize", "normalize_chunks")]
    [True, True, False]
    """
    return is_class(function) or _FUNCTIONS.match(function.rpartition(".")[2]) is not None


def is_class(function: str) -> bool:
    """Whether something is called like a class that normalizes, so that a mean may come first."""
    return _CLASSES.match(function.rpartition(".")[2]) is not None


def context_of(function: str, entries: Sequence[Entry], shown: str = "") -> Context:
    """Return what is known of a place from its function and from what else is given there.

    Parameters
    ----------
    function
        The full name that is called, or empty.
    entries
        The arguments or keys that stand together.
    shown
        What the place is called in a message; the function by default.
    """
    given = {entry.key: entry.value for entry in entries}
    kind = function
    for key in _TYPE_KEYS:
        if isinstance(given.get(key), str):
            kind = given[key]
            break
    normalizes = is_normalizer(kind) or is_normalizer(function)
    accepts = _accepts(function, kind, given)
    return Context(
        name=shown or kind,
        accepts=accepts,
        order=_order(given),
        normalizes=normalizes or bool(accepts),
        needs_std=bool(accepts) and "image_mean" not in given,
    )


def _accepts(function: str, kind: str, given: dict[str, Any]) -> str:
    for name in (function, kind):
        if _IN_0_255.search(name):
            return "0-255"
        if _IN_0_1.match(name):
            scale = given.get("max_pixel_value", 255)
            return "0-1" if scale in (255, 255.0) else ""
    if "image_mean" in given:  # transformers
        factor = given.get("rescale_factor")
        scaled = isinstance(factor, int | float) and 0 < factor < _UNSCALED
        off = given.get("do_rescale") is False or given.get("do_normalize") is False
        return "0-1" if (scaled or given.get("do_rescale") is True) and not off else ""
    if "crop_pct" in given and "interpolation" in given:  # timm
        return "0-1"
    return ""


def _order(given: dict[str, Any]) -> str:
    """Return the order of channels that keys beside the numbers declare."""
    for key, value in given.items():
        lower = key.lower()
        if lower in _SWITCHES and isinstance(value, bool):
            order = _SWITCHES[lower][0 if value else 1]
            if order:
                return order
        if lower in _ORDER_KEYS and isinstance(value, str) and value.upper() in {"RGB", "BGR"}:
            return value.upper()
    return ""
