"""What can go wrong, each with the exit code that the command line ends with."""

from typing import ClassVar, Literal

# What becomes of images that cannot be read.
OnError = Literal["skip", "fail"]


class NormstatError(Exception):
    """Something could not be done. The text says what, where, what was kept and what to try."""

    exit_code: ClassVar[int] = 3


class UsageError(NormstatError, ValueError):
    """The call itself is wrong: an option that does not exist or does not fit another."""

    exit_code: ClassVar[int] = 2


class SourceError(NormstatError, OSError):
    """A place that images or specs come from cannot be listed, opened or written."""


class ImageError(NormstatError, ValueError):
    """One image cannot be turned into pixels, or not without loss."""


class SpecError(NormstatError, ValueError):
    """A file is not a valid spec, or its numbers do not belong together."""


class DifferentSoftwareWarning(UserWarning):
    """What is added up was decoded by different versions, whose pixels may differ."""


class CacheError(NormstatError, OSError):
    """A cache is damaged, is none, or cannot be read or written."""


class WorkerLostError(NormstatError):
    """A worker process died: a decoder crashed it, or the system ended it for its memory."""


class TaskLostError(WorkerLostError):
    """Workers died, and the engine knows of which task; the others are not to blame."""


class InterruptedRunError(NormstatError):
    """The user stopped the run."""

    exit_code: ClassVar[int] = 130
