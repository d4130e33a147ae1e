"""Coverage is judged per module: figures as coverage.py writes them, floors as pyproject.toml has them."""

from pathlib import Path
from typing import Any

import pytest

from tools.checks.floors import Floor, Floors, main, shortfalls, summary

MONEY = "packages/bottrader/src/bottrader/domain/money.py"
STORE = "packages/bottrader/src/bottrader/adapters/store.py"
FLOORS = Floors(
    total=80,
    modules=[
        Floor("packages/bottrader/src/bottrader/domain/*", lines=100, branches=95, unit=True),
        Floor("packages/*/src/*", lines=70, branches=50),
    ],
)


def figures(lines: float, branches: float | None) -> dict[str, Any]:
    if branches is None:
        return {"percent_statements_covered": lines, "num_branches": 0}
    return {"percent_statements_covered": lines, "percent_branches_covered": branches, "num_branches": 4}


def report(total: float, **files: tuple[float, float | None]) -> dict[str, Any]:
    named = {"money": MONEY, "store": STORE, "stray": "elsewhere.py"}
    return {
        "totals": figures(total, total),
        "files": {named[name]: {"summary": figures(*found)} for name, found in files.items()},
    }


def test_figures_exactly_at_their_floors_are_enough() -> None:
    everything = report(80, money=(100, 95), store=(70, 50))
    assert not list(shortfalls(FLOORS, everything, everything))


def test_every_shortfall_is_told_at_once() -> None:
    everything = report(79.9, money=(99.5, 94.9), store=(69.9, 49.9))
    assert list(shortfalls(FLOORS, everything, everything)) == [
        "total: 79.9 % of lines, at least 80 %",
        f"{STORE}: 69.9 % of lines, at least 70 %",
        f"{STORE}: 49.9 % of branches, at least 50 %",
        f"{MONEY}: 99.5 % of lines by the unit layer, at least 100 %",
        f"{MONEY}: 94.9 % of branches by the unit layer, at least 95 %",
    ]


def test_a_total_above_its_floor_hides_no_module_below_its_own() -> None:
    everything = report(99, money=(100, 100), store=(10, 100))
    assert list(shortfalls(FLOORS, everything, everything)) == [f"{STORE}: 10.0 % of lines, at least 70 %"]


def test_a_domain_module_that_only_other_layers_run_falls_short() -> None:
    everything = report(100, money=(100, 100), store=(100, 100))
    only_store = report(50, store=(100, 100))
    assert list(shortfalls(FLOORS, everything, only_store)) == [
        f"{MONEY}: 0.0 % of lines by the unit layer, at least 100 %",
        f"{MONEY}: 0.0 % of branches by the unit layer, at least 95 %",
    ]


def test_a_file_without_branches_misses_none() -> None:
    everything = report(100, money=(100, None), store=(100, 100))
    assert not list(shortfalls(FLOORS, everything, everything))


def test_a_file_that_no_floor_matches_is_told() -> None:
    everything = report(100, money=(100, 100), store=(100, 100), stray=(100, 100))
    assert list(shortfalls(FLOORS, everything, everything)) == [
        "elsewhere.py: no floor matches it; add one to [tool.bottrader.coverage]"
    ]


def test_a_floor_that_matches_no_file_is_told() -> None:
    everything = report(100, store=(100, 100))
    assert list(shortfalls(FLOORS, everything, everything)) == [
        "packages/bottrader/src/bottrader/domain/*: this floor matches no file; remove or mend it"
    ]


def test_an_unknown_key_in_the_configuration_is_refused() -> None:
    section = {"total": 80, "modules": [{"files": "*", "lines": 1, "branches": 1, "statements": 1}]}
    with pytest.raises(TypeError, match="statements"):
        Floors.read({"tool": {"bottrader": {"coverage": section}}})


def test_the_summary_lists_what_falls_short_before_the_table() -> None:
    everything = report(79.9, money=(99.5, None), store=(70, 60))
    text = summary(FLOORS, everything, report(50, money=(98.5, None)), ["money is short"])
    assert "79.9 % of lines, 79.9 % of branches; at least 80 % of lines." in text
    assert text.index("* **money is short**") < text.index("| file |")
    # A floor of the unit layer stands beside the unit layer's own figure.
    assert f"| {MONEY} | 98.5 | 100 | none | 95 | unit |" in text
    assert f"| {STORE} | 70.0 | 70 | 60.0 | 50 | all layers |" in text


def test_the_summary_is_written_even_when_a_floor_is_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").write_text(
        "[tool.bottrader.coverage]\ntotal = 80\n[[tool.bottrader.coverage.modules]]\n"
        'files = "*"\nlines = 0\nbranches = 0\n'
    )
    for name in ("all.json", "unit.json"):
        Path(name).write_text(
            '{"totals": {"percent_statements_covered": 79.0, "percent_branches_covered": 0.0}, "files": {}}'
        )
    assert main(Path()) == 1
    assert "at least 80 %" in Path("summary.md").read_text()
