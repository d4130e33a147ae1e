"""`docs/configuration.md` was written from these very settings.

Checked without importing them, so that the check runs where the packages' dependencies are not; `nox -s gen` writes the
page.
"""

import ast
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tools.checks.source import Offence

CONFIG = Path("packages/bottrader/src/bottrader/config")
PAGE = Path("docs/configuration.md")
REMEDY = "run `nox -s gen`"


def sources(root: Path) -> list[str]:
    """Return the texts of the modules that define settings, in the order of their names."""
    return [file.read_text(encoding="utf-8") for file in sorted((root / CONFIG).glob("*.py"))]


def digest(modules: list[str]) -> str:
    """Return the name of one state of the settings: of their groups, names, defaults, bounds and descriptions."""
    text = "\n".join(line for module in modules for line in _described(module))
    if not text:
        raise ValueError(f"{CONFIG} has no class whose name ends in Settings")
    return hashlib.sha256(text.encode()).hexdigest()


def _described(module: str) -> Iterator[str]:
    for node in ast.parse(module).body:
        if isinstance(node, ast.ClassDef) and node.name.endswith("Settings"):
            yield f"{node.name}({', '.join(map(ast.unparse, node.bases))}): {ast.get_docstring(node)}"
            for part in node.body:
                if isinstance(part, ast.AnnAssign) and part.value:
                    yield f"{ast.unparse(part.target)} = {ast.unparse(part.value)}"


def check(root: Path) -> Iterator[Offence]:
    """Yield an offence when the page is missing or was written from other settings."""
    if not (root / CONFIG).exists():
        return
    where, page = PurePosixPath(PAGE.as_posix()), root / PAGE
    if not page.exists():
        yield Offence(where, 1, f"the page is missing; {REMEDY}")
        return
    stated = re.search(r"^settings sha256: (\w+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    if stated is None or stated[1] != digest(sources(root)):
        yield Offence(where, 1, f"written from other settings; {REMEDY}")
