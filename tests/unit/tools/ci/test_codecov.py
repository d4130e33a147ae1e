"""What would be sent to the mirror, and that a dry run sends nothing."""

import subprocess
from pathlib import Path

import pytest

from tools.ci import codecov


def reports(folder: Path, *layers: str) -> None:
    for layer in layers:
        for path in (folder / f"build/cov/{layer}.xml", folder / f"build/junit/{layer}-3.11.xml"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[list[str], dict[str, str]]]:
    """Return the programs that would have been started, with their environment."""
    found: list[tuple[list[str], dict[str, str]]] = []

    def run(command: list[str], *, env: dict[str, str], **_: object) -> subprocess.CompletedProcess[str]:
        found.append((command, env))
        return subprocess.CompletedProcess(command, int("unit.xml" in command[-1] and "FAIL" in env))

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(subprocess, "run", run)
    return found


def test_each_layer_is_sent_as_coverage_and_as_test_results_under_its_flag(tmp_path: Path) -> None:
    reports(tmp_path, "unit")
    build = tmp_path / "build"
    flag = ("--plugin", "noop", "--disable-search", "--flag", "unit", "--file")
    assert list(codecov.uploads(["unit"], build)) == [
        ("--report-type", "coverage", *flag, str(build / "cov/unit.xml")),
        ("--report-type", "test_results", *flag, str(build / "junit/unit-3.11.xml")),
    ]


def test_a_layer_without_a_report_sends_nothing_at_all(
    started: list[tuple[list[str], dict[str, str]]], capsys: pytest.CaptureFixture[str]
) -> None:
    reports(Path(), "unit")
    assert codecov.main(["unit", "e2e"], {}) == 1
    assert not started
    assert "no reports of e2e in build" in capsys.readouterr().out


def test_a_dry_run_uses_the_one_command_that_asks_no_server(
    started: list[tuple[list[str], dict[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codecov, "identity_token", lambda environ: pytest.fail("it asked for an identity"))
    reports(Path(), "unit")
    assert codecov.main(["unit", "--dry-run"], {}) == 0
    # `upload-process --dry-run` would make the commit known to the server first.
    assert all("do-upload" in command and "upload-process" not in command for command, _ in started)
    assert all("--dry-run" in command for command, _ in started)


def test_the_token_travels_in_the_environment_and_not_on_the_command_line(
    started: list[tuple[list[str], dict[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codecov, "identity_token", lambda environ: "short-lived")
    reports(Path(), "unit")
    assert codecov.main(["unit"], {"PATH": "/bin"}) == 0
    for command, env in started:
        assert "upload-process" in command
        assert env == {"PATH": "/bin", "CODECOV_TOKEN": "short-lived"}
        assert "short-lived" not in command


def test_a_failed_upload_fails_after_all_were_tried(
    started: list[tuple[list[str], dict[str, str]]], capsys: pytest.CaptureFixture[str]
) -> None:
    reports(Path(), "unit", "e2e")
    assert codecov.main(["unit", "e2e"], {"FAIL": "1"}) == 1
    assert len(started) == 4
    printed = capsys.readouterr().out
    assert "codecov: 3 of 4 reports sent" in printed
    assert "not sent: build/cov/unit.xml" in printed


def test_outside_of_github_no_identity_is_asked_for() -> None:
    assert codecov.identity_token({"CODECOV_TOKEN": "x"}) is None
