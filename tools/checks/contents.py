"""What is in a package ships to every user: source, templates and their style, and nothing that came in by mistake."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tools.checks.source import Offence

SUFFIXES = {".py", ".typed", ".j2", ".css", ".mako"}
CACHE = "__pycache__"


def check(root: Path) -> Iterator[Offence]:
    for folder in sorted((root / "packages").glob("*/src")):
        for file in sorted(folder.rglob("*")):
            path = PurePosixPath(file.relative_to(root).as_posix())
            if file.is_file() and file.suffix not in SUFFIXES and CACHE not in path.parts:
                yield Offence(path, 1, "a package holds no such file; remove it, or let tools.checks.contents know it")
