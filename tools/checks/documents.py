"""Documents that name a test or a file name one that exists: a promise whose test is gone is no promise.

A test is written `tests/<file>.py::<name>`, a class between the two where there is one; a link is relative to its page.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tools.checks.source import Offence

PAGES = ("*.md", "docs/**/*.md", "packages/*/README.md")
TEST = re.compile(r"(tests/[\w/]+\.py)::([\w:]+)")
LINK = re.compile(r"\]\(([^)\s]+)\)")
REMOTE = ("http://", "https://", "mailto:", "#")


def check(root: Path) -> Iterator[Offence]:
    """Yield an offence for each named test and each linked file that is not there."""
    known: dict[str, set[str]] = {}
    for page in sorted({path for pattern in PAGES for path in root.glob(pattern)}):
        where = PurePosixPath(page.relative_to(root).as_posix())
        for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
            for file, name in TEST.findall(line):
                if file not in known:
                    known[file] = _tests_in(root / file)
                if name not in known[file]:
                    yield Offence(where, number, f"there is no test {file}::{name}")
            for link in LINK.findall(line):
                target = link.partition("#")[0]
                if not link.startswith(REMOTE) and not (page.parent / target).exists():
                    yield Offence(where, number, f"the link {link} leads nowhere")


def _tests_in(file: Path) -> set[str]:
    """Return the names of a file's tests and classes; a class may inherit its tests, so its name alone counts too."""
    if not file.is_file():
        return set()
    names = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names.add(name)
            case ast.ClassDef(name=name, body=body):
                names.add(name)
                methods = (inner for inner in body if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef))
                names |= {f"{name}::{method.name}" for method in methods}
    return names
