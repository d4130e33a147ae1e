"""Export the lock for pip: `python -m tools.constraints` writes, with `--check` it only compares. Needs uv."""

import argparse
import subprocess
import sys

from tools.checks.constraints import CONSTRAINTS, LOCK, REMEDY, digest

EXPORT = (
    *("uv", "export", "--frozen", "--quiet", "--all-groups", "--all-packages", "--no-emit-workspace"),
    *("--no-hashes", "--no-annotate", "--no-header"),
)


def render(lock: bytes, exported: str) -> str:
    """Return the file's text: who made it, from which lock, and the versions."""
    return f"# Exported from uv.lock by `nox -s gen`; not edited by hand.\n# uv.lock sha256: {digest(lock)}\n{exported}"


def main(arguments: list[str]) -> int:
    """Write or compare the file and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when the file is out of date instead of writing it")
    only_check = parser.parse_args(arguments).check
    exported = subprocess.run(EXPORT, check=True, capture_output=True, text=True).stdout
    text = render(LOCK.read_bytes(), exported)
    if not only_check:
        CONSTRAINTS.parent.mkdir(exist_ok=True)
        CONSTRAINTS.write_text(text, encoding="utf-8")
        return 0
    if CONSTRAINTS.exists() and CONSTRAINTS.read_text(encoding="utf-8") == text:
        return 0
    print(f"{CONSTRAINTS} is out of date; {REMEDY}")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
