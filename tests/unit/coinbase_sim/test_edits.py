"""Editing open orders: what is refused, what keeps its place, and what is held afterwards (coinbase.md §9)."""

from dataclasses import replace
from decimal import Decimal

import pytest

from coinbase_sim.model import (
    Edit,
    EditRequest,
    Order,
    OrderRejected,
    OrderStatus,
    ProductGates,
    Side,
    StopDirection,
    TimeInForce,
)
from tests.fixtures.simulated_exchange import Exchange, levels

D = Decimal
BUY, SELL = Side.BUY, Side.SELL
NINE_BID = levels(("99.5", "9"))


@pytest.fixture
def exchange() -> Exchange:
    exchange = Exchange()
    exchange.tick("100")
    return exchange


def filled(exchange: Exchange, *orders: Order) -> list[Decimal]:
    return [exchange.now_of(order).filled_size for order in orders]


def reason(exchange: Exchange, order: Order, price: str, size: str, stop: str | None = None) -> str:
    """Return why the edit is refused; nothing may have changed."""
    before = exchange.sim.snapshot()
    with pytest.raises(OrderRejected) as caught:
        exchange.edit(order, price=price, size=size, stop=stop)
    assert exchange.sim.snapshot() == before
    return caught.value.reason


def test_an_edit_changes_the_terms_the_hold_and_the_history(exchange: Exchange) -> None:
    """2 at 98 held 197.96; 3 at 97 hold 3 x 97 x 1.01 = 293.91."""
    order = exchange.limit(BUY, "2", "98")
    edited = exchange.edit(order, price="97", size="3")
    assert (edited.request.limit_price, edited.request.base_size) == (D(97), D(3))
    assert edited.edits == (Edit(D(97), D(3), exchange.sim.now),)
    assert (edited.status, edited.hold) == (OrderStatus.OPEN, D("293.91"))
    assert exchange.balance("USD") == (D("9706.09"), D("293.91"))
    exchange.tick("97.5")
    assert exchange.fills_of(order) == []
    exchange.tick("96")
    assert [(fill.price, fill.size) for fill in exchange.fills_of(order)] == [(D(97), D(3))]


def test_a_smaller_size_keeps_the_queue_place(exchange: Exchange) -> None:
    """A of 3 shrinks to 2 and stays before B: 5 ahead, then A's 2, then 1 for B of a print of 8."""
    a, b = exchange.limit(BUY, "3", "99.5"), exchange.limit(BUY, "3", "99.5")
    exchange.edit(a, price="99.5", size="2")
    exchange.tick("99.5", size="8", bids=NINE_BID)
    assert filled(exchange, a, b) == [2, 1]


def test_a_larger_size_goes_to_the_end_of_the_queue(exchange: Exchange) -> None:
    a, b = exchange.limit(BUY, "3", "99.5"), exchange.limit(BUY, "3", "99.5")
    exchange.edit(a, price="99.5", size="4")
    exchange.tick("99.5", size="9", bids=NINE_BID)
    assert filled(exchange, a, b) == [1, 3]


def test_a_new_price_loses_the_queue_place_even_when_it_is_changed_back(exchange: Exchange) -> None:
    a, b = exchange.limit(BUY, "3", "99.5"), exchange.limit(BUY, "3", "99.5")
    exchange.edit(a, price="99", size="3")
    exchange.edit(a, price="99.5", size="3")
    exchange.tick("99.5", size="8", bids=NINE_BID)
    assert filled(exchange, a, b) == [0, 3]


def test_a_new_price_joins_behind_those_displayed_there(exchange: Exchange) -> None:
    order = exchange.limit(BUY, "3", "99")
    exchange.edit(order, price="99.5", size="3")
    exchange.tick("99.5", size="6", bids=NINE_BID)
    assert exchange.now_of(order).filled_size == 1


def test_a_crossing_price_takes_at_once(exchange: Exchange) -> None:
    """2 of the 5 at 100.5: 201 and 2.01 of taker fee."""
    order = exchange.limit(BUY, "2", "98")
    edited = exchange.edit(order, price="101", size="2")
    assert (edited.status, edited.filled_value, edited.total_fees) == (OrderStatus.FILLED, D(201), D("2.01"))
    assert exchange.balance("USD") == (D("9796.99"), D(0))


def test_an_edit_of_a_partly_filled_order_counts_the_filled_part_in_its_size(exchange: Exchange) -> None:
    """1 of 3 is filled at 99.5; a size of 2 leaves 1: 99.5 x 1.01 = 100.495."""
    order = exchange.limit(BUY, "3", "99.5")
    exchange.tick("99.5", size="6")
    edited = exchange.edit(order, price="99.5", size="2")
    assert (edited.left, edited.hold) == (D(1), D("100.495"))
    exchange.tick("99")
    assert exchange.now_of(order).filled_size == 2


def test_a_size_at_or_below_what_is_filled_is_refused(exchange: Exchange) -> None:
    order = exchange.limit(BUY, "3", "99.5")
    exchange.tick("99.5", size="7")
    for size in ("1", "2", "0"):
        assert reason(exchange, order, "99.5", size) == "CANNOT_EDIT_TO_BELOW_FILLED_SIZE"


def test_an_edit_to_the_same_terms_is_refused(exchange: Exchange) -> None:
    order = exchange.limit(BUY, "3", "99.5")
    assert reason(exchange, order, "99.5", "3.000") == "EDIT_REQUEST_EQUAL_TO_ORIGINAL_REQUEST"


