"""The two feeds: market data, and our own orders' changes, each on a socket of its own.

A connection is trusted from the moment the venue has acknowledged every channel, and given up at the first doubt:
silence, a skipped number, an unreadable message, a refusal. Then everything is subscribed anew, with fresh tokens,
because the venue forgets; what was missed meanwhile is the caller's to fetch by request (R39).
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

import aiohttp
import msgspec

from bottrader.adapters.coinbase import backoff, mapping
from bottrader.adapters.coinbase.auth import Signer
from bottrader.adapters.coinbase.continuity import StreamBroken
from bottrader.adapters.coinbase.conversation import Conversation, Topic
from bottrader.adapters.coinbase.errors import NO_ANSWER, describe
from bottrader.adapters.coinbase.messages import (
    CandlesMessage,
    Message,
    MessageDecoder,
    OddTickerEntry,
    OddTickerMessage,
    TickerMessage,
    UserMessage,
)
from bottrader.adapters.coinbase.watchdog import Overdue, Watchdog
from bottrader.domain.errors import AdapterError
from bottrader.domain.market import ProductId, Ticker
from bottrader.domain.money import Price, parse_amount
from bottrader.domain.orders import ClientOrderId, VenueOrderId
from bottrader.ports import (
    CandleUpdate,
    Clock,
    Entropy,
    EventLog,
    Heartbeat,
    MarketEvent,
    OrderUpdate,
    StreamLive,
    StreamLost,
    UserEvent,
)

HEARTBEATS = "heartbeats"
USER = "user"
MARKET_CHANNELS = frozenset({"ticker", "candles"})
CONTENT = (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY)

E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """`on_time` is shown the venue time of every message before its events are yielded."""

    clock: Clock
    entropy: Entropy
    log: EventLog
    on_time: Callable[[datetime], None] | None = None
    connect_timeout_s: float = 5.0
    ack_timeout_s: float = 5.0
    silence_timeout_s: float = 5.0
    close_timeout_s: float = 1.0
    frame_bytes_max: int = 16 * 2**20


class CoinbaseMarketFeed:
    """The `MarketFeed`: heartbeats and the `channels` asked for, `ticker` or `candles` or both.

    Close the iterator (`contextlib.aclosing`) to close the socket when leaving the loop early.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        options: StreamOptions,
        channels: frozenset[str] = MARKET_CHANNELS,
    ) -> None:
        if unknown := channels - MARKET_CHANNELS:
            raise ValueError(f"a market feed has the channels ticker and candles, was {', '.join(sorted(unknown))}")
        self._session = session
        self._url = url
        self._options = options
        self._channels = channels

    def events(self, product_ids: Sequence[ProductId]) -> AsyncGenerator[MarketEvent, None]:
        subscriptions = {HEARTBEATS: (), **dict.fromkeys(sorted(self._channels), tuple(product_ids))}

        def requests() -> list[str]:
            return [_subscribe(channel, products) for channel, products in subscriptions.items()]

        topic = Topic(frozenset(subscriptions), self._read)
        return _Stream(self._session, self._url, self._options, topic, requests).events()

    def _read(self, message: Message, at: datetime) -> list[Ticker | CandleUpdate]:
        if isinstance(message, TickerMessage):
            return self._tickers(message, at)
        if isinstance(message, OddTickerMessage):
            odd = [entry for event in message.events for entry in event.tickers]
            return [ticker for entry in odd if (ticker := self._odd_ticker(entry, at)) is not None]
        if isinstance(message, CandlesMessage):
            listed = [candle for event in message.events for candle in event.candles]
            candles = [mapping.to_candle(candle, ProductId(candle.product_id)) for candle in listed]
            return [CandleUpdate(candle, at) for candle in sorted(candles, key=lambda candle: candle.opened_at)]
        return []

    def _tickers(self, message: TickerMessage, at: datetime) -> list[Ticker | CandleUpdate]:
        # Crossed or non-positive quotes pass: judging them is the domain's work. What is no number cannot be judged.
        tickers: list[Ticker | CandleUpdate] = []
        for event in message.events:
            for entry in event.tickers:
                price, bid, ask = entry.price, entry.best_bid, entry.best_ask
                if price.is_finite() and bid.is_finite() and ask.is_finite():
                    tickers.append(Ticker(entry.product_id, price, bid, ask, at))
                else:
                    self._drop(entry.product_id, f"an amount is finite, was one of {price}, {bid}, {ask}")
        return tickers

    def _odd_ticker(self, entry: OddTickerEntry, at: datetime) -> Ticker | None:
        try:
            price, bid, ask = parse_amount(entry.price), parse_amount(entry.best_bid), parse_amount(entry.best_ask)
        except ValueError as error:
            self._drop(entry.product_id, str(error))
            return None
        return Ticker(entry.product_id, Price(price), Price(bid), Price(ask), at)

    def _drop(self, product_id: ProductId, reason: str) -> None:
        self._options.log.alarm("ticker_dropped", product_id=product_id, reason=reason)


