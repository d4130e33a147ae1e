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

CONFIG = Path("packages/bottrader/src/bottrader/config.py")
PAGE = Path("docs/configuration.md")
REMEDY = "run `nox -s gen`"


def digest(source: str) -> str:
    """Return the name of one state of the settings: of their names, defaults, bounds and descriptions."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef) and node.name == "Settings":
            fields = (part for part in node.body if isinstance(part, ast.AnnAssign))
            text = "\n".join(f"{ast.unparse(part.target)} = {ast.unparse(part.value)}" for part in fields if part.value)
            return hashlib.sha256(text.encode()).hexdigest()
    raise ValueError(f"{CONFIG} has no class Settings")


def check(root: Path) -> Iterator[Offence]:
    """Yield an offence when the page is missing or was written from other settings."""
    if not (root / CONFIG).exists():
        return
    where, page = PurePosixPath(PAGE.as_posix()), root / PAGE
    if not page.exists():
        yield Offence(where, 1, f"the page is missing; {REMEDY}")
        return
    stated = re.search(r"^settings sha256: (\w+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    if stated is None or stated[1] != digest((root / CONFIG).read_text(encoding="utf-8")):
        yield Offence(where, 1, f"written from other settings; {REMEDY}")
