"""Which part of a listing a run reads, and what the spec says of that."""

from dataclasses import dataclass

import msgspec

from normstat.errors import UsageError
from normstat.reading import Reading
from normstat.sampling import FIRST_LOOK, drawn, fixed_size, next_look, widest
from normstat.sources import Listing
from normstat.sources.shards import Shard
from normstat.spec.dataset import Shards
from normstat.spec.model import Estimator, Sample
from normstat.spec.pipeline import Pipeline
from normstat.statistics import summarize


@dataclass(frozen=True)
class Wanted:
    """All of a listing, its first images, a random sample, or one of its shards.

    The fields are the parameters of `compute`.

    Raises
    ------
    UsageError
        Two of these were asked for, or one has no such value.
    """

    limit: int | None
    sample: str | int | None
    tolerance: float | None
    seed: int
    stratify: bool
    shard: str | None

    def __post_init__(self) -> None:
        ways = ("limit", "sample", "tolerance", "shard")
        given = [way for way in ways if getattr(self, way) is not None]
        if len(given) > 1:
            raise UsageError(f"{' and '.join(given)} are different ways to read less: name one")
        if self.limit is not None and self.limit < 1:
            raise UsageError(f"limit is {self.limit}; it must be at least 1")
        if self.tolerance is not None and not self.tolerance > 0:
            raise UsageError(f"tolerance is {self.tolerance}; it must be above 0")
        if self.sample is not None:
            fixed_size(self.sample, 1)
        if self.stratify and self.sample is None and self.tolerance is None:
            raise UsageError("stratify is of random samples: name sample or tolerance with it")
        self._shard()
        if not 0 <= self.seed <= 2**53:
            raise UsageError(f"seed is {self.seed}; it must be from 0 to 2^53")

    def _shard(self) -> Shard | None:
        """Return the shard to read; one of one is no shard."""
        shard = Shard.parse(self.shard) if self.shard is not None else None
        return shard if shard and shard.of > 1 else None

    def unlisted(self, listing: Listing) -> list[tuple[str, str]]:
        """Return what of this part could not be listed; of shards, it belongs to the first."""
        shard = self._shard()
        return [] if shard and shard.number > 1 else list(listing.unreadable)

    def read_by(self, run: Reading, estimator: Estimator, pipeline: Pipeline) -> Estimator:
        """Let a run read this part and return the estimator that says what was read."""
        total = len(run.listing)
        estimator = msgspec.structs.replace(estimator, images_listed=total)
        if self.limit is not None and self.limit < total:
            run.expect(self.limit)
            run.read(range(self.limit))
            return msgspec.structs.replace(estimator, coverage="first", limit=self.limit)
        shard = self._shard()
        if shard:
            rows = shard.rows(run.listing)
            run.expect(len(rows))
            run.read(rows)
            shards = Shards(of=shard.of, parts=[shard.number])
            return msgspec.structs.replace(estimator, coverage="shards", shards=shards)
        if self.sample is None and self.tolerance is None:
            run.expect(total)
            run.read()
            return estimator
        order = drawn(run.listing.names, seed=self.seed, stratify=self.stratify)
        sampled = msgspec.structs.replace(estimator, coverage="sample")
        target = FIRST_LOOK if self.sample is None else fixed_size(self.sample, total)
        read, target = 0, min(total, target)
        while read < target:
            run.expect(target)
            run.read(order[read:target])
            read = target
            if self.tolerance is not None and run.state.images:
                width = widest(summarize(run.state, sampled, pipeline, level=sampled.confidence))
                if width > self.tolerance:
                    target = next_look(read, width, self.tolerance, total)
        if read == total:
            return estimator
        return msgspec.structs.replace(
            sampled,
            sample=Sample(
                images=read, seed=self.seed, stratified=self.stratify, tolerance=self.tolerance
            ),
        )
