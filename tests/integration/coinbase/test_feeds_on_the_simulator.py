"""Both feeds against the simulated exchange: that what it sends is what the bot reads."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import aiohttp
import pytest

from bottrader.adapters.coinbase.auth import ApiKey, Signer
from bottrader.adapters.coinbase.rest import CoinbaseExchange
from bottrader.adapters.coinbase.stream import CoinbaseMarketFeed, CoinbaseUserFeed, StreamOptions
from bottrader.adapters.coinbase.transport import ClientOptions
from bottrader.adapters.system.clock import SystemClock, VenueClock
from bottrader.adapters.system.entropy import SystemEntropy
from bottrader.adapters.system.log import RecentEvents
from bottrader.domain.market import Ticker
from bottrader.domain.orders import Accepted
from bottrader.ports import CandleUpdate, Heartbeat, OrderUpdate, StreamLive, StreamLost
from coinbase_sim.market import ManualMarket
from coinbase_sim.products import product_named
from coinbase_sim.simulator import Simulator, SimulatorOptions
from coinbase_sim.wire.server import ServerOptions, SimulatorServer
from tests.fixtures.coinbase_wire import BTC, CLIENT_ID, limit_buy

START = datetime(2026, 1, 1, tzinfo=UTC)


class Venue:
    """The simulator behind its sockets, and the client's parts around it."""

    def __init__(self) -> None:
        specs = [product_named("BTC-USD")]
        self.market = ManualMarket(specs, START)
        self.simulator = Simulator(self.market, specs, SimulatorOptions({"USD": Decimal(10000), "BTC": Decimal(0)}))
        self.server = SimulatorServer(self.simulator, ServerOptions(heartbeat_interval_s=0))
        self.clock = VenueClock(START)

    def signer(self, name: str | None = None) -> Signer:
        key = ApiKey(name or self.server.key_name, self.server.key_file.read_text())
        return Signer(key, SystemClock(), SystemEntropy())

    def options(self) -> StreamOptions:
        return StreamOptions(self.clock, SystemEntropy(), RecentEvents(), on_time=self.clock.observe)

    def trade_at(self, price: str) -> None:
        self.market.set_price("BTC-USD", Decimal(price))
        assert self.simulator.step() is not None


@pytest.fixture
async def opened() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
async def venue(opened: AsyncExitStack) -> Venue:
    venue = Venue()
    await opened.enter_async_context(venue.server)
    return venue


@pytest.fixture
async def session(opened: AsyncExitStack, venue: Venue) -> aiohttp.ClientSession:
    return await opened.enter_async_context(aiohttp.ClientSession())


async def until(events: AsyncIterator[Any], kind: type) -> Any:
    async with asyncio.timeout(5):
        async for event in events:
            if isinstance(event, kind):
                return event
    raise AssertionError(f"the feed ended before {kind.__name__}")


async def closing(opened: AsyncExitStack, events: AsyncIterator[Any]) -> AsyncIterator[Any]:
    opened.push_async_callback(cast("AsyncGenerator[Any, None]", events).aclose)
    return events


async def test_market_data_arrives_and_moves_venue_time(
    opened: AsyncExitStack, venue: Venue, session: aiohttp.ClientSession
) -> None:
    feed = CoinbaseMarketFeed(session, venue.server.ws_url, venue.options())
    events = await closing(opened, feed.events([BTC]))
    await until(events, StreamLive)
    venue.trade_at("50000")
    await venue.server.publish_heartbeat()
    ticker = await until(events, Ticker)
    assert (ticker.product_id, ticker.price, ticker.at) == (BTC, Decimal(50000), venue.simulator.now)
    assert ticker.is_sane
    assert venue.clock.now() == venue.simulator.now
    await until(events, Heartbeat)
    await venue.server.publish_heartbeat()
    await until(events, Heartbeat)


async def test_candles_arrive(opened: AsyncExitStack, venue: Venue, session: aiohttp.ClientSession) -> None:
    feed = CoinbaseMarketFeed(session, venue.server.ws_url, venue.options(), frozenset({"candles"}))
    events = await closing(opened, feed.events([BTC]))
    await until(events, StreamLive)
    venue.trade_at("50000")
    update = await until(events, CandleUpdate)
    assert (update.candle.product_id, update.candle.opened_at, update.candle.close) == (BTC, START, Decimal(50000))


async def test_an_order_placed_by_request_is_hinted_by_the_user_feed(
    opened: AsyncExitStack, venue: Venue, session: aiohttp.ClientSession
) -> None:
    venue.trade_at("50000")
    events = await closing(
        opened, CoinbaseUserFeed(session, venue.server.ws_url, venue.signer(), venue.options()).events()
    )
    await until(events, StreamLive)
    client = ClientOptions(venue.clock, SystemEntropy())
    exchange = CoinbaseExchange(session, venue.server.rest_url, venue.signer(), client)
    placed = await exchange.place(limit_buy("0.1", "51000"))
    assert isinstance(placed, Accepted)
    update = await until(events, OrderUpdate)
    assert (update.venue_order_id, update.client_order_id, update.product_id) == (placed.venue_order_id, CLIENT_ID, BTC)


async def test_a_key_the_venue_does_not_know_is_never_live(
    opened: AsyncExitStack, venue: Venue, session: aiohttp.ClientSession
) -> None:
    """F11"""
    feed = CoinbaseUserFeed(session, venue.server.ws_url, venue.signer("organizations/o/apiKeys/x"), venue.options())
    events = await closing(opened, feed.events())
    async with asyncio.timeout(5):
        first = await anext(events)
    assert isinstance(first, StreamLost)
    assert "authentication failure" in first.cause
