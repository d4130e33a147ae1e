"""ccxt, which has traded on Coinbase for years, trades here; only its address is changed."""

import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import ccxt
import ccxt.async_support
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from coinbase_sim.wire.auth import KEY_FILE_NAME
from tests.integration.witnesses.conftest import Venue, running

START_MS = 1_767_225_600_000


def credentials(venue: Venue) -> dict[str, Any]:
    return {"apiKey": venue.key_name, "secret": venue.secret, "enableRateLimit": False, "timeout": 10_000}


@contextmanager
def connected(venue: Venue, **changes: Any) -> Iterator[ccxt.coinbase]:
    exchange = ccxt.coinbase(credentials(venue) | changes)
    exchange.urls["api"]["rest"] = venue.rest_url
    try:
        yield exchange
    finally:
        exchange.session.close()


@pytest.fixture
def client(venue: Venue) -> Iterator[ccxt.coinbase]:
    with connected(venue) as exchange:
        yield exchange


@pytest.fixture
async def waiting_client(venue: Venue) -> AsyncIterator[ccxt.async_support.coinbase]:
    exchange = ccxt.async_support.coinbase(credentials(venue))
    exchange.urls["api"]["rest"] = venue.rest_url
    yield exchange
    await exchange.close()


def test_it_loads_the_markets_with_the_live_fee_tier(client: ccxt.coinbase) -> None:
    market = client.load_markets()["BTC/USD"]
    assert (market["id"], market["active"], market["spot"]) == ("BTC-USD", True, True)
    assert (market["maker"], market["taker"]) == (0.004, 0.008)
    assert (market["precision"]["price"], market["precision"]["amount"]) == (0.01, 1e-08)
    assert market["limits"]["cost"]["min"] == 1


def test_it_reads_prices_book_candles_and_time(client: ccxt.coinbase) -> None:
    ticker = client.fetch_ticker("BTC/USD")
    assert (ticker["last"], ticker["bid"], ticker["ask"]) == (40_000, 39_999.99, 40_000.01)
    book = client.fetch_order_book("BTC/USD")
    assert (book["bids"], book["asks"]) == ([[39_999.99, 1000]], [[40_000.01, 1000]])
    assert client.fetch_ohlcv("BTC/USD", "1m", since=START_MS, limit=5) == [
        [START_MS, 40_000, 40_000, 40_000, 40_000, 1]
    ]
    (trade,) = client.fetch_trades("BTC/USD")
    assert (trade["price"], trade["amount"]) == (40_000, 1)
    assert client.fetch_time() == START_MS + 1000
    assert "BTC/USD" in client.fetch_tickers(["BTC/USD"])


@pytest.mark.parametrize("params", [{}, {"v3": True}])
def test_it_reads_the_balance_by_both_ways(client: ccxt.coinbase, params: dict[str, Any]) -> None:
    balance = client.fetch_balance(params)
    assert balance["USD"]["free"] == 10_000
    assert balance["BTC"]["total"] == 0


def test_a_market_buy_is_found_closed_with_its_trades(client: ccxt.coinbase, venue: Venue) -> None:
    placed = client.create_order("BTC/USD", "market", "buy", 0.0025, 40_000)
    order = client.fetch_order(placed["id"], "BTC/USD")
    assert (order["status"], order["side"]) == ("closed", "buy")
    trades = client.fetch_my_trades("BTC/USD")
    assert sum(trade["amount"] for trade in trades) == pytest.approx(order["filled"])
    assert trades[0]["takerOrMaker"] == "taker"
    cost = sum(Decimal(str(trade["cost"])) + Decimal(str(trade["fee"]["cost"])) for trade in trades)
    assert float(venue.usd()) == pytest.approx(10_000 - float(cost))


def test_a_limit_order_is_open_until_it_is_cancelled(client: ccxt.coinbase) -> None:
    placed = client.create_order("BTC/USD", "limit", "buy", 0.01, 39_000, {"postOnly": True})
    (order,) = client.fetch_open_orders("BTC/USD")
    assert (order["id"], order["price"], order["amount"], order["postOnly"]) == (placed["id"], 39_000, 0.01, True)
    assert client.fetch_balance({"v3": True})["USD"]["used"] == pytest.approx(0.01 * 39_000 * 1.008)
    client.cancel_order(placed["id"], "BTC/USD")
    assert client.fetch_open_orders("BTC/USD") == []
    assert client.fetch_canceled_orders("BTC/USD")[0]["id"] == placed["id"]


