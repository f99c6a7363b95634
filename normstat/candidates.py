"""What a user names → the spec that is meant: a file, a folder that is measured, or a preset."""

from pathlib import Path

from normstat.comparison import Candidate
from normstat.errors import SourceError, UsageError
from normstat.measure import Observer, compute
from normstat.presets import Catalogue
from normstat.sources.base import printable
from normstat.spec.files import DEFAULT_PATH, YAML_SUFFIXES, load_constants

_USUAL = str(DEFAULT_PATH)
_HINT = "; `normstat compute FOLDER` writes one"


def resolve(name: str, catalogue: Catalogue, observer: Observer | None = None) -> Candidate:
    """Return the spec that a name stands for.

    A file is read, a folder is measured, anything else is a preset. A path that exists wins over
    a preset of the same name.

    Raises
    ------
    SourceError
        It looks like a file and there is none.
    UsageError
        It is neither a file or folder nor a preset; the nearest preset is suggested.
    """
    if not name:
        raise UsageError("an empty name stands for nothing; is a variable unset?")
    path = Path(name)
    label = printable(name)
    if path.is_dir():
        return Candidate(name=label, spec=compute(path, observer=observer))
    if path.exists():
        return Candidate(name=label, spec=load_constants(path))
    if name not in catalogue and _looks_like_a_path(path):
        raise SourceError(f"{label}: no such file or folder{_HINT if name == _USUAL else ''}")
    try:
        preset = catalogue.find(name)
    except UsageError as error:
        raise UsageError(f"{label} is no file or folder here: {error}") from None
    return Candidate(name=preset.name, spec=preset.spec())


def _looks_like_a_path(path: Path) -> bool:
    return len(path.parts) > 1 or path.suffix.lower() in {".json", *YAML_SUFFIXES}
