"""Resting orders: only prints fill them, in price-time order, behind those who were there first (coinbase.md §14)."""

from decimal import Decimal

from coinbase_sim.model import Order, OrderStatus, Side, TradePrinted
from tests.fixtures.simulated_exchange import Exchange, levels

D = Decimal
BUY, SELL = Side.BUY, Side.SELL


def filled(exchange: Exchange, *orders: Order) -> list[Decimal]:
    return [exchange.now_of(order).filled_size for order in orders]


def test_a_print_through_the_price_fills_all_whatever_its_size() -> None:
    exchange = Exchange()
    exchange.tick("100")
    order = exchange.limit(BUY, "7", "99.5")
    exchange.tick("99", size="0.001")
    assert filled(exchange, order) == [7]
    assert exchange.fills_of(order)[0].price == D("99.5")


def test_a_print_at_the_price_serves_the_queue_ahead_first() -> None:
    """5 are displayed at 99.5 when the order joins; prints of 3 and 4 leave 2 for it."""
    exchange = Exchange()
    exchange.tick("100")
    order = exchange.limit(BUY, "3", "99.5")
    exchange.tick("99.5", size="3", bids=levels(("99.5", "9")))
    assert filled(exchange, order) == [0]
    exchange.tick("99.5", size="4", bids=levels(("99.5", "9")))
    assert filled(exchange, order) == [2]
    exchange.tick("99.5", size="4", bids=levels(("99.5", "9")))
    assert filled(exchange, order) == [3]
    assert exchange.now_of(order).status is OrderStatus.FILLED


def test_the_queue_shrinks_with_the_displayed_size_and_never_grows() -> None:
    """5 ahead, then only 1 displayed, then 9: still 1 is ahead."""
    exchange = Exchange()
    exchange.tick("100")
    order = exchange.limit(BUY, "3", "99.5")
    exchange.tick("100", bids=levels(("99.5", "1")))
    exchange.tick("100", bids=levels(("99.5", "9")))
    exchange.tick("99.5", size="2", bids=levels(("99.5", "9")))
    assert filled(exchange, order) == [1]


def test_the_queue_is_kept_while_its_level_is_out_of_sight() -> None:
    """The ladder shows bids down to 104.5 only, so nothing is known of those who wait at 99.5."""
    exchange = Exchange()
    exchange.tick("100")
    order = exchange.limit(BUY, "3", "99.5")
    exchange.tick("105")
    exchange.tick("99.5", size="5", bids=levels(("99.5", "9")))
    assert filled(exchange, order) == [0]


def test_a_level_that_vanished_from_sight_has_no_queue() -> None:
    """Bids are shown at 100 and 99, and nobody between: the order at 99.5 is alone."""
    exchange = Exchange()
    exchange.tick("100")
    order = exchange.limit(BUY, "1", "99.5")
    exchange.tick("100.5", bids=levels(("100", "1"), ("99", "1")))
    exchange.tick("99.5", size="1")
    assert filled(exchange, order) == [1]


def test_a_resting_sell_waits_behind_the_asks_displayed() -> None:
    exchange = Exchange()
    exchange.tick("100")
    order = exchange.limit(SELL, "3", "100.5")
    exchange.tick("100.5", size="6", asks=levels(("100.5", "9")))
    assert filled(exchange, order) == [1]


def test_the_ladder_alone_never_fills_a_resting_order() -> None:
    """Offers at 99 stand below the bid of 99.5, but nothing printed there."""
    exchange = Exchange()
    exchange.tick("100")
    order = exchange.limit(BUY, "1", "99.5")
    exchange.tick("100", bids=levels(("98", "5")), asks=levels(("99", "5")))
    assert filled(exchange, order) == [0]


def test_a_print_on_the_far_side_fills_nothing() -> None:
    exchange = Exchange()
    exchange.tick("100")
    buy, sell = exchange.limit(BUY, "1", "99"), exchange.limit(SELL, "1", "101")
    exchange.tick("100")
    exchange.tick("99.5")
    exchange.tick("100.5")
    assert filled(exchange, buy, sell) == [0, 0]


def test_a_tick_without_size_prints_nothing_and_fills_nothing() -> None:
    exchange = Exchange()
    exchange.tick("100")
    order = exchange.limit(BUY, "1", "99.5")
    exchange.events.clear()
    exchange.tick("90", size="0")
    assert filled(exchange, order) == [0]
    assert not any(isinstance(event, TradePrinted) for event in exchange.events)


