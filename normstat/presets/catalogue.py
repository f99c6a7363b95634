"""Finds presets by name in the package's files and the user's own."""

import os
import re
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path

import msgspec

from normstat.errors import SourceError, SpecError, UsageError
from normstat.registry import unknown
from normstat.spec.files import decode, parse_yaml
from normstat.spec.preset import PresetSpec, Provenance
from normstat.spec.values import MaxPixelValue, Name, Number


class Preset(Provenance, frozen=True, kw_only=True):
    """A record of a preset file: the provenance and the numbers."""

    channels: list[Name]
    max_pixel_value: MaxPixelValue
    mean: list[Number]
    std: list[Number]

    def spec(self) -> PresetSpec:
        """Return the preset as a spec."""
        own = {name: getattr(self, name) for name in Provenance.__struct_fields__}
        return PresetSpec(
            channels=self.channels,
            mean=self.mean,
            std=self.std,
            max_pixel_value=self.max_pixel_value,
            preset=Provenance(**own),
        )


class Family(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A preset file: presets that are shown together."""

    family: Name = "own"
    title: Name = "Own presets"
    presets: list[Preset]


class Catalogue:
    """All presets by name and alias; a name may be written in any case, with - or _.

    Parameters
    ----------
    families
        The preset files, by the name that an error message calls them.

    Raises
    ------
    SpecError
        A record contradicts itself, or two have one name.
    """

    def __init__(self, families: Iterable[tuple[str, Family]]) -> None:
        self.titles: dict[str, str] = {}
        self._families: dict[str, list[Preset]] = {}
        self._names: dict[str, Preset] = {}
        for file, family in families:
            self.titles.setdefault(family.family, family.title)
            self._families.setdefault(family.family, []).extend(family.presets)
            for each in family.presets:
                _check(file, each)
                for name in (each.name, *each.aliases):
                    if folded(name) in self._names:
                        taken = self._names[folded(name)].name
                        raise SpecError(f"{file}: {each.name}: the name {name!r} is {taken}'s")
                    self._names[folded(name)] = each

    def __iter__(self) -> Iterator[Preset]:
        for presets in self._families.values():
            yield from presets

    def family(self, name: str) -> list[Preset]:
        """Return the presets of one family."""
        return self._families[name]

    def __contains__(self, name: str) -> bool:
        return folded(name) in self._names

    def find(self, name: str) -> Preset:
        """Return a preset by its name or an alias.

        Raises
        ------
        UsageError
            There is none; the nearest name is suggested.
        """
        if name not in self:
            hint = "`normstat presets` lists them all"
            raise UsageError(unknown("preset", folded(name), self._names, hint))
        return self._names[folded(name)]

    def search(self, words: str) -> list[Preset]:
        """Return the presets whose texts hold every one of some words."""
        wanted = words.lower().split()
        return [each for each in self if all(word in _text(each) for word in wanted)]


def folded(name: str) -> str:
    """Return the form of a name that is compared.

    >>> folded(" ImageNet_BGR_255")
    'imagenet-bgr-255'
    """
    return name.strip().lower().replace("_", "-")


def preset(name: str) -> PresetSpec:
    """Return a published normalization by its name or an alias.

    Raises
    ------
    UsageError
        There is none; the nearest name is suggested.

    Examples
    --------
    >>> preset("ImageNet").mean
    [0.485, 0.456, 0.406]
    """
    return load_catalogue().find(name).spec()


def load_catalogue(*own: str | os.PathLike[str]) -> Catalogue:
    """Read the presets of the package and those of the user's own files.

    Parameters
    ----------
    own
        YAML files like those of the package.

    Raises
    ------
    SourceError
        A file cannot be read.
    SpecError
        A record lacks a field or contradicts itself; the text names it.
    """
    shipped = (path for path in files("normstat.presets").iterdir() if path.name.endswith(".yaml"))
    by_name = sorted(
        shipped, key=lambda path: (_ORDER.index(re.split("[-.]", path.name)[0]), path.name)
    )
    contents = [(path.name, path.read_bytes()) for path in by_name]
    contents += [(str(path), _read(Path(path))) for path in own]
    return Catalogue((name, _family(name, content)) for name, content in contents)


# What most people look for comes first; the files are named after the families.
_ORDER = ("models", "photo", "small", "video", "medical", "satellite")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}; it was named as a preset file") from error


def _family(name: str, content: bytes) -> Family:
    try:
        raw = parse_yaml(content)
    except ValueError as error:
        raise SpecError(f"{name}: not valid YAML: {' '.join(str(error).split())}") from error
    return decode(raw, Family, name)


def _check(file: str, each: Preset) -> None:
    """Refuse numbers that cannot be a normalization, with the reason."""
    try:
        each.spec().normalization.scale  # noqa: B018 (making it checks it)
    except SpecError as error:
        raise SpecError(f"{file}: {each.name}: {error}") from error
    if len(set(each.channels)) != len(each.channels):
        raise SpecError(f"{file}: {each.name}: a channel is named twice")


def _text(each: Preset) -> str:
    parts = (each.name, *each.aliases, each.title, each.applies_to, *each.channels)
    return " ".join(parts).lower()
