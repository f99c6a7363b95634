"""A listing cut into parts, for jobs that know nothing of each other."""

import re
from bisect import bisect_left
from collections.abc import Iterable
from itertools import accumulate
from typing import NamedTuple

from normstat.errors import UsageError
from normstat.sources.base import Listing
from normstat.spec.values import MOST_SHARDS

# An image costs as much as so many more bytes than it has; and where no size is known, the
# shards are balanced by their number of images.
_OPENING = 4096


class Shard(NamedTuple):
    """One part of so many: `number` counts from 1 to `of`."""

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Read "3/16".

        Raises
        ------
        UsageError
            It is not of that form, or there is no such part.

        Examples
        --------
        >>> Shard.parse("3/16")
        Shard(number=3, of=16)
        """
        match = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
        shard = cls(*map(int, match.groups())) if match else cls(0, 0)
        if not 1 <= shard.number <= shard.of <= MOST_SHARDS:
            raise UsageError(
                f"shard is {text!r}; it must be as 3/16, counted from 1/16 to 16/16, and of at "
                f"most {MOST_SHARDS:,}"
            )
        return shard

    def rows(self, whole: Listing) -> range:
        """Return the rows of a listing that are this part, which may be empty.

        Laid end to end by their bytes, the images fall into `of` equal stretches; each belongs to
        the one in which its middle lies. So the parts are runs of neighbours, they depend on the
        listing alone, and together they are the listing. A source that is read in one go is never
        cut.
        """
        costs = [size + _OPENING for size in whole.sizes]
        ends = list(accumulate(costs))
        start, stop = (
            _edge(whole, costs, ends, part, self.of) for part in (self.number - 1, self.number)
        )
        return range(start, stop)


def ranges(numbers: Iterable[int]) -> str:
    """Return ascending numbers as text.

    >>> ranges([1, 2, 3, 7])
    '1-3, 7'
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ", ".join("-".join(map(str, run)) for run in runs)


def _edge(whole: Listing, costs: list[int], ends: list[int], part: int, of: int) -> int:
    """Return the first row whose middle is at or after `part` stretches."""
    if part == of:
        return len(ends)
    target = 2 * part * (ends[-1] if ends else 0)

    def middle(row: int) -> int:
        return (2 * ends[row] - costs[row]) * of

    row = bisect_left(range(len(ends)), target, key=middle)
    owners = whole.owners
    if not 0 < row < len(ends) or owners[row] != owners[row - 1]:
        return row
    if not whole.sources[owners[row]].whole:
        return row
    first = last = row
    while first and owners[first - 1] == owners[row]:
        first -= 1
    while last + 1 < len(ends) and owners[last + 1] == owners[row]:
        last += 1
    # Its middle, twice, as that of an image.
    return first if (ends[first] - costs[first] + ends[last]) * of >= target else last + 1
