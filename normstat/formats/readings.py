"""Any configuration that holds a normalization → constants, wherever a spec is expected."""

import os
from dataclasses import dataclass
from pathlib import Path

from normstat.errors import SourceError, SpecError, UsageError
from normstat.formats import FORMATS
from normstat.formats.affine import BYTE, WORD, Affine, exact, whole
from normstat.formats.base import Format, Reading
from normstat.spec.files import YAML_SUFFIXES, file_and_group, group_of, hint_for, loads
from normstat.spec.model import Constants

_SHOWN = 4
_LARGEST = 16 << 20  # bytes; a configuration is not that large


@dataclass(frozen=True)
class Found:
    """What a file says: its constants, the format that it is in, and what was assumed.

    `format` is None for a normstat spec, whose constants are the whole spec.
    """

    constants: Constants
    format: str | None = None
    warnings: tuple[str, ...] = ()
    order_known: bool = True
    range_known: bool = True


def read_constants(path: str | os.PathLike[str], format: str | None = None) -> Found:  # noqa: A002
    """Read a normstat spec, or the normalization in a framework's configuration.

    Parameters
    ----------
    path
        A file; "normstat.json#train" is one group of a spec.
    format
        A name of `FORMATS`, for files that do not tell by name and content what they are. A
        normstat spec always does.

    Returns
    -------
    Found
        Its `warnings` tell which documented defaults stand in for what the file does not say.

    Raises
    ------
    SourceError
        The file cannot be read.
    SpecError
        It is neither, can be several, or a field has no such value; the text names it.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "preprocessor_config.json")
    >>> _ = path.write_text('{"image_mean": [0.5], "image_std": [0.25], "do_normalize": true,'
    ...                     ' "do_rescale": true}')
    >>> found = read_constants(path)
    >>> found.format, found.constants.mean, found.constants.max_pixel_value
    ('transformers', [0.5], 255)
    >>> found.warnings
    ('rescale_factor is not given: 1/255 is assumed, its documented default',)
    """
    path, group = file_and_group(path)
    content = _content(path)
    if format is not None:
        FORMATS.load(format)  # says what was meant
    if b"normstat_spec" in content[:4096]:
        yaml = path.suffix.lower() in YAML_SUFFIXES
        return Found(group_of(loads(content, name=str(path), yaml=yaml), group, str(path)))
    if group is not None:
        raise UsageError(f"{path}: is no normstat spec, and has no groups")
    try:
        chosen = FORMATS.load(format) if format else recognised(path.name, content)
        found = chosen.read(chosen.decode(content))
        return _found(found, chosen.name)
    except SpecError as error:
        raise SpecError(f"{path}: {error}") from error


def recognised(name: str, content: bytes) -> Format:
    """Return the format that a file of this name and content is in.

    Raises
    ------
    SpecError
        It is in none that is known, or can be in several.
    """
    every: list[Format] = [FORMATS.load(each) for each in FORMATS]
    fitting = [each for each in every if each.recognises(name, content)]
    usual = [each for each in fitting if each.is_usual(name)]
    chosen = usual if len(usual) == 1 else fitting
    if len(chosen) == 1:
        return chosen[0]
    if not chosen:
        raise SpecError(
            "not a normstat spec (it has no field 'normstat_spec'), nor a configuration that is "
            "known by its name and content; --from NAME says what it is, "
            "`normstat export --list` has the names"
        )
    names = " or ".join(each.name for each in chosen)
    raise SpecError(f"can be {names}: say which with --from NAME")


def _found(found: Reading, name: str) -> Found:
    affine, warnings = found.affine, list(found.warnings)
    if not found.order_known and len(affine.channels) > 1:
        order = " ".join(affine.channels[:_SHOWN]) + " …" * (len(affine.channels) > _SHOWN)
        warnings.append(f"the order of the channels is not given: {order} is assumed")
    if not found.range_known and affine.unit == 1:
        # Codes of what range? The numbers themselves bound it from below.
        unit = next((each for each in (BYTE, WORD) if max(affine.mean) <= each), exact(1))
        if unit != BYTE:
            warnings.append(f"the largest code is not given: {whole(unit)} is assumed")
        affine = Affine(affine.mean, affine.std, affine.channels, unit, unit)
    elif affine.code_max is not None:
        affine = Affine(affine.mean, affine.std, affine.channels, affine.code_max, affine.code_max)
    return Found(affine.constants(), name, tuple(warnings), found.order_known, found.range_known)


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}{hint_for(path)}") from error
    if len(content) > _LARGEST and b"normstat_spec" not in content[:4096]:
        raise SpecError(f"{path}: more than {_LARGEST >> 20} MB, which no configuration has")
    return content
