"""Where the rows of a run go."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from normstat.atomic import written_whole
from normstat.errors import NormstatError, SourceError
from normstat.per_image.formats import OPTION, THING, format_of
from normstat.per_image.rows import Columns, Rows
from normstat.per_image.table import is_table
from normstat.products import Product, check_target, is_special
from normstat.statistics import State


@dataclass(frozen=True)
class Destination:
    """Where the rows of a run go: nowhere, to whoever asked for them, or into a file."""

    rows: Rows | None = None
    path: Path | None = None

    @classmethod
    def of(
        cls,
        per_image: str | os.PathLike[str] | Rows | None,
        *,
        force: bool = False,
        inputs: Iterable[str] = (),
    ) -> "Destination":
        """Raise now what `write` would raise after hours of work.

        Parameters
        ----------
        force
            Replace a file that is no such table, or that is one of `inputs`.

        Raises
        ------
        UsageError
            The suffix is that of no table.
        NormstatError
            What writes Parquet is not installed.
        SourceError
            The file cannot be written, or may not be replaced.
        """
        if per_image is None or isinstance(per_image, Rows):
            return cls(per_image)
        path = Path(per_image)
        format_of(path).check()
        product = Product(THING, is_table, Path(f"images{path.suffix}"))
        check_target(path, product, force=force, inputs=inputs, option=OPTION)
        # On the disk of the table, where there has to be room anyway.
        return cls(Rows(None if is_special(path) else str(path.resolve().parent)), path)

    def write(self, state: State, *, rgb: bool) -> None:
        """Write the file, if that is where the rows go.

        Parameters
        ----------
        state
            That of the images.
        rgb
            Three channels even when every image is gray.

        Raises
        ------
        SourceError
            The disk is full, or the folder gone.
        """
        if self.rows is not None and self.path is not None:
            unnamed = [""] if state.bands.total() < state.images else []
            columns = Columns.of(state.kinds, bands=[*state.bands, *unnamed], rgb=rgb)
            write_table(self.path, self.rows, columns)


def write_table(path: Path, rows: Rows, columns: Columns) -> None:
    """Write rows, beside the target first, so that the file is always a whole one.

    Raises
    ------
    SourceError
        The disk is full, or the folder gone.
    """
    write = format_of(path).write
    try:
        if is_special(path):
            with path.open("wb") as file:
                write(file, rows, columns)
        else:
            with written_whole(path) as beside, beside.open("wb") as file:
                write(file, rows, columns)
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        if isinstance(error, NormstatError):
            raise
        raise SourceError(
            f"{path}: {error.strerror or error}; it was not written, what was there is untouched. "
            f"Name another place with {OPTION}"
        ) from error
