"""What libraries say with `logging`, and how threads end, as lines of the bot's own log.

Without it Python writes both to standard error as plain text of many lines, in the middle of a log that programs read
line by line.
"""

import logging
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from bottrader.ports import EventLog

# Finer ones are written for the authors of a library, and may hold whatever it handles.
LEVEL = logging.WARNING
FRAMES_MAX = 20


class LibraryLog(logging.Handler):
    """Tells each record as the alarm `library_message`, with the traceback as a list of lines."""

    def __init__(self, log: EventLog) -> None:
        super().__init__(LEVEL)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = record.getMessage()
        except (TypeError, ValueError, KeyError):
            # The arguments do not fit the text; a library's slip must not end in another one.
            message = str(record.msg)
        fields: dict[str, object] = {"logger": record.name, "message": message}
        if record.exc_info and record.exc_info[1] is not None:
            fields["traceback"] = _lines(record.exc_info[1])
        self._log.alarm("library_message", **fields)


@contextmanager
def libraries_told_to(log: EventLog) -> Iterator[None]:
    """Have libraries and threads tell their troubles to `log` while the block runs, and nobody else."""
    handler, hook = LibraryLog(log), threading.excepthook

    def tell(ended: threading.ExceptHookArgs) -> None:
        # Not its text: a thread here carries notifications, and what fails in them may quote an address.
        where = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(ended.exc_traceback)]
        name = None if ended.thread is None else ended.thread.name
        log.alarm("thread_ended", thread=name, cause=ended.exc_type.__name__, traceback=where[-FRAMES_MAX:])

    logging.root.addHandler(handler)
    threading.excepthook = tell
    try:
        yield
    finally:
        threading.excepthook = hook
        logging.root.removeHandler(handler)


def _lines(error: BaseException) -> list[str]:
    return "".join(traceback.format_exception(error, limit=-FRAMES_MAX)).splitlines()
