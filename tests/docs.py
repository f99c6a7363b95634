"""Renew the generated parts of README.md and normstat/docs, or check that they are current.

Between `<!-- run: COMMANDS -->` and `<!-- end -->` stands what the commands really print; between
`<!-- table: MODULE:FUNCTION -->` and `<!-- end -->` what the function returns.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[1]
# A mark is a line of its own, and a block ends before the next one starts.
MARK = re.compile(r"^<!-- (?:run|table): .*$", re.MULTILINE)
BLOCK = re.compile(
    r"^(<!-- (run|table): ([^\n]*) -->\n)(?:(?!<!-- )[^\n]*\n)*(<!-- end -->)$", re.MULTILINE
)
# How fast this machine was this time says nothing about whether the text is current.
SPEED = re.compile(r"^speed .*$", re.MULTILINE)

DOCS = "normstat/docs"
# The page that tells of each command.
PAGE_OF = {
    "compute": "compute",
    "show": "spec",
    "apply": "apply",
    "compare": "compare",
    "merge": "scaling",
    "subtract": "scaling",
    "identify": "compare",
    "lint": "lint",
    "diff": "export",
    "export": "export",
    "diagnose": "diagnose",
    "outliers": "outliers",
    "report": "report",
    "validate": "spec",
    "cache": "scaling",
    "presets": "compare",
    "schema": "spec",
}


def pages(root: Path = ROOT) -> list[Path]:
    """Return every page with generated parts, the README first."""
    return [root / "README.md", *sorted((root / DOCS).glob("*.md"))]


def page(name: str) -> str:
    """Return the text of the page `name` of the documentation."""
    return (ROOT / DOCS / f"{name}.md").read_text(encoding="utf-8")


def commands_table() -> str:
    """Return a row of each command, as the command line itself lists them, and its page."""
    from normstat.cli import COMMANDS  # noqa: PLC0415 (a page without this table needs none of it)

    rows = [
        f"| `{name}` | {entry.summary} | [{PAGE_OF[name]}]({DOCS}/{PAGE_OF[name]}.md) |\n"
        for name, entry in COMMANDS.items()
    ]
    return "| command | what it does | more |\n|---|---|---|\n" + "".join(rows)


def printed(commands: str) -> str:
    """Return a console block: each command, run where sample_data is, and its output."""
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith("NORMSTAT_")
    }
    environment |= {"COLUMNS": "80", "NO_COLOR": "1", "PYTHONWARNINGS": "error"}
    binaries = Path(sys.executable).parent
    environment["PATH"] = f"{binaries}{os.pathsep}{environment['PATH']}"
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "sample_data").symlink_to(ROOT / "sample_data")
        for command in commands.split(" && "):
            done = subprocess.run(  # noqa: S602 (our own pages)
                command,
                shell=True,
                cwd=folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            lines += [f"$ {command}", *done.stdout.splitlines()]
            if done.returncode:
                lines.append(f"(exit code {done.returncode})")
    return "```console\n" + "\n".join(lines) + "\n```\n"


def block(kind: str, content: str) -> str:
    """Return what stands between the marks of a block."""
    if kind == "run":
        return printed(content)
    module, _, function = content.partition(":")
    return str(getattr(import_module(module), function)())


def renewed(text: str) -> str:
    """Return a page with its generated parts made again."""
    return BLOCK.sub(lambda match: match[1] + block(match[2], match[3]) + match[4], text)


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args(arguments).check
    stale = []
    for page in pages(root):
        text = page.read_text(encoding="utf-8")
        if len(MARK.findall(text)) != len(BLOCK.findall(text)):
            sys.exit(f"{page.relative_to(root)}: a generated block has no end")
        current = renewed(text)
        if SPEED.sub("", text) == SPEED.sub("", current):
            continue
        stale.append(page.relative_to(root).as_posix())
        if not check:
            page.write_text(current, encoding="utf-8")
    if check and stale:
        sys.exit(f"not what the commands print: {', '.join(stale)}; run `make docs`")


if __name__ == "__main__":
    main()
