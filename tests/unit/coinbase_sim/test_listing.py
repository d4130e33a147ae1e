"""A product's gates, rules and displayed depth while it trades (coinbase.md §5; F12, F13, F15)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from coinbase_sim.drafts import DuplicateIds
from coinbase_sim.model import (
    BookChanged,
    Event,
    Level,
    LevelChanged,
    OrderChanged,
    OrderRejected,
    OrderStatus,
    ProductChanged,
    ProductGates,
    Side,
    StopDirection,
    TimeInForce,
)
from tests.fixtures.simulated_exchange import COIN, Exchange, levels

D = Decimal
BUY, SELL = Side.BUY, Side.SELL


@pytest.fixture
def exchange() -> Exchange:
    exchange = Exchange()
    exchange.tick("100")
    return exchange


@pytest.mark.parametrize(
    ("gates", "reason"),
    [
        (ProductGates(status="offline"), "UNTRADABLE_PRODUCT"),
        (ProductGates(status="delisted"), "UNTRADABLE_PRODUCT"),
        (ProductGates(view_only=True), "UNTRADABLE_PRODUCT"),
        (ProductGates(is_disabled=True), "ORDER_ENTRY_DISABLED"),
        (ProductGates(trading_disabled=True), "ORDER_ENTRY_DISABLED"),
        (ProductGates(cancel_only=True), "ORDER_ENTRY_DISABLED"),
        (ProductGates(post_only=True), "PREVIEW_NOT_ALLOWED_BY_MARKET_STATE"),
    ],
)
def test_a_shut_gate_refuses_entries_and_lets_cancels_through(
    exchange: Exchange, gates: ProductGates, reason: str
) -> None:
    """F12."""
    order = exchange.limit(BUY, "1", "98")
    exchange.sim.set_product_state("COIN-USD", gates)
    assert exchange.sim.gates("COIN-USD") == gates
    with pytest.raises(OrderRejected) as caught:
        exchange.limit(BUY, "1", "98")
    assert caught.value.reason == reason
    assert exchange.sim.cancel(order.order_id).status is OrderStatus.CANCELLED
    exchange.sim.set_product_state("COIN-USD", ProductGates())
    assert exchange.limit(BUY, "1", "98").status is OrderStatus.OPEN


def test_limit_only_refuses_market_orders_alone(exchange: Exchange) -> None:
    exchange.sim.set_product_state("COIN-USD", ProductGates(limit_only=True))
    assert exchange.limit(BUY, "1", "101").status is OrderStatus.FILLED
    with pytest.raises(OrderRejected, match="PREVIEW_NOT_ALLOWED_BY_MARKET_STATE"):
        exchange.market_order(BUY, base="1")


def test_post_only_mode_takes_post_only_orders(exchange: Exchange) -> None:
    exchange.sim.set_product_state("COIN-USD", ProductGates(post_only=True))
    assert exchange.limit(BUY, "1", "98", post_only=True).status is OrderStatus.OPEN
    exchange.tick("97")
    assert len(exchange.sim.fills()) == 1


def test_an_auction_gathers_limit_orders_without_a_match(exchange: Exchange) -> None:
    exchange.sim.set_product_state("COIN-USD", ProductGates(auction_mode=True))
    order = exchange.limit(BUY, "1", "101")
    assert (order.status, order.filled_size) == (OrderStatus.OPEN, D(0))
    with pytest.raises(OrderRejected, match="PREVIEW_NOT_ALLOWED_BY_MARKET_STATE"):
        exchange.market_order(BUY, base="1")
    with pytest.raises(OrderRejected, match="PREVIEW_NOT_ALLOWED_BY_MARKET_STATE"):
        exchange.limit(BUY, "1", "101", tif=TimeInForce.IOC)
    with pytest.raises(OrderRejected, match="PREVIEW_NOT_ALLOWED_BY_MARKET_STATE"):
        exchange.bracket(SELL, "1", profit="105", stop="95")
    exchange.tick("100")
    assert not exchange.sim.fills()
    exchange.sim.set_product_state("COIN-USD", ProductGates())
    exchange.tick("100")
    assert exchange.now_of(order).status is OrderStatus.FILLED


def test_a_halted_product_neither_fills_nor_triggers_and_still_expires(exchange: Exchange) -> None:
    """F12."""
    rests = exchange.limit(BUY, "1", "98")
    stop = exchange.stop_limit(SELL, "1", stop="95", limit="85", direction=StopDirection.DOWN)
    dated = exchange.limit(BUY, "1", "98", tif=TimeInForce.GTD, end_time=exchange.after(1))
    exchange.sim.set_product_state("COIN-USD", ProductGates(trading_disabled=True))
    exchange.tick("90")
    assert not exchange.sim.fills()
    assert exchange.now_of(dated).status is OrderStatus.EXPIRED
    assert exchange.now_of(stop).is_waiting
    exchange.sim.set_product_state("COIN-USD", ProductGates())
    exchange.tick("90")
    assert exchange.now_of(rests).status is OrderStatus.FILLED
    assert exchange.now_of(stop).status is OrderStatus.FILLED


def test_an_unknown_status_word_is_refused() -> None:
    with pytest.raises(ValueError, match="online, offline or delisted"):
        ProductGates(status="asleep")


def test_a_new_increment_holds_from_the_next_order_on(exchange: Exchange) -> None:
    """F13: the order at 98.5 rests on; a new one at 98.5 is off the grid of 1."""
    order = exchange.limit(BUY, "1", "98.5")
    changed = replace(COIN, price_increment=D(1))
    exchange.sim.set_product_rules(changed)
    assert exchange.sim.products["COIN-USD"] == changed
    with pytest.raises(OrderRejected, match="INVALID_PRICE_PRECISION"):
        exchange.limit(BUY, "1", "98.5")
    exchange.tick("98")
    assert exchange.now_of(order).status is OrderStatus.FILLED


def test_rules_that_are_another_pair_or_no_rules_are_refused(exchange: Exchange) -> None:
    for rules, words in (
        (replace(COIN, quote_currency="EUR"), "quote_currency"),
        (replace(COIN, price_increment=D(0)), "price_increment"),
        (replace(COIN, price_protection_rate=D(1)), "price_protection_rate"),
    ):
        with pytest.raises(ValueError, match=words):
            exchange.sim.set_product_rules(rules)
    with pytest.raises(KeyError):
        exchange.sim.set_product_rules(replace(COIN, product_id="NONE-USD"))
    assert exchange.sim.products["COIN-USD"] == COIN


def test_changes_of_a_product_are_told(exchange: Exchange) -> None:
    exchange.events.clear()
    exchange.sim.set_product_state("COIN-USD", ProductGates(cancel_only=True))
    exchange.sim.set_product_rules(replace(COIN, price_increment=D(1)))
    assert exchange.events == [
        ProductChanged(COIN, ProductGates(cancel_only=True), exchange.sim.now),
        ProductChanged(replace(COIN, price_increment=D(1)), ProductGates(cancel_only=True), exchange.sim.now),
    ]


def test_a_balance_set_lower_refuses_what_the_bot_thinks_it_can_pay(exchange: Exchange) -> None:
    """F15: what an open order holds stays held."""
    exchange.limit(BUY, "1", "98")
    exchange.sim.set_balance("USD", D(50))
    assert exchange.balance("USD") == (D(50), D("98.98"))
    with pytest.raises(OrderRejected, match="INSUFFICIENT_FUND"):
        exchange.limit(BUY, "1", "98")
    exchange.sim.set_balance("EUR", D(7))
    assert exchange.balance("EUR") == (D(7), D(0))


@pytest.mark.parametrize("amount", ["-0.01", "NaN", "Infinity"])
def test_a_balance_set_to_no_amount_is_refused(exchange: Exchange, amount: str) -> None:
    with pytest.raises(ValueError, match="balance"):
        exchange.sim.set_balance("USD", D(amount))


def test_open_orders_of_a_product_are_capped() -> None:
    exchange = Exchange(open_orders_max=2)
    exchange.tick("100")
    first = exchange.limit(BUY, "1", "98")
    exchange.stop_limit(SELL, "1", stop="95", limit="94", direction=StopDirection.DOWN)
    with pytest.raises(OrderRejected, match="COMMANDER_REJECTED_NEW_ORDER"):
        exchange.limit(BUY, "1", "98")
    assert exchange.market_order(BUY, base="1").status is OrderStatus.FILLED
    exchange.sim.cancel(first.order_id)
    assert exchange.limit(BUY, "1", "98").status is OrderStatus.OPEN


def test_a_duplicate_id_is_refused_in_the_other_mode(exchange: Exchange) -> None:
    """F2, both modes: the existing order by default, a refusal when set so, and that survives a restart."""
    order = exchange.limit(BUY, "1", "98", client_order_id="same")
    exchange.sim.set_duplicate_ids(DuplicateIds.REJECT)
    restored = exchange.build(exchange.market)
    restored.restore(exchange.sim.snapshot())
    for sim in (exchange.sim, restored):
        with pytest.raises(OrderRejected, match="DUPLICATE_CLIENT_ORDER_ID"):
            sim.submit(order.request)
    exchange.sim.set_duplicate_ids(DuplicateIds.EXISTING)
    assert exchange.sim.submit(order.request) == order


def test_the_depth_shows_own_orders_among_the_others(exchange: Exchange) -> None:
    exchange.limit(BUY, "2", "99.5")
    exchange.limit(BUY, "1", "99")
    exchange.limit(SELL, "1", "100.5")
    assert exchange.sim.depth("COIN-USD") == (levels(("99.5", "7"), ("99", "1")), levels(("100.5", "6")))
    assert exchange.sim.book("COIN-USD") == (levels(("99.5", "5")), levels(("100.5", "5")))


def test_book_changes_are_told_after_their_cause_and_only_on_request(exchange: Exchange) -> None:
    heard: list[Event] = []
    exchange.sim.subscribe(heard.append, with_book=True)
    order = exchange.limit(BUY, "2", "99.5")
    assert [type(event) for event in heard] == [OrderChanged, OrderChanged, BookChanged]
    assert heard[-1] == BookChanged("COIN-USD", (LevelChanged(BUY, D("99.5"), D(7)),), exchange.sim.now)
    exchange.sim.cancel(order.order_id)
    assert heard[-1] == BookChanged("COIN-USD", (LevelChanged(BUY, D("99.5"), D(5)),), exchange.sim.now)
    exchange.market_order(BUY, base="5")
    assert heard[-1] == BookChanged("COIN-USD", (LevelChanged(SELL, D("100.5"), D(0)),), exchange.sim.now)
    assert not any(isinstance(event, BookChanged) for event in exchange.events)


def test_following_the_changes_gives_the_depth(exchange: Exchange) -> None:
    shown = {
        side: {level.price: level.size for level in rows}
        for side, rows in zip((BUY, SELL), exchange.sim.depth("COIN-USD"), strict=True)
    }

    def follow(event: Event) -> None:
        if isinstance(event, BookChanged):
            for level in event.levels:
                shown[level.side][level.price] = level.size
                if level.size == 0:
                    del shown[level.side][level.price]

    exchange.sim.subscribe(follow, with_book=True)
    order = exchange.limit(BUY, "3", "99")
    exchange.tick("101")
    exchange.edit(order, price="99.5", size="2")
    exchange.market_order(SELL, base="2")
    exchange.tick("99.5", size="1.5")
    bids, asks = exchange.sim.depth("COIN-USD")
    assert sorted(shown[BUY].items(), reverse=True) == [(level.price, level.size) for level in bids]
    assert sorted(shown[SELL].items()) == [(level.price, level.size) for level in asks]
    assert bids[0] == Level(D("99.5"), D("0.5"))


def test_gates_and_rules_survive_a_restart(exchange: Exchange) -> None:
    exchange.sim.set_product_state("COIN-USD", ProductGates(limit_only=True))
    exchange.sim.set_product_rules(replace(COIN, price_increment=D(1)))
    restored = exchange.build(exchange.market)
    restored.restore(exchange.sim.snapshot())
    assert restored.gates("COIN-USD") == ProductGates(limit_only=True)
    assert restored.products["COIN-USD"].price_increment == 1
    assert restored.snapshot() == exchange.sim.snapshot()
