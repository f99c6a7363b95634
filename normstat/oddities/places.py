"""Where the rows of images come from: a table, a spec's own dataset, or folders."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from normstat.contents import places as told_places
from normstat.errors import NormstatError, SourceError, SpecError, UsageError
from normstat.measure import compute
from normstat.names import escaped, printable
from normstat.parts import parts_of
from normstat.per_image import Rows
from normstat.per_image.table import Table, is_table
from normstat.spec.dataset import Dataset, Files, Shards
from normstat.spec.files import YAML_SUFFIXES, file_and_group, load
from normstat.spec.model import Spec
from normstat.spec.state import StateText
from normstat.statistics import State
from normstat.validation import measured_again, stale

Source = str | os.PathLike[str] | Spec
Found = tuple[str, Rows, bool, list[str]]  # name, rows, three channels, notes


def rows_of(sources: Sequence[Source], options: dict[str, Any]) -> Found:
    first, *rest = sources
    places = [each for each in rest if not isinstance(each, Spec)]
    if len(places) < len(rest) or any(_is_spec(each) or _is_table(each) for each in places):
        raise UsageError("one spec or one table at most, and a spec before its folders")
    if isinstance(first, Spec):
        return _of_spec(first, "the spec", places, options)
    name = printable(os.fspath(first))
    if _is_spec(first):
        return _of_spec(load(first), name, places, options)
    if not _is_table(first):
        return _of_folders([first, *places], options)
    if places:
        raise UsageError(f"{name} is a table, which has all it needs: name no folders")
    table = Table.at(Path(first))
    # A table is read and checked once; later passes are over what was found.
    return name, Rows.of(table), table.names == ("R", "G", "B"), []


def _of_folders(places: Sequence[str | os.PathLike[str]], options: dict[str, Any]) -> Found:
    rows = Rows()
    try:
        compute(*places, per_image=rows, **options)
    except SpecError:  # images that are no one dataset are what is looked for
        if not len(rows):
            raise
    return " ".join(printable(os.fspath(place)) for place in places), rows, False, []


def _of_spec(
    spec: Spec, name: str, places: Sequence[str | os.PathLike[str]], options: dict[str, Any]
) -> Found:
    if spec.dataset.group:
        raise UsageError(
            f"{name} is of one group; outliers are found in a whole dataset. Name the spec without "
            "its group, or a folder that holds the group alone"
        )
    roots = [os.fspath(place) for place in places] or spec.dataset.roots
    told = " ".join(map(printable, roots))
    # A spec may be from anywhere: what it names is looked at here, never fetched.
    if not places and not all(map(os.path.lexists, roots)):
        raise SourceError(f"{told} is not here; name its images: `normstat outliers {name} FOLDER`")
    found = _found(spec, name, roots if places else [])
    rows = Rows()
    try:
        again = _measured(spec, found, rows, options)
    except SpecError as error:
        if not len(rows):
            raise
        raise _changed(told, name, str(error)) from error
    _check_same(spec, again, name, told, in_time=bool(options.get("timeout")))
    notes = []
    if (spec.estimator.weighting, spec.estimator.std) != ("pixel", "pooled"):
        notes.append(
            f"mean and std here weigh each pixel the same; those of {name} are of weighting "
            f"{spec.estimator.weighting} and std {spec.estimator.std}"
        )
    return name, rows, spec.pipeline.mode == "rgb", notes


def _check_same(spec: Spec, again: Spec, name: str, told: str, *, in_time: bool) -> None:
    """Raise when what was measured again, maybe `in_time` only, is not what the spec is of."""
    known = {each.name for each in spec.skipped}
    lost = [each for each in again.skipped if each.name not in known]
    if lost and in_time:
        raise SourceError(
            f"{lost[0].name}: {lost[0].reason}, and {name} was made with it. Nothing is told; give "
            f"it a longer --timeout, or look at the others: `normstat outliers {told}`"
        )
    if again.state != spec.state:
        why = "files of the same names and sizes hold other pixels"
        if again.software != spec.software:
            why += f", or are read otherwise than by {_versions(spec)} (here: {_versions(again)})"
        raise _changed(told, name, why)


def _runs(spec: Spec) -> Iterator[list[Spec]]:
    """Yield of each dataset that was merged, or of the only one, the specs of its runs."""
    for part in parts_of(spec):
        if part.without:
            raise NormstatError(
                f"what was taken out ({', '.join(map(told_places, part.without))}) cannot be left "
                "out of a new measurement: look at the specs that this one was made of"
            )
        files = {field: getattr(part, field) for field in Files.__struct_fields__}
        shards = part.shards
        estimators = [
            replace(
                spec.estimator, shards=Shards(of=shards.of, parts=[number]) if shards else UNSET
            )
            for number in (shards.parts if shards else [1])
        ]
        yield [replace(spec, dataset=Dataset(**files), estimator=each) for each in estimators]


def _found(spec: Spec, name: str, roots: list[str]) -> list[tuple[list[Spec], list[str]]]:
    """Return where the datasets of a spec are: where it says, or which of `roots` each is.

    Names and sizes tell at once what reading all of it would.
    """
    datasets = list(_runs(spec))
    several = len(datasets) > 1
    left = [*([root] for root in roots if several), roots] if roots else []
    found = []
    for runs in datasets:
        tried = left or [runs[0].dataset.roots]
        differences = [stale(runs[0], *place) for place in tried]
        same = [place for place, each in zip(tried, differences, strict=True) if not each]
        if not same:
            lines = list(differences[-1].lines())
            more = f" and {len(lines) - 1:,} more" if len(lines) > 1 else ""
            how = f"{lines[0]}{more}"
            if several and roots:
                how = f"none of these has the files of {told_places(runs[0].dataset)}"
            raise _changed(" ".join(map(printable, tried[-1])), name, how)
        found.append((runs, same[0]))
        left = [place for place in left if place != same[0] or place == roots]
    return found


def _measured(
    spec: Spec, found: list[tuple[list[Spec], list[str]]], rows: Rows, options: dict[str, Any]
) -> Spec:
    """Measure what a spec is of again, each run with the rows of its images; return the whole."""
    if len(found) == len(found[0][0]) == 1:
        [([run], place)] = found
        return measured_again(run, *place, per_image=rows, **options)
    again, states = [], []
    for runs, place in found:
        prefix = _prefix(place) if len(found) > 1 else lambda path: path
        for run in runs:
            own = Rows()
            try:
                again.append(measured_again(run, *place, per_image=own, **options))
            finally:
                rows.extend(replace(row, path=prefix(row.path)) for row in own)
            text = msgspec.to_builtins(again[-1].state)
            states.append(State.from_text(text, ddof=spec.estimator.ddof))
    return replace(
        again[0],
        state=msgspec.convert(State.of_all(states).to_text(), StateText),
        skipped=[each for one in again for each in one.skipped],
    )


def _prefix(place: list[str]) -> Callable[[str], str]:
    """Return how images of a source are named beside those of others, as `compute` names them."""
    folder = escaped(place[0].rstrip("/"))
    is_known = len(place) > 1  # then every name has its source already
    is_folder = Path(place[0]).is_dir()

    def named(path: str) -> str:
        if is_known or (not is_folder and path.startswith(folder)):
            return path
        return f"{folder}/{path}"

    return named


def _versions(spec: Spec) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(spec.software.items()))


def _changed(told: str, name: str, how: str) -> SourceError:
    return SourceError(
        f"{told} has changed since {name} was made: {how}. Nothing is told; measure it again with "
        f"`normstat compute`, or look at it as it is: `normstat outliers {told}`"
    )


def _is_spec(source: Source) -> bool:
    if isinstance(source, Spec):
        return True
    path, _ = file_and_group(source)
    return path.suffix.lower() in {".json", *YAML_SUFFIXES} and not path.is_dir()


def _is_table(source: Source) -> bool:
    if isinstance(source, Spec):
        return False
    path = Path(source)
    # Images can be in Parquet files too; the others can be nothing else.
    return path.suffix.lower() in {".csv", ".jsonl", ".ndjson"} or (
        path.suffix.lower() == ".parquet" and is_table(path)
    )
