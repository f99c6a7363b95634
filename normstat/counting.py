"""What a worker does: decode a portion of a listing and count its pixels."""

import faulthandler
import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
import PIL
from PIL import ImageChops

import normstat
from normstat.errors import ImageError, NormstatError, WorkerLostError
from normstat.images import Decoded, read, undisturbed
from normstat.sources import Portion
from normstat.spec.model import Pipeline
from normstat.statistics import KINDS, Collector, Record, State
from normstat.statistics.record import packed, packed_wide

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

    `records` has what is known of each image alone, when that was asked for.
    """

    state: State
    skipped: list[tuple[str, str]]
    images: int
    size: int
    records: list[tuple[str, Record]]


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
    collector = Collector(ddof=question.ddof, covariance=question.covariance)
    limited = nullcontext if question.timeout is None else partial(_limited, question.timeout)
    records, skipped = [], []
    with undisturbed():
        for name, opener in portion.opened():
            try:
                with limited():
                    record = _counted(read(opener, question.pipeline), question.covariance)
            except ImageError as error:
                skipped.append((name, str(error)))
                continue
            collector.add(record)
            if question.keep_records:
                records.append((name, record))
    return Answer(collector.state(), skipped, len(portion), sum(portion.sizes), records)


def lost(task: Task, error: WorkerLostError) -> Answer:
    """Return the answer for an image that ends every worker that reads it."""
    [name], size = task.portion.names, sum(task.portion.sizes)
    reason = f"ended the process that read it: {error}"
    if task.question.timeout is not None:
        reason += f"; or took longer than {task.question.timeout:g} s (--timeout) in a decoder"
    return Answer(State(), [(name, reason)], 1, size, [])


def known(records: Iterable[Record], question: Question) -> State:
    """Return the state of images whose records were kept."""
    collector = Collector(ddof=question.ddof, covariance=question.covariance)
    for record in records:
        collector.add(record)
    return collector.state()


def _counted(decoded: Decoded, covariance: bool) -> Record:
    image, mask = decoded.image, decoded.mask
    if mask and not mask.getbbox():
        raise ImageError("every pixel is transparent, none is left by --alpha mask")
    if decoded.kind == "gray16":
        codes = np.asarray(image)
        codes = codes[np.asarray(mask) > 0] if mask else codes.ravel()
        counts = np.bincount(codes, minlength=KINDS["gray16"].bins)
        return Record(decoded.kind, decoded.facts, packed_wide(counts[None]))
    differences = b""
    if covariance and decoded.kind == "rgb8":
        r, g, b = image.split()
        pairs = ((r, g), (r, b), (g, b))
        found = (ImageChops.difference(*pair).histogram(mask) for pair in pairs)
        differences = packed(list(chain.from_iterable(found)))
    return Record(decoded.kind, decoded.facts, packed(image.histogram(mask)), differences)


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
