"""What is known of one spec of a report: found once, before anything is shown."""

from collections.abc import Sequence
from dataclasses import dataclass

from normstat.comparison import Candidate, Comparison, compare, rank
from normstat.diagnosis import Diagnosis, theory
from normstat.errors import NormstatError, SpecError
from normstat.formats.exports import Export, export
from normstat.ranking import Distance, ranked
from normstat.reading import Observer
from normstat.reports.page.model import Picture
from normstat.reports.page.pictures import Judged, a_few, judged, listing_of
from normstat.spec.model import Spec
from normstat.spec.preset import PresetSpec

# The frameworks that most people copy for; `normstat export --list` has all.
FRAMEWORKS = ("torchvision", "albumentations", "keras", "transformers", "opencv-dnn", "python")


@dataclass(frozen=True)
class Subject:
    """A spec under the name that the user knows it by, and what follows from it.

    What could not be found is a sentence that says why: `unranked`, `unknown` and `unseen`, and
    the text in place of an export.
    """

    name: str
    spec: Spec
    exports: tuple[tuple[str, Export | str], ...]
    ranking: tuple[Comparison, ...]
    unranked: str
    diagnosis: Diagnosis | None
    unknown: str
    groups: tuple[Distance, ...]
    pictures: tuple[Picture, ...]
    unseen: str
    judged: Judged | None
    unjudged: str


def subject_of(
    candidate: Candidate,
    presets: Sequence[PresetSpec],
    *,
    pictures: int,
    observer: Observer | None = None,
) -> Subject:
    """Find everything that a report says of a spec, with so many pictures; 0: read no image.

    Raises
    ------
    SpecError
        It has no statistics of a dataset, or no image.
    """
    name, spec = candidate.name, candidate.spec
    if not isinstance(spec, Spec):
        raise SpecError(
            f"{name}: holds constants without the statistics of a dataset, which a report is of; "
            "`normstat compute FOLDER` writes a whole spec"
        )
    if not spec.channels:
        raise SpecError(f"{name}: holds no image and so no numbers; merge it with other shards")
    ranking: tuple[Comparison, ...] = ()
    unranked = unknown = ""
    diagnosis = None
    try:
        ranking = tuple(rank(candidate, presets))
    except NormstatError as error:
        # What follows is how to help `normstat compare`.
        unranked = str(error).partition("; name ")[0]
    try:
        diagnosis = theory(spec, name, _usual(spec, presets))
    except NormstatError as error:
        unknown = str(error)
    listing, unseen = listing_of(spec, name) if pictures else (None, "they were not asked for")
    some = a_few(listing, spec, pictures) if listing else ()
    if listing and not some:
        unseen = "none of the images that were tried has one"
    found, unjudged = judged(spec, listing, pictures, observer) if listing else (None, unseen)
    return Subject(
        name=name,
        spec=spec,
        exports=tuple((each, _exported(spec, each)) for each in FRAMEWORKS),
        ranking=ranking,
        unranked=unranked,
        diagnosis=diagnosis,
        unknown=unknown,
        groups=tuple(ranked(spec)) if spec.groups else (),
        pictures=some,
        unseen=unseen,
        judged=found,
        unjudged=unjudged,
    )


def _usual(spec: Spec, presets: Sequence[PresetSpec]) -> list[PresetSpec]:
    """Return ImageNet's normalization, which most weights expect, where it has the channels."""
    return [
        each
        for each in presets
        if each.preset.name == "imagenet" and each.channels == spec.channels
    ]


def _exported(spec: Spec, framework: str) -> Export | str:
    try:
        return export(spec, framework)
    except NormstatError as error:
        return str(error).partition(": nothing was written")[0]


@dataclass(frozen=True)
class Pair:
    """The first spec against another, or why they cannot be compared."""

    name: str
    comparison: Comparison | None
    why_not: str


def pairs_of(subjects: Sequence[Subject], presets: Sequence[PresetSpec]) -> tuple[Pair, ...]:
    """Compare the first spec with each of the others."""
    found = []
    first = Candidate(name=subjects[0].name, spec=subjects[0].spec)
    for other in subjects[1:]:
        try:
            pair = compare(first, Candidate(name=other.name, spec=other.spec), presets)
            found.append(Pair(other.name, pair, ""))
        except NormstatError as error:
            found.append(Pair(other.name, None, str(error)))
    return tuple(found)


@dataclass(frozen=True)
class Known:
    """Everything that a page is made of: what each spec says, and the first against the others."""

    subjects: tuple[Subject, ...]
    pairs: tuple[Pair, ...]
