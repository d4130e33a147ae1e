"""The summary of a run: counts and costs by layer, failures, the slowest tests."""

from pathlib import Path

import pytest

from tools.ci import summary

REPORT = """\
<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite name="pytest">
<testcase classname="tests.unit.test_a" name="test_fast" time="0.010" />
<testcase classname="tests.unit.test_a" name="test_slow" time="2.000" />
<testcase classname="tests.unit.test_a" name="test_wrong" time="0.100"><failure message="no">no</failure></testcase>
<testcase classname="tests.unit.test_a" name="test_broken" time="0.200"><error message="no">no</error></testcase>
<testcase classname="tests.unit.test_a" name="test_left_out" time="0.000"><skipped message="no" /></testcase>
</testsuite></testsuites>
"""


@pytest.fixture
def build(tmp_path: Path) -> Path:
    (tmp_path / "junit").mkdir()
    (tmp_path / "junit/unit-3.11.xml").write_text(REPORT)
    return tmp_path


def test_a_layer_is_told_with_its_counts_and_costs(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (build / "junit/unit-3.11.cost.json").write_text('{"wall_s": 12.4, "cpu_s": 20.6}')
    assert summary.main([str(build)]) == 0
    assert "| unit-3.11 | 2 | 2 | 1 | 12 s | 21 s |" in capsys.readouterr().out.splitlines()


def test_a_layer_that_left_no_costs_is_told_all_the_same(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    summary.main([str(build)])
    assert "| unit-3.11 | 2 | 2 | 1 | unknown | unknown |" in capsys.readouterr().out


def test_what_failed_is_named_and_the_slowest_test_comes_first(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    summary.main([str(build)])
    lines = capsys.readouterr().out.splitlines()
    failed = [line for line in lines if line.startswith("* ")]
    assert failed == ["* `unit.test_a::test_wrong` (unit-3.11)", "* `unit.test_a::test_broken` (unit-3.11)"]
    first = lines[lines.index("| test | wall |") + 2]
    assert first == "| `unit.test_a::test_slow` | 2.0 s |"


def test_what_cover_wrote_follows(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (build / "cov").mkdir()
    (build / "cov/summary.md").write_text("## Coverage\n\n97.1 %\n")
    (build / "cov/changed.md").write_text("## Changed lines\n")
    summary.main([str(build)])
    printed = capsys.readouterr().out
    assert printed.index("## Tests") < printed.index("97.1 %") < printed.index("## Changed lines")


def test_a_run_without_a_report_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert summary.main([str(tmp_path)]) == 1
    assert "no test report" in capsys.readouterr().out


def test_many_failures_are_cut_and_counted(tmp_path: Path) -> None:
    cases = [summary.Case(f"t{number}", 0.0, "failed") for number in range(summary.FAILURES_COUNT + 2)]
    lines = list(summary.render([summary.Layer("unit-3.11", cases, None, None)]))
    assert "* and 2 more" in lines
