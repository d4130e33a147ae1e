"""Orders that wait for a price or a time: till-date, stop-limit and bracket orders (coinbase.md §7, §14)."""

from datetime import timedelta
from decimal import Decimal

import pytest

from coinbase_sim.model import OrderChanged, OrderRejected, OrderStatus, Side, StopDirection, TimeInForce, TriggerStatus
from coinbase_sim.stops import exit_price
from tests.fixtures.simulated_exchange import COIN, Exchange, levels

D = Decimal
BUY, SELL = Side.BUY, Side.SELL
UP, DOWN = StopDirection.UP, StopDirection.DOWN


@pytest.fixture
def exchange() -> Exchange:
    """An exchange whose last trade was at 100, with 5 bid at 99.5 and 5 offered at 100.5."""
    exchange = Exchange()
    exchange.tick("100")
    return exchange


def reason_of(caught: pytest.ExceptionInfo[OrderRejected]) -> str:
    return caught.value.reason


def test_a_till_date_order_expires_at_the_first_tick_at_its_end_time(exchange: Exchange) -> None:
    order = exchange.limit(BUY, "1", "98", tif=TimeInForce.GTD, end_time=exchange.after(2))
    exchange.tick("100")
    assert exchange.now_of(order).status is OrderStatus.OPEN
    exchange.tick("100")
    ended = exchange.now_of(order)
    assert (ended.status, ended.filled_size, ended.hold) == (OrderStatus.EXPIRED, D(0), D(0))
    assert exchange.balance("USD") == (D(10_000), D(0))


def test_an_end_time_between_two_ticks_ends_at_the_later_one(exchange: Exchange) -> None:
    order = exchange.limit(
        BUY, "1", "98", tif=TimeInForce.GTD, end_time=exchange.sim.now + timedelta(milliseconds=1500)
    )
    exchange.tick("100")
    assert exchange.now_of(order).status is OrderStatus.OPEN
    exchange.tick("100")
    assert exchange.now_of(order).status is OrderStatus.EXPIRED


def test_the_tick_that_ends_an_order_does_not_fill_it(exchange: Exchange) -> None:
    order = exchange.limit(BUY, "1", "98", tif=TimeInForce.GTD, end_time=exchange.after(1))
    exchange.tick("90")
    assert exchange.now_of(order).status is OrderStatus.EXPIRED
    assert exchange.fills_of(order) == []


def test_an_expired_order_keeps_what_it_had_filled(exchange: Exchange) -> None:
    """5 are ahead at 99.5; a print of 7 leaves 2 for it, 2 x 99.5 x 1.005 = 199.995 paid."""
    order = exchange.limit(BUY, "3", "99.5", tif=TimeInForce.GTD, end_time=exchange.after(2))
    exchange.tick("99.5", size="7")
    exchange.tick("100")
    ended = exchange.now_of(order)
    assert (ended.status, ended.filled_size) == (OrderStatus.EXPIRED, D(2))
    assert exchange.balance("USD") == (D("9800.005"), D(0))


def test_a_filled_till_date_order_does_not_end_again(exchange: Exchange) -> None:
    order = exchange.limit(BUY, "1", "98", tif=TimeInForce.GTD, end_time=exchange.after(3))
    for price in ("97", "100", "100", "100"):
        exchange.tick(price)
    assert exchange.now_of(order).status is OrderStatus.FILLED


def test_a_till_date_order_without_an_end_time_is_refused(exchange: Exchange) -> None:
    with pytest.raises(OrderRejected) as caught:
        exchange.limit(BUY, "1", "98", tif=TimeInForce.GTD)
    assert reason_of(caught) == "PREVIEW_GTD_ORDERS_MUST_HAVE_END_TIME"


@pytest.mark.parametrize("seconds", [0, -1])
def test_an_end_time_that_is_not_in_the_future_is_refused(exchange: Exchange, seconds: int) -> None:
    with pytest.raises(OrderRejected) as caught:
        exchange.limit(BUY, "1", "98", tif=TimeInForce.GTD, end_time=exchange.after(seconds))
    assert reason_of(caught) == "PREVIEW_END_TIME_IS_IN_THE_PAST"


