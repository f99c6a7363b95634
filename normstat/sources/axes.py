"""Which axes of an array are what: the images, the channels, the pixels."""

from dataclasses import dataclass
from typing import Literal, Protocol

from msgspec import UnsetType

from normstat.errors import ImageError

Axis = int | Literal["none"]

_CHANNELS = (1, 3, 4)  # that the last axis has without being asked
_AREA = 2  # axes of an image
_COLOURS = 3
_STACK = 4  # axes of an array of images


class Asked(Protocol):
    """What says which axes are meant: a `Pipeline`."""

    @property
    def channel_axis(self) -> Axis | UnsetType: ...

    @property
    def image_axis(self) -> Axis | UnsetType: ...


@dataclass(frozen=True)
class Layout:
    """The axes of one array, counted from 0; None where it has no such axis."""

    images: int | None
    channels: int | None
    pixels: tuple[int, ...]
    is_colour: bool


@dataclass(frozen=True)
class Axes:
    """Which axes the user says are the images and the channels; None: as is usual.

    Without a word arrays are (H, W), (H, W, C) or (N, H, W, C) with 1, 3 or 4 channels, or one
    channel of values (T,). What looks different is refused, not guessed.
    """

    channel: Axis | None = None
    image: Axis | None = None

    @classmethod
    def of(cls, asked: Asked) -> "Axes":
        """Return the axes that a pipeline asks for."""
        channel, image = asked.channel_axis, asked.image_axis
        return cls(
            None if isinstance(channel, UnsetType) else channel,
            None if isinstance(image, UnsetType) else image,
        )

    def layout(self, shape: tuple[int, ...]) -> Layout:
        """Return what the axes of an array of this shape are.

        All that are neither images nor channels are pixels. Three channels are red, green and blue
        where the pixels have two axes.

        Raises
        ------
        ImageError
            There are no such axes, or it is not clear which they are; the text says what to add.

        Examples
        --------
        >>> Axes().layout((50, 32, 32, 3))
        Layout(images=0, channels=3, pixels=(1, 2), is_colour=True)
        >>> Axes(channel=-1).layout((1000, 12))
        Layout(images=None, channels=1, pixels=(0,), is_colour=False)
        >>> Axes().layout((80, 500, 7))
        Traceback (most recent call last):
        normstat.errors.ImageError: is an array of shape 80 x 500 x 7, whose channels are not ...
        """
        images = self._images(shape)
        rest = [axis for axis in range(len(shape)) if axis != images]
        channels = self._channels(shape, rest)
        if channels is not None and channels == images:
            raise ImageError(
                f"{_told(shape)}: axis {images} cannot be both that of the images and that of the "
                "channels; --image-axis none says that it is a single image"
            )
        pixels = tuple(axis for axis in rest if axis != channels)
        if not pixels:
            raise ImageError(f"{_told(shape)}: no axis is left for the pixels")
        colours = channels is not None and shape[channels] == _COLOURS
        return Layout(images, channels, pixels, colours and len(pixels) == _AREA)

    def _images(self, shape: tuple[int, ...]) -> int | None:
        if self.image is not None:
            return _axis(self.image, shape, "image-axis")
        if len(shape) > _STACK:
            raise ImageError(
                f"{_told(shape)}: --image-axis says along which axis images lie, or none"
            )
        return 0 if len(shape) == _STACK else None

    def _channels(self, shape: tuple[int, ...], rest: list[int]) -> int | None:
        if self.channel is not None:
            return _axis(self.channel, shape, "channel-axis")
        if len(rest) <= _AREA:
            return None
        last, first = shape[rest[-1]], shape[rest[0]]
        other = first in _CHANNELS and (first, last) != (1, 1)
        if len(rest) > _AREA + 1 or last not in _CHANNELS or other:
            raise ImageError(f"{_told(shape)}, whose channels are not clear: {_hint(shape, rest)}")
        return rest[-1]


def _axis(asked: Axis, shape: tuple[int, ...], option: str) -> int | None:
    if asked == "none":
        return None
    if not -len(shape) <= asked < len(shape):
        raise ImageError(f"{_told(shape)}, which has no axis {asked} (--{option})")
    return asked % len(shape)


def _told(shape: tuple[int, ...]) -> str:
    return f"is an array of shape {' x '.join(map(str, shape)) or '()'}"


def _hint(shape: tuple[int, ...], rest: list[int]) -> str:
    """Return the options that could be meant."""
    named = next((axis for axis in rest if shape[axis] in _CHANNELS), rest[-1])
    hint = f"--channel-axis {named}, or another, or none"
    if len(shape) == _AREA + 1 == len(rest):
        hint += "; --image-axis 0 when it holds images of one channel"
    return hint
