"""Refuse a tag that is not the packages' version: `python -m tools.ci.release v0.1.0`, before anything is built."""

import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path


def refusals(tag: str, projects: Iterable[Path]) -> list[str]:
    """Return one sentence for each project whose version the tag does not name."""
    found = []
    for path in projects:
        project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
        if tag != f"v{project['version']}":
            found.append(f"{project['name']} is {project['version']}, so its tag is v{project['version']}, not {tag}")
    return found


if __name__ == "__main__":
    sys.exit("\n".join(refusals(sys.argv[1], sorted(Path("packages").glob("*/pyproject.toml")))) or None)
