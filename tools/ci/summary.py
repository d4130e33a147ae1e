"""Say in Markdown what the layers did: `python -m tools.ci.summary [FOLDER]`, by default `build`.

Reads each layer's JUnit report in `junit` there with the cost beside it, and what `cover` wrote in `cov`: counts, wall
and CPU time, failures, the slowest tests, coverage beside its floors. CI shows it on the page of the run, `.ci/run`
prints it.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

SLOWEST_COUNT = 10
FAILURES_COUNT = 30


@dataclass(frozen=True, slots=True)
class Case:
    """One test: how long it took with its set-up, and what became of it."""

    name: str
    wall_s: float
    outcome: str


@dataclass(frozen=True, slots=True)
class Layer:
    """One session's tests; the costs are None when the session left none."""

    name: str
    cases: Sequence[Case]
    wall_s: float | None
    cpu_s: float | None

    def count(self, outcome: str) -> int:
        return sum(case.outcome == outcome for case in self.cases)


def read(report: Path) -> Layer:
    """Return the layer of a JUnit report, with the cost that the session wrote beside it."""
    cost_file = report.with_suffix(".cost.json")
    cost = json.loads(cost_file.read_text(encoding="utf-8")) if cost_file.exists() else {}
    # Written a moment ago by our own pytest.
    root = ElementTree.parse(report).getroot()  # noqa: S314
    cases = [_case(element) for element in root.iter("testcase")]
    return Layer(report.stem, cases, cost.get("wall_s"), cost.get("cpu_s"))


def _case(element: ElementTree.Element) -> Case:
    names = {child.tag for child in element}
    outcome = "failed" if names & {"failure", "error"} else "skipped" if "skipped" in names else "passed"
    where = element.get("classname", "").removeprefix("tests.")
    return Case(f"{where}::{element.get('name', '')}", float(element.get("time", "0")), outcome)


def render(layers: Sequence[Layer]) -> Iterator[str]:
    """Yield the lines: the table of layers, what failed, the slowest tests."""
    yield from ("## Tests", "", "| layer | passed | failed | skipped | wall | CPU |", "|---|---:|---:|---:|---:|---:|")
    for layer in layers:
        counts = " | ".join(str(layer.count(outcome)) for outcome in ("passed", "failed", "skipped"))
        yield f"| {layer.name} | {counts} | {_seconds(layer.wall_s)} | {_seconds(layer.cpu_s)} |"
    failures = [(layer, case) for layer in layers for case in layer.cases if case.outcome == "failed"]
    if failures:
        yield from (
            "",
            "### Failed",
            "",
            *(f"* `{case.name}` ({layer.name})" for layer, case in failures[:FAILURES_COUNT]),
        )
        if len(failures) > FAILURES_COUNT:
            yield f"* and {len(failures) - FAILURES_COUNT} more"
    slowest = sorted((case for layer in layers for case in layer.cases), key=lambda case: -case.wall_s)
    yield from ("", "### Slowest tests", "", "| test | wall |", "|---|---:|")
    yield from (f"| `{case.name}` | {case.wall_s:.1f} s |" for case in slowest[:SLOWEST_COUNT])
    yield ""


def _seconds(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0f} s"


def main(arguments: Sequence[str]) -> int:
    """Print the summary of what is there; no report at all is an error, because then nothing ran."""
    build = Path(arguments[0] if arguments else "build")
    reports = sorted((build / "junit").glob("*.xml"))
    if not reports:
        print(f"no test report in {build / 'junit'}; run a layer first, for example `nox -s unit`")
        return 1
    print("\n".join(render([read(report) for report in reports])))
    for part in (build / "cov/summary.md", build / "cov/changed.md"):
        if part.exists():
            print(part.read_text(encoding="utf-8"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
