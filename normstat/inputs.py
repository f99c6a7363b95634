"""`apply` as one call: what a user names → whose numbers, which images, and what is kept of them.

Without sources the images are those of normstat.json, and without a preset or spec the numbers.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from normstat.application import run
from normstat.candidates import Given
from normstat.contents import places, selection_of
from normstat.errors import OnError, UsageError
from normstat.formats.readings import read_constants
from normstat.manifest import Manifest
from normstat.names import printable
from normstat.parts import parts_of
from normstat.planning import Numbers, Plan, needs_of, plan
from normstat.presets import load_catalogue
from normstat.reading import Observer
from normstat.registry import one_of, several, unknown
from normstat.sources import Selection
from normstat.sources.selection import selecting
from normstat.spec.asked import MASK_LABELS, MASK_PLACES, PIPELINE, masks_of, pipeline_of
from normstat.spec.dataset import Selected
from normstat.spec.files import DEFAULT_PATH
from normstat.spec.model import Constants, Spec
from normstat.spec.preset import PresetSpec

_SELECTION = (*Selected.__struct_fields__, "storage_options")
# The options of one method alone.
_HEEDED_BY = {"of": "robust", "whiten": "whiten", "window": "local"}
_STORED = ("format", "layout", "dtype", "pack", "of", "whiten", "window")
_OPTIONS = (*_STORED, *_SELECTION, *MASK_LABELS, *PIPELINE)


def apply(
    *sources: str | os.PathLike[str],
    preset: str | PresetSpec | None = None,
    specs: Sequence[Given] = (),
    method: str = "standard",
    output: str | os.PathLike[str] = "normalized",
    jobs: int | None = None,
    backend: str = "auto",
    overwrite: bool = False,
    on_error: OnError = "skip",
    observer: Observer | None = None,
    **options: Any,
) -> Manifest:
    """Normalize images and store their values.

    Names and folders are kept: a/b.jpg becomes a/b.npy. A run that was stopped goes on where it
    was, when it is started again.

    Parameters
    ----------
    sources
        As for `compute`. By default the dataset that normstat.json describes, or the group of it,
        with the selection that it was made with, of which the `options` that are given take the
        place.
    preset, specs
        Whose numbers the method takes: a published normalization; or a spec, the name of its file,
        or of a framework's configuration. By default normstat.json. `match` takes both, the preset
        as its aim, and `adaptive` several specs, of which "NAME=FILE" names one.
    method
        A name of `normstat.methods.METHODS`.
    output
        The folder to write to.
    jobs
        Workers; by default the cores that this process may use.
    backend
        One of this machine, or "auto".
    overwrite
        Redo what an earlier run wrote.
    on_error
        "skip" names unreadable files in the manifest; "fail" raises at the first.
    observer
        Is told of progress.
    options
        How values are stored: `format` ("npy"), `layout` ("chw"), `dtype` ("float32"), `pack`; what
        a method needs: `of`, `whiten`, `window`, see `normstat.planning.plan`. And of `compute`
        those that say which images are read, and what of their pixels: `exclude`, `resize`,
        `mask_dir` and so on.

    Returns
    -------
    Manifest
        What was written, file by file, and which images were left out; it is in the folder, too.

    Raises
    ------
    UsageError
        An option has no such value, two do not fit, or there is nothing to take the numbers from.
    SourceError
        A source is missing or holds no image, or the folder cannot be written.
    ImageError
        A file is unreadable and `on_error` is "fail".
    NormstatError
        The numbers cannot be used, or are of other channels than an image.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     manifest = apply("sample_data/photos", preset="imagenet", output=folder, resize=32)
    >>> manifest.complete, len(manifest.outputs), manifest.outputs[0].output
    (True, 30, 'coast/coast-01.npy')
    >>> [round(value, 3) for value in manifest.mean]
    [-0.057, -0.038, 0.089]
    """
    one_of("on_error", on_error, OnError)
    settled = planned(*sources, preset=preset, specs=specs, method=method, output=output, **options)
    return run(
        settled,
        jobs=jobs,
        backend=backend,
        overwrite=overwrite,
        fail=on_error == "fail",
        observer=observer,
    )


def planned(
    *sources: str | os.PathLike[str],
    preset: str | PresetSpec | None = None,
    specs: Sequence[Given] = (),
    preset_files: Sequence[str | os.PathLike[str]] = (),
    source_format: str | None = None,
    method: str = "standard",
    output: str | os.PathLike[str] = "normalized",
    **options: Any,
) -> Plan:
    """Settle what `apply` is going to do; only headers of images are read, and nothing is written.

    Parameters
    ----------
    preset_files
        YAML files of own presets, see `load_catalogue`.
    source_format
        What files of `specs` are that do not tell so themselves, see `read_constants`.
    sources, preset, specs, method, output, options
        As for `apply`, which names what is raised, too.

    Examples
    --------
    >>> plan = planned("sample_data/photos", preset="imagenet", exclude=["night"])
    >>> len(plan.listing), plan.job.numbers, plan.names[0]
    (20, 'imagenet', 'coast/coast-01.npy')
    """
    for name in options:
        if name not in _OPTIONS:
            raise UsageError(unknown("option", name, dict.fromkeys(_OPTIONS)))
    _check_heeded(method, preset, options)
    usual = _usual(specs, sources)
    described = usual if isinstance(usual, Spec) and _is_of(usual, sources) else None
    if not described and not needs_of(method, options.get("of", "dataset")):
        usual = None  # it tells nothing of these images
    given_specs = several("specs", specs)
    named = [_named(each, number, source_format) for number, each in enumerate(given_specs, 1)]
    aim = _aim(preset, preset_files)
    numbers = _numbers(method, aim, [(name, found) for name, found, _ in named], usual)
    given = selecting(**{name: options[name] for name in _SELECTION if name in options})
    selection = Selection(**given)
    only_of = None
    if not sources and isinstance(usual, Spec):
        sources = tuple(usual.dataset.roots)
        if selection.files_from is None:
            selection = _as_then(_selection_then(usual), given)
            only_of = usual.dataset
    if not sources and selection.files_from is None:
        raise UsageError(
            "name a folder, and where the numbers come from. Three ways: `normstat compute FOLDER` "
            "first, --spec FILE, or --preset NAME"
        )
    masks: dict[str, Any] = {
        name: None if selection.unmasked else getattr(selection, name) for name in MASK_PLACES
    }
    labels: dict[str, Any] = {"labels": (), "ignore_label": None}
    labels |= {name: options[name] for name in MASK_LABELS if name in options}
    pixels = {name: options[name] for name in PIPELINE if name in options}
    settled = plan(
        *sources,
        method=method,
        numbers=numbers,
        output=output,
        selection=selection,
        pipeline=pipeline_of(**pixels, masks=masks_of(**masks, **labels)),
        read_as=described,
        only_of=only_of,
        **{name: options[name] for name in _STORED if name in options},
    )
    return replace(settled, notes=tuple(note for *_, notes in named for note in notes))


def _check_heeded(method: str, preset: str | PresetSpec | None, options: Mapping[str, Any]) -> None:
    """Raise for what a method would not heed."""
    unheeded = [name for name, only in _HEEDED_BY.items() if name in options and method != only]
    if preset is not None and not needs_of(method, options.get("of", "dataset")):
        unheeded.append("preset")
    if unheeded:
        raise UsageError(f"method {method} does not heed {' and '.join(unheeded)}: leave that out")


def _selection_then(spec: Spec) -> Selection:
    """Return the selection that normstat.json was made with.

    Raises
    ------
    UsageError
        It has none for all of its images, and for them alone.
    """
    named = "Name the images: `normstat apply SRC`"
    parts = parts_of(spec)
    holes = [places(hole) for part in parts for hole in part.without or ()]
    if holes:
        raise UsageError(
            f"{DEFAULT_PATH}: what was taken out ({', '.join(holes)}) would be among its images. "
            f"{named}"
        )
    if spec.dataset.selected is None:
        raise UsageError(
            f"{DEFAULT_PATH}: is merged of {len(parts)} datasets that were selected differently "
            f"({', '.join(map(places, parts))}). {named}"
        )
    return selection_of(spec.dataset)


def _as_then(then: Selection, given: Mapping[str, Any]) -> Selection:
    """Return what a spec was made with, and in its place what is given now.

    Without masks of now, those of then are taken out of what is read, and none is used.
    """
    masks: dict[str, Any] = {name: given.get(name) for name in MASK_PLACES}
    if not any(masks.values()):
        here = then.mask_dir is not None and Path(then.mask_dir).exists()
        masks = {
            "mask_dir": then.mask_dir if here else None,
            "mask_suffix": then.mask_suffix if here or then.mask_dir is None else None,
            "unmasked": True,
        }
    return replace(then, **{**given, **masks})


def _is_of(spec: Spec, sources: Sequence[str | os.PathLike[str]]) -> bool:
    """Whether a spec is of the sources, as it is where none are named."""
    roots = set(map(os.path.realpath, spec.dataset.roots))
    return {os.path.realpath(each) for each in sources} <= roots


def _usual(specs: Sequence[Given], sources: Sequence[object]) -> Constants | None:
    """Read normstat.json where it is needed, and where it is only useful when it is there."""
    if DEFAULT_PATH.exists() and (not specs or not sources):
        return read_constants(DEFAULT_PATH).constants
    return None


def _named(
    spec: Given, number: int, source_format: str | None
) -> tuple[str, Constants, tuple[str, ...]]:
    """Return a spec with its name, and what had to be assumed to read it."""
    if isinstance(spec, Constants):
        return f"spec {number}", spec, ()
    text = os.fspath(spec)
    name, equals, path = text.partition("=")
    if not equals or Path(text).exists():
        name = path = text
    found = read_constants(path, source_format)
    notes = tuple(f"{printable(path)}: {warning}" for warning in found.warnings)
    return name, found.constants, notes


def _aim(
    preset: str | PresetSpec | None, preset_files: Sequence[str | os.PathLike[str]]
) -> tuple[str, Constants] | None:
    if isinstance(preset, PresetSpec):
        return preset.preset.name, preset
    if preset is None:
        return None
    if not isinstance(preset, str):
        raise UsageError(f"preset is a {type(preset).__name__}; what is no preset goes to specs")
    found = load_catalogue(*preset_files).find(preset)
    return found.name, found.spec()


def _numbers(
    method: str,
    preset: tuple[str, Constants] | None,
    named: Sequence[tuple[str, Constants]],
    usual: Constants | None,
) -> Numbers:
    """Return whose numbers a method takes."""
    if method == "adaptive":
        if preset:
            raise UsageError("adaptive chooses between specs; --preset has no place in it")
        return Numbers(candidates=tuple(named))
    if len(named) > 1:
        raise UsageError(f"{method} takes one --spec; only adaptive chooses between several")
    source = named[0] if named else (str(DEFAULT_PATH), usual) if usual else None
    if method == "match" or preset is None:
        return Numbers(source=source, target=preset)
    if named:
        raise UsageError("--preset and --spec both give the numbers: leave one out")
    return Numbers(source=preset)
