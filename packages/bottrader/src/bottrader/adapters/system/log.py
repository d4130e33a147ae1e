"""Where outcomes go: JSON lines for machines, the last few in memory for a person who watches."""

import logging
import sys
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TextIO

import structlog

from bottrader.ports import EventLog

RECENT_COUNT_MAX = 200


class StructuredLog:
    """An `EventLog` that writes one JSON object a line; amounts as text, so that no reader rounds them.

    A line that cannot be written (disk full, stream closed) is lost: the log never changes a decision.
    """

    def __init__(self, stream: TextIO, level: str, role: str) -> None:
        self._log = structlog.wrap_logger(
            structlog.WriteLogger(stream),
            processors=[
                structlog.stdlib.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                _as_text,
                structlog.processors.JSONRenderer(),
            ],
            wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
            context_class=dict,
        ).bind(role=role)

    def info(self, event: str, **fields: object) -> None:
        with suppress(OSError, ValueError):
            self._log.info(event, **fields)

    def alarm(self, event: str, **fields: object) -> None:
        with suppress(OSError, ValueError):
            self._log.warning(event, **fields)


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """One outcome as it was told."""

    event: str
    is_alarm: bool
    fields: dict[str, object]


class RecentEvents:
    """An `EventLog` that remembers the newest events and counts all of them."""

    def __init__(self) -> None:
        self.newest: deque[LoggedEvent] = deque(maxlen=RECENT_COUNT_MAX)
        self.counts: Counter[str] = Counter()

    def info(self, event: str, **fields: object) -> None:
        self._remember(LoggedEvent(event, is_alarm=False, fields=fields))

    def alarm(self, event: str, **fields: object) -> None:
        self._remember(LoggedEvent(event, is_alarm=True, fields=fields))

    def _remember(self, event: LoggedEvent) -> None:
        self.newest.append(event)
        self.counts[event.event] += 1


class Tee:
    """An `EventLog` that tells several."""

    def __init__(self, logs: Sequence[EventLog]) -> None:
        self._logs = logs

    def info(self, event: str, **fields: object) -> None:
        for log in self._logs:
            log.info(event, **fields)

    def alarm(self, event: str, **fields: object) -> None:
        for log in self._logs:
            log.alarm(event, **fields)


def open_log_file(path: Path) -> TextIO:
    """Open a log file for appending, line by line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("a", encoding="utf-8", buffering=1)


def standard_stream() -> TextIO:
    """Return where a service's log belongs."""
    return sys.stderr


def _as_text(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return {name: _plain(value) for name, value in event.items()}


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.isoformat()
    is_json = value is None or type(value) in (bool, int, str)
    return value if is_json else str(value)