def test_an_end_time_on_an_order_till_cancelled_is_refused(exchange: Exchange) -> None:
    with pytest.raises(OrderRejected) as caught:
        exchange.limit(BUY, "1", "98", end_time=exchange.after(9))
    assert reason_of(caught) == "UNSUPPORTED_ORDER_CONFIGURATION"


def test_a_stop_limit_order_holds_from_its_placement_and_stays_out_of_the_book(exchange: Exchange) -> None:
    """2 x 103 x 1.01 = 208.06. A print through its limit fills nothing, for it is not there."""
    order = exchange.stop_limit(BUY, "2", stop="102", limit="103", direction=UP)
    assert (order.status, order.trigger_status, order.hold) == (OrderStatus.OPEN, TriggerStatus.PENDING, D("208.06"))
    assert exchange.balance("USD") == (D("9791.94"), D("208.06"))
    assert exchange.sim.depth("COIN-USD")[0] == levels(("99.5", "5"))
    exchange.tick("99")
    assert exchange.now_of(order).trigger_status is TriggerStatus.PENDING


def test_a_buy_stop_triggers_at_its_price_and_takes_the_new_ladder(exchange: Exchange) -> None:
    """The print at 102 leaves asks at 102.5: 2 x 102.5 = 205 and 2.05 of fee."""
    order = exchange.stop_limit(BUY, "2", stop="102", limit="103", direction=UP)
    exchange.tick("101.5")
    assert exchange.now_of(order).trigger_status is TriggerStatus.PENDING
    exchange.tick("102")
    filled = exchange.now_of(order)
    assert (filled.status, filled.trigger_status) == (OrderStatus.FILLED, TriggerStatus.TRIGGERED)
    assert (filled.filled_value, filled.total_fees) == (D(205), D("2.05"))
    assert exchange.balance("USD") == (D("9792.95"), D(0))
    words = [(change.status, change.trigger_status) for change in exchange.changes_of(order)]
    assert words == [
        (OrderStatus.PENDING, TriggerStatus.PENDING),
        (OrderStatus.OPEN, TriggerStatus.PENDING),
        (OrderStatus.OPEN, TriggerStatus.TRIGGERED),
        (OrderStatus.FILLED, TriggerStatus.TRIGGERED),
    ]


def test_a_sell_stop_over_a_gap_rests_unfilled_at_its_limit(exchange: Exchange) -> None:
    """The stop at 95 with the limit 94 triggers at 90, where 89.5 is bid; the order is offered at 94 and waits."""
    order = exchange.stop_limit(SELL, "2", stop="95", limit="94", direction=DOWN)
    exchange.tick("90")
    rests = exchange.now_of(order)
    assert (rests.status, rests.trigger_status, rests.filled_size) == (OrderStatus.OPEN, TriggerStatus.TRIGGERED, D(0))
    assert levels(("94", "2"))[0] in exchange.sim.depth("COIN-USD")[1]
    exchange.tick("95")
    (fill,) = exchange.fills_of(order)
    assert (fill.price, fill.is_maker) == (D(94), True)


def test_a_print_without_size_triggers_nothing(exchange: Exchange) -> None:
    order = exchange.stop_limit(SELL, "2", stop="95", limit="94", direction=DOWN)
    exchange.tick("90", size="0")
    assert exchange.now_of(order).trigger_status is TriggerStatus.PENDING


def test_the_accounts_own_trades_trigger_nothing(exchange: Exchange) -> None:
    """An own market buy prints at 100.5, and the last trade of the market stays 100."""
    order = exchange.stop_limit(BUY, "1", stop="100.5", limit="101", direction=UP)
    exchange.market_order(BUY, base="1")
    assert exchange.now_of(order).trigger_status is TriggerStatus.PENDING


def test_stops_trigger_in_order_of_their_placement(exchange: Exchange) -> None:
    """The bid at 94.5 holds 5: the first takes 4 of it, the second the last one, and rests with 3."""
    first = exchange.stop_limit(SELL, "4", stop="95", limit="94.5", direction=DOWN)
    second = exchange.stop_limit(SELL, "4", stop="96", limit="94.5", direction=DOWN)
    exchange.tick("95")
    assert exchange.now_of(first).filled_size == 4
    assert exchange.now_of(second).filled_size == 1


