"""The spec of what was added or is left."""

from collections.abc import Iterable

from msgspec.structs import replace

from normstat.assemble import reassembled
from normstat.errors import SpecError
from normstat.parts import joined
from normstat.spec.dataset import Part, Skipped
from normstat.spec.model import Spec, Stamp
from normstat.statistics import State


def assembled(
    spec: Spec,
    state: State,
    parts: Iterable[Part],
    skipped: Iterable[Skipped],
    *,
    stamp: Stamp | None,
    groups: dict[str, State] | None,
) -> Spec:
    """Return the spec of a state and its parts, that counts as `spec` does."""
    whole = joined(parts)
    skipped = list(skipped)
    if not state.images and not whole.shards:
        raise SpecError(
            f"there is no image in it, only {len(skipped):,} skipped files; nothing was written"
        )
    return reassembled(
        spec,
        state,
        groups,
        estimator=replace(
            spec.estimator,
            coverage="shards" if whole.shards else "census",
            shards=whole.shards,
            images_listed=whole.images_listed,
        ),
        dataset=whole.dataset,
        skipped=skipped,
        software=whole.software,
        stamp=stamp,
    )
