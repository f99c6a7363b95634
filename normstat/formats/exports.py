"""A normalization → the text that a framework reads, checked by reading it back."""

import os
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from normstat.errors import NormstatError, SourceError, SpecError
from normstat.formats import FORMATS
from normstat.formats.affine import BYTE, WORD, Affine, usual_channels, whole
from normstat.formats.base import Change, Format, Reading
from normstat.products import write_bytes
from normstat.registry import instance
from normstat.spec.model import Constants

Codes = npt.NDArray[np.float64]

_NOTHING = 1e-9  # what float64 leaves


@dataclass(frozen=True)
class Export:
    """A text that holds a normalization, and how far what it says is from what was meant.

    Parameters
    ----------
    text
        What is written; `content` is the same as bytes.
    error
        Largest |y − y of the spec| over all codes and channels, in normalized units.
    changes
        What was replaced, when an existing text was updated.
    notes
        What the text cannot say and its reader has to know.
    """

    format: str
    formula: str
    text: str
    content: bytes
    binary: bool
    error: float
    one_scale: bool = False
    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """How far off it is, in words."""
        reason = " (it has one scale for all channels)" * self.one_scale
        return f"largest error {self.error:.4g} in normalized units{reason}"


def export(constants: Constants, to: str, update: bytes | None = None) -> Export:
    """Write a normalization for a framework, and read it back to see that it is the same.

    Parameters
    ----------
    to
        A name of `FORMATS`.
    update
        An existing configuration, whose values are changed, and nothing else.

    Returns
    -------
    Export
        What is off in `error` is for the caller to judge; it is below 1e-6 unless the format has
        one scale where the spec has several, or keeps fewer digits.

    Raises
    ------
    UsageError
        There is no such format, or `constants` is something else, such as a name.
    SpecError
        The format cannot hold the channels or the range of the spec, or what is to be updated is
        not in that format.

    Examples
    --------
    >>> from normstat.presets import preset
    >>> export(preset("imagenet"), "opencv-dnn").error
    0.0243...
    """
    instance("constants", constants, Constants, "preset(NAME), or load(PATH) of a spec")
    chosen: Format = FORMATS.load(to)
    affine = Affine.of(constants)
    changes: tuple[Change, ...] = ()
    if update is None:
        text = _written(chosen, affine)
    else:
        updated = chosen.update(chosen.decode(update), affine)
        text, changes = updated.text, updated.changes
    content = chosen.encode(text)
    back = chosen.read(chosen.decode(content))
    _check_kind(chosen, affine, back)
    found = Export(
        format=to,
        formula=chosen.formula,
        text=text,
        content=content,
        binary=chosen.binary,
        error=largest_error(affine, back.affine),
        one_scale=chosen.one_scale,
        changes=changes,
        notes=tuple(_notes(chosen, affine, back, text)),
    )
    if found.error <= _NOTHING:
        return found
    return replace(found, notes=(*found.notes, f"{to}: {found.said}"))


