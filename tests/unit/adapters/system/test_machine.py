"""The newest log and the room on a disk, read from real folders."""

import os
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from bottrader.adapters.system.machine import see_disk, see_log

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def written(file: Path, seconds_ago: float) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("{}\n")
    at = (NOW - timedelta(seconds=seconds_ago)).timestamp()
    os.utime(file, (at, at))
    return file


def test_the_newest_log_of_a_folder_counts(tmp_path: Path) -> None:
    written(tmp_path / "old.log", 9000)
    newest = written(tmp_path / "paper" / "session" / "bottrader.jsonl", 30)
    written(tmp_path / "report.html", 1)
    written(tmp_path / "postgres" / "server.log", 2)
    seen = see_log(tmp_path, NOW, is_named=False, left_out=tmp_path / "postgres")
    assert (seen.where, seen.age) == (str(newest), timedelta(seconds=30))


def test_a_file_is_looked_at_whatever_its_name(tmp_path: Path) -> None:
    assert see_log(written(tmp_path / "bot.out", 5), NOW, is_named=True).age == timedelta(seconds=5)


def test_a_log_from_the_future_is_as_fresh_as_can_be(tmp_path: Path) -> None:
    assert see_log(written(tmp_path / "bot.log", -60), NOW, is_named=True).age == timedelta(0)


def test_no_log_has_no_age(tmp_path: Path) -> None:
    assert see_log(tmp_path, NOW, is_named=False).age is None
    assert see_log(tmp_path / "gone.log", NOW, is_named=True).age is None


def test_the_disk_of_a_folder_that_is_not_made_yet_is_that_of_its_parent(tmp_path: Path) -> None:
    seen = see_disk(tmp_path / "not" / "made")
    assert seen.where == str(tmp_path)
    assert seen.used is not None
    assert Decimal(0) < seen.used <= Decimal(1)
