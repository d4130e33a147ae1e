"""Export the lock for pip: `python -m tools.constraints` writes, with `--check` it only compares. Needs uv."""

import argparse
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tools.checks.constraints import CONSTRAINTS, IMAGE, IMAGE_BUILD, LOCK, REMEDY, digest

EXPORT = ("uv", "export", "--frozen", "--quiet", "--no-emit-workspace", "--no-annotate", "--no-header")
# The image installs nothing whose hash is not written down; nox and CI need the versions of every group.
EXPORTS: Mapping[Path, tuple[str, ...]] = {
    CONSTRAINTS: ("--all-groups", "--all-packages", "--no-hashes"),
    IMAGE: ("--no-default-groups", "--package=bottrader"),
    IMAGE_BUILD: ("--only-group=image",),
}


def render(lock: bytes, exported: str) -> str:
    """Return the file's text: who made it, from which lock, and the versions."""
    return f"# Exported from uv.lock by `nox -s gen`; not edited by hand.\n# uv.lock sha256: {digest(lock)}\n{exported}"


def main(arguments: list[str]) -> int:
    """Write or compare the files and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when a file is out of date instead of writing them")
    only_check = parser.parse_args(arguments).check
    lock = LOCK.read_bytes()
    late = [file for file, options in EXPORTS.items() if not _is_current(file, options, lock, write=not only_check)]
    for file in late:
        print(f"{file} is out of date; {REMEDY}")
    return 1 if late else 0


def _is_current(file: Path, options: tuple[str, ...], lock: bytes, *, write: bool) -> bool:
    exported = subprocess.run((*EXPORT, *options), check=True, capture_output=True, text=True).stdout
    text = render(lock, exported)
    if write:
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return True
    return file.exists() and file.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
