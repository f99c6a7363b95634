"""Data flows one way: a module imports only what lies below it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "normstat"

# From the ground up. A module may import from its own row and from those above it here.
LAYERS = [
    "errors",
    "atomic",
    "registry",
    "normalization",
    "spec",
    "statistics",
    "sources",
    "grouping",
    "presets",
    "formats",
    "contents",
    "per_image",
    "tables",
    "readers",
    "masks",
    "images",
    "backends",
    "counting",
    "cache",
    "sampling",
    "engine",
    "reading",
    "coverage",
    "assemble",
    "measure",
    "validation",
    "oddities",
    "merging",
    "identification",
    "metrics",
    "mistakes",
    "comparison",
    "ranking",
    "candidates",
    "difference",
    "gate",
    "lint",
    "methods",
    "outputs",
    "manifest",
    "planning",
    "application",
    "restoration",
    "diagnosis",
    "reports",
    "cli",
    "__main__",
]
HEAVY = {"numpy", "PIL", "joblib", "rich", "tqdm", "yaml"}


def imports_of(path: Path) -> set[str]:
    """Names of the layers that a file imports, at its top or inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("normstat."):
            found.add(node.module.split(".")[1])
        elif isinstance(node, ast.ImportFrom) and node.module == "normstat":
            found |= {alias.name for alias in node.names if alias.name in LAYERS}
    return found


def layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_imports_point_down(path):
    if path == PACKAGE / "__init__.py":
        return  # the front door opens on every floor, lazily
    own = LAYERS.index(layer_of(path))
    above = {name for name in imports_of(path) if LAYERS.index(name) > own}
    assert not above, f"{path.name} imports from above: {above}"


def test_every_layer_is_a_place():
    places = {layer_of(path) for path in PACKAGE.rglob("*.py")} - {"__init__"}
    assert places == set(LAYERS)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_starts_fast_because_it_loads_nothing_heavy(arguments):
    code = f"import sys; from normstat.cli import main\ntry: main({arguments!r})\nexcept SystemExit: pass\nprint('loaded', *sys.modules)"  # noqa: E501
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    loaded = output.rpartition("loaded ")[2].split()
    assert "click" in loaded
    assert not HEAVY & set(loaded)


def test_folders_are_read_without_the_libraries_of_stores():
    code = "import normstat, sys; normstat.compute('sample_data/photos'); print(*sys.modules)"
    output = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    loaded = set(output.split())
    assert "normstat.sources.directory" in loaded
    assert not {"fsspec", "aiohttp", "asyncio", "normstat.sources.remote"} & loaded


def test_reading_a_spec_needs_neither_numpy_nor_pillow():
    code = "import normstat, sys; normstat.load; print(*sys.modules)"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert not {"numpy", "PIL"} & set(output.split())
