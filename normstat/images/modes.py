"""Pillow's modes: which pixels a loaded image stands for, and which of them are transparent."""

import numpy as np
from PIL import Image

from normstat.errors import ImageError
from normstat.spec.pipeline import Pipeline

GRAY = {"L", "1", "LA"}
GRAY16 = {"I;16", "I;16B", "I;16L", "I;16N"}
ALPHA = {"LA", "PA", "RGBA", "RGBa", "La"}
SCALED = {"L;2": 85, "L;4": 17}  # what Pillow multiplies the codes of these by
_KINDS = {"L": "gray8", "RGB": "rgb8", "I;16": "gray16"}


def kind_of_mode(mode: str) -> tuple[str, str]:
    """Return the kind of pixels of a mode, and the names of their channels where it has none."""
    kind = _KINDS.get(mode)
    if kind is not None:
        return kind, ""
    names = Image.new(mode, (1, 1)).getbands()
    return f"bands{len(names)}-8", ",".join(names)


def scale_transparent_code(image: Image.Image) -> None:
    """Bring the transparent code of 2 and 4-bit gray to 8 bits, as Pillow does with the pixels."""
    raw = str(image.tile[0].args) if image.tile else ""  # type: ignore[attr-defined]
    image.info["transparency"] *= SCALED.get(raw, 1)


def with_policy(
    image: Image.Image, pipeline: Pipeline, *, transparent: bool
) -> tuple[Image.Image, Image.Image | None]:
    """Return what counts of a loaded image, and a mask if not all of it does."""
    if transparent and pipeline.alpha != "drop":
        return _with_alpha(image, pipeline.alpha)
    if pipeline.channels == "native":
        return as_it_is(image), None
    image.info.pop("transparency", None)
    return _plain(image), None


def _plain(image: Image.Image) -> Image.Image:
    """Return an image without transparency as L, RGB or I;16."""
    if image.mode in {"L", "RGB", "I;16"}:
        return image
    if image.mode in GRAY16 or image.mode == "I":
        return Image.fromarray(np.asarray(image).astype("<u2"))
    return image.convert("L" if image.mode in GRAY else "RGB")


def native_mode(image: Image.Image) -> str:
    """Return the mode of an image with the channels of its file, from the header alone.

    A palette stands for colours, which its transparency gives a fourth channel; a code that is
    transparent is no channel.
    """
    if image.mode in {"P", "PA"}:
        return "RGBA" if image.mode == "PA" or "transparency" in image.info else "RGB"
    return "I;16" if image.mode in GRAY16 | {"I"} else {"1": "L"}.get(image.mode, image.mode)


def as_it_is(image: Image.Image) -> Image.Image:
    """Return an image with the channels of its file; of a palette, its colours."""
    if image.mode in {"P", "PA"}:
        return image.convert(native_mode(image))
    return _plain(image) if image.mode in GRAY16 | {"1", "I"} else image


def _with_alpha(image: Image.Image, alpha: str) -> tuple[Image.Image, Image.Image | None]:
    """Return the pixels and the mask that a policy other than drop makes of a transparent image."""
    if image.mode in GRAY16:
        return _gray16_with_alpha(image, alpha)
    full = image.convert("RGBA")
    mask = full.getchannel("A") if alpha == "mask" else None
    if alpha == "premultiply":
        full = full.convert("RGBa")
    elif alpha != "mask":
        full = Image.alpha_composite(Image.new("RGBA", full.size, alpha), full)
    if image.mode in GRAY:
        return full.getchannel(0), mask
    return Image.merge("RGB", full.split()[:3]), mask


def _gray16_with_alpha(image: Image.Image, alpha: str) -> tuple[Image.Image, Image.Image]:
    if alpha != "mask":
        raise ImageError(
            f"16-bit gray with a transparent code: use --alpha drop or mask, not {alpha}"
        )
    shown = np.asarray(image) != image.info["transparency"]
    return _plain(image), Image.fromarray(shown.astype(np.uint8) * 255)
