"""What an archive holds, member by member."""

from dataclasses import dataclass, field

from normstat.errors import ImageError
from normstat.sources.base import MOST_BYTES, Listing, Source
from normstat.sources.selection import Matcher
from normstat.sources.storage import Status

LINK = "is a link inside an archive, which is not followed"
CUT_OFF = "damaged: the archive ends in the middle of it"
_TOO_LARGE = f"is said to have %s bytes; more than {MOST_BYTES:,} are not read"


@dataclass
class Members:
    """Size and place of each image by its name in the archive, and what will not be read."""

    label: str
    source: Source
    status: Status
    matcher: Matcher
    images: dict[str, tuple[int, int]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    passed_over: int = 0
    damage: tuple[str, str] | None = None

    def add(self, member: str, size: int, place: int, refusal: str = "") -> None:
        """Note a member that is a file, or why it will not be read."""
        name = member.removeprefix("./")
        if not (self.matcher.sees_all_of(name) and self.matcher.takes(name)):
            self.passed_over += 1
            return
        if size > MOST_BYTES:
            refusal = _TOO_LARGE % f"{size:,}"
        # The later of two takes the place of the earlier, as when they are unpacked.
        self.images.pop(name, None)
        self.refused.pop(name, None)
        if refusal:
            self.refused[name] = refusal
        else:
            self.images[name] = (size, place)

    def add_to(self, listing: Listing) -> None:
        listing.enter(self.source)
        for name, (size, place) in self.images.items():
            listing.add(self.label + name, size, self.status.version, place)
        listing.unreadable += [(self.label + name, why) for name, why in self.refused.items()]
        listing.unreadable += [self.damage] if self.damage else []
        listing.passed_over += self.passed_over


def complete(content: bytes, size: int) -> bytes:
    """Return the content of a member; one that is cut off raises ImageError."""
    if len(content) < size:
        raise ImageError(CUT_OFF)
    return content
