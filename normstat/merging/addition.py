"""Specs added up."""

from collections.abc import Sequence
from functools import reduce
from itertools import permutations

from msgspec import UNSET
from msgspec.structs import replace

from normstat.contents import places
from normstat.errors import SpecError, UsageError
from normstat.merging.inputs import Given, Input, agree, read_inputs, same_files
from normstat.merging.result import assembled
from normstat.parts import CHECK, inside, versions
from normstat.sources.shards import ranges
from normstat.spec.asked import percentiles_of
from normstat.spec.dataset import Part, Shards
from normstat.spec.model import Spec, Stamp
from normstat.statistics import State


def merge(*specs: Given, stamp: Stamp | None = None) -> Spec:
    """Add specs up, exactly: the result is that of all their images together.

    All shards of a dataset give the very spec that one run over it gives. Other datasets are kept
    as `dataset.parts`, so that `subtract` can take one out again. Any order and any grouping gives
    the same spec.

    Parameters
    ----------
    specs
        Specs, or paths of spec files.
    stamp
        Time and host for the result.

    Raises
    ------
    SpecError
        They cannot be added: what was counted differs, images would count twice, or they are of a
        sample. The text names the field.
    SourceError
        A file cannot be read.

    Warns
    -----
    DifferentSoftwareWarning
        They were made by different versions, which may decode to different pixels.

    Examples
    --------
    >>> import normstat
    >>> halves = [normstat.compute("sample_data/photos", shard=f"{n}/2") for n in (1, 2)]
    >>> merge(*halves) == normstat.compute("sample_data/photos")
    True
    """
    if not specs:
        raise UsageError("merge needs at least one spec")
    inputs = read_inputs(specs)
    agree(inputs)
    telling = (each.spec for each in inputs if percentiles_of(each.spec) is not None)
    return assembled(
        next(telling, inputs[0].spec),
        reduce(State.merged, (each.state for each in inputs)),
        _together(inputs),
        [skipped for each in inputs for skipped in each.spec.skipped],
        stamp=stamp,
        groups=_added(inputs),
    )


def _added(inputs: Sequence[Input]) -> dict[str, State] | None:
    """Return the states of all groups; all inputs have them, or none."""
    if inputs[0].groups is None:
        return None
    total: dict[str, State] = {}
    for each in inputs:
        for name, state in (each.groups or {}).items():
            total[name] = total[name].merged(state) if name in total else state
    return total


def _together(inputs: Sequence[Input]) -> list[Part]:
    """Return the datasets of all inputs, shards of the same one joined."""
    found: dict[str, tuple[Part, str]] = {}
    for each in inputs:
        for part in each.parts:
            if part.digest in found:
                first, name = found[part.digest]
                found[part.digest] = _united(first, part, name, each.name), f"{name}, {each.name}"
            else:
                found[part.digest] = part, each.name
    cut = [(part, name) for part, name in found.values() if part.shards]
    if len(cut) > 1:
        (a, name_a), (b, name_b) = cut[:2]
        raise SpecError(
            f"dataset.digest differs: {name_a} is a shard of {a.files:,} files in "
            f"{places(a)}, {name_b} of {b.files:,} files in {places(b)}. Shards fit together "
            "when all saw the same files; merge those of each dataset first"
        )
    for (a, name_a), (b, name_b) in permutations(found.values(), 2):
        if inside(a, b):
            raise SpecError(
                f"dataset.contents: all files of {name_a} ({places(a)}) are in {name_b} "
                f"({places(b)}) too and would count twice. If these are other images under the "
                "same names, compute both in one run"
            )
    return [part for part, _ in found.values()]


def _united(a: Part, b: Part, name_a: str, name_b: str) -> Part:
    """Return shards of the same dataset as one."""
    same_files(a, b, name_a, name_b)
    if not (a.shards and b.shards):
        raise SpecError(
            f"dataset.digest is the same in {name_a} and {name_b}: images of {places(a)} would "
            "count twice. If these are other images under the same names, compute both in one run"
        )
    twice = sorted({*a.shards.parts} & {*b.shards.parts})
    if twice:
        raise SpecError(
            f"estimator.shards.parts: shard {ranges(twice)} of {a.shards.of} is in {name_a} and "
            f"in {name_b}; its images would count twice"
        )
    parts = sorted(a.shards.parts + b.shards.parts)
    return replace(
        a,
        roots=sorted({*a.roots, *b.roots}),
        shards=UNSET if len(parts) == a.shards.of else Shards(of=a.shards.of, parts=parts),
        images=a.images + b.images,
        pixels=a.pixels + b.pixels,
        skipped=a.skipped + b.skipped,
        checksum=(a.checksum + b.checksum) % CHECK,
        software=versions([a.software, b.software]),
        without=sorted([*(a.without or ()), *(b.without or ())], key=lambda hole: hole.digest)
        or UNSET,
    )
