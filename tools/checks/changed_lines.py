"""Judge the coverage of changed lines: `python -m tools.checks.changed_lines FOLDER --base origin/main`.

The total hides a new function that nothing tests; its own lines do not. Reads `all.xml` as coverage.py writes it, asks
diff-cover which of the lines that changed since the base are covered, and writes `changed.md`. The floor is
`changed` in `[tool.bottrader.coverage]`. Without a base there is nothing to compare, which is said and passes.
"""

import argparse
import json
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Report = Mapping[str, Any]


def verdict(report: Report, floor: float, base: str) -> tuple[bool, str]:
    """Return whether the floor is reached, and the result as Markdown; `report` is diff-cover's JSON."""
    count, missed = report["total_num_lines"], report["total_num_violations"]
    lines = ["## Changed lines", ""]
    if not count:
        return True, "\n".join([*lines, f"No line that coverage counts has changed since {base}.", ""])
    percent = 100 * (count - missed) / count
    lines.append(f"{percent:.1f} % of {count} changed lines are covered since {base}; at least {floor:g} %.")
    for path, file in sorted(report["src_stats"].items()):
        if file["violation_lines"]:
            lines.append(f"* {path}: no test runs line {', '.join(map(str, file['violation_lines']))}")
    return percent >= floor, "\n".join([*lines, ""])


def commit_of(revision: str) -> str | None:
    """Return the commit that a revision names, None when this clone has no such revision or is none."""
    command = ["git", "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


def ask(folder: Path, base: str) -> Report:
    """Return what diff-cover found; lines that are changed but not committed count as well."""
    report = folder / "changed.json"
    program = Path(sys.executable).with_name("diff-cover")
    command = [
        str(program),
        str(folder / "all.xml"),
        f"--compare-branch={base}",
        "--quiet",
        "--format",
        f"json:{report}",
    ]
    subprocess.run(command, check=True)
    return dict(json.loads(report.read_text(encoding="utf-8")))


def main(arguments: Sequence[str]) -> int:
    """Write the result, print it, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--base", default="origin/main")
    options = parser.parse_args(arguments)
    section = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["tool"]["bottrader"]["coverage"]
    base = commit_of(options.base)
    if base is None:
        text = (
            f"## Changed lines\n\nNot judged: there is no {options.base} here to compare with; name one with --base.\n"
        )
        is_passed = True
    else:
        is_passed, text = verdict(ask(options.folder, options.base), section["changed"], options.base)
        if base == commit_of("HEAD"):
            text += f"\nHEAD is {options.base} itself, so only what is not committed was compared.\n"
    (options.folder / "changed.md").write_text(text, encoding="utf-8")
    print(text)
    return 0 if is_passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