class CoinbaseUserFeed:
    """The `UserFeed`: heartbeats and the `user` channel for all products, every request signed.

    Close the iterator (`contextlib.aclosing`) to close the socket when leaving the loop early.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str, signer: Signer, options: StreamOptions) -> None:
        self._session = session
        self._url = url
        self._signer = signer
        self._options = options

    def events(self) -> AsyncGenerator[UserEvent, None]:
        def requests() -> list[str]:
            return [_subscribe(channel, (), self._signer.stream_token()) for channel in (HEARTBEATS, USER)]

        topic = Topic(frozenset({HEARTBEATS, USER}), _order_updates)
        return _Stream(self._session, self._url, self._options, topic, requests).events()


def _order_updates(message: Message, at: datetime) -> list[OrderUpdate]:
    if not isinstance(message, UserMessage):
        return []
    return [
        OrderUpdate(
            VenueOrderId(order.order_id),
            ClientOrderId(order.client_order_id),
            ProductId(order.product_id),
            at,
            mapping.to_filled_size(order.cumulative_quantity),
            mapping.ORDER_STATES.get(order.status),
        )
        for event in message.events
        for order in event.orders
    ]


def _subscribe(channel: str, product_ids: Sequence[str], token: str | None = None) -> str:
    """Return the request for one channel; without products it means all of them."""
    request: Mapping[str, object] = {"type": "subscribe", "channel": channel, "product_ids": product_ids}
    return msgspec.json.encode(request if token is None else {**request, "jwt": token}).decode()


class _Stream(Generic[E]):
    """One socket after another, for ever; `requests` makes the subscriptions, with fresh tokens each time."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        options: StreamOptions,
        topic: Topic[E],
        requests: Callable[[], list[str]],
    ) -> None:
        self._session = session
        self._url = url
        self._options = options
        self._topic = topic
        self._requests = requests
        self._decoder = MessageDecoder()

    async def events(self) -> AsyncGenerator[E | Heartbeat | StreamLive | StreamLost, None]:
        attempt = 0
        while True:
            conversation = Conversation(self._topic, self._options.on_time)
            watchdog = Watchdog(self._options.silence_timeout_s, self._options.ack_timeout_s)
            try:
                async with await self._connect() as socket, watchdog:
                    for request in self._requests():
                        await socket.send_str(request)
                    while True:
                        message = await watchdog.wait(socket.receive())
                        if message.type not in CONTENT:
                            raise _ending(message, socket)
                        for event in conversation.take(self._decoder.decode(message.data)):
                            yield event
                        if watchdog.is_strict and conversation.is_live:
                            watchdog.is_strict = False
            except Overdue:
                cause = self._overdue(conversation)
            except AdapterError as error:
                cause = str(error)
            except NO_ANSWER as error:
                cause = f"the connection failed: {describe(error)}"
            attempt = 0 if conversation.is_live else attempt
            wait_s = backoff.wait_s(attempt, self._options.entropy)
            yield StreamLost(cause)
            await self._options.clock.sleep(wait_s)
            attempt += 1

    async def _connect(self) -> aiohttp.ClientWebSocketResponse:
        async with asyncio.timeout(self._options.connect_timeout_s):
            return await self._session.ws_connect(
                self._url,
                timeout=aiohttp.ClientWSTimeout(ws_close=self._options.close_timeout_s),
                max_msg_size=self._options.frame_bytes_max,
            )

    def _overdue(self, conversation: Conversation[E]) -> str:
        if conversation.is_live:
            return f"nothing came for {self._options.silence_timeout_s:g} s"
        return f"the venue did not acknowledge {conversation.missing} in time"


def _ending(message: aiohttp.WSMessage, socket: aiohttp.ClientWebSocketResponse) -> StreamBroken:
    """Return the cause that a message without content names."""
    if message.type is aiohttp.WSMsgType.ERROR:
        return StreamBroken(f"the connection failed: {describe(message.data)}")
    return StreamBroken(f"the venue closed the connection with code {socket.close_code}")
