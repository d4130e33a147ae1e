"""What libraries and threads say comes as lines of the log, and never as text between them."""

import io
import json
import logging
import threading
from typing import Any

import pytest

from bottrader.adapters.system.library_log import LibraryLog, libraries_told_to
from bottrader.adapters.system.log import RecentEvents, StructuredLog

CANARY = "canary-77b1"


def break_off() -> None:
    raise ConnectionError("closed\nin the middle")


def told(*, by: str = "asyncpg.pool") -> logging.Logger:
    return logging.getLogger(by)


def test_a_libraries_traceback_is_one_line_of_json(capfd: pytest.CaptureFixture[str]) -> None:
    """The pool of the database driver tells so when its server goes away."""
    stream = io.StringIO()
    with libraries_told_to(StructuredLog(stream, "INFO", "webhook")):
        try:
            break_off()
        except ConnectionError:
            told().exception("releasing %s failed", "a connection")
    (line,) = stream.getvalue().splitlines()
    shown: dict[str, Any] = json.loads(line)
    assert (shown["event"], shown["level"], shown["role"]) == ("library_message", "warning", "webhook")
    assert (shown["logger"], shown["message"]) == ("asyncpg.pool", "releasing a connection failed")
    assert shown["traceback"][0] == "Traceback (most recent call last):"
    assert shown["traceback"][-2:] == ["ConnectionError: closed", "in the middle"]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("level", "count"), [(logging.INFO, 0), (logging.WARNING, 1), (logging.CRITICAL, 1)])
def test_what_a_library_writes_for_its_authors_is_not_taken(level: int, count: int) -> None:
    events = RecentEvents()
    logger = told(by="a.chatty.library")
    logger.setLevel(logging.DEBUG)
    with libraries_told_to(events):
        logger.log(level, "a word")
    logger.setLevel(logging.NOTSET)
    assert events.counts["library_message"] == count


def test_a_record_whose_arguments_do_not_fit_is_told_as_it_is() -> None:
    events = RecentEvents()
    LibraryLog(events).handle(
        logging.LogRecord("asyncpg.pool", logging.WARNING, __file__, 1, "%d of %d", ("two",), None)
    )
    assert events.newest[0].fields == {"logger": "asyncpg.pool", "message": "%d of %d"}


def test_a_thread_that_dies_is_told_without_what_it_said(capfd: pytest.CaptureFixture[str]) -> None:
    """Promise P4: what a notification fails with may quote its address."""
    events = RecentEvents()

    def fail() -> None:
        raise NotImplementedError(CANARY)

    with libraries_told_to(events):
        thread = threading.Thread(target=fail, name="notifier")
        thread.start()
        thread.join()
    (event,) = events.newest
    assert (event.event, event.fields["thread"], event.fields["cause"]) == (
        "thread_ended",
        "notifier",
        "NotImplementedError",
    )
    assert "in fail" not in str(event.fields)
    assert "test_library_log.py" in str(event.fields["traceback"])
    assert CANARY not in str(event.fields)
    assert capfd.readouterr() == ("", "")


def test_afterwards_everything_is_as_it_was() -> None:
    before = list(logging.root.handlers), threading.excepthook
    events = RecentEvents()
    with libraries_told_to(events):
        assert len(logging.root.handlers) == len(before[0]) + 1
    assert (list(logging.root.handlers), threading.excepthook) == before
    told().warning("nobody listens")
    assert list(events.newest) == []
