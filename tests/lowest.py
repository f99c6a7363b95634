"""Print the oldest dependencies that pyproject.toml allows, as pip constraints."""

import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def main() -> None:
    project = tomllib.loads(PROJECT.read_text())["project"]
    requirements = project["dependencies"] + project["optional-dependencies"]["test"]
    for requirement in requirements:
        print(requirement.replace(">=", "=="))


if __name__ == "__main__":
    main()
