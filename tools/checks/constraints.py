"""The files of `requirements/` that are `uv.lock` for pip say the same versions and were exported from this very lock.

Checked without uv, so that the check runs where only pip is; `nox -s gen` writes the files.
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tools.checks.source import Offence

LOCK = Path("uv.lock")
CONSTRAINTS = Path("requirements/constraints.txt")
IMAGE = Path("requirements/image.txt")
IMAGE_BUILD = Path("requirements/image-build.txt")
EXPORTED = (CONSTRAINTS, IMAGE, IMAGE_BUILD)
REMEDY = "run `nox -s gen`"


def digest(lock: bytes) -> str:
    """Return the name of one state of the lock."""
    return hashlib.sha256(lock).hexdigest()


def check(root: Path) -> Iterator[Offence]:
    """Yield an offence for each file that is missing or was exported from another lock."""
    lock = digest((root / LOCK).read_bytes())
    for file in EXPORTED:
        path, where = root / file, PurePosixPath(file.as_posix())
        if not path.exists():
            yield Offence(where, 1, f"the file is missing; {REMEDY}")
            continue
        stated = re.search(r"^# uv\.lock sha256: (\w+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        if stated is None or stated[1] != lock:
            yield Offence(where, 1, f"exported from another uv.lock; {REMEDY}")