def updated(constants: Constants, to: str, path: str | os.PathLike[str]) -> Export:
    """Return an existing file with this normalization, as `export` does; it is not written yet.

    Raises
    ------
    SourceError
        The file cannot be read.
    SpecError
        As `export` does; the text names the file.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}; nothing was written") from error
    try:
        return export(constants, to, update=content)
    except SpecError as error:
        raise SpecError(f"{path}: {error}") from error


def _written(chosen: Format, affine: Affine) -> str:
    try:
        return chosen.write(affine)
    except SpecError as error:
        text = str(error)
        words = text if text.startswith(chosen.name) else f"{chosen.name} {text}"
        raise SpecError(f"{words}: nothing was written") from error


def every_code(code_max: Fraction | None) -> Codes:
    """Return every code there is: 0 to the largest, 256 steps of a float, 16 bits if unbounded.

    >>> every_code(Fraction(255)).shape, every_code(None).shape
    ((256,), (65536,))
    """
    if code_max is None:
        code_max = WORD
    if code_max.denominator == 1 and BYTE <= code_max <= WORD:
        return np.arange(int(code_max) + 1, dtype=np.float64)
    return np.linspace(0, float(code_max), 256)


def differences(a: Affine, b: Affine) -> Codes:
    """Return the largest |y_A − y_B| over every code, a channel, in float64."""
    limits = [each.code_max for each in (a, b) if each.code_max is not None]
    codes = every_code(max(limits) if limits else None)
    found = np.empty(len(a.channels))
    for index in range(len(a.channels)):
        ours, theirs = (
            codes * float(each.scale[index]) + float(each.offset[index]) for each in (a, b)
        )
        found[index] = np.abs(ours - theirs).max()
    return found


def largest_error(meant: Affine, written: Affine) -> float:
    """Return the largest difference over the codes of the first map and all channels."""
    bounded = Affine(written.mean, written.std, written.channels, meant.code_max, written.unit)
    return float(differences(meant, bounded).max())


def _check_kind(chosen: Format, meant: Affine, back: Reading) -> None:
    """Refuse what came back with other channels, another order or another range."""
    ours, theirs = meant.channels, back.affine.channels
    if len(ours) != len(theirs):
        raise SpecError(
            f"{chosen.name} cannot hold {len(ours)} channels in this place, it says {len(theirs)}"
        )
    if back.order_known and len(ours) > 1 and ours != theirs:
        raise SpecError(
            f"{chosen.name} feeds the channels {' '.join(theirs)}, and the spec has "
            f"{' '.join(ours)}: nothing was written"
        )
    if back.range_known and meant.code_max != back.affine.code_max:
        raise SpecError(
            f"{chosen.name} is for codes {_range(back.affine.code_max)}, and the spec is for codes "
            f"{_range(meant.code_max)}: nothing was written"
        )


def _range(code_max: Fraction | None) -> str:
    return "without a bound" if code_max is None else f"0..{whole(code_max)}"


def _notes(chosen: Format, meant: Affine, back: Reading, text: str) -> list[str]:
    notes = []
    if text.startswith("{"):  # JSON has no comments
        notes.append(f"{chosen.name}: y = {chosen.formula}")
    usual = usual_channels(len(meant.channels))
    if not back.order_known and len(meant.channels) > 1 and meant.channels != usual:
        notes.append(
            f"{chosen.name} does not say the order of channels: feed {' '.join(meant.channels)}"
        )
    if not back.range_known and meant.code_max not in (BYTE, None, back.affine.code_max):
        notes.append(f"{chosen.name} does not say the range: codes are {_range(meant.code_max)}")
    return notes


def store(result: Export, path: Path, *, replace: bool = False) -> None:
    """Write an export to a file, whole or not at all.

    Raises
    ------
    SourceError
        It cannot be written, or the file has other content and is not to be replaced.
    """
    if path.is_file() and not replace and path.read_bytes() != result.content:
        raise SourceError(
            f"{path}: exists and has other content; nothing was written. --update {path} changes "
            "only its normalization, --force replaces the file"
        )
    write_bytes(path, result.content)


@dataclass(frozen=True)
class Target:
    """A row of the list of formats; `error` is a number, or why a spec cannot be held, or None."""

    name: str
    summary: str
    formula: str
    one_scale: bool
    error: float | str | None = None


def targets(constants: Constants | None = None) -> list[Target]:
    """Return every format, and how far off it is for a spec when there is one."""
    rows = []
    for name, entry in FORMATS.items():
        chosen: Format = FORMATS.load(name)
        error: float | str | None = None
        if constants is not None:
            try:
                error = export(constants, name).error
            except NormstatError as problem:
                error = str(problem).partition(": nothing was written")[0]
        rows.append(Target(name, entry.summary, chosen.formula, chosen.one_scale, error))
    return rows
