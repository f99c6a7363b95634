"""A normalization as a value: one affine map a channel."""

from dataclasses import dataclass

from normstat.errors import SpecError


@dataclass(frozen=True)
class Normalization:
    """The map y = (code / max_pixel_value − mean) / std, channel by channel.

    Parameters
    ----------
    mean, std
        In units of code / `max_pixel_value`, in the order of `channels`. std > 0.
    max_pixel_value
        What a code is divided by first: 255 for 8 bit, 65535 for 16 bit, 1 for float.
    channels
        Names in order, such as ("R", "G", "B").

    Raises
    ------
    SpecError
        The lengths differ, or a std or `max_pixel_value` is not above zero.

    Examples
    --------
    >>> half = Normalization((0.5,), (0.5,), 255, ("L",))
    >>> half.scale[0] * 255 + half.offset[0]
    1.0
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    max_pixel_value: float
    channels: tuple[str, ...]

    def __post_init__(self) -> None:
        if not len(self.mean) == len(self.std) == len(self.channels):
            raise SpecError(
                f"mean, std and channels differ in length: "
                f"{len(self.mean)}, {len(self.std)}, {len(self.channels)}"
            )
        for name, std in zip(self.channels, self.std, strict=True):
            if not std > 0:
                raise SpecError(
                    f"std of channel {name} is {std}: dividing by it has no result. "
                    "A constant channel cannot be standardized"
                )
        if not self.max_pixel_value > 0:
            raise SpecError(f"max_pixel_value is {self.max_pixel_value}; it must be above zero")

    @property
    def scale(self) -> tuple[float, ...]:
        """a of y = a·code + b: 1 / (std · max_pixel_value)."""
        return tuple(1 / (std * self.max_pixel_value) for std in self.std)

    @property
    def offset(self) -> tuple[float, ...]:
        """b of y = a·code + b: −mean / std."""
        return tuple(-mean / std for mean, std in zip(self.mean, self.std, strict=True))
