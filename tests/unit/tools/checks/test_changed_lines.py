"""The coverage of changed lines, judged by what diff-cover says of them."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tools.checks import changed_lines
from tools.checks.changed_lines import verdict

MONEY = "packages/bottrader/src/bottrader/domain/money.py"


def report(count: int, *missed: int) -> dict[str, Any]:
    stats = {MONEY: {"violation_lines": list(missed)}, "other.py": {"violation_lines": []}}
    return {"total_num_lines": count, "total_num_violations": len(missed), "src_stats": stats}


def test_a_changed_line_that_no_test_runs_is_named_and_fails() -> None:
    is_passed, text = verdict(report(10, 7, 9), 95, "origin/main")
    assert not is_passed
    assert "80.0 % of 10 changed lines are covered since origin/main; at least 95 %." in text
    assert f"* {MONEY}: no test runs line 7, 9" in text
    assert "other.py" not in text


def test_exactly_the_floor_is_enough() -> None:
    # 19 of 20 are 95 %; one line more that is missed, and it is less.
    assert verdict(report(20, 3), 95, "origin/main")[0]
    assert not verdict(report(20, 3, 4), 95, "origin/main")[0]


def test_no_changed_line_is_said_and_passes() -> None:
    assert verdict(report(0), 95, "v1") == (
        True,
        "## Changed lines\n\nNo line that coverage counts has changed since v1.\n",
    )


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").write_text("[tool.bottrader.coverage]\nchanged = 95\n")
    return tmp_path


def test_without_a_base_it_says_plainly_that_nothing_was_judged(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(changed_lines, "commit_of", lambda revision: None)
    assert changed_lines.main([".", "--base", "origin/main"]) == 0
    assert "Not judged: there is no origin/main here to compare with" in capsys.readouterr().out
    assert "Not judged" in Path("changed.md").read_text()


def test_a_base_that_is_this_very_commit_is_told(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(changed_lines, "commit_of", lambda revision: "abc")
    monkeypatch.setattr(changed_lines, "ask", lambda folder, base: report(0))
    assert changed_lines.main(["."]) == 0
    assert "HEAD is origin/main itself" in capsys.readouterr().out


def test_the_exit_code_is_the_verdict(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changed_lines, "commit_of", lambda revision: revision)
    monkeypatch.setattr(changed_lines, "ask", lambda folder, base: report(2, 1))
    assert changed_lines.main(["."]) == 1


def test_a_revision_that_git_does_not_know_is_no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, stdout="", stderr="")

    monkeypatch.setattr(subprocess, "run", run)
    assert changed_lines.commit_of("origin/main") is None
