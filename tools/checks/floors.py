"""Judge coverage by floors per module: a total hides the one file that nothing tests.

`python -m tools.checks.floors FOLDER` reads `all.json` (every layer) and `unit.json` (the unit layer alone), both as
coverage.py writes them, and the floors in `pyproject.toml` under `[tool.bottrader.coverage]`. It writes `summary.md`
before it judges, so that a failing run can be read.
"""

import json
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

Report = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Floor:
    """What the files under one pattern must reach, in percent; `unit` when the unit layer has to reach it alone."""

    files: str
    lines: float
    branches: float
    unit: bool = False


@dataclass(frozen=True, slots=True)
class Floors:
    total: float
    modules: Sequence[Floor]

    @classmethod
    def read(cls, pyproject: Mapping[str, Any]) -> "Floors":
        """Raises `KeyError` or `TypeError` for a section that is not of this form."""
        section = pyproject["tool"]["bottrader"]["coverage"]
        return cls(section["total"], [Floor(**row) for row in section["modules"]])

    def of(self, path: str) -> Floor | None:
        """Return the first floor whose pattern matches."""
        return next((floor for floor in self.modules if fnmatchcase(path, floor.files)), None)


def shortfalls(floors: Floors, everything: Report, unit: Report) -> Iterator[str]:
    """Yield one sentence for each floor that is not reached, and for each pattern that has no file."""
    total = everything["totals"]["percent_statements_covered"]
    if total < floors.total:
        yield f"total: {total:.1f} % of lines, at least {floors.total} %"
    matched = set()
    for path in sorted(everything["files"]):
        floor = floors.of(path)
        if floor is None:
            yield f"{path}: no floor matches it; add one to [tool.bottrader.coverage]"
            continue
        matched.add(floor.files)
        found = (unit if floor.unit else everything)["files"].get(path)
        yield from _below(path, floor, found["summary"] if found else {})
    for floor in floors.modules:
        if floor.files not in matched:
            yield f"{floor.files}: this floor matches no file; remove or mend it"


def _below(path: str, floor: Floor, summary: Mapping[str, float]) -> Iterator[str]:
    # A file without branches has no branch figure, and nothing to miss.
    whole = 100.0 if summary else 0.0
    for unit, key, least in (
        ("lines", "percent_statements_covered", floor.lines),
        ("branches", "percent_branches_covered", floor.branches),
    ):
        percent = summary.get(key, whole)
        if percent < least:
            who = " by the unit layer" if floor.unit else ""
            yield f"{path}: {percent:.1f} % of {unit}{who}, at least {least:g} %"


def summary(floors: Floors, everything: Report, unit: Report, short: Sequence[str]) -> str:
    """Return the result as Markdown: the total, what falls short, the table of files beside their floors."""
    totals = everything["totals"]
    lines = [
        "## Coverage",
        "",
        "{percent_statements_covered:.1f} % of lines, {percent_branches_covered:.1f} % of branches;".format(**totals)
        + f" at least {floors.total:g} % of lines.",
        "",
        *(f"* **{sentence}**" for sentence in short),
        *([""] if short else []),
        "| file | lines | floor | branches | floor | judged by |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for path in sorted(everything["files"]):
        floor = floors.of(path)
        by_unit = floor is not None and floor.unit
        found = (unit if by_unit else everything)["files"].get(path)
        figures = found["summary"] if found else {}
        cells = (path, _percent(figures, "statements"), _least(floor, "lines"), _percent(figures, "branches"))
        lines.append(f"| {' | '.join(cells)} | {_least(floor, 'branches')} | {'unit' if by_unit else 'all layers'} |")
    return "\n".join(lines) + "\n"


def _percent(figures: Mapping[str, float], what: str) -> str:
    if what == "branches" and figures and not figures.get("num_branches"):
        return "none"
    return f"{figures.get(f'percent_{what}_covered', 0):.1f}"


def _least(floor: Floor | None, what: str) -> str:
    return "missing" if floor is None else f"{getattr(floor, what):g}"


def main(folder: Path) -> int:
    """Write the summary, print the shortfalls, and return the exit code."""
    floors = Floors.read(tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8")))
    everything, unit = (json.loads((folder / name).read_text(encoding="utf-8")) for name in ("all.json", "unit.json"))
    short = list(shortfalls(floors, everything, unit))
    text = summary(floors, everything, unit, short)
    (folder / "summary.md").write_text(text, encoding="utf-8")
    print(text)
    for sentence in short:
        print(f"below the floor: {sentence}")
    print(f"coverage: {len(short)} floors not reached")
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