def test_the_same_client_order_id_again_is_the_same_order(client: ccxt.coinbase, venue: Venue) -> None:
    terms = ("BTC/USD", "limit", "buy", 0.01, 39_000, {"client_order_id": "twice"})
    assert client.create_order(*terms)["id"] == client.create_order(*terms)["id"]
    assert len(venue.orders()) == 1


def test_a_crossing_post_only_order_is_refused(client: ccxt.coinbase, venue: Venue) -> None:
    with pytest.raises(ccxt.ExchangeError, match="INVALID_LIMIT_PRICE_POST_ONLY"):
        client.create_order("BTC/USD", "limit", "buy", 0.01, 40_100, {"postOnly": True})
    assert venue.orders() == []


def test_an_order_that_costs_more_than_there_is_is_known_as_such(client: ccxt.coinbase) -> None:
    with pytest.raises(ccxt.InsufficientFunds):
        client.create_order("BTC/USD", "limit", "buy", 1, 39_000)


def test_a_wrong_key_is_an_authentication_error(venue: Venue) -> None:
    with connected(venue, apiKey="organizations/x/apiKeys/y") as stranger, pytest.raises(ccxt.AuthenticationError):
        stranger.fetch_balance()


@pytest.mark.parametrize("html", [False, True])
def test_too_many_requests_are_known_as_such_in_both_shapes(client: ccxt.coinbase, venue: Venue, html: bool) -> None:
    client.load_markets()
    venue.control("/limits", {"private_per_s": 0.001, "html": html})
    client.fetch_balance()
    with pytest.raises(ccxt.RateLimitExceeded):
        client.fetch_balance()


async def test_it_trades_asynchronously_too(waiting_client: ccxt.async_support.coinbase, venue: Venue) -> None:
    placed = await waiting_client.create_order("BTC/USD", "limit", "buy", 0.01, 39_000)
    venue.move("38000")
    order = await waiting_client.fetch_order(placed["id"], "BTC/USD")
    assert (order["status"], order["filled"], order["average"]) == ("closed", 0.01, 39_000)
    (trade,) = await waiting_client.fetch_my_trades("BTC/USD")
    assert (trade["takerOrMaker"], trade["fee"]["cost"]) == ("maker", 1.56)


def test_an_edit_and_a_stop_are_understood(client: ccxt.coinbase, venue: Venue) -> None:
    client.create_order("BTC/USD", "market", "buy", 0.0025, 40_000)
    placed = client.create_order("BTC/USD", "limit", "buy", 0.01, 39_000)
    client.edit_order(placed["id"], "BTC/USD", "limit", "buy", 0.02, 38_500)
    edited = client.fetch_order(placed["id"], "BTC/USD")
    assert (edited["price"], edited["amount"], edited["status"]) == (38_500, 0.02, "open")
    stop = client.create_order("BTC/USD", "limit", "sell", 0.002, 39_000, {"stopLossPrice": 39_500})
    waiting = client.fetch_order(stop["id"], "BTC/USD")
    assert (waiting["triggerPrice"], waiting["status"]) == (39_500, "open")
    venue.move("39400")
    venue.move("39400")
    assert client.fetch_order(stop["id"], "BTC/USD")["status"] == "closed"


def test_an_order_that_is_not_there_is_an_error_of_the_exchange(client: ccxt.coinbase) -> None:
    with pytest.raises(ccxt.ExchangeError, match="order with this orderID was not found"):
        client.fetch_order("nobody", "BTC/USD")


def test_a_key_of_the_other_kind_signs_as_well(tmp_path: Path) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / KEY_FILE_NAME).write_bytes(pem)
    pair = base64.b64encode(key.private_bytes_raw() + key.public_key().public_bytes_raw()).decode()
    with running(tmp_path) as venue:
        bare_id = venue.key_name.rsplit("/", 1)[1]
        with connected(venue, apiKey=bare_id, secret=pair) as client:
            assert client.fetch_balance({"v3": True})["USD"]["free"] == 10_000


def test_it_finds_its_closed_orders_and_trades_by_their_order(client: ccxt.coinbase, venue: Venue) -> None:
    placed = client.create_order("BTC/USD", "limit", "buy", 0.01, 39_000)
    venue.move("38000")
    (closed,) = client.fetch_closed_orders("BTC/USD")
    assert (closed["id"], closed["status"], closed["filled"]) == (placed["id"], "closed", 0.01)
    (trade,) = client.fetch_my_trades("BTC/USD")
    assert (trade["order"], trade["price"], trade["amount"]) == (placed["id"], 39_000, 0.01)
    (cancelled,) = client.cancel_orders([client.create_order("BTC/USD", "limit", "buy", 0.01, 30_000)["id"]])
    assert cancelled["info"]["success"] is True
