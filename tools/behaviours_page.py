"""Write the tests into `docs/behaviours.md`, row by row: `python -m tools.behaviours_page`; `--check` only compares."""

import argparse
import sys
from pathlib import Path

from tools.checks import behaviours


def render(text: str, tests: behaviours.Proofs) -> str:
    """Return the page with the last column made anew; sentences and everything between the tables stay as they are."""
    lines = []
    for line in text.splitlines():
        row = behaviours.ROW.match(line)
        lines.append(line if row is None else behaviours.render_row(row[1], row[2], tests.get(row[1], ())))
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> int:
    """Write or compare the page and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when the page is out of date instead of writing it")
    only_check = parser.parse_args(arguments).check
    before = behaviours.PAGE.read_text(encoding="utf-8")
    after = render(before, behaviours.proofs(Path()))
    if not only_check:
        behaviours.PAGE.write_text(after, encoding="utf-8")
        return 0
    if after == before:
        return 0
    print(f"{behaviours.PAGE} is out of date; {behaviours.REMEDY}")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
