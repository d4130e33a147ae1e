"""The kill switch as a file."""

from pathlib import Path

from bottrader.adapters.system.kill_file import KillFileOnDisk


def test_a_file_that_is_not_there_stops_nothing(tmp_path: Path) -> None:
    assert KillFileOnDisk(tmp_path / "KILL").reason() is None
    assert KillFileOnDisk(tmp_path / "no" / "KILL").reason() is None


def test_a_file_gives_its_reason_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "KILL"
    file.write_text("  exchange\nmaintenance ")
    assert KillFileOnDisk(file).reason() == "exchange maintenance"
    file.write_text("x" * 1000)
    assert KillFileOnDisk(file).reason() == "x" * 200


def test_an_empty_file_stops_as_well(tmp_path: Path) -> None:
    file = tmp_path / "KILL"
    file.touch()
    assert KillFileOnDisk(file).reason() == f"the file {file} is there"


def test_a_file_that_cannot_be_read_stops_as_well(tmp_path: Path) -> None:
    """Whatever is wrong with it, somebody put something there."""
    (tmp_path / "KILL").mkdir()
    reason = KillFileOnDisk(tmp_path / "KILL").reason()
    assert reason is not None
    assert "cannot be read" in reason
