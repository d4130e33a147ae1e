"""A bracket attached to a buy: it exists once the buy has ended, over what the buy filled (coinbase.md §7)."""

from decimal import Decimal

import pytest

from coinbase_sim.model import (
    AttachedBracket,
    Order,
    OrderRejected,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
    TriggerStatus,
)
from tests.fixtures.simulated_exchange import Exchange, levels

D = Decimal
BUY, SELL = Side.BUY, Side.SELL
EXIT = AttachedBracket(D(105), D(95))


@pytest.fixture
def exchange() -> Exchange:
    exchange = Exchange(coin=D(0))
    exchange.tick("100")
    return exchange


def child_of(exchange: Exchange, entry: Order) -> Order:
    (child,) = [order for order in exchange.sim.orders() if order.originating_order_id == entry.order_id]
    return child


def test_a_filled_entry_brings_its_bracket(exchange: Exchange) -> None:
    entry = exchange.limit(BUY, "2", "100.5", attached=EXIT)
    child = child_of(exchange, entry)
    assert entry.attached_order_id == child.order_id
    assert child.request.order_type is OrderType.BRACKET
    assert (child.request.side, child.request.base_size) == (SELL, D(2))
    assert (child.request.limit_price, child.request.stop_trigger_price) == (D(105), D(95))
    assert (child.status, child.trigger_status) == (OrderStatus.OPEN, TriggerStatus.PENDING)
    assert exchange.balance("COIN") == (D(0), D(2))


def test_the_bracket_comes_after_the_entry_is_told_filled(exchange: Exchange) -> None:
    entry = exchange.market_order(BUY, quote="101.5", attached=EXIT)
    told = [event.order for event in exchange.events if hasattr(event, "order")]
    assert [(order.order_id == entry.order_id, order.status) for order in told][-3:] == [
        (True, OrderStatus.FILLED),
        (False, OrderStatus.PENDING),
        (False, OrderStatus.OPEN),
    ]


def test_an_open_entry_has_no_bracket_yet(exchange: Exchange) -> None:
    """5 are ahead at 99.5: the print of 6 fills 1 of 2, and the bracket waits for the entry's end."""
    entry = exchange.limit(BUY, "2", "99.5", attached=EXIT)
    exchange.tick("99.5", size="6")
    assert exchange.now_of(entry).filled_size == 1
    assert exchange.now_of(entry).attached_order_id == ""
    assert len(exchange.sim.orders()) == 1
    exchange.tick("99")
    assert child_of(exchange, entry).request.base_size == 2


def test_a_cancelled_entry_brings_a_bracket_over_what_it_filled(exchange: Exchange) -> None:
    entry = exchange.limit(BUY, "2", "99.5", attached=EXIT)
    exchange.tick("99.5", size="6")
    cancelled = exchange.sim.cancel(entry.order_id)
    child = child_of(exchange, entry)
    assert (cancelled.attached_order_id, child.request.base_size) == (child.order_id, D(1))


def test_an_unfilled_entry_brings_none(exchange: Exchange) -> None:
    entry = exchange.limit(BUY, "2", "98", tif=TimeInForce.GTD, end_time=exchange.after(1), attached=EXIT)
    exchange.tick("100")
    assert exchange.now_of(entry).status is OrderStatus.EXPIRED
    assert len(exchange.sim.orders()) == 1


def test_a_bracket_whose_stop_is_reached_already_exits_at_once() -> None:
    """The entry at 99.5 fills by a print at 94, which is below the stop of 95: 2 are sold at the bid of 93.5."""
    exchange = Exchange(coin=D(0))
    exchange.tick("100")
    entry = exchange.limit(BUY, "2", "99.5", attached=EXIT)
    exchange.tick("94")
    child = child_of(exchange, entry)
    assert (child.status, child.trigger_status) == (OrderStatus.FILLED, TriggerStatus.TRIGGERED)
    assert [fill.price for fill in exchange.fills_of(child)] == [D("93.5")]
    assert exchange.balance("COIN") == (D(0), D(0))


def test_a_bracket_over_coins_that_are_sold_already_fails(exchange: Exchange) -> None:
    entry = exchange.limit(BUY, "2", "99.5", attached=EXIT)
    exchange.tick("99.5", size="6")
    exchange.market_order(SELL, base="1")
    exchange.sim.cancel(entry.order_id)
    child = child_of(exchange, entry)
    assert (child.status, child.reject_reason, child.hold) == (OrderStatus.FAILED, "INSUFFICIENT_FUND", D(0))
    assert [change.status for change in exchange.changes_of(child)] == [OrderStatus.PENDING, OrderStatus.FAILED]


def test_an_attached_bracket_may_have_an_end_time(exchange: Exchange) -> None:
    entry = exchange.market_order(BUY, base="2", attached=AttachedBracket(D(105), D(95), end_time=exchange.after(2)))
    child = child_of(exchange, entry)
    assert child.request.time_in_force is TimeInForce.GTD
    exchange.tick("100")
    exchange.tick("100")
    assert exchange.now_of(child).status is OrderStatus.EXPIRED
    assert exchange.balance("COIN") == (D(2), D(0))


@pytest.mark.parametrize(
    ("attached", "reason"),
    [
        (AttachedBracket(D(105), D(95), base_size=D(1)), "PREVIEW_ATTACHED_ORDER_SIZE_MUST_BE_NIL"),
        (AttachedBracket(D("99.5"), D(95)), "PREVIEW_INVALID_ATTACHED_TAKE_PROFIT_PRICE"),
        (AttachedBracket(D(105), D("99.5")), "PREVIEW_INVALID_ATTACHED_STOP_LOSS_PRICE"),
        (AttachedBracket(D(95), D(105)), "PREVIEW_INVALID_BRACKET_PRICES"),
        (AttachedBracket(D("105.1"), D(95)), "INVALID_PRICE_PRECISION"),
        (AttachedBracket(D(105), D("95.1")), "INVALID_PRICE_PRECISION"),
    ],
)
def test_an_attached_bracket_that_makes_no_sense_is_refused(
    exchange: Exchange, attached: AttachedBracket, reason: str
) -> None:
    with pytest.raises(OrderRejected) as caught:
        exchange.limit(BUY, "1", "99.5", attached=attached)
    assert caught.value.reason == reason


def test_a_bracket_is_not_attached_to_a_sell() -> None:
    exchange = Exchange()
    exchange.tick("100", bids=levels(("99.5", "5")))
    with pytest.raises(OrderRejected) as caught:
        exchange.limit(SELL, "1", "101", attached=EXIT)
    assert caught.value.reason == "UNSUPPORTED_ORDER_CONFIGURATION"
