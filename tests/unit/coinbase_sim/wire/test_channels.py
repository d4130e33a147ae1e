"""What the channels say of an exchange's events, without a socket (coinbase.md §12.2)."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from coinbase_sim.model import Event, Level, OrderRequest, OrderType, ProductGates, Side, TimeInForce
from coinbase_sim.wire.channels import ALL_PRODUCTS, Channels
from coinbase_sim.wire.manners import Manners
from tests.fixtures.simulated_exchange import Exchange, levels

COIN = "COIN-USD"


class Subscriber:
    """Hears every channel of one product, as a socket subscribed to all of them would."""

    def __init__(self, exchange: Exchange) -> None:
        self.channels = Channels(exchange.sim, Manners())
        self.heard: list[tuple[str, dict[str, Any]]] = []
        exchange.sim.subscribe(self._publish, with_book=True)

    def _publish(self, event: Event) -> None:
        for update in self.channels.updates(event):
            self.heard.append((update.channel, decoded(update.encode())))

    def of(self, channel: str) -> list[dict[str, Any]]:
        return [message for name, message in self.heard if name == channel]


def decoded(message: Any) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.json.decode(message.numbered(0))
    return told


def rows(message: dict[str, Any]) -> dict[tuple[str, str], str]:
    (event,) = message["events"]
    return {(row["side"], row["price_level"]): row["new_quantity"] for row in event["updates"]}


@pytest.fixture
def exchange() -> Exchange:
    exchange = Exchange()
    exchange.tick("100", bids=levels(("99.5", "5"), ("99", "7")), asks=levels(("100.5", "5"), ("101", "7")))
    return exchange


@pytest.fixture
def subscriber(exchange: Exchange) -> Subscriber:
    return Subscriber(exchange)


def apply(book: dict[tuple[str, str], str], message: dict[str, Any]) -> None:
    """What a client does with an update: absolute sizes, zero removes."""
    for level, size in rows(message).items():
        if Decimal(size) == 0:
            del book[level]
        else:
            book[level] = size


def test_a_book_snapshot_lists_both_sides_best_first_under_the_channels_other_name(subscriber: Subscriber) -> None:
    (message,) = subscriber.channels.snapshot("level2", [COIN])
    told = decoded(message)
    assert told["channel"] == "l2_data"
    (event,) = told["events"]
    assert (event["type"], event["product_id"]) == ("snapshot", COIN)
    assert [(row["side"], row["price_level"], row["new_quantity"]) for row in event["updates"]] == [
        ("bid", "99.5", "5"),
        ("bid", "99", "7"),
        ("offer", "100.5", "5"),
        ("offer", "101", "7"),
    ]


def test_book_updates_are_absolute_sizes_and_only_of_levels_that_differ(
    exchange: Exchange, subscriber: Subscriber
) -> None:
    subscriber.channels.snapshot("level2", [COIN])
    exchange.tick("100", bids=levels(("99.5", "5"), ("98", "2")), asks=levels(("100.5", "1"), ("101", "7")))
    (update,) = subscriber.of("level2")
    assert update["events"][0]["type"] == "update"
    assert rows(update) == {("bid", "99"): "0", ("bid", "98"): "2", ("offer", "100.5"): "1"}


def test_a_tick_that_leaves_the_book_as_it_was_is_no_update(exchange: Exchange, subscriber: Subscriber) -> None:
    subscriber.channels.snapshot("level2", [COIN])
    exchange.tick("100", bids=levels(("99.5", "5"), ("99", "7")), asks=levels(("100.5", "5"), ("101", "7")))
    assert subscriber.of("level2") == []
    assert len(subscriber.of("ticker")) == 1


def test_updates_lead_from_the_snapshot_to_the_book_as_it_is(exchange: Exchange, subscriber: Subscriber) -> None:
    (message,) = subscriber.channels.snapshot("level2", [COIN])
    book = rows(decoded(message))
    for number in range(1, 6):
        near, far = f"{100 - number}", f"{100 + number}"
        exchange.tick("100", bids=levels((near, str(number)), ("90", "1")), asks=levels((far, "2"), ("110", "1")))
    exchange.limit(Side.BUY, "1", "91")
    for update in subscriber.of("level2"):
        apply(book, update)
    (fresh,) = Channels(exchange.sim, Manners()).snapshot("level2", [COIN])
    assert book == rows(decoded(fresh))
    assert book["bid", "91"] == "1"


@pytest.mark.cpu_budget(500, "as deep a book as the exchange sends")
def test_a_book_of_twenty_thousand_levels_is_one_snapshot_above_a_megabyte() -> None:
    exchange = Exchange()
    bids = tuple(Level(Decimal(20_000) - Decimal(step) / 2, Decimal("0.125")) for step in range(1, 10_001))
    asks = tuple(Level(Decimal(20_000) + Decimal(step) / 2, Decimal("0.125")) for step in range(1, 10_001))
    exchange.tick("20000", bids=bids, asks=asks)
    (message,) = Channels(exchange.sim, Manners()).snapshot("level2", [COIN])
    assert len(message.tail) > 1_000_000
    assert len(rows(decoded(message))) == 20_000


def test_batched_tickers_come_at_most_every_five_seconds_of_venue_time_without_best_prices(
    exchange: Exchange, subscriber: Subscriber
) -> None:
    # A manual market ticks once a second: the first tick of these twelve, then the sixth and the eleventh.
    for price in range(101, 113):
        exchange.tick(str(price))
    told = [message["events"][0]["tickers"][0] for message in subscriber.of("ticker_batch")]
    assert [ticker["price"] for ticker in told] == ["101", "106", "111"]
    assert not {"best_bid", "best_ask"} & told[0].keys()
    assert len(subscriber.of("ticker")) == 12


def test_public_trades_are_told_newest_first_with_the_makers_side(exchange: Exchange, subscriber: Subscriber) -> None:
    exchange.tick("101")
    exchange.tick("99")
    (snapshot,) = subscriber.channels.snapshot("market_trades", [COIN])
    trades = decoded(snapshot)["events"][0]["trades"]
    # Above the last middle a buyer met a resting seller, below it a seller met a resting buyer.
    assert [(trade["price"], trade["side"]) for trade in trades[:2]] == [("99", "BUY"), ("101", "SELL")]
    assert [message["events"][0]["trades"][0]["price"] for message in subscriber.of("market_trades")] == ["101", "99"]


def test_the_status_channel_lists_all_products_and_tells_of_changes(exchange: Exchange, subscriber: Subscriber) -> None:
    (snapshot,) = subscriber.channels.snapshot("status", [ALL_PRODUCTS])
    (product,) = decoded(snapshot)["events"][0]["products"]
    assert product == {
        "product_type": "SPOT",
        "id": "COIN-USD",
        "base_currency": "COIN",
        "quote_currency": "USD",
        "base_increment": "0.001",
        "quote_increment": "0.5",
        "display_name": "COIN/USD",
        "status": "online",
        "status_message": "",
        "min_market_funds": "1",
    }
    exchange.sim.set_product_state(COIN, ProductGates(status="offline"))
    (update,) = subscriber.of("status")
    assert (update["events"][0]["type"], update["events"][0]["products"][0]["status"]) == ("update", "offline")


def test_the_user_snapshot_comes_in_messages_of_fifty_orders(exchange: Exchange, subscriber: Subscriber) -> None:
    for number in range(101):
        exchange.sim.submit(
            OrderRequest(
                f"own-{number}",
                COIN,
                Side.BUY,
                OrderType.LIMIT,
                TimeInForce.GTC,
                base_size=Decimal("0.1"),
                limit_price=Decimal(50),
            )
        )
    messages = [decoded(message) for message in subscriber.channels.snapshot("user", [ALL_PRODUCTS])]
    assert [len(message["events"][0]["orders"]) for message in messages] == [50, 50, 1]
    assert len({order["order_id"] for message in messages for order in message["events"][0]["orders"]}) == 101
