"""ccxt.pro watches orders, ticker and book, and goes on after a drop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import TypeVar

import ccxt.pro
import pytest

from tests.integration.witnesses.conftest import PATIENCE_S, Venue

Told = TypeVar("Told")


@pytest.fixture
async def client(venue: Venue) -> AsyncIterator[ccxt.pro.coinbase]:
    exchange = ccxt.pro.coinbase(
        {"apiKey": venue.key_name, "secret": venue.secret, "enableRateLimit": False, "timeout": 10_000}
    )
    exchange.urls["api"]["rest"] = venue.rest_url
    exchange.urls["api"]["ws"] = venue.ws_url
    await exchange.load_markets()
    yield exchange
    await exchange.close()


async def soon(told: Awaitable[Told]) -> Told:
    async with asyncio.timeout(PATIENCE_S):
        return await told


async def test_it_watches_the_ticker(client: ccxt.pro.coinbase, venue: Venue) -> None:
    assert (await soon(client.watch_ticker("BTC/USD")))["last"] == 40_000
    venue.move("40500")
    ticker = await soon(client.watch_ticker("BTC/USD"))
    assert (ticker["last"], ticker["bid"], ticker["ask"]) == (40_500, 40_499.99, 40_500.01)


async def test_it_watches_tickers_and_trades(client: ccxt.pro.coinbase, venue: Venue) -> None:
    assert (await soon(client.watch_tickers(["BTC/USD"])))["BTC/USD"]["last"] == 40_000
    first = await soon(client.watch_trades("BTC/USD"))
    assert first[-1]["price"] == 40_000
    venue.move("40500")
    assert (await soon(client.watch_trades("BTC/USD")))[-1]["price"] == 40_500


async def test_it_keeps_the_book(client: ccxt.pro.coinbase, venue: Venue) -> None:
    book = await soon(client.watch_order_book("BTC/USD"))
    assert (book["bids"], book["asks"]) == ([[39_999.99, 1000]], [[40_000.01, 1000]])
    venue.move("41000")
    book = await soon(client.watch_order_book("BTC/USD"))
    assert (book["bids"], book["asks"]) == ([[40_999.99, 1000]], [[41_000.01, 1000]])


async def test_it_watches_an_order_from_its_placement_to_its_fill(client: ccxt.pro.coinbase, venue: Venue) -> None:
    watching = asyncio.create_task(soon(client.watch_orders("BTC/USD")))
    # The snapshot that begins the subscription is empty, and ccxt tells nothing of it.
    await asyncio.sleep(0.2)
    placed = await client.create_order("BTC/USD", "limit", "buy", 0.01, 39_000)
    orders = await watching
    assert orders[-1]["id"] == placed["id"]
    venue.move("38000")
    while orders[-1]["status"] != "closed":
        orders = await soon(client.watch_orders("BTC/USD"))
    assert (orders[-1]["id"], orders[-1]["average"]) == (placed["id"], 39_000)


async def test_it_goes_on_after_a_drop(client: ccxt.pro.coinbase, venue: Venue) -> None:
    await soon(client.watch_ticker("BTC/USD"))
    waiting = asyncio.create_task(soon(client.watch_ticker("BTC/USD")))
    await asyncio.sleep(0)
    assert (await asyncio.to_thread(venue.control, "/disconnect", {}))["disconnected"] == 1
    with pytest.raises(ccxt.NetworkError):
        await waiting
    await asyncio.to_thread(venue.move, "42000")
    assert (await soon(client.watch_ticker("BTC/USD")))["last"] == 42_000


async def test_it_watches_its_orders_again_after_a_drop(client: ccxt.pro.coinbase, venue: Venue) -> None:
    placed = await client.create_order("BTC/USD", "limit", "buy", 0.01, 39_000)
    assert (await soon(client.watch_orders("BTC/USD")))[-1]["id"] == placed["id"]
    waiting = asyncio.create_task(soon(client.watch_orders("BTC/USD")))
    await asyncio.sleep(0)
    await asyncio.to_thread(venue.control, "/disconnect", {"channel": "user"})
    with pytest.raises(ccxt.NetworkError):
        await waiting
    # What was filled while nobody watched is told by REST; what ends afterwards by the new subscription.
    other = await client.create_order("BTC/USD", "limit", "buy", 0.01, 38_000)
    orders = await soon(client.watch_orders("BTC/USD"))
    await client.cancel_order(other["id"], "BTC/USD")
    while orders[-1]["status"] != "canceled":
        orders = await soon(client.watch_orders("BTC/USD"))
    assert orders[-1]["id"] == other["id"]


async def test_its_book_begins_anew_after_a_drop(client: ccxt.pro.coinbase, venue: Venue) -> None:
    await soon(client.watch_order_book("BTC/USD"))
    waiting = asyncio.create_task(soon(client.watch_order_book("BTC/USD")))
    await asyncio.sleep(0)
    await asyncio.to_thread(venue.control, "/disconnect", {})
    with pytest.raises(ccxt.NetworkError):
        await waiting
    await asyncio.to_thread(venue.move, "42000")
    book = await soon(client.watch_order_book("BTC/USD"))
    assert (book["bids"], book["asks"]) == ([[41_999.99, 1000]], [[42_000.01, 1000]])
