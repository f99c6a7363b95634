"""What a worker does: decode a portion of a listing and count its pixels."""

import faulthandler
import os
import signal
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np
import PIL
from PIL import Image, ImageChops

import normstat
from normstat.errors import ImageError, NormstatError, WorkerLostError
from normstat.images import read, undisturbed
from normstat.per_image import packed_row
from normstat.readers import Decoded
from normstat.sources import Portion
from normstat.spec.pipeline import Pipeline
from normstat.statistics import Block, Collector, Record, State, counted
from normstat.statistics.record import packed

_GRACE = 1.0  # seconds for a decoder to return to Python

SOFTWARE = {"normstat": normstat.__version__, "pillow": PIL.__version__}


@dataclass(frozen=True)
class Question:
    """What is to be found out about every image.

    `software` is that of the process which asks: another decoder may give other pixels.
    """

    pipeline: Pipeline
    ddof: int = 0
    covariance: bool = False
    keep_records: bool = False
    per_image: bool = False
    timeout: float | None = None
    software: dict[str, str] = field(default_factory=SOFTWARE.copy)


@dataclass(frozen=True)
class Task:
    """A question about some images."""

    question: Question
    portion: Portion

    def parts(self) -> list["Task"]:
        """Return the task in eight, or in as many as it has images; a single one has no parts.

        Each worker that dies costs more than many small tasks: so the parts are not only two.
        """
        portions = self.portion.halves()
        for _ in range(2):
            portions = [part for whole in portions for part in whole.halves() or [whole]]
        return [replace(self, portion=portion) for portion in portions]


@dataclass(frozen=True)
class Answer:
    """What a worker found: the state of its images, and those that do not count with the reason.

    There is a state for each group that has images here; without groups, all are of group 0.
    `records` has what is known of each image alone, and `rows` the packed row of each, when that
    was asked for.
    """

    states: dict[int, State]
    skipped: list[tuple[str, str]]
    images: int
    size: int
    records: list[tuple[str, Record]]
    rows: list[tuple[str, bytes]] = field(default_factory=list)

    @property
    def state(self) -> State:
        """Of all its images."""
        return State.of_all(self.states.values())


def answer(task: Task) -> Answer:
    """Decode and count a portion, one image in memory at a time.

    Raises
    ------
    NormstatError
        This process has another normstat or Pillow than the one that asks.
    """
    question, portion = task.question, task.portion
    if question.software != SOFTWARE:
        raise NormstatError(
            f"a worker has {_told(SOFTWARE)}, the run was started with "
            f"{_told(question.software)}; install the same on both"
        )
    collectors: defaultdict[int, Collector] = defaultdict(
        partial(Collector, ddof=question.ddof, covariance=question.covariance)
    )
    limited = nullcontext if question.timeout is None else partial(_limited, question.timeout)
    groups = portion.groups or [0] * len(portion)
    records, skipped, rows = [], [], []
    with undisturbed():
        images = zip(portion.opened(), portion.sizes, groups, strict=True)
        for (name, opener), size, group in images:
            try:
                with limited(), read(opener, question.pipeline) as decoded:
                    record = _counted(decoded, question.covariance)
            except ImageError as error:
                skipped.append((name, str(error)))
                continue
            collectors[group].add(record)
            if question.keep_records:
                records.append((name, record))
            if question.per_image:
                rows.append((name, packed_row(name, size, record, question.pipeline)))
    states = {group: collector.state() for group, collector in collectors.items()}
    return Answer(states, skipped, len(portion), sum(portion.sizes), records, rows)


def lost(task: Task, error: WorkerLostError) -> Answer:
    """Return the answer for an image that ends every worker that reads it."""
    [name], size = task.portion.names, sum(task.portion.sizes)
    reason = f"ended the process that read it: {error}"
    if task.question.timeout is not None:
        reason += f"; or took longer than {task.question.timeout:g} s (--timeout) in a decoder"
    return Answer({}, [(name, reason)], 1, size, [])


def known(records: Iterable[Record], question: Question) -> State:
    """Return the state of images whose records were kept."""
    collector = Collector(ddof=question.ddof, covariance=question.covariance)
    for record in records:
        collector.add(record)
    return collector.state()


def _counted(decoded: Decoded, covariance: bool) -> Record:
    image, mask = decoded.image, decoded.mask
    if image is None:
        return counted(decoded.kind, decoded.facts, decoded.blocks, covariance=covariance)
    if mask and not mask.getbbox():
        if decoded.left_out:
            why = " or ".join(why for why, _ in decoded.left_out)
            raise ImageError(f"no pixel counts: all are {why}")
        raise ImageError("every pixel is transparent, none is left by --alpha mask")
    if image.mode == "I;16":
        valid = np.asarray(mask).ravel() > 0 if mask else None
        left_out = decoded.left_out or None
        block = Block(np.asarray(image).reshape(1, -1), valid, "transparent", left_out=left_out)
        return counted(decoded.kind, decoded.facts, [block], covariance=covariance)
    counts = image.histogram(mask)
    products = _products(image, mask, counts) if covariance else ()
    return Record(decoded.kind, decoded.facts, packed(counts), products, decoded.left_out)


def _products(image: Image.Image, mask: Image.Image | None, counts: list[int]) -> tuple[int, ...]:
    """Σ xy = (Σ x² + Σ y² − Σ (x−y)²) / 2 for each pair of channels: exact integers.

    Pillow has the difference of two channels and its histogram in C, which makes this faster than
    a product of matrices.
    """
    channels = image.split()
    squares = [_square_sum(counts[256 * c : 256 * (c + 1)]) for c in range(len(channels))]
    products = []
    for a, b in combinations(range(len(channels)), 2):
        apart = ImageChops.difference(channels[a], channels[b]).histogram(mask)
        products.append((squares[a] + squares[b] - _square_sum(apart)) // 2)
    return tuple(products)


def _square_sum(counts: list[int]) -> int:
    return int(np.dot(np.array(counts, np.int64), _SQUARES))


_SQUARES = np.arange(256, dtype=np.int64) ** 2


def _told(software: dict[str, str]) -> str:
    return " and ".join(f"{name} {version}" for name, version in software.items())


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Give up on an image that takes longer.

    The alarm interrupts what runs in Python. What never returns to it is ended with its process,
    by a thread that needs no Python.
    """

    def interrupt(*_: object) -> None:
        raise ImageError(f"took longer than {seconds:g} s (--timeout)")

    before = signal.signal(signal.SIGALRM, interrupt)
    with Path(os.devnull).open("w") as nowhere:
        faulthandler.dump_traceback_later(seconds + _GRACE, exit=True, file=nowhere)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            try:
                yield
            finally:  # which the alarm can interrupt as well
                signal.setitimer(signal.ITIMER_REAL, 0)
        finally:
            faulthandler.cancel_dump_traceback_later()
            signal.signal(signal.SIGALRM, before)
