"""Coinbase's own WebSocket client listens; it runs in a thread of its own and reports to a queue."""

import json
import queue
from collections.abc import Iterator
from typing import Any

import pytest
from coinbase.rest import RESTClient
from coinbase.websocket import WebsocketResponse, WSClient

from tests.integration.witnesses.conftest import PATIENCE_S, Venue, eventually


class Heard:
    """The messages of one client, each as the SDK's own typed response."""

    def __init__(self) -> None:
        self.queue: queue.Queue[WebsocketResponse] = queue.Queue()

    def __call__(self, text: str) -> None:
        message = json.loads(text)
        # An error is no envelope, and the SDK's type knows envelopes alone.
        self.queue.put(message if message.get("type") == "error" else WebsocketResponse(message))

    def next(self, channel: str) -> Any:
        """Return the next message of a channel, passing over those of others."""
        while True:
            message = self.queue.get(timeout=PATIENCE_S)
            if message.channel == channel:
                return message


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def sdk(venue: Venue, heard: Heard) -> Iterator[WSClient]:
    client = WSClient(
        api_key=venue.key_name, api_secret=venue.secret, base_url=venue.ws_url, on_message=heard, timeout=10
    )
    client.open()
    yield client
    if client.websocket.open:
        client.close()
        return
    # Its own `close` refuses when the server has closed before, and would leave its thread behind.
    client.loop.call_soon_threadsafe(client.loop.stop)
    client.thread.join()
    client.loop.close()


def test_it_hears_heartbeats_ticker_book_and_orders(sdk: WSClient, heard: Heard, venue: Venue) -> None:
    sdk.heartbeats()
    assert heard.next("heartbeats").events[0].heartbeat_counter is not None
    sdk.ticker(["BTC-USD"])
    assert heard.next("ticker").events[0].tickers[0].price == "40000"
    sdk.level2(["BTC-USD"])
    (snapshot,) = heard.next("l2_data").events
    assert [(row.side, row.price_level) for row in snapshot.updates] == [("bid", "39999.99"), ("offer", "40000.01")]
    sdk.user([])
    assert heard.next("user").events[0].orders == []
    venue.move("41000")
    assert heard.next("ticker").events[0].tickers[0].price == "41000"
    (update,) = heard.next("l2_data").events
    levels = {(row.side, row.price_level): row.new_quantity for row in update.updates}
    assert levels == {
        ("bid", "39999.99"): "0",
        ("bid", "40999.99"): "1000",
        ("offer", "40000.01"): "0",
        ("offer", "41000.01"): "1000",
    }


def test_it_hears_the_other_public_channels(sdk: WSClient, heard: Heard, venue: Venue) -> None:
    sdk.market_trades(["BTC-USD"])
    assert heard.next("market_trades").events[0].trades[0].price == "40000"
    sdk.ticker_batch(["BTC-USD"])
    assert heard.next("ticker_batch").events[0].tickers[0].price == "40000"
    sdk.candles(["BTC-USD"])
    assert heard.next("candles").events[0].candles[0].close == "40000"
    sdk.status(["BTC-USD"])
    (product,) = heard.next("status").events[0].products
    assert (product.id, product.status, product.min_market_funds) == ("BTC-USD", "online", "1")
    venue.move("40010")
    assert heard.next("market_trades").events[0].trades[0].price == "40010"


def test_unsubscribing_leaves_nothing(sdk: WSClient, heard: Heard) -> None:
    sdk.ticker(["BTC-USD"])
    assert heard.next("subscriptions").events[0].subscriptions == {"ticker": ["BTC-USD"]}
    sdk.ticker_unsubscribe(["BTC-USD"])
    assert heard.next("subscriptions").events[0].subscriptions == {}


def test_it_comes_back_after_a_drop_with_the_subscriptions_it_remembers(
    sdk: WSClient, heard: Heard, venue: Venue
) -> None:
    sdk.ticker(["BTC-USD"])
    heard.next("ticker")
    assert venue.control("/disconnect", {})["disconnected"] == 1
    # It resubscribes by itself, and every subscription begins with a snapshot.
    assert heard.next("ticker").events[0].type == "snapshot"
    venue.move("41500")
    assert heard.next("ticker").events[0].tickers[0].price == "41500"


def test_a_close_with_a_code_reaches_it(sdk: WSClient, heard: Heard, venue: Venue) -> None:
    sdk.ticker(["BTC-USD"])
    heard.next("ticker")
    assert venue.control("/disconnect", {"channel": "ticker", "code": 1001})["disconnected"] == 1
    eventually(lambda: sdk.websocket.close_code == 1001, "the client has seen the close code")


def test_it_hears_its_orders_from_their_placement_to_their_end(
    sdk: WSClient, heard: Heard, venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", venue.ca_file)
    sdk.user([])
    assert heard.next("user").events[0].orders == []
    rest = RESTClient(api_key=venue.key_name, api_secret=venue.secret, base_url=venue.tls_host, timeout=10)
    with rest.session:
        filled, cancelled = [
            rest.limit_order_gtc_buy(name, "BTC-USD", "0.01", price).success_response["order_id"]
            for name, price in (("fills", "39000.00"), ("ends", "30000.00"))
        ]
        venue.move("38000")
        rest.cancel_orders([cancelled])
    told: dict[str, list[str]] = {filled: [], cancelled: []}
    while [states[-1:] for states in told.values()] != [["FILLED"], ["CANCELLED"]]:
        for order in heard.next("user").events[0].orders:
            told[order.order_id].append(order.status)
    assert told == {filled: ["PENDING", "OPEN", "FILLED"], cancelled: ["PENDING", "OPEN", "CANCELLED"]}


def test_its_book_begins_anew_after_a_drop(sdk: WSClient, heard: Heard, venue: Venue) -> None:
    sdk.level2(["BTC-USD"])
    assert heard.next("l2_data").events[0].type == "snapshot"
    venue.control("/disconnect", {"channel": "level2"})
    venue.move("41500")
    (snapshot,) = heard.next("l2_data").events
    while snapshot.type != "snapshot":
        (snapshot,) = heard.next("l2_data").events
    assert [row.price_level for row in snapshot.updates] in (["41499.99", "41500.01"], ["39999.99", "40000.01"])
