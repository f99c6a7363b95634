"""What was there to be read, and what of it was left out."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from normstat.spec.values import MOST_SHARDS, Count, Digest, GroupName, Name, Section, Size


class Shards(Section, frozen=True, kw_only=True):
    """Which parts of a listing were read, counted from 1, of how many."""

    of: Annotated[int, Meta(ge=2, le=MOST_SHARDS)]
    parts: Annotated[list[Size], Meta(min_length=1)]


class Selected(Section, frozen=True, kw_only=True, omit_defaults=True):
    """Which files of the roots were looked at: all, or those that a list named."""

    include: list[str]
    exclude: list[str]
    extensions: list[str]
    follow_symlinks: bool
    hidden: bool
    files_from: Name | None = None
    null: bool = False
    column: Name | None = None
    mask_dir: Name | None = None
    mask_suffix: Name | None = None


SELECTED = Selected.__struct_fields__


class Entry(Section, frozen=True, kw_only=True, omit_defaults=True):
    """A file, or a folder (its name ends in "/") with what lies in it.

    `digest` covers the sorted names and sizes; a file needs none.
    """

    name: Name
    files: Count = 1
    bytes: Count
    digest: Digest | None = None


class Files(Section, frozen=True, kw_only=True):
    """What was there to be read. `digest` covers the sorted relative names and sizes.

    `contents` tells what is where: every file while they are few, else every folder. `groups` are
    the files of each group, when images were told apart by the rule `group_by`.
    """

    roots: list[str]
    selected: Selected | None
    files: Count
    bytes: Count
    digest: Digest
    contents: list[Entry]
    group_by: Name | UnsetType = UNSET
    groups: dict[GroupName, Count] | UnsetType = UNSET

    def files_of(self, group: str) -> int:
        """Return how many of the files are of a group."""
        return (self.groups or {}).get(group, 0)


class Part(Files, frozen=True, kw_only=True):
    """A dataset that was merged with others or taken out, and how much of it counts there.

    `checksum` is of the exact state of its images, and adds up as states do. So do `pixels`, which
    are those of the first channel where values are missing in some.
    """

    shards: Shards | UnsetType = UNSET
    images: Count
    pixels: Count
    skipped: Count
    checksum: Count
    software: dict[str, str]
    without: list["Part"] | UnsetType = UNSET


class Dataset(Files, frozen=True, kw_only=True):
    """A dataset, or several that were merged.

    Merged ones are kept whole in `parts`; `files` and `bytes` are then their sums, `digest` is
    over theirs, and `selected` is null when they differ in it. `without` has what was taken out
    of the files of this dataset. `group` is the only group of them that counts here.
    """

    parts: list[Part] | UnsetType = UNSET
    without: list[Part] | UnsetType = UNSET
    group: GroupName | UnsetType = UNSET

    def listed(self, group: str) -> int:
        """Return how many files of a group there are, without those that were taken out."""
        taken: list[Part] = [
            hole for each in (self, *(self.parts or ())) for hole in each.without or ()
        ]
        return self.files_of(group) - sum(hole.files_of(group) for hole in taken)


class Skipped(Section, frozen=True, kw_only=True):
    """A file that does not count, why, and the group in which it would."""

    name: Name
    reason: Name
    group: GroupName | UnsetType = UNSET
