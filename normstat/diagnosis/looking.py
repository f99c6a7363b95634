"""What is taken from the sampled images: some pixels, and the moments of random crops."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from math import exp, log, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from normstat.engine import Engine
from normstat.errors import ImageError, SourceError
from normstat.images import read, undisturbed
from normstat.names import printable
from normstat.readers.base import middle
from normstat.reading import Observer
from normstat.sources import Listing, Portion
from normstat.sources.base import Opener
from normstat.spec.pipeline import Pipeline
from normstat.statistics import kind_of

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Box = tuple[int, int, int, int]

# Of torchvision's RandomResizedCrop: the aspect ratios, and how often it tries.
_ASPECTS = (3 / 4, 4 / 3)
_ATTEMPTS = 10
_CHUNK_IMAGES = 16
_NOTHING = np.empty(0)


@dataclass(frozen=True)
class Question:
    """How the sampled images are looked at: so many pixels of all together, and crops of each.

    `scale` is the range of a crop's share of the image's area.
    """

    pipeline: Pipeline
    channels: int
    pixels: int
    crops: int
    scale: tuple[float, float]
    seed: int


@dataclass(frozen=True)
class Seen:
    """What was taken from images.

    Parameters
    ----------
    keys, pixels
        Pixels, shape (pixels, channels), as fractions of the range of codes: those with the
        smallest of the random keys that every pixel that counts has. They are in the order of
        these keys, so that any first part is a simple random sample of all pixels.
    whole
        Mean and std, in fractions of the range: shape (crops, 1 + channels, 2), all channels
        together first. A row is of the image that the crop is of.
    crops
        The same of each crop.
    images
        How many were read.
    skipped
        Those that could not be, with the reason.
    """

    keys: Array
    pixels: Array
    whole: Array
    crops: Array
    images: int
    skipped: list[tuple[str, str]]


@dataclass(frozen=True)
class _Task:
    question: Question
    portion: Portion
    ranks: list[int]


def look(
    listing: Listing,
    rows: Sequence[int],
    question: Question,
    *,
    jobs: int | None,
    backend: str,
    observer: Observer | None,
) -> Seen:
    """Read the images of some rows, in the order of the sample.

    What is drawn depends on the seed and on the ranks of the images in the sample alone, never on
    `jobs` or `backend`.

    Raises
    ------
    SourceError
        None of them can be read.
    """
    place = {row: rank for rank, row in enumerate(rows)}
    chosen = sorted(rows)
    picked = listing.pick(chosen)
    tasks = [
        _Task(question, picked.portion(chunk), [place[chosen[index]] for index in chunk])
        for chunk in picked.chunks(images=_CHUNK_IMAGES, size=1 << 62)
    ]
    engine = Engine(backend, jobs).over(picked, len(tasks))
    found = []
    pixels = _Drawn(question)
    with closing(engine(_look, tasks)) as results:
        for task, each in zip(tasks, results, strict=True):
            pixels.add(each.keys, each.pixels)
            found.append(replace(each, keys=_NOTHING, pixels=_NOTHING))
            if observer:
                observer.advanced(len(task.portion), sum(task.portion.sizes))
    skipped = [reason for each in found for reason in each.skipped]
    if len(skipped) == len(picked):
        name, reason = skipped[0]
        raise SourceError(
            f"none of {len(picked)} sampled images could be read; the first, {printable(name)}: "
            f"{printable(reason)}"
        )
    return Seen(
        keys=pixels.keys,
        pixels=pixels.pixels,
        whole=np.concatenate([each.whole for each in found]),
        crops=np.concatenate([each.crops for each in found]),
        images=sum(each.images for each in found),
        skipped=skipped,
    )


class _Drawn:
    """The pixels with the smallest keys, of all that were added."""

    def __init__(self, question: Question) -> None:
        self._most = question.pixels
        self.keys: Array = np.empty(0)
        self.pixels: Array = np.empty((0, question.channels))

    def add(self, keys: Array, pixels: Array) -> None:
        """Add pixels with their keys."""
        keys = np.concatenate([self.keys, keys])
        order = np.argsort(keys, kind="stable")[: self._most]
        self.keys, self.pixels = keys[order], np.concatenate([self.pixels, pixels])[order]


def _draw(available: int, most: int, rng: np.random.Generator) -> tuple[Array, Places]:
    """Give each of so many pixels an exponential key; return the smallest and whose they are.

    The i-th smallest is larger than the one before by an exponential variable over the number of
    those that are left (Rényi, On the theory of order statistics, 1953), so that only those that
    are wanted need be drawn.
    """
    count = min(available, most)
    keys = np.cumsum(rng.exponential(size=count) / (available - np.arange(count)))
    return keys, rng.choice(available, size=count, replace=False)


def _look(task: _Task) -> Seen:
    question = task.question
    pixels = _Drawn(question)
    whole, crops = ([np.empty((0, 1 + question.channels, 2))] for _ in range(2))
    skipped = []
    with undisturbed():
        for rank, (name, opener) in zip(task.ranks, task.portion.opened(), strict=True):
            try:
                image = _opened(opener, question)
            except ImageError as error:
                skipped.append((name, str(error)))
                continue
            rng = np.random.default_rng([question.seed, rank])
            pixels.add(*image.sampled(question.pixels, rng))
            own = image.moments((0, 0, *image.size))
            for _ in range(question.crops):
                found = image.moments(crop_box(*image.size, question.scale, rng))
                if own is not None and found is not None:
                    whole.append(own[None])
                    crops.append(found[None])
    return Seen(
        pixels.keys,
        pixels.pixels,
        np.concatenate(whole),
        np.concatenate(crops),
        len(task.ranks) - len(skipped),
        skipped,
    )


def _opened(opener: Opener, question: Question) -> "_Image | _Codes":
    with read(opener, question.pipeline) as decoded:
        kind = kind_of(decoded.kind)
        top = question.pipeline.max_pixel_value or kind.max_code
        if kind.channels > question.channels:
            raise ImageError("has the channels R G B, the numbers have one")
        if decoded.image is None and kind.has_range:
            return _Codes(*middle(decoded), top, question.channels)
    if decoded.image is None:
        raise ImageError(f"{kind.name}, which has no colours to look at")
    return _Image(decoded.image, decoded.mask, top, question.channels)


class _Codes:
    """An image in codes, of shape (bands, height, width), that Pillow does not hold.

    It gives what `_Image` gives.
    """

    def __init__(
        self,
        codes: npt.NDArray[Any],
        valid: npt.NDArray[np.bool_] | None,
        top: float,
        channels: int,
    ) -> None:
        self._codes, self._top, self._channels = codes, top, channels
        # A pixel is taken when all its bands count.
        self._valid: npt.NDArray[np.bool_] = (
            np.ones(codes.shape[1:], np.bool_) if valid is None else np.asarray(valid.all(axis=0))
        )
        if not self._valid.any():
            raise ImageError("no pixel counts: all are transparent or masked")
        self.size: tuple[int, int] = (codes.shape[2], codes.shape[1])

    def sampled(self, most: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Return the smallest keys of the pixels that count, and these pixels."""
        valid = np.flatnonzero(self._valid)
        keys, places = _draw(len(valid), most, rng)
        codes = self._codes.reshape(len(self._codes), -1)
        drawn: Array = codes[:, valid[places]].T / self._top
        return keys, np.repeat(drawn, self._channels // drawn.shape[1], axis=1)

    def moments(self, box: Box) -> Array | None:
        """Return mean and std of all channels together, then of each; None without any pixel."""
        left, top, right, bottom = box
        part = np.s_[top:bottom, left:right]
        codes = self._codes[:, *part][:, self._valid[part]].astype(np.int64)
        return _moments(
            codes.shape[1], codes.sum(axis=1), (codes**2).sum(axis=1), self._channels, self._top
        )


class _Image:
    """A decoded image as fractions of the range of its codes, with the channels that are asked."""

    def __init__(
        self, image: Image.Image, mask: Image.Image | None, top: float, channels: int
    ) -> None:
        if mask and not mask.getbbox():
            raise ImageError("no pixel counts: all are transparent or masked")
        self._image, self._mask = image, mask
        self._top, self._channels = top, channels
        self.size = image.size

    def sampled(self, most: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Return the smallest keys of the pixels that count, and these pixels."""
        codes = np.asarray(self._image)
        codes = codes.reshape(codes.shape[0] * codes.shape[1], -1)
        valid = np.flatnonzero(np.asarray(self._mask)) if self._mask else None
        keys, places = _draw(len(codes) if valid is None else len(valid), most, rng)
        drawn: Array = codes[places if valid is None else valid[places]] / self._top
        return keys, np.repeat(drawn, self._channels // drawn.shape[1], axis=1)

    def moments(self, box: Box) -> Array | None:
        """Return mean and std of all channels together, then of each; shape (1 + channels, 2).

        None when no pixel of the box counts.
        """
        image, mask = self._image.crop(box), self._mask
        mask = mask.crop(box) if mask else None
        if image.mode == "I;16":
            codes = np.asarray(image, np.int64)[None]
            codes = codes[:, np.asarray(mask) > 0] if mask else codes.reshape(1, -1)
            pixels, sums, squares = codes.shape[1], codes.sum(axis=1), (codes**2).sum(axis=1)
        else:
            counts = np.array(image.histogram(mask), np.int64).reshape(-1, 256)
            steps = np.arange(256)
            pixels, sums, squares = int(counts[0].sum()), counts @ steps, counts @ steps**2
        return _moments(pixels, sums, squares, self._channels, self._top)


def _moments(
    pixels: int,
    sums: npt.NDArray[np.int64],
    squares: npt.NDArray[np.int64],
    channels: int,
    top: float,
) -> Array | None:
    """Return mean and std of all channels together, then of each, as fractions of the range."""
    if not pixels:
        return None
    each = [
        _mean_and_std(pixels, s, q) for s, q in zip(sums.tolist(), squares.tolist(), strict=True)
    ]
    bands = len(each)
    together = _mean_and_std(pixels * bands, int(sums.sum()), int(squares.sum()))
    return np.array([together, *each * (channels // bands)]) / top


def _mean_and_std(n: int, s: int, q: int) -> tuple[float, float]:
    """Return both in codes, from exact integers."""
    return s / n, sqrt(n * q - s * s) / n


def crop_box(width: int, height: int, scale: tuple[float, float], rng: np.random.Generator) -> Box:
    """Return left, top, right and bottom of a random crop, as RandomResizedCrop draws it.

    Its share of the area is uniform in `scale` and the logarithm of its aspect ratio uniform
    between those of 3/4 and 4/3; what does not fit is drawn again, and after ten times it is the
    largest central crop of a ratio in that range (torchvision, `RandomResizedCrop.get_params`).
    The distribution is torchvision's, not its sequence of random numbers.

    >>> crop_box(40, 30, (1.0, 1.0), np.random.default_rng(0))
    (0, 0, 40, 30)
    """
    for _ in range(_ATTEMPTS):
        area = width * height * rng.uniform(*scale)
        aspect = exp(rng.uniform(log(_ASPECTS[0]), log(_ASPECTS[1])))
        w, h = round(sqrt(area * aspect)), round(sqrt(area / aspect))
        if 0 < w <= width and 0 < h <= height:
            left, top = (int(rng.integers(room + 1)) for room in (width - w, height - h))
            return left, top, left + w, top + h
    low, high = _ASPECTS
    w, h = min(width, round(height * high)), min(height, round(width / low))
    left, top = (width - w) // 2, (height - h) // 2
    return left, top, left + w, top + h
