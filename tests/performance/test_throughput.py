"""What passes through the bot's doors and the exchange's engine for one second of one core, against a bare minimum."""

import json
from collections.abc import Iterator
from contextlib import aclosing
from datetime import datetime
from decimal import Decimal
from statistics import median
from types import SimpleNamespace
from typing import Any, Self, cast

import aiohttp
import msgspec
from litestar import Litestar, Request, Response, post

from bottrader.adapters.coinbase.messages import KnownMessage, TickerMessage
from bottrader.adapters.coinbase.stream import CoinbaseMarketFeed, StreamOptions
from bottrader.adapters.http.kill import KillListener
from bottrader.adapters.http.listener import ListenerOptions, WebhookListener, build_app
from bottrader.adapters.http.probes import Probes
from bottrader.adapters.memory.clock import ManualClock
from bottrader.adapters.memory.store import MemoryStore
from bottrader.adapters.system.log import RecentEvents
from bottrader.app.accept_signal import SignalAcceptor
from bottrader.app.check_health import Health
from bottrader.domain.market import ProductId, Ticker
from coinbase_sim.model import Side
from tests.fixtures.coinbase_wire import BTC, FixedEntropy, ticker_row
from tests.fixtures.facts import NOON
from tests.fixtures.processes import SECRET, signal_body, signature
from tests.fixtures.simulated_exchange import Exchange, levels
from tests.performance.measuring import cpu_s, cpu_s_in_turns, cpu_s_of, median_ratio, tell

MESSAGES = 5_000
REQUESTS = 300
AT = "2026-04-07T14:30:00.123456789Z"


async def test_a_ticker_costs_less_than_twice_its_decoding() -> None:
    """From a message off the socket to the domain: time limits, continuity and checked amounts. Compared with taking
    the same messages off the same socket, decoding them into typed structs with exact amounts, reading the time, and
    building the domain's ticker, and nothing else."""
    messages = list(_messages())
    decoder = msgspec.json.Decoder(KnownMessage)

    async def decode() -> None:
        socket = _RecordedSession(messages[1:])
        for _ in range(MESSAGES):
            message = decoder.decode((await socket.receive()).data)
            assert isinstance(message, TickerMessage)
            at = datetime.fromisoformat(message.timestamp)
            for entry in message.events[0].tickers:
                Ticker(entry.product_id, entry.price, entry.best_bid, entry.best_ask, at)

    async def receive() -> None:
        session = cast("aiohttp.ClientSession", _RecordedSession(messages))
        options = StreamOptions(ManualClock(), FixedEntropy(), RecentEvents())
        feed = CoinbaseMarketFeed(session, "ws://recorded", options, frozenset({"ticker"}))
        tickers = 0
        async with aclosing(feed.events([BTC])) as events:
            async for event in events:
                tickers += isinstance(event, Ticker)
                if tickers == MESSAGES:
                    return

    bare_s, ours_s = await cpu_s_in_turns(decode, receive, runs=9)

    rate, share = MESSAGES / median(ours_s), median_ratio(bare_s, ours_s)
    tell("market data:", f"{rate:,.0f} tickers a core-second, {share:.0%} of decoding alone", ratio=share)
    assert rate >= 250_000 or share >= 0.6


async def test_a_signed_signal_costs_a_few_bare_requests() -> None:
    """Verified, decoded exactly, deduplicated and stored in memory; the bare handler reads the body and says yes."""
    requests = [_signed(number) for number in range(REQUESTS)]

    async def ours() -> None:
        app = _listener()
        for body, headers in requests:
            assert await _post(app, body, headers) == 200

    async def bare() -> None:
        app = Litestar([_yes], openapi_config=None, logging_config=None)
        for body, headers in requests:
            assert await _post(app, body, headers) == 200

    bare_s, ours_s = await cpu_s_of(bare), await cpu_s_of(ours)

    ratio = ours_s / bare_s
    tell("webhook:", f"{REQUESTS / ours_s:,.0f} signals a core-second, {ratio:.1f} bare requests each", ratio=ratio)
    assert ratio <= 5


def test_the_exchange_does_not_slow_down_with_its_orders() -> None:
    """Four times the orders may take four times the work, and a little for the larger tables."""
    few_s, many_s = cpu_s(lambda: _trade(500), runs=3), cpu_s(lambda: _trade(2_000), runs=3)

    ratio = many_s / few_s
    tell(
        "engine:",
        f"{2_000 / many_s:,.0f} orders a core-second; 500 to 2,000 orders {ratio:.1f} times the work",
        ratio=ratio,
    )
    assert ratio <= 6


