"""Does a spec's every number follow from its own state?"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isclose
from typing import Any

import msgspec
from msgspec import UNSET

from normstat.assemble import group_states, reassembled, state_of
from normstat.errors import NormstatError, SpecError
from normstat.parts import CHECK, checksum, joined, parts_of, pixels_of
from normstat.registry import instance
from normstat.spec.dataset import Shards
from normstat.spec.model import Group, Spec
from normstat.statistics import Kind, KindState, State, kind_of

# Sums are exact; only a square root of another machine's library could differ in its last bit.
_CLOSE = 1e-12
_LONGEST = 120  # characters of a value in a message


@dataclass(frozen=True)
class Problem:
    """A field that contradicts the state, by its path in the file."""

    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}"


def validate(spec: Spec) -> list[Problem]:
    """Return every field that does not follow from the state; none for a sound spec.

    Raises
    ------
    UsageError
        It is no spec of a dataset, such as the name of one.

    Examples
    --------
    >>> import msgspec, normstat
    >>> spec = normstat.compute("sample_data/photos")
    >>> validate(spec)
    []
    >>> print(validate(msgspec.structs.replace(spec, mean=[0.5, 0.5, 0.5]))[0])
    mean[0]: 0.5, but the state gives 0.4...
    """
    instance("spec", spec, Spec, "load(PATH) reads one")
    try:
        state, groups = state_of(spec), group_states(spec)
    except SpecError as error:
        path, _, text = str(error).partition(": ")
        return [Problem(path, text)]
    problems = [*_of_state("state", state), *_of_dataset(spec)]
    if groups is not None:
        problems += _of_groups(spec, state, groups)
    if not state.images and not spec.estimator.shards:
        problems.append(Problem("state.kinds", "holds no image"))
    if problems:
        return problems
    try:
        derived = reassembled(spec, state, groups)
    except (NormstatError, ValueError, ArithmeticError) as error:
        return [Problem("state", str(error))]
    return list(_differences("", msgspec.to_builtins(spec), msgspec.to_builtins(derived)))


def differences(before: Spec, now: Spec) -> list[Problem]:
    """Return where what was found of a dataset differs in a spec that was made of it later."""
    problems = []
    for field in ("mean", "std", "counts", "skipped", "state", "groups"):
        pair = (_by_name(getattr(each, field)) for each in (before, now))
        problems += [
            Problem(problem.path, problem.text.replace("the state gives", "now it is"))
            for problem in _differences(field, *pair)
        ]
    return problems


def _plain(value: Any) -> Any:
    return None if value is UNSET else msgspec.to_builtins(value)


def _by_name(value: Any) -> Any:
    """Return a field as plain data, groups by their names."""
    if isinstance(value, list) and value and isinstance(value[0], Group):
        return {group.name: _plain(group) for group in value}
    return _plain(value)


def _of_groups(spec: Spec, state: State, groups: Mapping[str, State]) -> Iterator[Problem]:
    """Yield where groups contradict themselves, the listing, or in their sum the whole."""
    for place, part in enumerate(groups.values()):
        yield from _of_state(f"groups[{place}].state", part)
    lost = Counter(each.group for each in spec.skipped if each.group)
    for name in {**groups, **lost}:
        images, listed = (groups[name].images if name in groups else 0), spec.dataset.listed(name)
        if images + lost[name] > listed:
            text = f"{listed} of {name!r}, of which {images} were read and {lost[name]} skipped"
            yield Problem("dataset.groups", text)
    if sum((spec.dataset.groups or {}).values()) > spec.dataset.files:
        yield Problem("dataset.groups", f"more than {spec.dataset.files} files")
    total = State.of_all(groups.values())
    for problem in _differences("state", state.to_text(), total.to_text()):
        yield Problem(problem.path, problem.text.replace("the state gives", "the groups add up to"))


def _of_dataset(spec: Spec) -> Iterator[Problem]:
    """Yield where what is told of the files contradicts the rest."""
    dataset = spec.dataset
    for path, there in (("group_by", dataset.group_by), ("groups", dataset.groups)):
        if (there is UNSET) != (spec.groups is UNSET and dataset.group is UNSET):
            yield Problem(f"dataset.{path}", "does not fit to groups")
    if not dataset.group:
        yield from _of_parts(spec)
        return
    listed = dataset.listed(dataset.group)
    if spec.estimator.images_listed != listed:
        text = f"{spec.estimator.images_listed}, but {listed} files are of {dataset.group!r}"
        yield Problem("estimator.images_listed", text)


def _of_parts(spec: Spec) -> Iterator[Problem]:
    """Yield where what is told of the whole contradicts what is told of its parts."""
    parts = parts_of(spec)
    whole = joined(parts)
    counts = {
        "images": spec.counts.images,
        "pixels": pixels_of(spec.state),
        "skipped": spec.counts.skipped,
    }
    pairs = [
        ("dataset", spec.dataset, whole.dataset),
        ("estimator.images_listed", spec.estimator.images_listed, whole.images_listed),
        ("state", checksum(spec.state), sum(part.checksum for part in parts) % CHECK),
        ("estimator.shards", spec.estimator.shards, whole.shards),
        *(
            (f"counts.{field}", count, sum(getattr(part, field) for part in parts))
            for field, count in counts.items()
        ),
    ]
    for path, found, expected in pairs:
        for problem in _differences(path, _plain(found), _plain(expected)):
            text = problem.text.replace("the state gives", "the parts give")
            yield Problem(problem.path, text)
    if (spec.estimator.coverage == "shards") != bool(spec.estimator.shards):
        yield Problem("estimator.coverage", "does not fit to estimator.shards")
    for part in parts:
        if part.shards and not _are_some(part.shards):
            yield Problem("estimator.shards.parts", f"are not some of {part.shards.of}, in order")


def _are_some(shards: Shards) -> bool:
    numbers = shards.parts
    in_order = numbers == sorted(set(numbers))
    return in_order and numbers[-1] <= shards.of and len(numbers) < shards.of


def _of_state(path: str, state: State) -> Iterator[Problem]:
    """Yield where parts of a state contradict each other."""
    for name, kind in state.kinds.items():
        yield from _of_kind(f"{path}.kinds.{name}", kind, kind_of(name))
    for field in ("modes", "widths", "heights"):
        total = sum(getattr(state, field).values())
        if total != state.images:
            yield Problem(f"{path}.{field}", f"{total} images, but kinds hold {state.images}")


def _of_kind(path: str, state: KindState, kind: Kind) -> Iterator[Problem]:
    """Yield where the sums of a kind contradict its histogram."""
    sums = state.images
    if state.histogram is not None:
        counts, zero = state.histogram.counts.sum(axis=1).tolist(), kind.zero
        s, q = state.histogram.sums(), state.histogram.square_sums()
        pairs = [
            ("n", sums.n, counts),
            ("s", sums.s, [a + zero * n for a, n in zip(s, counts, strict=True)]),
            (
                "q",
                sums.q,
                [b + zero * (2 * a + zero * n) for a, b, n in zip(s, q, counts, strict=True)],
            ),
        ]
        for field, found, counted in pairs:
            if found != counted:
                yield Problem(f"{path}.images.{field}", f"{found}, but the histogram has {counted}")


def _differences(path: str, found: Any, expected: Any) -> Iterator[Problem]:
    """Yield the places in which two trees of plain data differ."""
    if isinstance(found, dict) and isinstance(expected, dict):
        for key in (*found, *(expected.keys() - found.keys())):
            pair = found.get(key, "nothing"), expected.get(key, "nothing")
            yield from _differences(f"{path}.{key}" if path else key, *pair)
    elif isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        for index, pair in enumerate(zip(found, expected, strict=True)):
            yield from _differences(f"{path}[{index}]", *pair)
    elif isinstance(found, float) and isinstance(expected, float):
        if not isclose(found, expected, rel_tol=_CLOSE, abs_tol=_CLOSE):
            yield Problem(path, f"{found}, but the state gives {expected}")
    elif found != expected:
        yield Problem(path, f"{_short(found)}, but the state gives {_short(expected)}")


def _short(value: Any) -> str:
    text = value if value == "nothing" else repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
