"""Orders that wait before the book, cancels that are queued, and fills without a move of the market."""

from decimal import Decimal

import pytest

from coinbase_sim.model import (
    EditRequest,
    OrderRejected,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
    StopDirection,
    TimeInForce,
    TriggerStatus,
)
from tests.fixtures.simulated_exchange import Exchange, levels

D = Decimal
BUY, SELL = Side.BUY, Side.SELL


@pytest.fixture
def exchange() -> Exchange:
    exchange = Exchange()
    exchange.tick("100")
    return exchange


def test_a_held_order_has_its_money_held_and_trades_with_nobody(exchange: Exchange) -> None:
    """2 at 105 with 1 % fee hold 212.10, though 100.5 is asked."""
    order = exchange.limit(BUY, "2", "105", is_held=True)
    assert order.status is OrderStatus.PENDING
    assert exchange.balance("USD") == (D("9787.9"), D("212.1"))
    exchange.tick("90", size="9")
    assert exchange.sim.fills() == ()
    assert exchange.sim.depth("COIN-USD")[0] == levels(("89.5", "5"))


def test_a_settled_order_meets_the_book_of_that_moment(exchange: Exchange) -> None:
    order = exchange.limit(BUY, "2", "105", is_held=True)
    exchange.tick("103")
    exchange.sim.settle(order.order_id)
    assert [fill.price for fill in exchange.fills_of(order)] == [D("103.5")]
    # 2 x 103.5 and 1 % of it.
    assert exchange.balance("USD") == (D("10000") - D("209.07"), D(0))
    assert exchange.now_of(order).status is OrderStatus.FILLED


def test_a_market_order_by_size_holds_anew_what_it_costs_when_it_is_settled(exchange: Exchange) -> None:
    request = OrderRequest("m", "COIN-USD", BUY, OrderType.MARKET, TimeInForce.IOC, D(2))
    order = exchange.sim.submit(request, is_held=True)
    assert exchange.balance("USD")[1] == D("203.01")
    exchange.tick("110")
    exchange.sim.settle(order.order_id)
    assert exchange.balance("USD") == (D(10_000) - D("223.21"), D(0))


def test_a_settled_order_that_cannot_be_paid_any_more_fails_and_frees_its_hold(exchange: Exchange) -> None:
    request = OrderRequest("m", "COIN-USD", BUY, OrderType.MARKET, TimeInForce.IOC, D(4))
    order = exchange.sim.submit(request, is_held=True)
    exchange.sim.set_balance("USD", D(1))
    exchange.tick("110")
    failed = exchange.sim.settle(order.order_id)
    assert (failed.status, failed.reject_reason) == (OrderStatus.FAILED, "INSUFFICIENT_FUND")
    assert "available" in failed.reject_message
    # 4 x 100.5 x 1.01 come back to the 1.
    assert exchange.balance("USD") == (D("407.02"), D(0))


def test_an_order_that_needs_all_the_money_is_settled_with_what_it_holds_itself(exchange: Exchange) -> None:
    """100 x 99 x 1.01 = 9,999 of 10,000."""
    order = exchange.limit(BUY, "100", "99", is_held=True)
    assert exchange.sim.settle(order.order_id).status is OrderStatus.OPEN
    assert exchange.balance("USD") == (D(1), D(9999))


def test_a_held_stop_is_not_triggered_before_it_is_settled(exchange: Exchange) -> None:
    stop = OrderRequest(
        "s",
        "COIN-USD",
        SELL,
        OrderType.STOP_LIMIT,
        TimeInForce.GTC,
        D(1),
        limit_price=D(90),
        stop_price=D(98),
        stop_direction=StopDirection.DOWN,
    )
    order = exchange.sim.submit(stop, is_held=True)
    exchange.tick("97")
    assert exchange.now_of(order).trigger_status is TriggerStatus.PENDING
    exchange.sim.settle(order.order_id)
    exchange.tick("97")
    assert exchange.now_of(order).status is OrderStatus.FILLED


def test_a_held_order_can_be_cancelled_expire_and_survive_a_restart(exchange: Exchange) -> None:
    cancelled = exchange.limit(BUY, "1", "99", is_held=True)
    assert exchange.sim.cancel(cancelled.order_id).status is OrderStatus.CANCELLED
    dated = exchange.limit(BUY, "1", "99", tif=TimeInForce.GTD, end_time=exchange.after(2), is_held=True)
    kept = exchange.limit(BUY, "1", "99", is_held=True)
    exchange.tick("100")
    exchange.tick("100")
    assert exchange.now_of(dated).status is OrderStatus.EXPIRED
    restored = exchange.build(exchange.market)
    restored.restore(exchange.sim.snapshot())
    assert restored.waiting() == exchange.sim.waiting() == [kept.order_id]
    assert restored.settle(kept.order_id).status is OrderStatus.OPEN


def test_an_order_whose_cancel_is_queued_is_live_until_it_is_settled(exchange: Exchange) -> None:
    first, second = exchange.limit(BUY, "1", "99"), exchange.limit(BUY, "1", "99")
    for order in (first, second):
        assert exchange.sim.cancel(order.order_id, is_queued=True).told_status == "CANCEL_QUEUED"
    with pytest.raises(OrderRejected, match="DUPLICATE_CANCEL_REQUEST"):
        exchange.sim.cancel(first.order_id)
    with pytest.raises(OrderRejected, match="ONLY_OPEN_ORDERS_CAN_BE_EDITED"):
        exchange.sim.edit(EditRequest(first.order_id, D(98), D(1)))
    exchange.tick("99", size="1", bids=(), asks=levels(("100", "1")))
    filled, ended = exchange.sim.settle(first.order_id), exchange.sim.settle(second.order_id)
    assert (filled.told_status, ended.told_status) == ("FILLED", "CANCELLED")
    assert exchange.balance("USD")[1] == 0


def test_a_fill_without_a_move_leaves_the_rest_in_its_place(exchange: Exchange) -> None:
    first, second = exchange.limit(BUY, "1", "99"), exchange.limit(BUY, "1", "99")
    filled = exchange.sim.fill(first.order_id, D("0.4"))
    assert (filled.filled_size, filled.status) == (D("0.4"), OrderStatus.OPEN)
    assert exchange.sim.depth("COIN-USD")[0][-1].size == D("1.6")
    # 0.6 of the first and 0.1 of the second, in that order.
    exchange.tick("99", size="0.7", bids=(), asks=levels(("100", "1")))
    assert [exchange.now_of(order).filled_size for order in (first, second)] == [D(1), D("0.1")]
    assert exchange.sim.fill().order_id == second.order_id
    with pytest.raises(OrderRejected, match="rests in no book"):
        exchange.sim.fill()


def test_the_least_fill_is_one_increment(exchange: Exchange) -> None:
    exchange.limit(BUY, "1", "99")
    assert exchange.sim.fill(share=D("0.0001")).filled_size == D("0.001")
