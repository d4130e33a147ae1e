"""What is kept of a failed test: its report, the files it left, and nothing when nobody asks."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.fixtures import evidence


def failed(**sections: str) -> pytest.TestReport:
    found = SimpleNamespace(when="call", longreprtext="assert 1 == 2", sections=list(sections.items()))
    return cast("pytest.TestReport", found)


def item(**arguments: Any) -> pytest.Item:
    return cast("pytest.Item", SimpleNamespace(funcargs=arguments))


def test_the_report_is_kept_with_what_was_logged(tmp_path: Path) -> None:
    evidence.keep(tmp_path / "kept", item(), failed(log="an alarm"))
    assert (tmp_path / "kept/call.txt").read_text() == "call: assert 1 == 2\n\n--- log ---\nan alarm"


def test_logs_reports_and_screenshots_are_kept_and_data_files_are_not(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    (scratch / "reports").mkdir(parents=True)
    for name in ("bot.log", "reports/latest.html", "shot.png", "base.dat"):
        (scratch / name).write_bytes(b"x")
    (scratch / "endless.log").write_bytes(b"x" * (evidence.SIZE_MAX_BYTES + 1))
    evidence.keep(tmp_path / "kept", item(tmp_path=scratch), failed())
    files = tmp_path / "kept/files"
    kept = sorted(path.relative_to(files).as_posix() for path in files.rglob("*") if path.is_file())
    assert kept == ["bot.log", "reports/latest.html", "shot.png"]


def test_each_database_that_a_fixture_named_is_dumped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "dump", lambda url: f"dump of {url}")
    arguments = {"database_url": "postgresql://here/test_1", "word": "other", "number": 3}
    evidence.keep(tmp_path, item(**arguments), failed())
    assert [path.name for path in tmp_path.glob("*.sql")] == ["database_url.sql"]
    assert (tmp_path / "database_url.sql").read_text() == "dump of postgresql://here/test_1"


def test_two_tests_have_two_folders_and_a_long_name_keeps_its_end() -> None:
    first = evidence.folder_of("tests/unit/test_a.py::test_x[a/b]")
    assert first == "tests-unit-test_a.py-test_x-a-b"
    assert evidence.folder_of("x" * 300 + "::test_y").endswith("test_y")
    assert len(evidence.folder_of("x" * 300)) == evidence.NAME_MAX
