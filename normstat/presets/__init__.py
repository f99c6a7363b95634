"""Published normalizations with their sources, as data files; adding one needs no code."""

from normstat.presets.catalogue import Catalogue, Preset, load_catalogue, preset

__all__ = ["Catalogue", "Preset", "load_catalogue", "preset"]
