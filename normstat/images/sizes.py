"""How large an image is, may be, and becomes: torchvision's resize and crop."""

from PIL import Image

from normstat.errors import ImageError
from normstat.spec.pipeline import Pipeline

RESAMPLING = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "hamming": Image.Resampling.HAMMING,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


def check_pixels(size: tuple[int, int], limit: int) -> None:
    width, height = size
    if width * height > limit:
        raise ImageError(
            f"{width} x {height} pixels are over the limit of {limit:,}; --max-pixels raises it"
        )


def check_size(size: tuple[int, int], pipeline: Pipeline) -> None:
    check_pixels(size, pipeline.max_pixels)
    if pipeline.resize:
        # A thin image grows without bound when its short side does.
        check_pixels(resized_size(size, pipeline.resize), pipeline.max_pixels)


def fitted(
    pixels: Image.Image, mask: Image.Image | None, pipeline: Pipeline
) -> tuple[Image.Image, Image.Image | None, bool]:
    """Return pixels and mask in the mode and size that are asked for, and whether it was padded."""
    if pipeline.mode == "l" and pixels.mode == "RGB":
        pixels = pixels.convert("L")
    padded = False
    if pipeline.resize or pipeline.crop:
        resampling = RESAMPLING[pipeline.interpolation]
        pixels, padded = resized_and_cropped(pixels, pipeline.resize, pipeline.crop, resampling)
        if mask:
            mask, _ = resized_and_cropped(
                mask, pipeline.resize, pipeline.crop, Image.Resampling.NEAREST, fill=255
            )
    return pixels, mask, padded


def resized(
    image: Image.Image, pipeline: Pipeline, resampling: Image.Resampling, fill: int = 0
) -> tuple[Image.Image, bool]:
    if pipeline.resize:
        check_pixels(resized_size(image.size, pipeline.resize), pipeline.max_pixels)
    if not (pipeline.resize or pipeline.crop):
        return image, False
    return resized_and_cropped(image, pipeline.resize, pipeline.crop, resampling, fill=fill)


def resized_size(size: tuple[int, int], resize: int) -> tuple[int, int]:
    """Return the size after torchvision's Resize(`resize`): the long side is rounded down.

    >>> resized_size((500, 375), 256), resized_size((375, 500), 256)
    ((341, 256), (256, 341))
    """
    width, height = size
    if width > height:
        return int(resize * width / height), resize
    return resize, int(resize * height / width)


def resized_and_cropped(
    image: Image.Image,
    resize: int | None,
    crop: int | None,
    resampling: Image.Resampling,
    *,
    fill: int = 0,
) -> tuple[Image.Image, bool]:
    """Apply torchvision's Resize(`resize`) and CenterCrop(`crop`), with its rounding.

    The short side becomes `resize`, the long one int(resize·long/short). The crop starts at
    int(round(d/2)), half to even, after an image smaller than the crop was padded with `fill`.

    Returns
    -------
    image, padded
        The new image, and whether it had to be padded.
    """
    if resize and min(image.size) != resize:
        image = image.resize(resized_size(image.size, resize), resampling)
    padded = crop is not None and min(image.size) < crop
    if crop:
        if padded:
            image = _padded(image, crop, fill)
        left = round((image.width - crop) / 2)
        top = round((image.height - crop) / 2)
        image = image.crop((left, top, left + crop, top + crop))
    return image, padded


def _padded(image: Image.Image, crop: int, fill: int) -> Image.Image:
    width, height = max(image.width, crop), max(image.height, crop)
    canvas = Image.new(image.mode, (width, height), (fill,) * len(image.getbands()))
    canvas.paste(image, ((width - image.width) // 2, (height - image.height) // 2))
    return canvas
