"""The WebSocket side: subscriptions, snapshots, and the fan-out of the simulator's events (coinbase.md §12)."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Annotated, Literal

import msgspec
from aiohttp import WSMsgType, web

from coinbase_sim.faults import Faults
from coinbase_sim.model import BucketChanged, Event, Order, OrderChanged, OrderStatus, TickerChanged
from coinbase_sim.simulator import Simulator
from coinbase_sim.wire import events
from coinbase_sim.wire.auth import TokenRefused, TokenVerifier
from coinbase_sim.wire.connection import CLOSE_WAIT_S, Connection
from coinbase_sim.wire.texts import USER_ID

BUCKET_S = 300
SNAPSHOT_BUCKETS = 100
FIRST_SUBSCRIBE_S = 5.0
MAX_REQUEST_BYTES = 65_536

_SUBSCRIBERS_OF_ALL = ""
_LIVE = frozenset({OrderStatus.PENDING, OrderStatus.OPEN})


class SubscriptionRequest(msgspec.Struct):
    """What a client sends: one channel per message."""

    type: Literal["subscribe", "unsubscribe"]
    channel: str
    product_ids: Annotated[list[str], msgspec.Meta(max_length=1000)] | None = None
    jwt: str | None = None


class Stream:
    """All WebSocket clients of one exchange.

    An event is encoded once, and only when somebody listens to its channel and product. Subscribers are kept by
    (channel, product id), those of all products under an empty id.
    """

    def __init__(self, simulator: Simulator, verifier: TokenVerifier | None, faults: Faults) -> None:
        self._simulator = simulator
        self._verifier = verifier
        self._faults = faults
        self._connections: dict[Connection, None] = {}
        self._subscribers: dict[tuple[str, str], dict[Connection, None]] = {}
        self._heartbeats = 0
        self._snapshots: dict[str, Callable[[Sequence[str]], list[events.Message]]] = {
            "heartbeats": self._no_snapshot,
            "ticker": self._ticker_snapshot,
            "candles": self._candle_snapshot,
            "user": self._user_snapshot,
        }

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Talk with one client until it leaves or is cut off."""
        socket = web.WebSocketResponse(compress=False, timeout=CLOSE_WAIT_S, max_msg_size=MAX_REQUEST_BYTES)
        await socket.prepare(request)
        transport = request.transport
        if transport is None:
            return socket
        connection = Connection(socket, transport)
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
        match event:
            case TickerChanged(product_id=product_id):
                self._fan_out("ticker", product_id, lambda: events.ticker(event))
            case BucketChanged(bar=bar, at=at):
                self._fan_out("candles", bar.product_id, lambda: events.candles([bar], at))
            case OrderChanged(order=order, at=at):
                self._fan_out("user", order.request.product_id, lambda: events.user_update(order, at))

    def publish_heartbeat(self) -> None:
        counter = self._heartbeats
        self._heartbeats += 1
        self._fan_out("heartbeats", _SUBSCRIBERS_OF_ALL, lambda: events.heartbeat(counter, self._simulator.now))

    def _fan_out(self, channel: str, product_id: str, encode: Callable[[], events.Message]) -> None:
        receivers = self._subscribers.get((channel, product_id))
        if product_id and (of_all := self._subscribers.get((channel, _SUBSCRIBERS_OF_ALL))):
            receivers = {**of_all, **receivers} if receivers else of_all
        if not receivers:
            return
        if self._faults.cuts_stream(channel):
            self.cut(channel)
            return
        message = encode()
        for connection in receivers:
            connection.send(message)

    def cut(self, channel: str) -> int:
        """Reset every connection that is subscribed to the channel; returns how many there were."""
        doomed = [connection for connection in self._connections if channel in connection.subscriptions]
        for connection in doomed:
            self._forget(connection)
            connection.cut()
        return len(doomed)

    async def flush(self) -> None:
        for connection in list(self._connections):
            await connection.drained()

    async def close(self) -> None:
        """Say goodbye to every client with code 1001, going away."""
        farewells = [connection.close(1001, b"server shutdown") for connection in self._connections]
        await asyncio.gather(*farewells)

    def _forget(self, connection: Connection) -> None:
        self._connections.pop(connection, None)
        for receivers in self._subscribers.values():
            receivers.pop(connection, None)

    def _answer(self, connection: Connection, text: str | bytes) -> None:
        try:
            request = msgspec.json.decode(text, type=SubscriptionRequest)
        except (msgspec.DecodeError, UnicodeDecodeError):
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
        if request.channel not in self._snapshots:
            return f"unknown channel {request.channel!r}"
        if self._verifier is not None and request.type == "subscribe" and (request.jwt or request.channel == "user"):
            try:
                self._verifier.check_stream(request.jwt or "")
            except TokenRefused:
                return "authentication failure"
        unknown = [name for name in request.product_ids or () if name not in self._simulator.products]
        if unknown and request.channel != "heartbeats":
            return f"unknown product_ids {', '.join(unknown)}"
        return None

    def _subscribe(self, connection: Connection, request: SubscriptionRequest) -> None:
        channel = request.channel
        product_ids = self._expanded(channel, request.product_ids)
        own = connection.subscriptions.setdefault(channel, {})
        for product_id in product_ids:
            own[product_id] = None
            self._subscribers.setdefault((channel, product_id), {})[connection] = None
        self._confirm(connection)
        for message in self._snapshots[channel](product_ids):
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
        self._confirm(connection)

    def _expanded(self, channel: str, product_ids: Sequence[str] | None) -> Sequence[str]:
        """The subscription keys that are meant: market data without product ids means every product."""
        if channel == "heartbeats":
            return [_SUBSCRIBERS_OF_ALL]
        if product_ids:
            return product_ids
        return [_SUBSCRIBERS_OF_ALL] if channel == "user" else list(self._simulator.products)

    def _confirm(self, connection: Connection) -> None:
        names = {"heartbeats": ["heartbeats"], "user": [USER_ID]}
        listing = {channel: names.get(channel, list(own)) for channel, own in connection.subscriptions.items()}
        connection.send(events.subscriptions(listing, self._simulator.now))

    def _no_snapshot(self, _product_ids: Sequence[str]) -> list[events.Message]:
        return []

    def _ticker_snapshot(self, product_ids: Sequence[str]) -> list[events.Message]:
        tickers = [self._simulator.ticker(product_id) for product_id in product_ids]
        return [events.ticker(ticker, "snapshot") for ticker in tickers if ticker is not None]

    def _candle_snapshot(self, product_ids: Sequence[str]) -> list[events.Message]:
        now = self._simulator.now
        begin = now - timedelta(seconds=BUCKET_S * SNAPSHOT_BUCKETS)
        by_product = [self._simulator.candles(product_id, BUCKET_S, begin, now) for product_id in product_ids]
        return [events.candles(bars[::-1], now, "snapshot") for bars in by_product if bars]

    def _user_snapshot(self, product_ids: Sequence[str]) -> list[events.Message]:
        def wanted(order: Order) -> bool:
            every = _SUBSCRIBERS_OF_ALL in product_ids
            return order.status in _LIVE and (every or order.request.product_id in product_ids)

        return events.user_snapshots([*filter(wanted, self._simulator.orders())], self._simulator.now)