@pytest.mark.parametrize(
    ("side", "stop", "limit", "direction", "reason"),
    [
        (BUY, "99.5", "105", UP, "PREVIEW_STOP_PRICE_BELOW_LAST_TRADE_PRICE"),
        (BUY, "100", "105", UP, "PREVIEW_STOP_PRICE_BELOW_LAST_TRADE_PRICE"),
        (SELL, "100.5", "95", DOWN, "PREVIEW_STOP_PRICE_ABOVE_LAST_TRADE_PRICE"),
        (SELL, "100", "95", DOWN, "PREVIEW_STOP_PRICE_ABOVE_LAST_TRADE_PRICE"),
        (BUY, "102", "101.5", UP, "PREVIEW_STOP_PRICE_ABOVE_LIMIT_PRICE"),
        (SELL, "98", "98.5", DOWN, "PREVIEW_STOP_PRICE_BELOW_LIMIT_PRICE"),
        (BUY, "102.25", "103", UP, "INVALID_PRICE_PRECISION"),
        (BUY, "102", "103.1", UP, "INVALID_PRICE_PRECISION"),
    ],
)
def test_a_stop_on_the_wrong_side_or_off_the_grid_is_refused(
    exchange: Exchange, side: Side, stop: str, limit: str, direction: StopDirection, reason: str
) -> None:
    with pytest.raises(OrderRejected) as caught:
        exchange.stop_limit(side, "1", stop=stop, limit=limit, direction=direction)
    assert reason_of(caught) == reason
    assert exchange.balance("USD") == (D(10_000), D(0))


def test_a_waiting_stop_can_be_cancelled_and_expires(exchange: Exchange) -> None:
    first = exchange.stop_limit(SELL, "2", stop="95", limit="94", direction=DOWN)
    second = exchange.stop_limit(SELL, "2", stop="95", limit="94", direction=DOWN, end_time=exchange.after(1))
    assert exchange.sim.cancel(first.order_id).status is OrderStatus.CANCELLED
    exchange.tick("90")
    assert exchange.now_of(second).status is OrderStatus.EXPIRED
    assert exchange.balance("COIN") == (D(10), D(0))
    assert not exchange.sim.fills()


def test_a_bracket_rests_at_its_take_profit(exchange: Exchange) -> None:
    """3 x 105 = 315 less 1.575 of maker fee."""
    order = exchange.bracket(SELL, "3", profit="105", stop="95")
    assert (order.status, order.trigger_status) == (OrderStatus.OPEN, TriggerStatus.PENDING)
    assert exchange.balance("COIN") == (D(7), D(3))
    exchange.tick("106")
    assert exchange.now_of(order).status is OrderStatus.FILLED
    assert exchange.balance("USD") == (D("10313.425"), D(0))
    exchange.tick("90")
    assert exchange.now_of(order).filled_size == 3


def test_the_stop_of_a_bracket_sells_with_a_limit_five_percent_beyond_it(exchange: Exchange) -> None:
    """95 x 0.95 = 90.25, on the grid of 0.5 rounded down 90. The print at 94 leaves a bid of 93.5 for 5, and protection
    ends at 94 x 0.98 = 92.12: 3 x 93.5 = 280.5 less 2.805."""
    order = exchange.bracket(SELL, "3", profit="105", stop="95")
    exchange.tick("94")
    filled = exchange.now_of(order)
    assert (filled.status, filled.trigger_status, filled.exit_price) == (
        OrderStatus.FILLED,
        TriggerStatus.TRIGGERED,
        D(90),
    )
    assert exchange.balance("USD") == (D("10277.695"), D(0))


def test_the_exit_limit_of_a_bracket_may_rest_unfilled_after_a_gap(exchange: Exchange) -> None:
    """At 80 the best bid is 79.5, below the exit limit of 90: it waits there, and no longer at the take profit."""
    order = exchange.bracket(SELL, "3", profit="105", stop="95")
    exchange.tick("80")
    assert exchange.now_of(order).status is OrderStatus.OPEN
    assert exchange.sim.depth("COIN-USD")[1] == levels(("80.5", "5"), ("90", "3"))


