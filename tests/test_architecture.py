"""Data flows one way: a module imports only what lies below it."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

import normstat
from normstat import cli
from normstat.cli import COMMANDS
from tests.docs import page

PACKAGE = Path(__file__).parents[1] / "normstat"

# From the ground up. A module may import from its own row and from those above it here.
LAYERS = [
    "errors",
    "names",
    "atomic",
    "products",
    "registry",
    "normalization",
    "spec",
    "statistics",
    "sources",
    "grouping",
    "presets",
    "formats",
    "contents",
    "parts",
    "per_image",
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
    "consistency",
    "merging",
    "measure",
    "validation",
    "oddities",
    "identification",
    "metrics",
    "mistakes",
    "comparison",
    "ranking",
    "candidates",
    "difference",
    "gate",
    "linting",
    "methods",
    "outputs",
    "manifest",
    "planning",
    "application",
    "inputs",
    "restoration",
    "diagnosis",
    "reports",
    "cli",
    "__main__",
]
HEAVY = {"numpy", "PIL", "joblib", "rich", "tqdm", "yaml"}


def layers_table() -> str:
    """Return LAYERS as a table of Markdown: each place, and the first words of its docstring."""
    rows = []
    for layer in LAYERS:
        module, package = PACKAGE / f"{layer}.py", PACKAGE / layer / "__init__.py"
        place, file = (f"{layer}.py", module) if module.exists() else (f"{layer}/", package)
        tree = ast.parse(file.read_text(encoding="utf-8"))
        summary = " ".join((ast.get_docstring(tree) or "").partition("\n\n")[0].split())
        rows.append(f"| `{place}` | {summary.replace('|', chr(92) + '|')} |\n")
    return "| place | what lives there |\n|---|---|\n" + "".join(rows)


def imports_of(path: Path) -> set[str]:
    """Names of the layers that a file imports, at its top or inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
            found |= {name.split(".")[1] for name in names if name.startswith("normstat.")}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("normstat."):
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
    assert len(LAYERS) == len(places)


@pytest.mark.parametrize(
    "line",
    ["import normstat.cli.show", "from normstat.cli import show", "from normstat import cli"],
)
def test_every_way_to_import_is_seen(tmp_path, line):
    module = tmp_path / "module.py"
    module.write_text(f"def late():\n    {line}\n")
    assert imports_of(module) == {"cli"}


def test_the_page_for_contributors_has_a_row_of_each_layer_in_their_order():
    rows = [line.split("|") for line in layers_table().splitlines()[2:]]
    assert [row[1].strip(" `/").removesuffix(".py") for row in rows] == LAYERS
    for _, place, summary, _ in rows:
        assert (PACKAGE / place.strip(" `")).exists()
        assert len(summary.strip()) > 20
    assert "<!-- table: tests.test_architecture:layers_table -->\n| place |" in page("contributing")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_starts_fast_because_it_loads_nothing_heavy(arguments):
    code = f"import sys; from normstat.cli import main\ntry: main({arguments!r})\nexcept SystemExit: pass\nprint('loaded', *sys.modules)"  # noqa: E501
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    loaded = output.rpartition("loaded ")[2].split()
    assert "click" in loaded
    assert not HEAVY & set(loaded)


def test_a_command_that_reads_no_image_does_not_wait_for_the_options_of_those_that_do():
    code = "import sys, normstat.cli.options; print(*sys.modules)"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert "normstat.cli.options.pixels" in output.split()
    assert not {"numpy", "PIL", "normstat.statistics"} & set(output.split())


@pytest.mark.parametrize("name", [*COMMANDS, "cache info", "cache prune"])
def test_every_option_has_a_variable_of_its_own_name(name):
    command = cli.normstat
    for word in name.split():
        command = command.get_command(click.Context(command), word)
    options = [each for each in command.params if isinstance(each, click.Option)]
    for option in options:
        spelled = option.envvar.removeprefix(f"NORMSTAT_{name.upper().replace(' ', '_')}_")
        assert f"--{spelled.lower().replace('_', '-')}" in option.opts


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_options_names_only_options_that_are_there(name):
    command = COMMANDS.load(name)
    options = [each for each in command.params if isinstance(each, click.Option)]
    there = {text for each in options for text in (*each.opts, *each.secondary_opts)}
    named = {text for each in options for text in re.findall(r"--[a-z-]+", each.help or "")}
    assert named <= there


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


def test_reading_a_spec_needs_neither_numpy_nor_pillow(tmp_path):
    path = tmp_path / "normstat.json"
    normstat.save(normstat.compute(PACKAGE.parent / "sample_data/photos/coast"), path)
    code = f"import normstat, sys; print(normstat.load({str(path)!r}).mean, *sys.modules)"
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert "normstat.spec.files" in output.split()
    assert not {"numpy", "PIL"} & set(output.split())