def test_only_open_orders_can_be_edited(exchange: Exchange) -> None:
    order = exchange.limit(BUY, "1", "98")
    exchange.sim.cancel(order.order_id)
    assert reason(exchange, order, "97", "1") == "ONLY_OPEN_ORDERS_CAN_BE_EDITED"
    with pytest.raises(OrderRejected) as caught:
        exchange.sim.edit(EditRequest("nothing", D(97), D(1)))
    assert caught.value.reason == "ORDER_NOT_FOUND"


def test_till_date_orders_and_brackets_cannot_be_edited(exchange: Exchange) -> None:
    dated = exchange.limit(BUY, "1", "98", tif=TimeInForce.GTD, end_time=exchange.after(9))
    bracket = exchange.bracket(SELL, "1", profit="105", stop="95")
    assert reason(exchange, dated, "97", "1") == "ONLY_LIMIT_ORDER_EDITS_SUPPORTED"
    assert reason(exchange, bracket, "106", "1") == "ONLY_LIMIT_ORDER_EDITS_SUPPORTED"


@pytest.mark.parametrize(
    ("price", "size", "expected"),
    [
        ("97.2", "1", "INVALID_EDITED_PRICE"),
        ("0", "1", "INVALID_EDITED_PRICE"),
        ("97", "0", "INVALID_EDITED_SIZE"),
        ("97", "1.0001", "INVALID_EDITED_SIZE"),
        ("97", "0.01", "PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL"),
        ("97", "110", "INSUFFICIENT_FUND"),
    ],
)
def test_an_edit_off_the_grid_or_beyond_the_funds_is_refused(
    exchange: Exchange, price: str, size: str, expected: str
) -> None:
    assert reason(exchange, exchange.limit(BUY, "1", "98"), price, size) == expected


def test_an_edit_may_use_what_the_order_holds_already(exchange: Exchange) -> None:
    """10 000 / (100 x 1.01) = 99.0099 fit in all, although 9 898 of the 10 000 are held by the order itself."""
    order = exchange.limit(BUY, "98", "100")
    assert exchange.edit(order, price="100", size="99").hold == D(9999)


def test_a_post_only_order_is_not_edited_across_the_book(exchange: Exchange) -> None:
    order = exchange.limit(BUY, "1", "98", post_only=True)
    assert reason(exchange, order, "100.5", "1") == "INVALID_LIMIT_PRICE_POST_ONLY"


def test_a_waiting_stop_is_moved_without_entering_the_book(exchange: Exchange) -> None:
    """The ratchet: stop 95 to 98, limit 94 to 97."""
    order = exchange.stop_limit(SELL, "2", stop="95", limit="94", direction=StopDirection.DOWN)
    exchange.edit(order, price="97", size="2", stop="98")
    exchange.tick("98.5")
    assert exchange.now_of(order).is_waiting
    exchange.tick("98")
    assert [fill.price for fill in exchange.fills_of(order)] == [D("97.5")]


def test_a_stop_cannot_be_moved_to_the_wrong_side_or_after_it_triggered(exchange: Exchange) -> None:
    order = exchange.stop_limit(SELL, "2", stop="95", limit="94", direction=StopDirection.DOWN)
    assert reason(exchange, order, "94", "2", "100") == "PREVIEW_STOP_PRICE_ABOVE_LAST_TRADE_PRICE"
    exchange.tick("90")
    assert reason(exchange, order, "94", "2", "85") == "CANNOT_EDIT_STOP_PRICE_FOR_TRIGGERED_ORDER"
    assert exchange.edit(order, price="89.5", size="2").status is OrderStatus.FILLED


def test_a_plain_limit_order_has_no_stop_to_move(exchange: Exchange) -> None:
    assert reason(exchange, exchange.limit(BUY, "1", "98"), "97", "1", "90") == "FIELD_STOPPRICE_NOT_SUPPORTED"


def test_nothing_is_edited_while_the_product_is_halted(exchange: Exchange) -> None:
    order = exchange.limit(BUY, "1", "98")
    exchange.sim.set_product_state("COIN-USD", ProductGates(cancel_only=True))
    assert reason(exchange, order, "97", "1") == "COMMANDER_REJECTED_EDIT_ORDER"


def test_a_price_beyond_the_protection_cancels_the_order_it_would_have_made_take(exchange: Exchange) -> None:
    """It takes the 5 at 100.5; the rest would go on to 110, beyond 102."""
    order = exchange.limit(BUY, "6", "98")
    edited = exchange.edit(order, price="110", size="6")
    assert (edited.status, edited.filled_size, edited.hold) == (OrderStatus.CANCELLED, D(5), D(0))


def test_the_preview_of_an_edit_changes_nothing(exchange: Exchange) -> None:
    """2 at 101 meet the 5 at 100.5: 201 and 2.01 of fee."""
    order = exchange.limit(BUY, "2", "98")
    before = exchange.sim.snapshot()
    preview = exchange.sim.preview_edit(EditRequest(order.order_id, D(101), D(2)))
    assert (preview.order_total, preview.average_filled_price) == (D("203.01"), D("100.5"))
    refused = exchange.sim.preview_edit(EditRequest(order.order_id, D(98), D(2)))
    assert refused.errors == ("EDIT_REQUEST_EQUAL_TO_ORIGINAL_REQUEST",)
    assert exchange.sim.snapshot() == before


def test_an_edited_order_is_restored_in_its_place(exchange: Exchange) -> None:
    a, b = exchange.limit(BUY, "3", "99.5"), exchange.limit(BUY, "3", "99.5")
    exchange.edit(a, price="99.5", size="4")
    restored = exchange.build(exchange.market)
    restored.restore(exchange.sim.snapshot())
    exchange.sim = restored
    exchange.tick("99.5", size="9", bids=NINE_BID)
    assert filled(exchange, a, b) == [1, 3]
    assert replace(exchange.now_of(a).request, base_size=D(3)) == a.request
