"""Print the oldest runtime dependencies that pyproject.toml allows, as pip constraints."""

import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def main() -> None:
    project = tomllib.loads(PROJECT.read_text())["project"]
    for requirement in project["dependencies"]:
        print(requirement.replace(">=", "=="))


if __name__ == "__main__":
    main()
