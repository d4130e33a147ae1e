"""The WebSocket side: subscriptions, snapshots, and the fan-out of the simulator's events (coinbase.md §12)."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Literal

import msgspec
from aiohttp import WSMsgType, web

from coinbase_sim.actions import MISSPELT, TICKS, Action
from coinbase_sim.faults import Fault, Faults
from coinbase_sim.model import BookChanged, Event
from coinbase_sim.simulator import Simulator
from coinbase_sim.wire import events, spoiled
from coinbase_sim.wire.auth import TokenRefused, TokenVerifier
from coinbase_sim.wire.bodies import BodyUnreadable, decoded
from coinbase_sim.wire.channels import ALL_PRODUCTS, REFUSED, UNDIVIDED, Channels, Update
from coinbase_sim.wire.connection import CLOSE_WAIT_S, Connection
from coinbase_sim.wire.limits import Limiter
from coinbase_sim.wire.manners import Manners
from coinbase_sim.wire.replies import too_many_requests
from coinbase_sim.wire.texts import USER_ID

FIRST_SUBSCRIBE_S = 5.0
MAX_REQUEST_BYTES = 65_536
REMEMBERED_MESSAGES = 100
QUIET_LOOK_S = 0.25
"""How often quiet sockets are looked for at least, so that a knob takes effect soon."""


class SubscriptionRequest(msgspec.Struct):
    """What a client sends: one channel per message."""

    type: Literal["subscribe", "unsubscribe"]
    channel: str
    product_ids: Annotated[list[str], msgspec.Meta(max_length=1000)] | None = None
    jwt: str | None = None


class Stream:
    """All WebSocket clients of one exchange.

    An event is encoded once, and only when somebody listens to its channel and product. Subscribers are kept by
    (channel, product id), those of all products under `ALL_PRODUCTS`.
    """

    def __init__(
        self, simulator: Simulator, verifier: TokenVerifier | None, faults: Faults, manners: Manners, limiter: Limiter
    ) -> None:
        self._simulator = simulator
        self._manners = manners
        self._limiter = limiter
        self._verifier = verifier
        self._faults = faults
        self._connections: dict[Connection, None] = {}
        self._subscribers: dict[tuple[str, str], dict[Connection, None]] = {}
        self._heartbeats = 0
        self._told: deque[events.Message] = deque(maxlen=REMEMBERED_MESSAGES)
        """The newest messages of the user channel, for a fault that tells them again (F25)."""
        self._channels = Channels(simulator, manners)
        self._leave_books: Callable[[], None] | None = None

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Talk with one client until it leaves or is cut off."""
        if not self._limiter.admit_connection():
            return too_many_requests(html=False, headers={})
        socket = web.WebSocketResponse(compress=False, timeout=CLOSE_WAIT_S, max_msg_size=MAX_REQUEST_BYTES)
        await socket.prepare(request)
        transport = request.transport
        if transport is None:
            return socket
        connection = Connection(socket, transport, self._manners)
        self._connections[connection] = None
        writer = asyncio.create_task(connection.write())
        try:
            await self._listen(connection, socket)
        finally:
            self._forget(connection)
            writer.cancel()
            await asyncio.wait({writer})
        return socket

    async def _listen(self, connection: Connection, socket: web.WebSocketResponse) -> None:
        loop = asyncio.get_running_loop()
        # The venue drops a client that has not subscribed within five seconds; an error answer does not count.
        deadline = loop.call_later(FIRST_SUBSCRIBE_S, self._cut_idle, connection)
        try:
            async for message in socket:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    self._answer(connection, message.data)
        finally:
            deadline.cancel()

    @staticmethod
    def _cut_idle(connection: Connection) -> None:
        if not connection.subscriptions:
            connection.cut()

    def publish(self, event: Event) -> None:
        """Send an event to its subscribers; this is the simulator's listener."""
        for update in self._channels.updates(event):
            self._fan_out(update)

    def _publish_book(self, event: Event) -> None:
        if isinstance(event, BookChanged):
            self.publish(event)

    def _follow_books(self) -> None:
        """Listen to the books as long as somebody listens to `level2`: their changes cost a comparison of each."""
        is_heard = any(receivers for (channel, _), receivers in self._subscribers.items() if channel == "level2")
        if is_heard and self._leave_books is None:
            self._leave_books = self._simulator.subscribe(self._publish_book, with_book=True)
        elif not is_heard and self._leave_books is not None:
            self._leave_books()
            self._leave_books = None

    def publish_heartbeat(self) -> None:
        counter = self._heartbeats
        self._heartbeats += 1
        self._fan_out(Update("heartbeats", ALL_PRODUCTS, lambda: events.heartbeat(counter, self._simulator.now)))

    def _fan_out(self, update: Update) -> None:
        channel, product_id, encode = update
        receivers = self._subscribers.get((channel, product_id))
        if product_id and (of_all := self._subscribers.get((channel, ALL_PRODUCTS))):
            receivers = {**of_all, **receivers} if receivers else of_all
        if not receivers:
            return
        fault = self._faults.at_message(channel)
        message = encode()
        if channel == "user":
            self._told.append(message)
        if fault is not None:
            self._spoil(fault, channel, receivers, message)
            return
        for connection in receivers:
            connection.send(message)

    def _spoil(self, fault: Fault, channel: str, receivers: Iterable[Connection], message: events.Message) -> None:
        """Send a message in the way that a fault wants it."""
        if fault.do is Action.DROP_CONNECTION:
            self.cut(channel)
            return
        if fault.do in TICKS:
            message = spoiled.spoiled_tick(fault.do, message)
        elif fault.do in MISSPELT:
            message = spoiled.spoiled_message(fault.do, message)
        for connection in receivers:
            _send_spoiled(fault, connection, message)

    def cut(self, channel: str | None = None) -> int:
        """Reset every connection, or those that are subscribed to the channel; returns how many there were."""
        doomed = self._subscribed(channel)
        for connection in doomed:
            self._forget(connection)
            connection.cut()
        return len(doomed)

    def _subscribed(self, channel: str | None) -> list[Connection]:
        return [one for one in self._connections if channel is None or channel in one.subscriptions]

    async def flush(self) -> None:
        for connection in list(self._connections):
            await connection.drained()

    async def close(self, code: int = 1001, channel: str | None = None) -> int:
        """Say goodbye to every client, or those subscribed to the channel; 1001 is "going away". Returns how many."""
        parting = self._subscribed(channel)
        for connection in parting:
            self._forget(connection)
        await asyncio.gather(*(connection.close(code, b"server shutdown") for connection in parting))
        return len(parting)

    async def close_quiet(self) -> None:
        """Until cancelled, close each connection without heartbeats to which nothing was sent for `quiet_close_s`."""
        loop = asyncio.get_running_loop()
        while True:
            after_s = self._manners.quiet_close_s
            await asyncio.sleep(min(after_s / 8, QUIET_LOOK_S) if after_s else QUIET_LOOK_S)
            if not after_s:
                continue
            quiet = [
                one
                for one in self._connections
                if "heartbeats" not in one.subscriptions and loop.time() - one.last_sent_at >= after_s
            ]
            for connection in quiet:
                self._forget(connection)
            await asyncio.gather(*(connection.close(1000, b"") for connection in quiet))

    def _forget(self, connection: Connection) -> None:
        self._connections.pop(connection, None)
        for receivers in self._subscribers.values():
            receivers.pop(connection, None)
        self._follow_books()

    def _answer(self, connection: Connection, text: str | bytes) -> None:
        if not self._limiter.admit_message():
            connection.send_plain(events.error("rate limit exceeded"))
            return
        try:
            request = decoded(text, SubscriptionRequest)
        except BodyUnreadable:
            connection.send_plain(events.error("malformed request"))
            return
        refusal = self._refusal(request)
        if refusal is not None:
            connection.send_plain(events.error(refusal))
        elif request.type == "subscribe":
            self._subscribe(connection, request)
        else:
            self._unsubscribe(connection, request)

    def _refusal(self, request: SubscriptionRequest) -> str | None:
        """Why the request cannot be granted, in the venue's words, or None."""
        if request.channel not in self._channels.names:
            return REFUSED.get(request.channel, f"unknown channel {request.channel[:40]!r}")
        if self._manners.key.revoked and request.channel == "user":
            return "authentication failure"
        if self._verifier is not None and request.type == "subscribe" and (request.jwt or request.channel == "user"):
            try:
                self._verifier.check_stream(request.jwt or "")
            except TokenRefused:
                return "authentication failure"
        unknown = [name for name in request.product_ids or () if name not in self._simulator.products]
        if unknown and request.channel not in UNDIVIDED:
            return f"unknown product_ids {', '.join(unknown)[:200]}"
        return None

    def _subscribe(self, connection: Connection, request: SubscriptionRequest) -> None:
        channel = request.channel
        product_ids = self._expanded(channel, request.product_ids)
        own = connection.subscriptions.setdefault(channel, {})
        for product_id in product_ids:
            own[product_id] = None
            self._subscribers.setdefault((channel, product_id), {})[connection] = None
        self._follow_books()
        fault = self._faults.at_subscription(channel)
        if fault is None or fault.do is not Action.DROP_ACK:
            self._confirm(connection)
        snapshot = self._channels.snapshot(channel, product_ids)
        if fault is not None and fault.do is Action.SPLIT_SNAPSHOT:
            for message in snapshot[1:]:
                asyncio.get_running_loop().call_later(fault.seconds, connection.send, message)
            snapshot = snapshot[:1]
        for message in snapshot:
            connection.send(message)
        if fault is not None and fault.do is Action.REPLAY:
            for message in self._told:
                connection.send(message)

    def _unsubscribe(self, connection: Connection, request: SubscriptionRequest) -> None:
        channel = request.channel
        own = connection.subscriptions.get(channel, {})
        # Without product ids the whole channel goes.
        for product_id in self._expanded(channel, request.product_ids) if request.product_ids else list(own):
            own.pop(product_id, None)
            self._subscribers.get((channel, product_id), {}).pop(connection, None)
        if not own:
            connection.subscriptions.pop(channel, None)
        self._follow_books()
        self._confirm(connection)

    def _expanded(self, channel: str, product_ids: Sequence[str] | None) -> Sequence[str]:
        """The subscription keys that are meant: market data without product ids means every product."""
        if channel in UNDIVIDED:
            return [ALL_PRODUCTS]
        if product_ids:
            return list(dict.fromkeys(product_ids))
        return [ALL_PRODUCTS] if channel == "user" else list(self._simulator.products)

    def _confirm(self, connection: Connection) -> None:
        names = {"heartbeats": ["heartbeats"], "user": [USER_ID], "status": list(self._simulator.products)}
        listing = {channel: names.get(channel, list(own)) for channel, own in connection.subscriptions.items()}
        connection.send(events.subscriptions(listing, self._simulator.now))


def _send_spoiled(fault: Fault, connection: Connection, message: events.Message) -> None:
    match fault.do:
        case Action.STALL:
            connection.stall()
        case Action.DROP_MESSAGE:
            connection.skip()
        case Action.HOLD_MESSAGE:
            connection.hold(message)
        case Action.DELAY_MESSAGE:
            asyncio.get_running_loop().call_later(fault.seconds, connection.send, message)
        case Action.LOWER_SEQUENCE:
            connection.send_lower(message)
        case Action.TRUNCATE:
            connection.send_half(message)
        case Action.MUTE:
            pass
        case _:
            if fault.do is Action.REPEAT_MESSAGE:
                connection.send(message)
            elif fault.do is Action.UNKNOWN_CHANNEL:
                connection.send(spoiled.unheard_of(message))
            connection.send(message)
