"""Renew the generated parts of README.md, or check that they are current (`--check`).

Between `<!-- run: COMMANDS -->` and `<!-- end -->` stands what the commands really print; between
`<!-- table: MODULE:FUNCTION -->` and `<!-- end -->` what the function returns.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
BLOCK = re.compile(r"(<!-- (run|table): (.*?) -->\n).*?(<!-- end -->)", re.DOTALL)
# How fast this machine was this time says nothing about whether the text is current.
SPEED = re.compile(r"^speed .*$", re.MULTILINE)


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
            done = subprocess.run(  # noqa: S602 (our own README)
                command,
                shell=True,
                cwd=folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            lines += [f"$ {command}", *(line.rstrip() for line in done.stdout.splitlines())]
            if done.returncode:
                lines.append(f"(exit code {done.returncode})")
    return "```console\n" + "\n".join(lines) + "\n```\n"


def block(kind: str, content: str) -> str:
    """Return what stands between the marks of a block."""
    if kind == "run":
        return printed(content)
    module, _, function = content.partition(":")
    return str(getattr(import_module(module), function)())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    text = README.read_text(encoding="utf-8")
    renewed = BLOCK.sub(lambda match: match[1] + block(match[2], match[3]) + match[4], text)
    if SPEED.sub("", text) == SPEED.sub("", renewed):
        return
    if check:
        sys.exit("README.md does not show what the commands print: run `make docs`")
    README.write_text(renewed, encoding="utf-8")


if __name__ == "__main__":
    main()