def test_at_one_price_the_earlier_order_fills_first() -> None:
    """3 ahead, then A of 2, then B of 2: a print of 4 gives 1 to A; the next of 2 gives 1 to A and 1 to B."""
    exchange = Exchange()
    exchange.tick("100", bids=levels(("99.5", "3")))
    a, b = exchange.limit(BUY, "2", "99.5"), exchange.limit(BUY, "2", "99.5")
    exchange.tick("99.5", size="4", bids=levels(("99.5", "9")))
    assert filled(exchange, a, b) == [1, 0]
    exchange.tick("99.5", size="2", bids=levels(("99.5", "9")))
    assert filled(exchange, a, b) == [2, 1]


def test_others_who_joined_between_two_own_orders_fill_between_them() -> None:
    """A has 2 ahead. Then 6 are displayed, of which 4 came after A; B has 6 ahead. A print of 7.5: 2 ahead of both,
    A's 1, the 4 of the others, and half of B; the next print is B's."""
    exchange = Exchange()
    exchange.tick("100", bids=levels(("99.5", "2")))
    a = exchange.limit(BUY, "1", "99.5")
    exchange.tick("100", bids=levels(("99.5", "6")))
    b = exchange.limit(BUY, "1", "99.5")
    exchange.tick("99.5", size="7.5", bids=levels(("99.5", "6")))
    assert filled(exchange, a, b) == [1, D("0.5")]
    exchange.tick("99.5", size="1", bids=levels(("99.5", "6")))
    assert filled(exchange, a, b) == [1, 1]


def test_a_later_own_order_does_not_overtake_an_earlier_one_by_a_shorter_queue() -> None:
    """A has 5 ahead. An own taker then empties the level, so nobody is displayed when B joins; A stays first."""
    exchange = Exchange()
    exchange.tick("100")
    a = exchange.limit(BUY, "1", "99.5")
    exchange.market_order(SELL, base="5")
    b = exchange.limit(BUY, "1", "99.5")
    exchange.tick("99.5", size="6", bids=levels(("99.5", "9")))
    assert filled(exchange, a, b) == [1, 0]


def test_a_better_price_fills_before_an_earlier_order() -> None:
    exchange = Exchange()
    exchange.tick("100")
    low, high = exchange.limit(BUY, "1", "98"), exchange.limit(BUY, "1", "99")
    exchange.tick("97")
    assert [fill.order_id for fill in exchange.sim.fills()] == [high.order_id, low.order_id]


def test_a_lower_offer_fills_before_an_earlier_one() -> None:
    exchange = Exchange()
    exchange.tick("100")
    high, low = exchange.limit(SELL, "1", "102"), exchange.limit(SELL, "1", "101")
    exchange.tick("103")
    assert [fill.order_id for fill in exchange.sim.fills()] == [low.order_id, high.order_id]


def test_the_rest_of_a_taker_joins_a_level_where_nobody_waits() -> None:
    """It took all that was offered at 100.5 and rests there as the only bid."""
    exchange = Exchange()
    exchange.tick("100", asks=levels(("100.5", "1")))
    order = exchange.limit(BUY, "3", "100.5")
    exchange.tick("100.5", size="1.5")
    assert filled(exchange, order) == [D("2.5")]


def test_the_prints_of_a_tick_sum_to_its_size() -> None:
    """A print of 8 at 99.5 gives 3 to the order and 5 to the others."""
    exchange = Exchange()
    exchange.tick("100")
    exchange.limit(BUY, "4", "99.5")
    exchange.events.clear()
    exchange.tick("99.5", size="8")
    prints = [event for event in exchange.events if isinstance(event, TradePrinted)]
    assert [(one.size, one.maker_side) for one in prints] == [(D(3), BUY), (D(5), BUY)]


def test_a_print_above_the_last_middle_is_a_buyers() -> None:
    exchange = Exchange()
    exchange.tick("100")
    exchange.tick("101")
    exchange.tick("100.5")
    exchange.tick("100.5")
    assert [trade.maker_side for trade in exchange.sim.trades("COIN-USD", 4)] == [BUY, BUY, SELL, BUY]