def test_the_exchange_costs_a_bounded_number_of_table_entries() -> None:
    """The least an exchange could do is to file the order; holds, matching, fees and events may cost 400 such."""
    table: dict[str, object] = {}

    def file() -> None:
        for number in range(20_000):
            table[f"c{number}"] = SimpleNamespace(number=number)

    bare, ours = cpu_s(file) / 20_000, cpu_s(lambda: _trade(500), runs=3) / 500

    tell("engine, one order:", f"{ours * 1e6:.0f} us, {ours / bare:.0f} entries in a table", ratio=ours / bare)
    assert ours / bare <= 400


def test_an_order_alone_costs_a_bounded_number_of_table_entries() -> None:
    """Orders that rest and orders that take, on a book that stands: the engine without a market that moves."""
    table: dict[str, object] = {}

    def file() -> None:
        for number in range(20_000):
            table[f"c{number}"] = SimpleNamespace(number=number)

    bare, ours = cpu_s(file) / 20_000, cpu_s(_place, runs=3) / 2_000

    tell(
        "engine, orders alone:",
        f"{1 / ours:,.0f} orders a core-second, {ours / bare:.0f} entries in a table each",
        ratio=ours / bare,
    )
    assert ours / bare <= 300


def _place() -> None:
    """Rest a thousand orders, and take with a thousand others."""
    exchange = Exchange(usd=Decimal(10_000_000), open_orders_max=2_000)
    exchange.tick("100", asks=levels(("100.5", "100000")))
    for number in range(1_000):
        exchange.limit(Side.BUY, "0.5", "99" if number % 2 else "98.5")
        exchange.market_order(Side.BUY, base="0.1")


def _trade(orders: int) -> None:
    """Buy and sell in turn at a ladder that is shown anew each time."""
    exchange = Exchange()
    for number in range(orders):
        exchange.tick("100")
        order = exchange.limit(Side.SELL if number % 2 else Side.BUY, "0.5", "99.5" if number % 2 else "100.5")
        assert order.filled_size


def _messages() -> Iterator[str]:
    def envelope(number: int, channel: str, event: object) -> str:
        content = {"channel": channel, "client_id": "", "timestamp": AT, "sequence_num": number, "events": [event]}
        return json.dumps(content)

    yield envelope(0, "subscriptions", {"subscriptions": {"heartbeats": ["all"], "ticker": [BTC]}})
    for number in range(1, MESSAGES + 1):
        yield envelope(number, "ticker", {"type": "update", "tickers": [ticker_row()]})


class _RecordedSession:
    """As much of an `aiohttp.ClientSession` as a feed uses, with every message there already."""

    def __init__(self, messages: list[str]) -> None:
        self._messages = iter([SimpleNamespace(type=aiohttp.WSMsgType.TEXT, data=text) for text in messages])

    async def ws_connect(self, *_: object, **__: object) -> Self:
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return

    async def send_str(self, _: str) -> None:
        return

    async def receive(self) -> SimpleNamespace:
        return next(self._messages)


def _listener() -> Litestar:
    health = Health("webhook", True, (), "c0ffee", "r0003", "5eed", NOON, "1.0")
    acceptor = SignalAcceptor(MemoryStore(), RecentEvents(), lambda _: None, lambda _: True)
    options = ListenerOptions(SECRET, [ProductId("BTC-USD")])
    clock, store = ManualClock(NOON), MemoryStore()
    kill = KillListener(store.record_kill_switch, clock, SECRET)
    listener = WebhookListener(acceptor, lambda: health, clock, options)
    return build_app(listener, kill, Probes(lambda: health, list))


@post("/webhook", status_code=200)
async def _yes(request: Request[Any, Any, Any]) -> Response[dict[str, str]]:
    await request.body()
    return Response({"code": "SUCCESS"})


def _signed(number: int) -> tuple[bytes, dict[str, str]]:
    body = json.dumps(signal_body(price=f"{40_000 + number}")).encode()
    return body, signature(body, at_ms=round(NOON.timestamp() * 1000))


async def _post(app: Litestar, body: bytes, headers: dict[str, str]) -> int:
    """Hand a request to an ASGI application, without a socket, and return the status of its answer."""
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/webhook",
        "raw_path": b"/webhook",
        "root_path": "",
        "query_string": b"",
        "headers": [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            *((name.lower().encode(), value.encode()) for name, value in headers.items()),
        ],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "extensions": {},
    }
    statuses: list[int] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(cast("Any", scope), cast("Any", receive), send)
    return statuses[0]
