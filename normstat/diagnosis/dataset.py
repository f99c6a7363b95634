"""The dataset that is examined: what a spec tells of it, and its images where they still are."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from normstat.assemble import state_of
from normstat.contents import places as told_places
from normstat.contents import selection_of
from normstat.diagnosis.imbalance import Magnitudes
from normstat.diagnosis.quadratic import means_of, second_moments
from normstat.diagnosis.spectrum import Matrix, eigenvalues
from normstat.errors import NormstatError, SpecError, UsageError
from normstat.grouping import within
from normstat.measure import compute
from normstat.names import printable
from normstat.parts import parts_of
from normstat.sources import Listing, Selection, list_files
from normstat.spec.files import DEFAULT_PATH, YAML_SUFFIXES, file_and_group, load
from normstat.spec.model import Spec
from normstat.statistics import Kind, KindState
from normstat.validation import measured_again

Source = str | os.PathLike[str]

_MOST_CODES = 1 << 32


@dataclass(frozen=True)
class Dataset:
    """A dataset: its spec, what the theory needs of it, and its images or why they are missing.

    Without the products of channels there are no `moments`.
    """

    name: str
    spec: Spec
    means: list[Fraction]
    moments: Matrix | None
    magnitudes: Magnitudes
    listing: Listing | None = None
    missing: str | None = None


def dataset_of(sources: Sequence[Source | Spec], options: dict[str, Any]) -> Dataset:
    """Find the dataset that is meant, and measure what is not known of it.

    Parameters
    ----------
    sources
        A spec or its file, folders, or a spec and then its folders.
    options
        Of `compute`, for what has to be measured.

    Raises
    ------
    UsageError
        They are nothing of this kind.
    NormstatError
        What the theory needs is not known, and the images are not there.
    """
    first, *rest = sources or (DEFAULT_PATH,)
    places = [each for each in rest if not isinstance(each, Spec)]
    if len(places) < len(rest) or any(map(_is_spec, places)):
        raise UsageError("one spec at most, and before the folders that it describes")
    if not isinstance(first, Spec) and not _is_spec(first):
        places = [first, *places]
        spec = compute(*places, covariance=True, **options)
        name = " ".join(printable(os.fspath(place)) for place in places)
        there = list_files(places, Selection().seen_by(spec.pipeline))
        return replace(known(spec, name), listing=_read(spec, there))
    spec = first if isinstance(first, Spec) else load(first)
    name = "the spec" if isinstance(first, Spec) else printable(os.fspath(first))
    listing, missing = images_of(spec, name, places)
    if _whole(spec)[0].joint() is None:
        if listing is None:
            raise NormstatError(
                f"{name}: has no products of the channels, which the theory needs: "
                "`normstat compute FOLDER --covariance` keeps them. They would be measured now, "
                f"but {missing}"
            )
        spec = measured_again(spec, *(places or spec.dataset.roots), covariance=True, **options)
    return replace(known(spec, name), listing=listing, missing=missing)


def _is_spec(source: Source | Spec) -> bool:
    path = DEFAULT_PATH if isinstance(source, Spec) else file_and_group(source)[0]
    return path.suffix.lower() in {".json", *YAML_SUFFIXES} and not path.is_dir()


def known(spec: Spec, name: str) -> Dataset:
    """Return what a spec alone tells of its dataset.

    Raises
    ------
    SpecError
        It is of pixels that the theory is not for, or contradicts itself.
    """
    whole, kind = _whole(spec)
    top = _top(name, spec, whole, kind)
    moments = second_moments(whole, top)
    if moments and eigenvalues(moments)[-1] < 0:
        raise SpecError(f"{name}: its state contradicts itself; `normstat validate` says where")
    return Dataset(name, spec, means_of(whole, top), moments, Magnitudes(whole.codes, top))


def _top(name: str, spec: Spec, whole: KindState, kind: Kind) -> Fraction:
    """Return the code that is 1: the largest of the kind, or what was asked for.

    Raises
    ------
    SpecError
        There is no range of codes, or the spec contradicts itself.
    """
    if not kind.has_range:
        raise SpecError(
            f"{name}: has values without a range of codes ({kind.name}), which the preprocessing "
            "steps are fractions of: unsigned codes of 8 or 16 bits can be diagnosed"
        )
    sizes = {len(spec.channels), len(spec.mean), len(spec.std), kind.channels}
    if len(sizes) > 1:
        raise SpecError(f"{name}: its state contradicts itself; `normstat validate` says where")
    if spec.channels != kind.names and not kind.name.startswith("bands"):
        raise SpecError(
            f"{name}: has the channels {' '.join(spec.channels)}, its state {' '.join(kind.names)}"
        )
    if not spec.pipeline.max_pixel_value:
        return Fraction(kind.max_code)
    if not max(whole.codes.maxima()) <= spec.pipeline.max_pixel_value == spec.max_pixel_value:
        raise SpecError(f"{name}: its state contradicts itself; `normstat validate` says where")
    if spec.max_pixel_value > _MOST_CODES:
        raise SpecError(f"{name}: max_pixel_value is {spec.max_pixel_value:g}: no image has that")
    return Fraction(spec.max_pixel_value)


def _whole(spec: Spec) -> tuple[KindState, Kind]:
    return state_of(spec).combined(rgb=spec.pipeline.mode == "rgb")


def images_of(
    spec: Spec, name: str, places: Sequence[Source] = ()
) -> tuple[Listing | None, str | None]:
    """Return the images of a spec when they are where it says, unchanged; else why not.

    What the spec has skipped is not among them.

    Raises
    ------
    NormstatError
        They cannot be listed, or `places` are named and hold something else.
    """
    parts = parts_of(spec)
    if len(parts) > 1:
        how = f"is merged of {len(parts)} datasets"
        return None, f"{name} {how}; images are taken of the spec of one"
    if parts[0].without:
        taken = ", ".join(map(told_places, parts[0].without))
        return None, f"{name} is without {taken}; images are taken of a whole dataset"
    selection = selection_of(spec.dataset).seen_by(spec.pipeline)
    roots = spec.dataset.roots
    told = " ".join(printable(os.fspath(place)) for place in places or roots)
    # A spec may be from anywhere: what it names is looked at here, never fetched.
    if selection.mask_dir is not None and not os.path.lexists(selection.mask_dir):
        return None, f"its masks, {printable(selection.mask_dir)}, are not here"
    if not places and not all(os.path.lexists(root) for root in roots):
        return None, f"{told} is not here; name its images: `normstat diagnose {name} FOLDER`"
    listing = list_files(places or roots, selection)
    if len(listing) and listing.digest() == spec.dataset.digest:
        return _read(spec, within(listing, spec.dataset)), None
    changed = f"{told} has changed since {name} was made"
    if places:
        raise SpecError(f"{changed}, or is something else; `normstat validate` says how")
    return None, f"{changed}; `normstat compute` measures it again"


def _read(spec: Spec, listing: Listing) -> Listing:
    """Return the images of a listing without those that could not be read."""
    skipped = {each.name for each in spec.skipped}
    rows = [row for row, name in enumerate(listing.names) if printable(name) not in skipped]
    return listing.pick(rows)
