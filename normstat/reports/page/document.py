"""`report`: specs → one file that is looked at, in one of three formats."""

import os
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from normstat import __version__
from normstat.candidates import resolve
from normstat.comparison import Candidate
from normstat.contents import places
from normstat.errors import NormstatError, UsageError
from normstat.names import printable
from normstat.parts import parts_of
from normstat.presets import Catalogue, load_catalogue
from normstat.products import Product, check_target, write_bytes
from normstat.reading import Observer
from normstat.reports.page.html import html
from normstat.reports.page.markdown import markdown
from normstat.reports.page.model import Page
from normstat.reports.page.sections import sections
from normstat.reports.page.subject import Known, pairs_of, subject_of
from normstat.reports.page.summary import summary
from normstat.reports.page.words import counted
from normstat.spec.files import DEFAULT_PATH
from normstat.spec.model import Spec

Format = Literal["html", "markdown", "png"]

SUFFIXES: dict[Format, str] = {"html": ".html", "markdown": ".md", "png": ".png"}
MARK = b"normstat report"  # in the first bytes of every report
_BEGINNING = 4096
MOST_SPECS = 8
_MOST_CHANNELS = 16
_MOST_PICTURES = 12  # of a spec, and as many of its outliers
_PICTURES = 48  # of all specs, which keeps a page below 2 MB
_NEEDS: dict[Format, tuple[str, ...]] = {
    "html": ("jinja2", "matplotlib"),
    "markdown": (),
    "png": ("matplotlib",),
}
_RENDERERS: dict[Format, Callable[[Page], bytes]] = {
    "html": lambda page: html(page).encode(errors="backslashreplace"),
    "markdown": lambda page: markdown(page).encode(errors="backslashreplace"),
    "png": summary,
}


def report(
    *specs: str | os.PathLike[str] | Spec,
    format: Format = "html",  # noqa: A002
    images: bool = True,
    catalogue: Catalogue | None = None,
    observer: Observer | None = None,
) -> bytes:
    """Return a report of specs as the content of a file.

    Parameters
    ----------
    specs
        Specs, their files, or folders, which are measured; by default normstat.json. Several are
        shown side by side, at most 8.
    format
        "html": one file that needs nothing else; "markdown"; "png": one figure.
    images
        Look at the images where they still are what the spec says: show a few, and the outliers
        when there are no more than a few thousand to read for it.
    catalogue
        The presets to compare with; by default those of the package.
    observer
        Is told of progress where images are read.

    Returns
    -------
    bytes
        The same specs and images give the same bytes.

    Raises
    ------
    UsageError
        Too many specs, or no such format.
    NormstatError
        A spec cannot be read or holds no dataset, or the extra is not installed.

    Examples
    --------
    >>> page = report("sample_data/photos", format="markdown", images=False).decode()
    >>> print(page.splitlines()[2])
    # sample\\_data/photos
    """
    check_format(format)
    if len(specs) > MOST_SPECS:
        raise UsageError(f"{len(specs)} specs; at most {MOST_SPECS} fit beside each other")
    known = catalogue or load_catalogue()
    presets = [each.spec() for each in known]
    pictures = min(_MOST_PICTURES, _PICTURES // max(1, len(specs)))
    subjects = tuple(
        subject_of(
            _candidate(each, number, known, observer),
            presets,
            pictures=pictures if images else 0,
            observer=observer,
        )
        for number, each in enumerate(specs or (DEFAULT_PATH,), 1)
    )
    return _RENDERERS[format](_page(Known(subjects, pairs_of(subjects, presets))))


def check_format(format: str) -> None:  # noqa: A002
    """Raise when there is no such format, or what it needs is not installed.

    Raises
    ------
    UsageError
        There is no such format.
    NormstatError
        With the install line.
    """
    if format not in _RENDERERS:
        raise UsageError(f"unknown format {format!r}; there are: {', '.join(_RENDERERS)}")
    missing = [name for name in _NEEDS[format] if find_spec(name) is None]
    if missing:
        raise NormstatError(
            f"a report as {format} needs {' and '.join(missing)}, which "
            f"{'is' if len(missing) == 1 else 'are'} not installed: pip install 'normstat[report]'"
        )


def check_place(
    path: Path, *, force: bool, inputs: Sequence[str] = (), kind: Format = "html"
) -> None:
    """Raise now what `store` would raise after the work.

    Raises
    ------
    SourceError
        The file cannot be written, or is there and is no report.
    """
    product = Product("normstat report", _is_report, Path(f"report{SUFFIXES[kind]}"))
    check_target(path, product, force=force, inputs=inputs)


def _is_report(path: Path) -> bool:
    with path.open("rb") as file:
        return MARK in file.read(_BEGINNING)


def store(content: bytes, path: Path) -> None:
    """Write a report whole or not at all.

    Raises
    ------
    SourceError
        It cannot be written.
    """
    write_bytes(path, content)


def _candidate(
    each: str | os.PathLike[str] | Spec,
    number: int,
    catalogue: Catalogue,
    observer: Observer | None,
) -> Candidate:
    if isinstance(each, Spec):
        return Candidate(name=f"spec {number}", spec=each)
    return resolve(os.fspath(each), catalogue, observer)


def _page(known: Known) -> Page:
    subjects = known.subjects
    first = subjects[0]
    title, told = ", ".join(each.name for each in subjects), ""
    if len(subjects) == 1:
        # Most specs are called normstat.json; where the images are says more.
        title, told = "; ".join(map(places, parts_of(first.spec))) or first.name, first.name
    images = " / ".join(f"{each.spec.counts.images:,}" for each in subjects)
    pixels = " / ".join(f"{each.spec.counts.pixels:,}" for each in subjects)
    channels = dict.fromkeys(_channels(each.spec) for each in subjects)
    shown = counted(first.spec.counts.images, "image") if len(subjects) == 1 else f"{images} images"
    parts = [told, shown, f"{pixels} pixels a channel", " or ".join(channels)]
    return Page(
        title=printable(title),
        subtitle=" · ".join(printable(part) for part in parts if part and part != title),
        version=__version__,
        sections=sections(known),
    )


def _channels(spec: Spec) -> str:
    if len(spec.channels) > _MOST_CHANNELS:
        return f"{len(spec.channels):,} channels"
    return " ".join(spec.channels)
