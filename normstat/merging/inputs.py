"""Specs that are to be added or subtracted, and what they must have in common."""

import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from normstat.assemble import group_states, state_of
from normstat.consistency import validate
from normstat.errors import DifferentSoftwareWarning, SpecError
from normstat.names import printable
from normstat.parts import parts_of, versions
from normstat.spec.asked import percentiles_of
from normstat.spec.dataset import Part
from normstat.spec.files import load
from normstat.spec.model import Spec
from normstat.statistics import State

# A spec, or the path of its file.
Given = str | os.PathLike[str] | Spec


@dataclass(frozen=True)
class Input:
    """A spec under the name that the user knows it by."""

    name: str
    spec: Spec
    state: State
    parts: list[Part]
    groups: dict[str, State] | None


def read_inputs(specs: Iterable[Given]) -> list[Input]:
    return [_input(spec, number) for number, spec in enumerate(specs, 1)]


def _input(given: Given, number: int) -> Input:
    if isinstance(given, Spec):
        name, spec = f"spec {number}", given
    else:
        name, spec = printable(os.fspath(given)), load(given)
    coverage = spec.estimator.coverage
    if coverage not in ("census", "shards"):
        raise SpecError(
            f"{name}: estimator.coverage is {coverage!r}: {spec.counts.images} of "
            f"{spec.estimator.images_listed} images were read. Only whole datasets and shards "
            "add up"
        )
    if spec.dataset.group:
        raise SpecError(
            f"{name}: is the group {spec.dataset.group!r} alone; specs of all groups add up"
        )
    problems = validate(spec)
    if problems:
        raise SpecError(f"{name}: {problems[0]}; `normstat validate` tells all that is wrong")
    return Input(name, spec, state_of(spec), parts_of(spec), group_states(spec))


def agree(inputs: Sequence[Input]) -> None:
    """Raise when not all counted the same in the same way; warn when the programs differ."""
    known: dict[str, tuple[Any, str]] = {}
    for each in inputs:
        for field, value in _policy(each.spec):
            first, name = known.setdefault(field, (value, each.name))
            if value != first:
                raise SpecError(
                    f"{field} differs: {name} has {_told(first)}, {each.name} has "
                    f"{_told(value)}. Nothing was written; compute both with the same options"
                )
    software = versions(each.spec.software for each in inputs)
    several = [f"{name} {versions}" for name, versions in software.items() if ", " in versions]
    if several:
        warnings.warn(
            f"not all was made with the same software ({'; '.join(several)}), whose pixels may "
            "differ; the versions are recorded",
            DifferentSoftwareWarning,
            stacklevel=3,
        )


def _policy(spec: Spec) -> Iterator[tuple[str, Any]]:
    for field in spec.pipeline.__struct_fields__:
        yield f"pipeline.{field}", getattr(spec.pipeline, field)
    for field in ("weighting", "std", "ddof"):
        yield f"estimator.{field}", getattr(spec.estimator, field)
    percentiles = percentiles_of(spec)
    if percentiles is not None:
        yield "percentiles", percentiles
    yield "covariance", spec.covariance is not None
    yield "dataset.group_by", spec.dataset.group_by or "none"
    yield "estimator.level (--confidence)", spec.estimator.confidence


def _told(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(value) or "none"
    return {True: "one", False: "none"}[value] if isinstance(value, bool) else repr(value)


def same_files(a: Part, b: Part, name_a: str, name_b: str) -> None:
    """Raise when the same files were selected or cut in different ways."""
    pairs = [
        (f"dataset.{field}", getattr(a, field), getattr(b, field)) for field in ("files", "bytes")
    ]
    if a.selected and b.selected:
        pairs += [
            (f"dataset.selected.{field}", getattr(a.selected, field), getattr(b.selected, field))
            for field in a.selected.__struct_fields__
        ]
    if a.groups and b.groups and a.groups != b.groups:
        name = next(name for name in (*a.groups, *b.groups) if a.files_of(name) != b.files_of(name))
        pairs.append((f"dataset.groups.{name}", a.files_of(name), b.files_of(name)))
    if a.shards and b.shards:
        pairs.append(("estimator.shards.of", a.shards.of, b.shards.of))
    for field, first, second in pairs:
        if first != second:
            raise SpecError(
                f"{field} differs: {name_a} has {first!r}, {name_b} has {second!r}; "
                "nothing was written"
            )
