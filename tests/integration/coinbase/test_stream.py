"""Both feeds over real sockets: subscribing, doubt, and coming back."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import WSCloseCode

from bottrader.adapters.coinbase.auth import ApiKey, Signer
from bottrader.adapters.coinbase.stream import CoinbaseMarketFeed, CoinbaseUserFeed, StreamOptions
from bottrader.adapters.memory.clock import ManualClock
from bottrader.adapters.system.log import RecentEvents
from bottrader.domain.market import Ticker
from bottrader.domain.orders import OrderState
from bottrader.ports import CandleUpdate, Heartbeat, OrderUpdate, StreamLive, StreamLost
from tests.fixtures.coinbase_wire import BTC, KEY_NAME, FixedEntropy, candle_row, claims_of, new_key, pem_of, ticker_row
from tests.mocks.mock_websocket import MockWebSocket

pytestmark = pytest.mark.component("websocket_handler")

KEY = new_key()
AT = datetime(2026, 4, 7, 14, 30, 0, 123456, UTC)


class Events:
    """The events of one feed, taken one by one within a time limit; closes the feed at the end of the test."""

    def __init__(self, source: AsyncIterator[Any]) -> None:
        self._source = cast("AsyncGenerator[Any, None]", source)

    async def next(self) -> Any:
        async with asyncio.timeout(5):
            return await anext(self._source)

    async def lost(self) -> str:
        event = await self.next()
        assert isinstance(event, StreamLost), event
        return event.cause

    async def close(self) -> None:
        await self._source.aclose()


@pytest.fixture
async def venue() -> AsyncIterator[MockWebSocket]:
    async with MockWebSocket() as server:
        yield server


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def log() -> RecentEvents:
    return RecentEvents()


@pytest.fixture
async def open_market(
    venue: MockWebSocket, clock: ManualClock, log: RecentEvents
) -> AsyncIterator[Callable[..., Events]]:
    async with aiohttp.ClientSession() as session:
        opened: list[Events] = []

        def open_feed(channels: frozenset[str] = frozenset({"ticker", "candles"}), **changes: Any) -> Events:
            options = StreamOptions(clock, FixedEntropy(), log, close_timeout_s=0.1, **changes)
            opened.append(Events(CoinbaseMarketFeed(session, venue.url, options, channels).events([BTC])))
            return opened[-1]

        yield open_feed
        for events in opened:
            await events.close()


@pytest.fixture
async def user(venue: MockWebSocket, clock: ManualClock) -> AsyncIterator[Events]:
    async with aiohttp.ClientSession() as session:
        signer = Signer(ApiKey(KEY_NAME, pem_of(KEY)), clock, FixedEntropy())
        options = StreamOptions(clock, FixedEntropy(), RecentEvents(), close_timeout_s=0.1)
        events = Events(CoinbaseUserFeed(session, venue.url, signer, options).events())
        yield events
        await events.close()


def user_row(number: int) -> dict[str, str]:
    return {"order_id": f"v-{number}", "client_order_id": f"c-{number}", "product_id": "BTC-USD", "status": "OPEN"}


async def test_a_market_feed_subscribes_one_channel_a_message_and_heartbeats_first(
    venue: MockWebSocket, open_market: Callable[..., Events]
) -> None:
    assert await open_market().next() == StreamLive(AT)
    (connection,) = venue.connections
    assert connection.requests == [
        {"type": "subscribe", "channel": "heartbeats", "product_ids": []},
        {"type": "subscribe", "channel": "candles", "product_ids": ["BTC-USD"]},
        {"type": "subscribe", "channel": "ticker", "product_ids": ["BTC-USD"]},
    ]


async def test_a_market_feed_asks_only_for_the_channels_it_was_given(
    venue: MockWebSocket, open_market: Callable[..., Events]
) -> None:
    assert await open_market(frozenset({"ticker"})).next() == StreamLive(AT)
    assert venue.connections[0].channels == ["heartbeats", "ticker"]


async def test_a_channel_the_market_feed_does_not_have_is_refused(open_market: Callable[..., Events]) -> None:
    with pytest.raises(ValueError, match="has the channels ticker and candles, was level2"):
        open_market(frozenset({"level2"}))


async def test_market_events_come_in_the_order_they_were_sent(
    venue: MockWebSocket, open_market: Callable[..., Events]
) -> None:
    events = open_market()
    await events.next()
    connection = venue.connections[0]
    await connection.send("ticker", {"type": "update", "tickers": [ticker_row(), ticker_row(product_id="ETH-USD")]})
    await connection.heartbeat()
    await connection.send("ticker", {"type": "update", "tickers": [ticker_row(price="1")]})
    first = await events.next()
    assert first == Ticker(BTC, Decimal("68900.50"), Decimal("68900.00"), Decimal("68901.00"), AT)  # type: ignore[arg-type]
    assert (await events.next()).product_id == "ETH-USD"
    assert await events.next() == Heartbeat(AT)
    assert (await events.next()).price == 1


async def test_the_candles_of_one_message_come_by_their_opening_time(
    venue: MockWebSocket, open_market: Callable[..., Events]
) -> None:
    events = open_market()
    await events.next()
    rows = [candle_row(start, product_id="BTC-USD") for start in (1775521800, 1775521500, 1775521200)]
    await venue.connections[0].send("candles", {"type": "snapshot", "candles": rows})
    opened = []
    for _ in rows:
        event = await events.next()
        assert isinstance(event, CandleUpdate)
        assert event.at == AT
        opened.append(int(event.candle.opened_at.timestamp()))
    assert opened == [1775521200, 1775521500, 1775521800]


@pytest.mark.parametrize(
    "quotes",
    [{"best_bid": "101", "best_ask": "99"}, {"price": "0"}, {"best_bid": "-1"}],
    ids=["crossed", "zero", "below"],
)
async def test_a_senseless_quote_is_passed_on_for_the_domain_to_judge(
    venue: MockWebSocket, open_market: Callable[..., Events], quotes: dict[str, str]
) -> None:
    """F30"""
    events = open_market()
    await events.next()
    await venue.connections[0].send("ticker", {"tickers": [ticker_row(**quotes)]})
    ticker = await events.next()
    assert isinstance(ticker, Ticker)
    assert not ticker.is_sane


@pytest.mark.parametrize("price", ["NaN", "Infinity", "", "1e"])
async def test_a_price_that_is_no_number_is_dropped_and_said(
    venue: MockWebSocket, open_market: Callable[..., Events], log: RecentEvents, price: str
) -> None:
    """F30"""
    events = open_market()
    await events.next()
    await venue.connections[0].send("ticker", {"tickers": [ticker_row(price=price), ticker_row()]})
    assert (await events.next()).price == Decimal("68900.50")
    (told,) = log.newest
    assert (told.event, told.is_alarm, told.fields["product_id"]) == ("ticker_dropped", True, "BTC-USD")


async def test_an_impossible_candle_makes_the_feed_start_over(
    venue: MockWebSocket, open_market: Callable[..., Events]
) -> None:
    """F9"""
    events = open_market()
    await events.next()
    await venue.connections[0].send("candles", {"candles": [candle_row(1775521800, high="1", product_id="BTC-USD")]})
    assert "candle 1775521800 of BTC-USD" in await events.lost()
    assert isinstance(await events.next(), StreamLive)


async def test_venue_time_is_shown_before_the_event_that_it_dates(
    venue: MockWebSocket, open_market: Callable[..., Events]
) -> None:
    shown: list[datetime] = []
    events = open_market(frozenset({"ticker"}), on_time=shown.append)
    await events.next()
    await venue.connections[0].send("ticker", {"tickers": [ticker_row()]}, at="2026-04-07T14:31:00Z")
    assert (await events.next()).at == datetime(2026, 4, 7, 14, 31, tzinfo=UTC)
    assert shown[-1] == datetime(2026, 4, 7, 14, 31, tzinfo=UTC)


async def test_a_user_feed_signs_every_subscription_and_names_no_product(venue: MockWebSocket, user: Events) -> None:
    assert await user.next() == StreamLive(AT)
    heartbeats, orders = venue.connections[0].requests
    assert (heartbeats["channel"], heartbeats["product_ids"]) == ("heartbeats", [])
    assert (orders["channel"], orders["product_ids"]) == ("user", [])
    for request in (heartbeats, orders):
        claims = claims_of(request["jwt"], KEY.public_key())
        assert claims["sub"] == KEY_NAME
        assert "uri" not in claims


async def test_user_orders_become_hints_one_by_one(venue: MockWebSocket, user: Events) -> None:
    await user.next()
    await venue.connections[0].send("user", {"type": "snapshot", "orders": [user_row(1), user_row(2)]})
    first, second = await user.next(), await user.next()
    assert first == OrderUpdate("v-1", "c-1", "BTC-USD", AT, None, OrderState.ACCEPTED)  # type: ignore[arg-type]
    assert second.venue_order_id == "v-2"


@pytest.mark.parametrize(
    ("words", "filled_size", "state"),
    [
        ({"cumulative_quantity": "0.25", "status": "FILLED"}, Decimal("0.25"), OrderState.FILLED),
        ({"cumulative_quantity": "-1", "status": "A_NEW_WORD"}, None, None),
        ({"cumulative_quantity": "much"}, None, OrderState.ACCEPTED),
    ],
)
async def test_a_hint_says_how_far_its_order_has_come_if_that_can_be_read(
    venue: MockWebSocket,
    user: Events,
    words: dict[str, str],
    filled_size: Decimal | None,
    state: OrderState | None,
) -> None:
    """F25, F9: an unreadable quantity or status does not cost the connection; the hint stands without it."""
    await user.next()
    await venue.connections[0].send("user", {"type": "update", "orders": [user_row(1) | words]})
    update = await user.next()
    assert (update.filled_size, update.state) == (filled_size, state)


async def test_an_empty_user_snapshot_gives_no_event(venue: MockWebSocket, user: Events) -> None:
    await user.next()
    await venue.connections[0].send("user", {"type": "snapshot", "orders": [], "positions": {}})
    await venue.connections[0].heartbeat("7")
    assert await user.next() == Heartbeat(AT)


async def test_after_a_drop_everything_is_subscribed_again_heartbeats_and_user_included(
    venue: MockWebSocket, user: Events, clock: ManualClock
) -> None:
    """R39"""
    await user.next()
    venue.connections[0].drop()
    assert await user.lost()
    assert isinstance(await user.next(), StreamLive)
    before, after = venue.connections
    assert after.channels == before.channels == ["heartbeats", "user"]
    assert {request["jwt"] for request in after.requests}.isdisjoint(request["jwt"] for request in before.requests)
    await after.send("user", {"orders": [user_row(3)]})
    assert (await user.next()).venue_order_id == "v-3"
    assert clock.slept_s == [0.25]


@pytest.mark.parametrize("code", [1000, 1001, 1011])
async def test_a_closed_connection_is_opened_again(venue: MockWebSocket, user: Events, code: int) -> None:
    await user.next()
    await venue.connections[0].close(code)
    assert await user.lost() == f"the venue closed the connection with code {code}"
    assert isinstance(await user.next(), StreamLive)


async def test_a_sequence_gap_is_loss(venue: MockWebSocket, open_market: Callable[..., Events]) -> None:
    """F24"""
    events = open_market(frozenset({"ticker"}))
    await events.next()
    await venue.connections[0].send("ticker", {"tickers": [ticker_row()]}, sequence=5)
    assert await events.lost() == "messages 2 to 4 are missing"
    assert isinstance(await events.next(), StreamLive)


async def test_a_heartbeat_gap_is_loss(venue: MockWebSocket, user: Events) -> None:
    """F24"""
    await user.next()
    await venue.connections[0].heartbeat("7")
    await user.next()
    await venue.connections[0].heartbeat("9")
    assert await user.lost() == "heartbeats 8 to 8 are missing"
    assert isinstance(await user.next(), StreamLive)


async def test_silence_is_loss(venue: MockWebSocket, open_market: Callable[..., Events]) -> None:
    """F23"""
    events = open_market(silence_timeout_s=0.05)
    await events.next()
    assert await events.lost() == "nothing came for 0.05 s"
    assert isinstance(await events.next(), StreamLive)


async def test_a_missing_acknowledgement_is_loss_and_never_live(
    venue: MockWebSocket, open_market: Callable[..., Events]
) -> None:
    """F26"""
    venue.acknowledges = False
    events = open_market(frozenset({"ticker"}), ack_timeout_s=0.05)
    assert await events.lost() == "the venue did not acknowledge heartbeats, ticker in time"
    venue.acknowledges = True
    assert isinstance(await events.next(), StreamLive)


async def test_traffic_does_not_stand_in_for_an_acknowledgement(
    venue: MockWebSocket, open_market: Callable[..., Events]
) -> None:
    """F26"""
    venue.acknowledges = False
    events = open_market(frozenset({"ticker"}), ack_timeout_s=0.1)

    async def chatter() -> None:
        connection = await venue.subscribed(0, 2)
        await connection.acknowledge("heartbeats")
        while True:
            await connection.heartbeat()
            await asyncio.sleep(0.01)

    talking = asyncio.create_task(chatter())
    assert await events.lost() == "the venue did not acknowledge ticker in time"
    talking.cancel()


async def test_events_before_the_last_acknowledgement_follow_it(
    venue: MockWebSocket, open_market: Callable[..., Events]
) -> None:
    venue.acknowledges = False
    events = open_market(frozenset({"ticker"}))
    first = asyncio.create_task(events.next())
    connection = await venue.subscribed(0, 2)
    await connection.acknowledge("ticker")
    await connection.send("ticker", {"type": "snapshot", "tickers": [ticker_row()]})
    await connection.acknowledge("ticker", "heartbeats")
    assert await first == StreamLive(AT)
    assert isinstance(await events.next(), Ticker)


async def test_a_refused_subscription_is_loss_in_the_venues_words_with_growing_waits(
    venue: MockWebSocket, user: Events, clock: ManualClock
) -> None:
    """F10, F11"""
    venue.acknowledges = False
    for number in range(3):
        waiting = asyncio.create_task(user.lost())
        connection = await venue.subscribed(number, 2)
        await connection.send_text(json.dumps({"type": "error", "message": "authentication failure"}))
        assert "authentication failure" in await waiting
    venue.acknowledges = True
    assert isinstance(await user.next(), StreamLive)
    assert clock.slept_s == [0.25, 0.5, 1.0]


async def test_the_waits_begin_anew_once_a_connection_was_live(
    venue: MockWebSocket, user: Events, clock: ManualClock
) -> None:
    for number in range(3):
        assert isinstance(await user.next(), StreamLive)
        venue.connections[number].drop()
        await user.lost()
    assert isinstance(await user.next(), StreamLive)
    assert clock.slept_s == [0.25, 0.25, 0.25]


async def test_an_unknown_channel_is_ignored(venue: MockWebSocket, user: Events) -> None:
    """F9"""
    await user.next()
    await venue.connections[0].send("futures_balance_summary", {"any": {"thing": 1}})
    await venue.connections[0].heartbeat()
    assert await user.next() == Heartbeat(AT)


async def test_an_unreadable_message_is_loss(venue: MockWebSocket, user: Events) -> None:
    """F9"""
    await user.next()
    await venue.connections[0].send_text('{"channel":"user","timest')
    assert "cannot be read" in await user.lost()
    assert isinstance(await user.next(), StreamLive)


async def test_a_frame_above_the_limit_is_loss(venue: MockWebSocket, open_market: Callable[..., Events]) -> None:
    events = open_market(frame_bytes_max=4096)
    await events.next()
    await venue.connections[0].send("status", {"filler": "x" * 5000})
    assert await events.lost()
    assert isinstance(await events.next(), StreamLive)


async def test_a_snapshot_of_several_megabytes_is_read(venue: MockWebSocket, user: Events) -> None:
    await user.next()
    rows = [user_row(number) | {"filler": "x" * 1000} for number in range(5000)]
    await venue.connections[0].send("user", {"type": "snapshot", "orders": rows})
    for number in range(5000):
        assert (await user.next()).venue_order_id == f"v-{number}"


async def test_a_venue_that_is_away_is_tried_until_it_is_back(clock: ManualClock) -> None:
    async with MockWebSocket() as away:
        url = away.url
    async with aiohttp.ClientSession() as session:
        options = StreamOptions(clock, FixedEntropy(), RecentEvents())
        events = Events(CoinbaseMarketFeed(session, url, options, frozenset({"ticker"})).events([BTC]))
        for _ in range(9):
            assert "the connection failed" in await events.lost()
        await events.close()
    assert clock.slept_s == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0]


async def test_closing_the_events_closes_the_socket(venue: MockWebSocket, user: Events) -> None:
    await user.next()
    (connection,) = venue.connections
    assert not connection.closed.is_set()
    await user.close()
    async with asyncio.timeout(5):
        await connection.closed.wait()
    assert connection.close_code == WSCloseCode.OK
