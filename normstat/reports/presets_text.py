"""Presets as text for a terminal."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from normstat.presets import Catalogue, Preset

_MOST_CHANNELS = 4


def presets_text(catalogue: Catalogue, wanted: Sequence[Preset]) -> RenderableType:
    """Return a table of presets, grouped by family; `*` marks those that are not verified."""
    parts: list[RenderableType] = []
    names = {preset.name for preset in wanted}
    for family, title in catalogue.titles.items():
        shown = [preset for preset in catalogue.family(family) if preset.name in names]
        if shown:
            parts += [Text(title, style="bold"), _table(shown), Text()]
    if not all(preset.verified for preset in wanted):
        parts.append(Text("* known only from an excerpt of its source", style="dim"))
    return Group(*parts)


def _table(presets: Sequence[Preset]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold")
    for preset in presets:
        table.add_row(
            Text(preset.name + ("" if preset.verified else " *")),
            Text(_numbers(preset.mean)),
            Text(_numbers(preset.std)),
        )
    return table


def _numbers(values: Sequence[float]) -> str:
    if len(values) > _MOST_CHANNELS:
        return f"{values[0]:.6g} … {values[-1]:.6g} ({len(values)} channels)"
    return " ".join(f"{value:.6g}" for value in values)


def preset_text(preset: Preset) -> RenderableType:
    """Return everything that is known of a preset."""
    facts = Table(box=None, show_header=False, pad_edge=False)
    facts.add_column(no_wrap=True, style="bold")
    facts.add_column(overflow="fold")
    rows = {
        "name": preset.name,
        "also": ", ".join(preset.aliases),
        "applies to": preset.applies_to,
        "kind": preset.kind,
        "channels": " ".join(preset.channels),
        "max_pixel_value": f"{preset.max_pixel_value:g}",
        "units": preset.units or "",
        "mean": str(preset.mean),
        "std": str(preset.std),
        **_variants(preset),
        "definition": f"{preset.std_definition}. {preset.std_note or ''}".strip(),
        "verified": "yes" if preset.verified else "no, only an excerpt of the source is known",
        "disputes": preset.disputes or "",
        "notes": preset.notes or "",
        "sources": "\n".join(_source_lines(preset)),
    }
    for label, text in rows.items():
        if text:
            facts.add_row(label, Text(text))
    return Group(Text(preset.title, style="bold"), facts)


def _source_lines(preset: Preset) -> list[str]:
    lines = []
    for source in preset.sources:
        place = " ".join(part for part in (source.repo, source.path) if part) or "no repository"
        commit = f" @ {source.commit}" if source.commit else ""
        lines += [f"{place}{commit}", f"  {source.literal}"]
    return lines


def _variants(preset: Preset) -> dict[str, str]:
    """Return the numbers of an 8-bit preset in both ranges and, for colour, in both orders."""
    if preset.code_max is None:
        return {}
    variants = {}
    for label, unit in (("0–1", preset.code_max), (f"0–{preset.code_max}", 1)):
        factor = preset.max_pixel_value / unit
        mean, std = ([value * factor for value in values] for values in (preset.mean, preset.std))
        orders = {"": 1}
        if set(preset.channels) == set("RGB"):
            first = "".join(preset.channels)
            orders = {f" {first}": 1, f" {first[::-1]}": -1}
        for order, step in orders.items():
            variants[f"{label}{order}"] = f"mean {_list(mean[::step])} std {_list(std[::step])}"
    return variants


def _list(values: Sequence[float]) -> str:
    return "[" + ", ".join(f"{value:.7g}" for value in values) + "]"