def test_a_partly_taken_profit_leaves_only_the_rest_to_the_stop(exchange: Exchange) -> None:
    """One size for both: 1 of 3 is sold at 105, so the stop sells 2."""
    order = exchange.bracket(SELL, "3", profit="105", stop="95")
    exchange.tick("105", size="1")
    assert exchange.now_of(order).filled_size == 1
    exchange.tick("94")
    assert [(fill.price, fill.size) for fill in exchange.fills_of(order)] == [(D(105), D(1)), (D("93.5"), D(2))]
    assert exchange.balance("COIN") == (D(7), D(0))


def test_a_buying_bracket_holds_for_its_dearest_exit(exchange: Exchange) -> None:
    """Stop at 105: 110.25 becomes 110.5 on the grid; 2 x 110.5 x 1.01 = 223.21."""
    order = exchange.bracket(BUY, "2", profit="95", stop="105")
    assert order.hold == D("223.21")
    exchange.tick("94")
    assert exchange.now_of(order).status is OrderStatus.FILLED
    assert exchange.balance("USD") == (D(10_000) - D("190.95"), D(0))


def test_an_exit_limit_on_the_grid_is_not_rounded_further(exchange: Exchange) -> None:
    """110 x 1.05 = 115.5 and 90 x 0.95 = 85.5 are multiples of 0.5."""
    assert exchange.bracket(BUY, "1", profit="95", stop="110").exit_price == D("115.5")
    assert exchange.bracket(SELL, "1", profit="105", stop="90").exit_price == D("85.5")


def test_an_exit_limit_never_rounds_to_nothing() -> None:
    """0.5 x 0.95 = 0.475 is less than one increment of 0.5; 1 x 0.95 = 0.95 is one."""
    assert exit_price(COIN, SELL, D("0.5")) == D("0.5")
    assert exit_price(COIN, SELL, D(1)) == D("0.5")


@pytest.mark.parametrize(
    ("side", "profit", "stop", "reason"),
    [
        (SELL, "105", "100", "PREVIEW_STOP_PRICE_ABOVE_LAST_TRADE_PRICE"),
        (SELL, "95", "96", "PREVIEW_INVALID_BRACKET_PRICES"),
        (SELL, "100", "95", "PREVIEW_INVALID_BRACKET_LIMIT_PRICE"),
        (BUY, "95", "100", "PREVIEW_STOP_PRICE_BELOW_LAST_TRADE_PRICE"),
        (BUY, "105", "104", "PREVIEW_INVALID_BRACKET_PRICES"),
        (BUY, "100", "105", "PREVIEW_INVALID_BRACKET_LIMIT_PRICE"),
        (SELL, "105", "95.2", "INVALID_PRICE_PRECISION"),
    ],
)
def test_a_bracket_with_prices_on_the_wrong_side_is_refused(
    exchange: Exchange, side: Side, profit: str, stop: str, reason: str
) -> None:
    with pytest.raises(OrderRejected) as caught:
        exchange.bracket(side, "1", profit=profit, stop=stop)
    assert reason_of(caught) == reason


def test_a_trigger_is_told_after_the_print_that_caused_it(exchange: Exchange) -> None:
    exchange.stop_limit(SELL, "2", stop="95", limit="94", direction=DOWN)
    exchange.events.clear()
    exchange.tick("95")
    kinds = [type(event).__name__ for event in exchange.events]
    assert kinds == [
        "TradePrinted",
        "OrderChanged",
        "TradePrinted",
        "OrderChanged",
        "TickerChanged",
        "BucketChanged",
    ]
    assert [event.order.trigger_status for event in exchange.events if isinstance(event, OrderChanged)] == [
        TriggerStatus.TRIGGERED,
        TriggerStatus.TRIGGERED,
    ]


def test_a_restored_exchange_still_triggers_and_expires(exchange: Exchange) -> None:
    stop = exchange.stop_limit(SELL, "2", stop="95", limit="94", direction=DOWN)
    bracket = exchange.bracket(SELL, "2", profit="105", stop="96")
    dated = exchange.limit(BUY, "1", "90", tif=TimeInForce.GTD, end_time=exchange.after(1))
    restored = exchange.build(exchange.market)
    restored.restore(exchange.sim.snapshot())
    exchange.sim = restored
    exchange.tick("95")
    assert exchange.now_of(stop).status is OrderStatus.FILLED
    assert exchange.now_of(bracket).trigger_status is TriggerStatus.TRIGGERED
    assert exchange.now_of(dated).status is OrderStatus.EXPIRED
