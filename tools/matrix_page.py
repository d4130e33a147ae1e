"""Write the matrix of components into `docs/testing.md`: `python -m tools.matrix_page`; `--check` only compares."""

import argparse
import sys
from pathlib import Path

from tools.checks import components


def main(arguments: list[str]) -> int:
    """Write or compare the page and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when the page is out of date instead of writing it")
    only_check = parser.parse_args(arguments).check
    offences = [str(offence) for offence in components.check(Path(), is_page_judged=only_check)]
    if not only_check:
        before = components.PAGE.read_text(encoding="utf-8")
        components.PAGE.write_text(components.render(before, components.tests_by_cell(Path())), encoding="utf-8")
    for offence in offences:
        print(offence)
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
