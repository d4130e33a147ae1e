"""`requirements/constraints.txt` is `uv.lock` for pip: it says the same versions and was exported from this very lock.

Checked without uv, so that the check runs where only pip is; `nox -s gen` writes the file.
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tools.checks.source import Offence

LOCK = Path("uv.lock")
CONSTRAINTS = Path("requirements/constraints.txt")
REMEDY = "run `nox -s gen`"


def digest(lock: bytes) -> str:
    """Return the name of one state of the lock."""
    return hashlib.sha256(lock).hexdigest()


def check(root: Path) -> Iterator[Offence]:
    """Yield an offence when the file is missing or was exported from another lock."""
    path = root / CONSTRAINTS
    where = PurePosixPath(CONSTRAINTS.as_posix())
    if not path.exists():
        yield Offence(where, 1, f"the file is missing; {REMEDY}")
        return
    stated = re.search(r"^# uv\.lock sha256: (\w+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    if stated is None or stated[1] != digest((root / LOCK).read_bytes()):
        yield Offence(where, 1, f"exported from another uv.lock; {REMEDY}")
