"""How a file becomes the pixels that are counted."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from normstat.spec.values import (
    Alpha,
    Axis,
    Frames,
    Interpolation,
    MaxPixelValue,
    Mode,
    Name,
    Number,
    Section,
    Size,
)


class Masks(Section, frozen=True, kw_only=True):
    """Which pixels count, by the label that the image's mask has there.

    `ignore_label` never counts; "all" counts every other.
    """

    foreground: Literal["nonzero", "all"] | Annotated[list[int], Meta(min_length=1)] = "nonzero"
    ignore_label: int | UnsetType = UNSET


class Pipeline(Section, frozen=True, kw_only=True):
    """How a file becomes the pixels that are counted; each field can change a number."""

    mode: Mode = "auto"
    alpha: Alpha = "drop"
    resize: Size | None = None
    crop: Size | None = None
    interpolation: Interpolation = "bilinear"
    max_pixels: Size = 178_956_970
    frames: Frames = "first"
    exif_orientation: Literal["ignored"] = "ignored"
    mixed_depths: Literal["each file as a fraction of its own range"] = (
        "each file as a fraction of its own range"
    )
    channels: Literal["native"] | UnsetType = UNSET
    bands: Annotated[list[Name], Meta(min_length=1)] | UnsetType = UNSET
    max_pixel_value: MaxPixelValue | UnsetType = UNSET
    nodata: Number | UnsetType = UNSET
    channel_axis: Axis | UnsetType = UNSET
    image_axis: Axis | UnsetType = UNSET
    columns: Annotated[list[Name], Meta(min_length=1)] | UnsetType = UNSET
    masks: Masks | UnsetType = UNSET
    ignore_value: Number | UnsetType = UNSET
