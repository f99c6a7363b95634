"""`diagnose`: the one place where theory, simulation and implied jitter meet the data."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec

from normstat.backends import check_jobs
from normstat.diagnosis.dataset import Dataset, Source, dataset_of, known
from normstat.diagnosis.descent import PIXELS
from normstat.diagnosis.descent import simulate as simulation
from normstat.diagnosis.imbalance import imbalance
from normstat.diagnosis.jitter import jitter
from normstat.diagnosis.looking import Question, look
from normstat.diagnosis.model import Diagnosis, Preprocessed
from normstat.diagnosis.preprocessing import Preprocessing, preprocessings
from normstat.diagnosis.quadratic import TOLERANCE, covariance, quadratic
from normstat.errors import SourceError, UsageError
from normstat.methods.gaussian import gaussian
from normstat.presets import load_catalogue
from normstat.reading import Observer
from normstat.sampling import drawn, fixed_size
from normstat.sources import Listing
from normstat.spec.model import Spec
from normstat.spec.preset import PresetSpec

CROP_SCALE = (0.08, 1.0)  # of RandomResizedCrop
SAMPLE = 200
_CROPS = 10  # of each image

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
    check_jobs(jobs)
    if not 0 <= seed <= 2**53:
        raise UsageError(f"seed is {seed}; it must be from 0 to 2^53")
    fixed_size(sample, 1)
    chosen = _presets(presets)
    passes = _Passes(observer) if observer else None
    data = dataset_of(sources, {"jobs": jobs, "backend": backend, "observer": passes})
    if simulate and data.listing is None:
        raise SourceError(f"--simulate needs pixels, but {data.missing}")
    maps = _maps(data, chosen)
    if data.listing is None:
        return _diagnosis(data, maps, seed=seed)
    order = drawn(data.listing.names, seed=seed, stratify=False)
    rows = order[: fixed_size(sample, len(order))]
    question = Question(
        pipeline=data.spec.pipeline,
        channels=len(data.spec.channels),
        pixels=PIXELS,
        crops=_CROPS,
        scale=(low, high),
        seed=seed,
    )
    if passes:
        passes.begin(len(rows))
    try:
        seen = look(data.listing, rows, question, jobs=jobs, backend=backend, observer=passes)
    except SourceError as error:
        if simulate:
            raise
        return _diagnosis(replace(data, missing=str(error)), maps, seed=seed)
    found = msgspec.structs.replace(
        _diagnosis(data, maps, seed=seed),
        sampled=seen.images,
        unreadable=len(seen.skipped),
        simulation=simulation(seen.pixels, maps, seed) if simulate else None,
        jitter=jitter(seen, data.spec.channels, (low, high)),
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
    data = replace(known(spec, name), missing="no image was read; `normstat diagnose` does")
    return _diagnosis(data, _maps(data, presets))


class _Passes(Observer):
    """Lets an observer see several passes over images as one."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._done = self._before = 0

    def begin(self, images: int) -> None:
        """Begin another pass, over so many images."""
        self._before = self._done
        self.expected(images)

    def listing(self, found: Listing) -> None:
        self._observer.listing(found)

    def listed(self, listing: Listing) -> None:
        self._observer.listed(listing)

    def expected(self, images: int) -> None:
        self._observer.expected(self._before + images)

    def advanced(self, images: int, size: int) -> None:
        self._done += images
        self._observer.advanced(images, size)

    def cached(self, images: int) -> None:
        self._observer.cached(images)

    def warned(self, text: str) -> None:
        self._observer.warned(text)


def _presets(presets: Sequence[str | PresetSpec]) -> list[PresetSpec]:
    if all(isinstance(each, PresetSpec) for each in presets):
        return [each for each in presets if isinstance(each, PresetSpec)]
    catalogue = load_catalogue()
    return [catalogue.find(each).spec() if isinstance(each, str) else each for each in presets]


def _maps(data: Dataset, presets: Sequence[PresetSpec]) -> list[Preprocessing]:
    named = [gaussian((each.preset.name, each), (data.name, data.spec)) for each in presets]
    spread = covariance(data.moments) if data.moments else None
    return list(preprocessings(data.spec, data.means, spread, named))


def _diagnosis(data: Dataset, maps: Sequence[Preprocessing], *, seed: int = 0) -> Diagnosis:
    """Return what follows from the exact sums, before any image is looked at."""
    spec = data.spec
    why = _why_singular(spec, covariance(data.moments)) if data.moments else ""
    found = Diagnosis(
        name=data.name,
        channels=spec.channels,
        definition=_definition(spec),
        images=spec.counts.images,
        skipped=spec.counts.skipped,
        pixels=spec.counts.pixels,
        tolerance=TOLERANCE,
        preprocessing=[_preprocessed(each, data, why) for each in maps],
        seed=seed,
        sampled=0,
        unreadable=0,
        simulation=None,
        jitter=None,
        missing=data.missing,
        proven=PROVEN,
        measured="",
        observed=OBSERVED,
    )
    return msgspec.structs.replace(found, measured=_measured(found))


def _preprocessed(each: Preprocessing, data: Dataset, why_singular: str) -> Preprocessed:
    theory = quadratic(data.moments, each.with_bias) if data.moments and not each.problem else None
    mean_abs = data.magnitudes.after(each)
    return Preprocessed(
        name=each.name,
        formula=each.formula,
        quadratic=theory,
        mean_abs=mean_abs,
        imbalance=imbalance(mean_abs),
        note=why_singular if theory and theory.condition is None else each.problem,
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
    parts = ["E|x|"]
    if any(each.quadratic for each in found.preprocessing):
        parts.insert(0, "eigenvalues")
    if found.simulation:
        parts.append(f"steps ({found.simulation.pixels:,} pixels)")
    if found.jitter:
        parts.append(f"jitter ({found.jitter.crops:,} crops)")
    return f"Measured here: {', '.join(parts)}."
