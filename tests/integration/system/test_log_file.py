"""The log on a real file: what another program reads while the bot writes, and a disk that is full."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from bottrader.adapters.system.log import StructuredLog, open_log_file

pytestmark = pytest.mark.component("logger")
FULL = Path("/dev/full")


def told_in(file: Path) -> list[tuple[str, str]]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return [(line["event"], line["role"]) for line in map(json.loads, lines)]


def test_a_line_is_in_the_file_as_soon_as_it_is_told(tmp_path: Path) -> None:
    """What a killed bot told last is what a person needs most."""
    file = tmp_path / "logs" / "bottrader.jsonl"
    with open_log_file(file) as stream:
        log = StructuredLog(stream, "INFO", "webhook")
        log.info("order_sent", size=Decimal("0.00000001"))
        assert told_in(file) == [("order_sent", "webhook")]
        assert json.loads(file.read_text(encoding="utf-8"))["size"] == "0.00000001"
        log.alarm("books_differ")
        assert told_in(file) == [("order_sent", "webhook"), ("books_differ", "webhook")]


def test_the_next_start_goes_on_below_the_last_line(tmp_path: Path) -> None:
    file = tmp_path / "bottrader.jsonl"
    for role in ("webhook", "sighook"):
        with open_log_file(file) as stream:
            StructuredLog(stream, "INFO", role).info("ready")
    assert told_in(file) == [("ready", "webhook"), ("ready", "sighook")]


def test_two_writers_of_one_file_do_not_tear_each_others_lines(tmp_path: Path) -> None:
    file = tmp_path / "bottrader.jsonl"
    with open_log_file(file) as one, open_log_file(file) as other:
        logs = [StructuredLog(one, "INFO", "webhook"), StructuredLog(other, "INFO", "sighook")]
        for number in range(200):
            logs[number % 2].info("score", note="x" * 500)
    assert told_in(file) == [("score", ("webhook", "sighook")[number % 2]) for number in range(200)]


@pytest.mark.skipif(not FULL.exists(), reason="this system has no full disk to offer")
def test_a_full_disk_loses_lines_and_nothing_else() -> None:
    stream = FULL.open("w", encoding="utf-8", buffering=1)
    log = StructuredLog(stream, "INFO", "webhook")
    log.info("order_sent")
    log.alarm("books_differ")
    with pytest.raises(OSError, match="No space left"):
        stream.close()
