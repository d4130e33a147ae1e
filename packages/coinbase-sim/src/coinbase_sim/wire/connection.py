"""One WebSocket client: its subscriptions, its sequence numbers and its bounded queue of messages."""

import asyncio
from collections import deque

from aiohttp import WSMsgType, web

from coinbase_sim.wire.events import Message
from coinbase_sim.wire.manners import Manners

QUEUE_LIMIT = 16_384
"""Messages that may wait for one client; a client that falls further behind is cut off, as a venue does."""

STALL_S = 10.0
"""A client that takes no byte for this long is cut off too."""

CLOSE_WAIT_S = 1.0

_BATCH = 256


class Connection:
    """The sending side of one socket. `send` never waits; one writer task drains the queue in order."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        transport: asyncio.BaseTransport,
        manners: Manners,
        queue_limit: int = QUEUE_LIMIT,
    ) -> None:
        self._manners = manners
        self._socket = socket
        self._transport = transport
        self._queue: deque[bytes] = deque()
        self._queue_limit = queue_limit
        self._sequence = 0
        self._filled = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self._cut = False
        self._stalled = False
        self._held: Message | None = None
        self.last_sent_at = asyncio.get_running_loop().time()
        """Loop time when the last message was queued, at first when the connection was made."""
        self.subscriptions: dict[str, dict[str, None]] = {}
        """Product ids by channel, in the order of subscription; the empty id stands for all products."""

    def send(self, message: Message) -> None:
        """Queue an envelope with this connection's next sequence number."""
        self.send_plain(message.numbered(self._sequence))
        self._sequence += 1
        held, self._held = self._held, None
        if held is not None:
            self.send(held)

    def skip(self) -> None:
        """Lose a message: its number is used up, and nothing is sent (F24)."""
        self._sequence += 1

    def send_lower(self, message: Message) -> None:
        """Send a message with a number that is past already (F24)."""
        self.send_plain(message.numbered(max(0, self._sequence - 2)))

    def send_half(self, message: Message) -> None:
        """Send the first half of a message (F9)."""
        whole = message.numbered(self._sequence)
        self._sequence += 1
        self.send_plain(whole[: len(whole) // 2])

    def hold(self, message: Message) -> None:
        """Send this message after the next one (F21)."""
        if self._held is not None:
            self.send(message)
        else:
            self._held = message

    def stall(self) -> None:
        """Send nothing more, and keep the socket open (F23)."""
        self._stalled = True

    def send_plain(self, text: bytes) -> None:
        """Queue a message that carries no sequence number."""
        if self._cut or self._stalled:
            return
        if len(self._queue) >= self._queue_limit:
            self.cut()
            return
        self.last_sent_at = asyncio.get_running_loop().time()
        self._queue.append(self._manners.dialect.message(text))
        self._drained.clear()
        self._filled.set()

    def cut(self) -> None:
        """Reset the connection without a closing handshake; what waits is lost."""
        self._cut = True
        self._queue.clear()
        self._drained.set()
        # Only TCP transports reach this place, and all of them can be aborted.
        if isinstance(self._transport, asyncio.Transport):
            self._transport.abort()

    async def close(self, code: int, reason: bytes) -> None:
        """Close with a handshake; a client that does not take the frame in time is cut off."""
        try:
            async with asyncio.timeout(CLOSE_WAIT_S):
                await self._socket.close(code=code, message=reason)
        except TimeoutError:
            self.cut()

    async def drained(self) -> None:
        """Return when nothing waits any more: all has been handed to the transport, or the connection is gone."""
        await self._drained.wait()

    async def write(self) -> None:
        """The writer: hand over what is queued until cancelled, or until the client has gone or stalls."""
        try:
            while True:
                await self._filled.wait()
                self._filled.clear()
                while self._queue:
                    async with asyncio.timeout(STALL_S):
                        await self._write_batch()
                self._drained.set()
        except (ConnectionError, TimeoutError):
            self.cut()
        finally:
            self._cut = True
            self._drained.set()

    async def _write_batch(self) -> None:
        # One timer guards many messages, because a timer costs as much as sending one.
        queue, send = self._queue, self._socket.send_frame
        for _ in range(min(len(queue), _BATCH)):
            await send(queue.popleft(), WSMsgType.TEXT)
            if self._cut:
                return
