"""What a user names → the spec that is meant: a file, a folder that is measured, or a preset."""

import os
from pathlib import Path

from normstat.comparison import Candidate, Comparison
from normstat.comparison import compare as compare_candidates
from normstat.errors import SourceError, SpecError, UsageError
from normstat.formats.readings import read_constants
from normstat.measure import compute
from normstat.names import printable
from normstat.presets import Catalogue, load_catalogue
from normstat.reading import Observer
from normstat.sources.listing import kind_of
from normstat.sources.urls import public
from normstat.spec.files import YAML_SUFFIXES, file_and_group, hint_for
from normstat.spec.model import Constants

# A spec, or what it is called on the command line.
Given = str | os.PathLike[str] | Constants


def resolve(
    name: str,
    catalogue: Catalogue,
    observer: Observer | None = None,
    format: str | None = None,  # noqa: A002
) -> Candidate:
    """Return the spec that a name stands for.

    A file is read, a folder or an archive is measured, anything else is a preset. A path that
    exists wins over a preset of the same name. A file is a spec or any configuration of
    `normstat.formats`; what it does not say is told in the candidate's `warnings`. Of a spec,
    `normstat.json#train` is one group.

    Parameters
    ----------
    format
        What files are that do not tell so themselves.

    Raises
    ------
    SourceError
        It looks like a file and there is none.
    UsageError
        It is neither a file or folder nor a preset; the nearest preset is suggested.
    """
    if not name:
        raise UsageError("an empty name stands for nothing; is a variable unset?")
    path = file_and_group(name)[0]
    label = printable(name)
    if Path(name).is_dir() or kind_of(name) != "local":
        return Candidate(name=public(label), spec=compute(name, observer=observer))
    if path.exists():
        found = read_constants(name, format)
        if not found.constants.channels:
            raise SpecError(
                f"{label}: holds no image and so no numbers; merge it with other shards"
            )
        warnings = [f"{label}: {each}" for each in found.warnings]
        return Candidate(name=label, spec=found.constants, warnings=warnings)
    if name not in catalogue and _looks_like_a_path(path):
        raise SourceError(f"{label}: no such file or folder{hint_for(path)}")
    try:
        preset = catalogue.find(name)
    except UsageError as error:
        raise UsageError(f"{label} is no file or folder here: {error}") from None
    return Candidate(name=preset.name, spec=preset.spec())


def compare(a: Given, b: Given) -> Comparison:
    """Compare A's data with B's numbers.

    Parameters
    ----------
    a, b
        Specs, or names as on the command line: of a spec file, a folder or a preset.

    Returns
    -------
    Comparison
        `metrics["shift"]` and `["gain"]` are the mean and std that A's data has after B's
        normalization, a number a channel; `findings` are slips that explain the difference.

    Raises
    ------
    NormstatError
        A name stands for nothing, or the two have other channels.

    Examples
    --------
    >>> import normstat
    >>> [round(value, 2) for value in normstat.compare("clip", "imagenet").metrics["gain"]]
    [1.17, 1.17, 1.23]
    """
    catalogue = load_catalogue()
    first, second = sides(a, b, catalogue)
    return compare_candidates(first, second, [preset.spec() for preset in catalogue])


def sides(a: Given, b: Given, catalogue: Catalogue) -> tuple[Candidate, Candidate]:
    """Return what two sides are; specs without a name are A and B."""
    first, second = (
        Candidate(name=name, spec=side)
        if isinstance(side, Constants)
        else resolve(os.fspath(side), catalogue)
        for name, side in (("A", a), ("B", b))
    )
    return first, second


def _looks_like_a_path(path: Path) -> bool:
    return len(path.parts) > 1 or path.suffix.lower() in {".json", *YAML_SUFFIXES}
