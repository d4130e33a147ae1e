"""What happened on an exchange, one line of JSON per event: the same bytes for the same seed and script."""

from typing import BinaryIO

import msgspec

from coinbase_sim.model import Event


def line_of(event: Event) -> bytes:
    """Return the event's line; amounts and times are exact text, and the order of fields is that of the event."""
    return msgspec.json.encode({"event": type(event).__name__, "of": event}) + b"\n"


class EventLog:
    """A listener that writes each event to a file that is open for bytes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def __call__(self, event: Event) -> None:
        self._file.write(line_of(event))
