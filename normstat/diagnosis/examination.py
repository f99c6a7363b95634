"""`diagnose`: the one place where theory, simulation and implied jitter meet the data."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import msgspec

from normstat.assemble import state_of
from normstat.contents import places as told_places
from normstat.contents import selection_of
from normstat.diagnosis.descent import PIXELS
from normstat.diagnosis.descent import simulate as simulation
from normstat.diagnosis.imbalance import Magnitudes, imbalance
from normstat.diagnosis.jitter import jitter
from normstat.diagnosis.looking import Question, look
from normstat.diagnosis.model import Diagnosis, Preprocessed
from normstat.diagnosis.preprocessing import Preprocessing, preprocessings
from normstat.diagnosis.quadratic import (
    TOLERANCE,
    covariance,
    means_of,
    quadratic,
    second_moments,
)
from normstat.diagnosis.spectrum import Matrix, eigenvalues
from normstat.errors import NormstatError, SourceError, SpecError, UsageError
from normstat.grouping import parsed
from normstat.measure import compute
from normstat.methods.gaussian import gaussian
from normstat.names import printable
from normstat.parts import parts_of
from normstat.presets import load_catalogue
from normstat.reading import Observer
from normstat.sampling import drawn, fixed_size
from normstat.sources import Listing, Selection, list_files
from normstat.spec.files import DEFAULT_PATH, YAML_SUFFIXES, file_and_group, load
from normstat.spec.model import PresetSpec, Spec
from normstat.statistics import Kind, KindState
from normstat.validation import measured_again

Source = str | os.PathLike[str]

CROP_SCALE = (0.08, 1.0)  # of RandomResizedCrop
SAMPLE = 200
_CROPS = 10  # of each image
_MOST_CODES = 1 << 32

PROVEN = "Proven: rates, contraction and steps, for a linear neuron with squared loss."
OBSERVED = "Only often observed: deep networks, too, train faster on normalized inputs."


def diagnose(
    *sources: Source | Spec,
    presets: Sequence[str | PresetSpec] = (),
    simulate: bool = False,
    crop_scale: tuple[float, float] = CROP_SCALE,
    sample: str | int = SAMPLE,
    seed: int = 0,
    jobs: int | None = None,
    backend: str = "auto",
    observer: Observer | None = None,
) -> Diagnosis:
    """Show what normalization does to training on a dataset.

    Parameters
    ----------
    sources
        A spec or its file, folders of images, or a spec and then the folders that it describes; by
        default normstat.json. Folders alone are measured. The folders of a spec that are still
        where it says, and unchanged, need not be named.
    presets
        Published normalizations to look at beside the others.
    simulate
        Also run gradient descent on sampled pixels.
    crop_scale
        Smallest and largest share of an image's area that a random crop has.
    sample
        Images that pixels and crops are taken from: so many, or "5%".
    seed
        Which images, pixels, crops and first weights. The same data gives the same diagnosis.
    jobs, backend
        As for `compute`.
    observer
        Is told of progress.

    Returns
    -------
    Diagnosis
        `preprocessing` has the theory for each, from exact sums over all pixels; `simulation` and
        `jitter` are of the sample.

    Raises
    ------
    UsageError
        An option has no such value.
    SpecError
        A preset has other channels, or the images are not those of the spec.
    SourceError
        Images are missing that are needed.
    NormstatError
        A spec has no products of channels, and its images are not there.

    Examples
    --------
    >>> found = diagnose("sample_data/photos", presets=["imagenet"], sample=10)
    >>> for each in found.preprocessing:
    ...     print(f"{each.name:13} {each.quadratic.condition:10.1f} {each.quadratic.steps:8}")
    raw 0–255       249420.4  1722935
    0–1                894.2     6178
    centered           537.8     3716
    [−1, 1]            146.3     1011
    imagenet            84.9      587
    standardized        84.9      587
    whitened             1.0        1
    """
    low, high = crop_scale
    if not 0 < low <= high <= 1:
        raise UsageError(
            f"crop_scale is {low:g},{high:g}; it must be two shares of the area, above 0, up to 1, "
            "the smaller one first"
        )
    if jobs is not None and jobs < 1:
        raise UsageError(f"jobs is {jobs}; it must be at least 1")
    if not 0 <= seed <= 2**53:
        raise UsageError(f"seed is {seed}; it must be from 0 to 2^53")
    fixed_size(sample, 1)
    chosen = _presets(presets)
    passes = _Passes(observer)
    data = _data(sources, {"jobs": jobs, "backend": backend, "observer": passes})
    if simulate and data.listing is None:
        raise SourceError(f"--simulate needs pixels, but {data.missing}")
    spec = data.spec
    spread = covariance(data.moments)
    named = [gaussian((each.preset.name, each), (data.name, spec)) for each in chosen]
    maps = list(preprocessings(spec, data.means, spread, named))
    why = _why_singular(spec, spread)
    seen = None
    if data.listing is not None:
        order = drawn(data.listing.names, seed=seed, stratify=False)
        rows = order[: fixed_size(sample, len(order))]
        question = Question(
            pipeline=spec.pipeline,
            channels=len(spec.channels),
            pixels=PIXELS,
            crops=_CROPS,
            scale=(low, high),
            seed=seed,
        )
        passes.begin()
        passes.expected(len(rows))
        seen = look(data.listing, rows, question, jobs=jobs, backend=backend, observer=passes)
    found = Diagnosis(
        name=data.name,
        channels=spec.channels,
        definition=_definition(spec),
        images=spec.counts.images,
        skipped=spec.counts.skipped,
        pixels=spec.counts.pixels,
        tolerance=TOLERANCE,
        preprocessing=[_preprocessed(each, data.moments, data.magnitudes, why) for each in maps],
        seed=seed,
        sampled=seen.images if seen else 0,
        unreadable=len(seen.skipped) if seen else 0,
        simulation=simulation(seen.pixels, maps, seed) if simulate and seen else None,
        jitter=jitter(seen, spec.channels, (low, high)) if seen else None,
        missing=data.missing,
        proven=PROVEN,
        measured="",
        observed=OBSERVED,
    )
    return msgspec.structs.replace(found, measured=_measured(found))


def theory(spec: Spec, name: str = "the spec", presets: Sequence[PresetSpec] = ()) -> Diagnosis:
    """Return what `diagnose` says from the spec alone; no image is read.

    Without the products of channels there are no rates, but still E|x|.

    Raises
    ------
    SpecError
        The spec is of pixels that the theory is not for, or contradicts itself.

    Examples
    --------
    >>> import normstat
    >>> found = theory(normstat.compute("sample_data/photos"))
    >>> found.preprocessing[-2].name, found.preprocessing[-2].quadratic
    ('standardized', None)
    >>> round(found.preprocessing[0].imbalance, 1), round(found.preprocessing[-2].imbalance, 1)
    (120.1, 1.2)
    """
    whole, kind = _whole(spec)
    top = _top(name, spec, whole, kind)
    moments, magnitudes = second_moments(whole, top), Magnitudes(whole.codes, top)
    spread = covariance(moments) if moments else None
    named = [gaussian((each.preset.name, each), (name, spec)) for each in presets]
    return Diagnosis(
        name=name,
        channels=spec.channels,
        definition=_definition(spec),
        images=spec.counts.images,
        skipped=spec.counts.skipped,
        pixels=spec.counts.pixels,
        tolerance=TOLERANCE,
        preprocessing=[
            _preprocessed(
                each,
                moments,
                magnitudes,
                _why_singular(spec, spread) if spread else "",
            )
            for each in preprocessings(spec, means_of(whole, top), spread, named)
        ],
        seed=0,
        sampled=0,
        unreadable=0,
        simulation=None,
        jitter=None,
        missing="no image was read; `normstat diagnose` does",
        proven=PROVEN,
        measured="Measured here: eigenvalues, E|x|." if moments else "Measured here: E|x|.",
        observed=OBSERVED,
    )


@dataclass(frozen=True)
class _Data:
    """A dataset: its spec, what the theory needs of it, and its images or why they are missing."""

    name: str
    spec: Spec
    means: list[Fraction]
    moments: Matrix
    magnitudes: Magnitudes
    listing: Listing | None
    missing: str | None


class _Passes(Observer):
    """Lets an observer see several passes over images as one."""

    def __init__(self, observer: Observer | None) -> None:
        self._observer = observer
        self._done = self._before = 0

    def begin(self) -> None:
        """Begin another pass."""
        self._before = self._done

    def listing(self, found: Listing) -> None:
        if self._observer:
            self._observer.listing(found)

    def listed(self, listing: Listing) -> None:
        if self._observer:
            self._observer.listed(listing)

    def expected(self, images: int) -> None:
        if self._observer:
            self._observer.expected(self._before + images)

    def advanced(self, images: int, size: int) -> None:
        self._done += images
        if self._observer:
            self._observer.advanced(images, size)

    def cached(self, images: int) -> None:
        if self._observer:
            self._observer.cached(images)

    def warned(self, text: str) -> None:
        if self._observer:
            self._observer.warned(text)


def _presets(presets: Sequence[str | PresetSpec]) -> list[PresetSpec]:
    if all(isinstance(each, PresetSpec) for each in presets):
        return [each for each in presets if isinstance(each, PresetSpec)]
    catalogue = load_catalogue()
    return [catalogue.find(each).spec() if isinstance(each, str) else each for each in presets]


def _data(sources: Sequence[Source | Spec], options: dict[str, Any]) -> _Data:
    """Find the dataset that is meant, and measure what is not known of it."""
    first, *rest = sources or (DEFAULT_PATH,)
    places = [each for each in rest if not isinstance(each, Spec)]
    if len(places) < len(rest) or any(map(_is_spec, places)):
        raise UsageError("one spec at most, and before the folders that it describes")
    if not isinstance(first, Spec) and not _is_spec(first):
        places = [first, *places]
        spec = compute(*places, covariance=True, **options)
        name = " ".join(printable(os.fspath(place)) for place in places)
        there = list_files(places, Selection().seen_by(spec.pipeline))
        return _known(name, spec, _read(spec, there), None)
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
    return _known(name, spec, listing, missing)


def _is_spec(source: Source | Spec) -> bool:
    path = DEFAULT_PATH if isinstance(source, Spec) else file_and_group(source)[0]
    return path.suffix.lower() in {".json", *YAML_SUFFIXES} and not path.is_dir()


def _known(name: str, spec: Spec, listing: Listing | None, missing: str | None) -> _Data:
    whole, kind = _whole(spec)
    top = _top(name, spec, whole, kind)
    moments = second_moments(whole, top)
    if moments is None or eigenvalues(moments)[-1] < 0:
        raise SpecError(f"{name}: its state contradicts itself; `normstat validate` says where")
    magnitudes = Magnitudes(whole.codes, top)
    return _Data(name, spec, means_of(whole, top), moments, magnitudes, listing, missing)


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
        return _read(spec, _of_group(spec, listing)), None
    changed = f"{told} has changed since {name} was made"
    if places:
        raise SpecError(f"{changed}, or is something else; `normstat validate` says how")
    return None, f"{changed}; `normstat compute` measures it again"


def _read(spec: Spec, listing: Listing) -> Listing:
    """Return the images of a listing without those that could not be read."""
    skipped = {each.name for each in spec.skipped}
    rows = [row for row, name in enumerate(listing.names) if printable(name) not in skipped]
    return listing.pick(rows)


def _of_group(spec: Spec, listing: Listing) -> Listing:
    if not (spec.dataset.group and spec.dataset.group_by):
        return listing
    grouping = parsed(spec.dataset.group_by).over(listing)
    return listing.pick(grouping.rows(spec.dataset.group))


def _preprocessed(
    each: Preprocessing, moments: Matrix | None, magnitudes: Magnitudes, why_singular: str
) -> Preprocessed:
    known = None if each.problem or not moments else quadratic(moments, each.with_bias)
    mean_abs = magnitudes.after(each)
    return Preprocessed(
        name=each.name,
        formula=each.formula,
        quadratic=known,
        mean_abs=mean_abs,
        imbalance=imbalance(mean_abs),
        note=why_singular if known and known.condition is None else each.problem,
    )


def _why_singular(spec: Spec, spread: Sequence[Sequence[float]]) -> str:
    constant = [name for i, name in enumerate(spec.channels) if not spread[i][i]]
    reason = (
        f"channel {' '.join(constant)} is constant, as the bias is"
        if constant
        else "the channels depend on each other, as those of gray images do (--mode l)"
    )
    return f"singular: {reason}; along some direction no step changes anything"


def _definition(spec: Spec) -> str:
    estimator = spec.estimator
    means = f"every {estimator.weighting} weighs the same"
    return f"{estimator.std.replace('-', ' ')} std, {means}, ddof {estimator.ddof}"


def _measured(found: Diagnosis) -> str:
    """Return what is measured here and on what, in a line."""
    parts = ["eigenvalues, E|x|"]
    if found.simulation:
        parts.append(f"steps ({found.simulation.pixels:,} pixels)")
    if found.jitter:
        parts.append(f"jitter ({found.jitter.crops:,} crops)")
    return f"Measured here: {', '.join(parts)}."
