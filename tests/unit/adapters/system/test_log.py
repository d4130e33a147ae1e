"""What is told, and that telling never hurts."""

import io
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bottrader.adapters.system.log import RecentEvents, StructuredLog, Tee, open_log_file, standard_stream
from bottrader.domain.orders import Side

pytestmark = pytest.mark.component("logger")


def lines_of(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_json_object_a_line() -> None:
    stream = io.StringIO()
    log = StructuredLog(stream, "INFO", "webhook")
    log.info("order_placed", size=Decimal("0.1"))
    log.alarm("books_differ")
    first, second = lines_of(stream)
    assert (first["event"], first["level"], first["role"], first["size"]) == ("order_placed", "info", "webhook", "0.1")
    assert datetime.fromisoformat(first["timestamp"]).tzinfo is not None
    assert (second["event"], second["level"]) == ("books_differ", "warning")


def test_two_logs_write_to_their_own_streams_with_their_own_level_and_role() -> None:
    """B284, R58"""
    loud, quiet = io.StringIO(), io.StringIO()
    first, second = StructuredLog(loud, "INFO", "webhook"), StructuredLog(quiet, "WARNING", "sighook")
    for log in (first, second):
        log.info("order_placed")
        log.alarm("books_differ")
    assert [(line["event"], line["role"]) for line in lines_of(loud)] == [
        ("order_placed", "webhook"),
        ("books_differ", "webhook"),
    ]
    assert [(line["event"], line["role"]) for line in lines_of(quiet)] == [("books_differ", "sighook")]


def test_amounts_are_text_in_full_and_times_are_iso() -> None:
    """A reader that parses numbers as floats must not round money."""
    stream = io.StringIO()
    StructuredLog(stream, "INFO", "r").info(
        "x",
        tiny=Decimal("1E-8"),
        at=datetime(2026, 1, 1, tzinfo=UTC),
        side=Side.BUY,
        nested={"USD": Decimal("1E+3")},
        several=[Decimal("0.10"), (Decimal(1),)],
        count=3,
        yes=True,
        nothing=None,
        path=Path("a"),
        rate=0.5,
    )
    (line,) = lines_of(stream)
    assert line["tiny"] == "0.00000001"
    assert line["at"] == "2026-01-01T00:00:00+00:00"
    assert line["side"] == "buy"
    assert line["nested"] == {"USD": "1000"}
    assert line["several"] == ["0.10", ["1"]]
    assert (line["count"], line["yes"], line["nothing"], line["path"], line["rate"]) == (3, True, None, "a", "0.5")


def test_a_secret_prints_as_stars() -> None:
    stream = io.StringIO()
    StructuredLog(stream, "INFO", "r").info("x", secret=SecretStr("hunter2"))
    assert "hunter2" not in stream.getvalue()


def test_the_level_decides_what_is_written() -> None:
    """B286: outcomes are visible at the default level, alarms at every one but ERROR."""
    for level, expected in (("DEBUG", 2), ("INFO", 2), ("WARNING", 1), ("ERROR", 0)):
        stream = io.StringIO()
        log = StructuredLog(stream, level, "r")
        log.info("order_placed")
        log.alarm("books_differ")
        assert len(lines_of(stream)) == expected


def test_a_line_that_cannot_be_written_is_lost_and_nothing_else() -> None:
    """A logging failure never changes a decision."""

    class FullDisk(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(28, "No space left on device")

    closed = io.StringIO()
    closed.close()
    for stream in (FullDisk(), closed):
        log = StructuredLog(stream, "INFO", "r")
        log.info("order_placed")
        log.alarm("books_differ")


def test_recent_events_are_remembered_newest_last_and_counted() -> None:
    log = RecentEvents()
    for number in range(250):
        log.info("tick", number=number)
    log.alarm("books_differ", what="cash USD")
    assert (log.counts["tick"], log.counts["books_differ"]) == (250, 1)
    assert len(log.newest) == 200
    assert log.newest[0].fields == {"number": 51}
    assert (log.newest[-1].event, log.newest[-1].is_alarm, log.newest[-1].fields) == (
        "books_differ",
        True,
        {"what": "cash USD"},
    )


def test_a_tee_tells_everybody() -> None:
    one, two = RecentEvents(), RecentEvents()
    log = Tee([one, two])
    log.info("a", x=1)
    log.alarm("b")
    assert list(one.newest) == list(two.newest)
    assert [event.event for event in one.newest] == ["a", "b"]


def test_a_log_file_is_appended_to_line_by_line(tmp_path: Path) -> None:
    file = tmp_path / "logs" / "bot.jsonl"
    for number in range(2):
        with open_log_file(file) as stream:
            StructuredLog(stream, "INFO", "r").info("line", number=number)
            assert len(file.read_text().splitlines()) == number + 1


def test_a_service_writes_to_standard_error(capsys: Any) -> None:
    standard_stream().write("here")
    assert capsys.readouterr().err == "here"
