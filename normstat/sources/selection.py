"""Which files of a source are wanted, by their names."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import translate
from typing import Any

from normstat.registry import several
from normstat.sources.axes import Axes
from normstat.spec.pipeline import Pipeline

# Signed formats that Pillow reads without help; EPS and PS are missing on purpose: opening one
# starts Ghostscript, and a data folder must not start programs.
EXTENSIONS = (
    "avif", "bmp", "dcm", "dib", "gif", "hdr", "j2k", "jfif", "jp2", "jpe", "jpeg", "jpg", "mpo",
    "nii", "nii.gz", "pbm", "pgm", "png", "pnm", "ppm", "qoi", "tif", "tiff", "webp",
)  # fmt: skip

# Files that hold many images, by the kind of source that reads them.
CONTAINERS = {
    "archive": (
        ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".tzst",
        ".zip",
    ),
    "parquet": (".parquet",),
    "arrays": (".npy", ".npz"),
    "table": (".csv", ".tsv"),
}  # fmt: skip

_SEVERAL = ("include", "exclude", "extensions")


@dataclass(frozen=True)
class Selection:
    """Which files of a folder are images to read.

    Parameters
    ----------
    include, exclude
        Shell patterns, tried on the path below the folder, on the name of the file and on the
        name of each folder above it. `*` matches across `/`. A file is taken when any `include`
        matches (or none is given) and no `exclude` does.
    extensions
        Suffixes that are taken, without the dot; case does not matter. "." stands for names
        without one, and with a number in its place, as DICOM files have them.
    follow_symlinks
        Enter linked folders too. Linked files are always taken.
    hidden
        Take names that start with a dot too.
    storage_options
        What stores of remote sources are opened with; may hold secrets and is never told.
    files_from, null, column
        Read only the images that a list names, see `normstat.sources.filelist`. `column` is that
        of a table: of the list, or of a Parquet file.
    axes, tables
        How arrays hold images, and whether tables are read as numbers; see `seen_by`.
    mask_dir, mask_suffix
        Where the masks of the images are, see `normstat.sources.pairs`.
    unmasked
        Only take the masks out of the listing.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    extensions: tuple[str, ...] = EXTENSIONS
    follow_symlinks: bool = False
    hidden: bool = False
    storage_options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    files_from: str | None = None
    null: bool = False
    column: str | None = None
    axes: Axes = field(default_factory=Axes)
    tables: bool = False
    mask_dir: str | None = None
    mask_suffix: str | None = None
    unmasked: bool = False

    def seen_by(self, pipeline: Pipeline) -> "Selection":
        """Return the selection with what a pipeline says of the files that hold the images."""
        return replace(self, axes=Axes.of(pipeline), tables=bool(pipeline.columns))

    def matcher(self) -> "Matcher":
        return Matcher(self)


def selecting(**options: Any) -> dict[str, Any]:
    """Return options of `compute` as fields of a `Selection`; None is not asked for.

    >>> selecting(exclude=["night"], hidden=True, mask_dir=None)
    {'exclude': ('night',), 'hidden': True}

    Raises
    ------
    UsageError
        There is a text where several are asked for.
    """
    fields: dict[str, Any] = {}
    for name, value in options.items():
        if name in _SEVERAL and value is not None:
            fields[name] = several(name, value)
        elif value is not None:
            fields[name] = os.fspath(value) if isinstance(value, os.PathLike) else value
    return fields


class Matcher:
    """The compiled form of a `Selection`.

    >>> match = Selection(include=("train",), exclude=("*_mask.png",)).matcher()
    >>> match.takes("train/a/1.PNG"), match.takes("val/1.png"), match.takes("train/1_mask.png")
    (True, False, False)
    """

    def __init__(self, selection: Selection) -> None:
        suffixes = {suffix.lower().lstrip(".") for suffix in selection.extensions}
        self._suffixes = {suffix for suffix in suffixes if suffix and "." not in suffix}
        self._bare = "" in suffixes
        # Compared with the whole end of a name.
        self._longer = tuple(f".{suffix}" for suffix in suffixes if "." in suffix)
        self._hidden = selection.hidden
        self._include = _any_of(selection.include)
        self._exclude = _any_of(selection.exclude)

    def sees(self, name: str) -> bool:
        """Whether a bare file or folder name is looked at at all."""
        return self._hidden or not name.startswith(".")

    def sees_all_of(self, path: str) -> bool:
        """Whether neither a file nor a folder above it has a name that is not looked at."""
        if self._hidden or not (path.startswith(".") or "/." in path):
            return True
        return all(part in {".", ".."} or self.sees(part) for part in path.split("/"))

    def takes(self, path: str) -> bool:
        """Whether the file at `path`, relative to the folder, is selected."""
        _, dot, suffix = path.rpartition(".")
        known = bool(dot) and suffix.lower() in self._suffixes
        return (known or self._takes_anyway(path)) and self.allows(path)

    def _takes_anyway(self, path: str) -> bool:
        """Whether a suffix of several parts is taken, or a name without one."""
        if self._longer and path.lower().endswith(self._longer):
            return True
        if not self._bare:
            return False
        _, dot, suffix = path.rpartition("/")[2].rpartition(".")
        return not dot or suffix.isdecimal()

    def allows(self, path: str) -> bool:
        """Whether the patterns let the file at `path` in, whatever its suffix."""
        if self._include and not _matches(self._include, path):
            return False
        return not (self._exclude and _matches(self._exclude, path))


def container(path: str) -> tuple[str, str] | None:
    """Return kind and suffix of a file that holds many images, by its name.

    >>> container("shards/000.TAR.gz"), container("a.png")
    (('archive', '.tar.gz'), None)
    """
    name = path.lower()
    found = [
        (len(suffix), kind, suffix)
        for kind, suffixes in CONTAINERS.items()
        for suffix in suffixes
        if name.endswith(suffix)
    ]
    return max(found)[1:] if found else None


def _any_of(patterns: Iterable[str]) -> re.Pattern[str] | None:
    joined = "|".join(translate(pattern.rstrip("/")) for pattern in patterns)
    return re.compile(joined) if joined else None


def _matches(pattern: re.Pattern[str], path: str) -> bool:
    return bool(pattern.match(path)) or any(pattern.match(part) for part in path.split("/"))
