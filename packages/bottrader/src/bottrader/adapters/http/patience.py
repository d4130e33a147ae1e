"""How long a request may take to arrive and how many connections there may be: what a server needs against senders that
never finish.

uvicorn bounds the pause between two requests; this bounds the requests themselves, whose header or body may trickle in.
One look over all connections does it, so that a request is not charged for a timer of its own.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LOOKS = 10


@dataclass(frozen=True, slots=True)
class Patience:
    """`request_s_max` runs from the connection, or the first byte of a later request, to the last byte of its body.

    A sender whose body is refused unread has `unread_s_max` to notice, in which `unread_bytes_max` are thrown away.
    """

    request_s_max: float = 10.0
    unread_s_max: float = 2.0
    unread_bytes_max: int = 1_048_576
    connections_max: int = 512


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol, with an end to its patience."""

    def __init__(self, patience: Patience, **made_by_uvicorn: Any) -> None:
        super().__init__(**made_by_uvicorn)
        self._patience = patience
        self._is_complete = True
        self._unread_bytes = 0
        self.ends_at: float | None = None
        """When what is on its way has to be there, by the loop's clock; None while nothing is."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast("asyncio.Transport", transport))
        self._expect()
        if len(self.connections) > self._patience.connections_max:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # Bytes that begin no request, such as empty lines, end uvicorn's pause and start nothing.
        if self.ends_at is None and (self.cycle is None or self.cycle.response_complete):
            self._expect()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_complete = False
        self._unread_bytes = 0
        self._expect()

    def on_body(self, body: bytes) -> None:
        super().on_body(body)
        if self.cycle.response_complete:
            self._unread_bytes += len(body)
            if self._unread_bytes > self._patience.unread_bytes_max:
                self.flow.pause_reading()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._is_complete = True
        self.ends_at = None

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._is_complete:
            # Answered before the body was there. Closing now would take the answer away from who is still sending.
            self._unset_keepalive_if_required()
            self.ends_at = self.loop.time() + self._patience.unread_s_max

    def _expect(self) -> None:
        self.ends_at = self.loop.time() + self._patience.request_s_max


async def end_the_slow(connections: Iterable[Any], patience: Patience) -> None:
    """End, for ever, connections on which what was begun does not come to its end."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(min(patience.request_s_max, patience.unread_s_max) / LOOKS)
        now = loop.time()
        for connection in list(connections):
            if connection.ends_at is not None and connection.ends_at < now:
                connection.transport.abort()
