"""Matching, money and order states; every amount is computed by hand (coinbase.md §9, §10, §14)."""

from decimal import Decimal

import pytest

from coinbase_sim.model import OrderRejected, OrderStatus, Side, TimeInForce, TradePrinted
from tests.fixtures.simulated_exchange import Exchange, levels

D = Decimal
BUY, SELL = Side.BUY, Side.SELL
THREE_ASKS = levels(("100.5", "2"), ("101", "3"), ("101.5", "5"))
THREE_BIDS = levels(("99.5", "2"), ("99", "3"), ("98.5", "5"))


@pytest.fixture
def exchange() -> Exchange:
    """An exchange at 100 with three levels on each side."""
    exchange = Exchange()
    exchange.tick("100", bids=THREE_BIDS, asks=THREE_ASKS)
    return exchange


def test_a_market_buy_walks_the_ladder_at_the_makers_prices(exchange: Exchange) -> None:
    """2 x 100.5 = 201, fee 2.01; 1.5 x 101 = 151.5, fee 1.515; paid 356.025."""
    order = exchange.market_order(BUY, base="3.5")
    fills = exchange.fills_of(order)
    assert [(fill.price, fill.size, fill.commission) for fill in fills] == [
        (D("100.5"), D(2), D("2.01")),
        (D(101), D("1.5"), D("1.515")),
    ]
    assert not any(fill.is_maker for fill in fills)
    assert order.status is OrderStatus.FILLED
    assert (order.filled_size, order.filled_value, order.total_fees) == (D("3.5"), D("352.5"), D("3.525"))
    assert order.fills_count == 2
    assert exchange.balance("USD") == (D("9643.975"), D(0))
    assert exchange.balance("COIN") == (D("13.5"), D(0))


def test_a_market_sell_pays_its_fee_from_the_proceeds(exchange: Exchange) -> None:
    """2 x 99.5 = 199 and 2 x 99 = 198; 397 less 3.97 of fee."""
    order = exchange.market_order(SELL, base="4")
    assert (order.status, order.filled_value, order.total_fees) == (OrderStatus.FILLED, D(397), D("3.97"))
    assert exchange.balance("USD") == (D("10393.03"), D(0))
    assert exchange.balance("COIN") == (D(6), D(0))


def test_a_market_buy_by_quote_size_includes_the_fee_and_floors_the_base(exchange: Exchange) -> None:
    """One coin costs 100.5 x 1.01 = 101.505: 100 dollars buy 0.985 (99.982425), and 0.017575 comes back."""
    order = exchange.market_order(BUY, quote="100")
    assert order.status is OrderStatus.FILLED
    assert order.filled_size == D("0.985")
    assert order.filled_value + order.total_fees == D("99.982425")
    assert exchange.balance("USD") == (D("9900.017575"), D(0))


def test_a_market_buy_by_quote_size_spends_on_over_the_levels(exchange: Exchange) -> None:
    """2 at 100.5 cost 203.01; the other 96.99 buy 0.950 at 101 x 1.01 = 102.01 (96.9095); 0.0805 comes back."""
    order = exchange.market_order(BUY, quote="300")
    assert [fill.size for fill in exchange.fills_of(order)] == [D(2), D("0.950")]
    assert exchange.balance("USD") == (D("9700.0805"), D(0))


def test_a_quote_size_that_empties_a_level_exactly_is_filled() -> None:
    """2 x 100.5 x 1.01 = 203.01, which is off the grid of 0.5; at 100 and no fee, 2 cost exactly 200."""
    exchange = Exchange(maker=D(0), taker=D(0))
    exchange.tick("99.5", asks=levels(("100", "2")))
    order = exchange.market_order(BUY, quote="200")
    assert (order.status, order.filled_size) == (OrderStatus.FILLED, D(2))


def test_the_rest_of_a_market_order_is_cancelled_when_the_ladder_ends() -> None:
    exchange = Exchange()
    exchange.tick("100", bids=levels(("99.5", "2")))
    order = exchange.market_order(SELL, base="3")
    assert (order.status, order.filled_size, order.hold) == (OrderStatus.CANCELLED, D(2), D(0))
    assert "no more liquidity" in order.cancel_message
    assert exchange.balance("COIN") == (D(8), D(0))


def test_the_rest_of_a_quote_order_is_cancelled_when_the_ladder_ends() -> None:
    """2 at 100.5 cost 203.01; the hold of 500 is released but for that."""
    exchange = Exchange()
    exchange.tick("100", asks=levels(("100.5", "2")))
    order = exchange.market_order(BUY, quote="500")
    assert (order.status, order.filled_size) == (OrderStatus.CANCELLED, D(2))
    assert exchange.balance("USD") == (D("9796.99"), D(0))


def test_what_a_taker_took_is_gone_until_the_next_tick(exchange: Exchange) -> None:
    exchange.market_order(BUY, base="3")
    assert exchange.sim.book("COIN-USD")[1] == levels(("101", "2"), ("101.5", "5"))
    exchange.tick("100", bids=THREE_BIDS, asks=THREE_ASKS)
    assert exchange.sim.book("COIN-USD") == (THREE_BIDS, THREE_ASKS)


def test_a_limit_ioc_takes_up_to_its_limit_and_cancels_the_rest(exchange: Exchange) -> None:
    """It held 9 x 101 x 1.01 = 918.09; 2 x 100.5 + 3 x 101 = 504 and 5.04 of fee are spent, the rest comes back."""
    order = exchange.limit(BUY, "9", "101", tif=TimeInForce.IOC)
    assert (order.status, order.filled_size, order.filled_value) == (OrderStatus.CANCELLED, D(5), D(504))
    assert exchange.balance("USD") == (D("9490.96"), D(0))


def test_a_limit_ioc_that_crosses_nothing_is_cancelled_unfilled(exchange: Exchange) -> None:
    order = exchange.limit(SELL, "1", "100", tif=TimeInForce.IOC)
    assert (order.status, order.filled_size) == (OrderStatus.CANCELLED, D(0))
    assert exchange.balance("COIN") == (D(10), D(0))


def test_fill_or_kill_fills_whole(exchange: Exchange) -> None:
    order = exchange.limit(BUY, "5", "101", tif=TimeInForce.FOK)
    assert (order.status, order.filled_size) == (OrderStatus.FILLED, D(5))


def test_fill_or_kill_kills_when_an_increment_is_missing(exchange: Exchange) -> None:
    order = exchange.limit(BUY, "5.001", "101", tif=TimeInForce.FOK)
    assert (order.status, order.filled_size) == (OrderStatus.CANCELLED, D(0))
    assert not exchange.sim.fills()
    assert exchange.sim.book("COIN-USD")[1] == THREE_ASKS
    assert exchange.balance("USD") == (D(10_000), D(0))


def test_a_limit_order_takes_then_rests_and_releases_what_it_does_not_need(exchange: Exchange) -> None:
    """It held 4 x 100.5 x 1.01 = 406.02. 2 filled for 203.01; the other 2 need 203.01."""
    order = exchange.limit(BUY, "4", "100.5")
    assert (order.status, order.filled_size, order.hold) == (OrderStatus.OPEN, D(2), D("203.01"))
    assert exchange.balance("USD") == (D("9593.98"), D("203.01"))


def test_a_resting_rest_keeps_no_more_than_it_needs(exchange: Exchange) -> None:
    """6 at 101 hold 612.06. Taken: 2 x 100.5 and 3 x 101 = 504, fee 5.04. The last 1 needs 102.01; 1.01 comes back.
    A print of half of it as maker costs 50.5 + 0.2525; the other half needs 51.005, so 0.2525 comes back."""
    order = exchange.limit(BUY, "6", "101")
    assert exchange.balance("USD") == (D("9388.95"), D("102.01"))
    exchange.tick("101", size="0.5")
    assert exchange.now_of(order).hold == D("51.005")
    assert exchange.balance("USD") == (D("9389.2025"), D("51.005"))


def test_price_improvement_is_released_at_once(exchange: Exchange) -> None:
    """6 at 101.5 hold 615.09. Taken: 2 x 100.5, 3 x 101, 1 x 101.5 = 605.5, fee 6.055."""
    order = exchange.limit(BUY, "6", "101.5")
    assert (order.status, order.filled_value) == (OrderStatus.FILLED, D("605.5"))
    assert exchange.balance("USD") == (D("9388.445"), D(0))


def test_a_resting_buy_holds_the_taker_fee_and_fills_with_the_makers(exchange: Exchange) -> None:
    """Held: 2 x 98 x 1.01 = 197.96. Paid: 196 and 0.98 of fee; 0.98 of the hold comes back."""
    order = exchange.limit(BUY, "2", "98")
    assert exchange.balance("USD") == (D("9802.04"), D("197.96"))
    exchange.tick("97.5")
    (fill,) = exchange.fills_of(order)
    assert (fill.price, fill.size, fill.commission, fill.is_maker) == (D(98), D(2), D("0.98"), True)
    assert exchange.now_of(order).status is OrderStatus.FILLED
    assert exchange.balance("USD") == (D("9803.02"), D(0))


def test_a_resting_sell_holds_its_base(exchange: Exchange) -> None:
    """3 x 102 = 306 less 1.53 of fee."""
    order = exchange.limit(SELL, "3", "102")
    assert exchange.balance("COIN") == (D(7), D(3))
    exchange.tick("102.5")
    assert exchange.now_of(order).status is OrderStatus.FILLED
    assert exchange.balance("COIN") == (D(7), D(0))
    assert exchange.balance("USD") == (D("10304.47"), D(0))


def test_cancel_releases_the_hold(exchange: Exchange) -> None:
    order = exchange.limit(BUY, "2", "98")
    cancelled = exchange.sim.cancel(order.order_id)
    assert (cancelled.status, cancelled.hold) == (OrderStatus.CANCELLED, D(0))
    assert cancelled.cancel_message
    assert exchange.balance("USD") == (D(10_000), D(0))
    exchange.tick("90")
    assert exchange.fills_of(order) == []


def test_cancel_of_a_partly_filled_order_keeps_what_was_filled(exchange: Exchange) -> None:
    order = exchange.limit(BUY, "4", "100.5")
    cancelled = exchange.sim.cancel(order.order_id)
    assert (cancelled.status, cancelled.filled_size, cancelled.total_fees) == (OrderStatus.CANCELLED, D(2), D("2.01"))
    assert exchange.balance("USD") == (D("9796.99"), D(0))


def test_an_unknown_order_cannot_be_cancelled(exchange: Exchange) -> None:
    with pytest.raises(OrderRejected) as caught:
        exchange.sim.cancel("nothing")
    assert caught.value.reason == "UNKNOWN_CANCEL_ORDER"


def test_a_filled_order_cannot_be_cancelled(exchange: Exchange) -> None:
    order = exchange.market_order(BUY, base="1")
    with pytest.raises(OrderRejected) as caught:
        exchange.sim.cancel(order.order_id)
    assert caught.value.reason == "ORDER_IS_FULLY_FILLED"


def test_a_cancelled_order_cannot_be_cancelled_again(exchange: Exchange) -> None:
    order = exchange.limit(BUY, "1", "98")
    exchange.sim.cancel(order.order_id)
    with pytest.raises(OrderRejected) as caught:
        exchange.sim.cancel(order.order_id)
    assert caught.value.reason == "DUPLICATE_CANCEL_REQUEST"


def test_a_known_client_order_id_returns_the_order_that_exists(exchange: Exchange) -> None:
    """coinbase.md §10: even with another body, and after the end, no second order appears."""
    first = exchange.limit(BUY, "1", "98", client_order_id="same")
    events = len(exchange.events)
    again = exchange.limit(SELL, "2", "120", client_order_id="same")
    assert again == first
    assert len(exchange.sim.orders()) == 1
    assert len(exchange.events) == events
    exchange.sim.cancel(first.order_id)
    assert exchange.limit(BUY, "1", "98", client_order_id="same").status is OrderStatus.CANCELLED


def test_a_refused_client_order_id_may_be_used_again(exchange: Exchange) -> None:
    with pytest.raises(OrderRejected):
        exchange.limit(BUY, "1000", "98", client_order_id="again")
    assert exchange.limit(BUY, "1", "98", client_order_id="again").status is OrderStatus.OPEN


def test_price_protection_stops_a_market_order_at_two_percent() -> None:
    """Middle 100, bound 102: the level at 102 trades, the one at 102.5 does not."""
    exchange = Exchange()
    exchange.tick("100", asks=levels(("100.5", "1"), ("102", "1"), ("102.5", "9")))
    order = exchange.market_order(BUY, base="5")
    assert (order.status, order.filled_size) == (OrderStatus.CANCELLED, D(2))
    assert "Price protection" in order.cancel_message


def test_price_protection_stops_a_market_sell_below_the_middle() -> None:
    """Middle 100, bound 98."""
    exchange = Exchange()
    exchange.tick("100", bids=levels(("99.5", "1"), ("98", "1"), ("97.5", "9")))
    order = exchange.market_order(SELL, base="5")
    assert (order.status, order.filled_size) == (OrderStatus.CANCELLED, D(2))


def test_price_protection_cancels_the_rest_of_a_limit_taker() -> None:
    """At rest at 110 it would trade at the very price it was kept from."""
    exchange = Exchange()
    exchange.tick("100", asks=levels(("100.5", "1"), ("105", "9")))
    order = exchange.limit(BUY, "5", "110")
    assert (order.status, order.filled_size) == (OrderStatus.CANCELLED, D(1))
    assert exchange.balance("USD")[1] == 0


def test_price_protection_cancels_the_rest_also_when_it_emptied_the_ladder() -> None:
    """Nobody offers anything any more, and still nothing may rest 10 % above the market."""
    exchange = Exchange()
    exchange.tick("100", asks=levels(("100.5", "1")))
    order = exchange.limit(BUY, "5", "110")
    assert (order.status, order.filled_size) == (OrderStatus.CANCELLED, D(1))


def test_price_protection_cancels_a_limit_taker_that_could_take_nothing() -> None:
    """Bids 97, asks 103, middle 100: a buy up to 110 would begin at 103, beyond the bound of 102."""
    exchange = Exchange()
    exchange.tick("100", bids=levels(("97", "1")), asks=levels(("103", "9")))
    order = exchange.limit(BUY, "5", "110")
    assert (order.status, order.filled_size) == (OrderStatus.CANCELLED, D(0))


def test_a_limit_order_inside_a_wide_spread_rests_although_beyond_the_bound() -> None:
    exchange = Exchange()
    exchange.tick("100", bids=levels(("97", "1")), asks=levels(("103", "9")))
    assert exchange.limit(BUY, "1", "102.5").status is OrderStatus.OPEN


def test_a_limit_order_within_the_bound_rests_when_the_ladder_ends() -> None:
    exchange = Exchange()
    exchange.tick("100", asks=levels(("100.5", "1")))
    order = exchange.limit(BUY, "2", "102")
    assert (order.status, order.filled_size) == (OrderStatus.OPEN, D(1))


def test_price_protection_is_measured_from_the_tick_not_from_the_consumed_ladder() -> None:
    """After the asks at 100.5 are gone the middle stays 100, so 102.5 stays out of reach."""
    exchange = Exchange()
    exchange.tick("100", asks=levels(("100.5", "1"), ("102.5", "9")))
    exchange.market_order(BUY, base="1")
    assert exchange.market_order(BUY, base="1").filled_size == 0


def test_a_limit_order_may_rest_before_the_first_tick() -> None:
    exchange = Exchange()
    order = exchange.limit(BUY, "1", "98")
    exchange.tick("97")
    assert exchange.now_of(order).status is OrderStatus.FILLED


def test_an_order_is_announced_pending_and_then_with_each_change(exchange: Exchange) -> None:
    order = exchange.limit(BUY, "3", "101", tif=TimeInForce.IOC)
    states = [(change.status, change.filled_size) for change in exchange.changes_of(order)]
    assert states == [(OrderStatus.PENDING, D(0)), (OrderStatus.OPEN, D(2)), (OrderStatus.FILLED, D(3))]


def test_a_resting_order_is_announced_open(exchange: Exchange) -> None:
    order = exchange.limit(BUY, "1", "98")
    assert [change.status for change in exchange.changes_of(order)] == [OrderStatus.PENDING, OrderStatus.OPEN]


def test_each_fill_prints_a_public_trade_with_the_makers_side(exchange: Exchange) -> None:
    order = exchange.market_order(BUY, base="1")
    trade = exchange.sim.trades("COIN-USD", 1)[0]
    (fill,) = exchange.fills_of(order)
    assert trade == TradePrinted(fill.trade_id, "COIN-USD", D("100.5"), D(1), SELL, exchange.sim.now)


def test_an_order_in_hand_does_not_change_behind_the_callers_back(exchange: Exchange) -> None:
    order = exchange.limit(BUY, "1", "98")
    exchange.sim.cancel(order.order_id)
    assert order.status is OrderStatus.OPEN


def test_the_own_resting_orders_do_not_trade_with_each_other(exchange: Exchange) -> None:
    exchange.limit(SELL, "1", "100")
    order = exchange.limit(BUY, "1", "100")
    assert (order.status, order.filled_size) == (OrderStatus.OPEN, D(0))


def test_amounts_of_eighteen_digits_stay_exact() -> None:
    """42 789.654321 is off every usual grid; with its own increment nothing is rounded on the way."""
    spec = Exchange().spec
    fine = type(spec)(
        **{name: getattr(spec, name) for name in spec.__dataclass_fields__}
        | {"price_increment": D("0.000001"), "base_increment": D("0.00000001"), "base_min_size": D("0.00000001")}
    )
    exchange = Exchange(taker=D("0.0075"), spec=fine)
    exchange.tick("42789", bids=(), asks=levels(("42789.654321", "1")))
    order = exchange.market_order(BUY, base="0.00012345")
    assert order.filled_value == D("5.28238282592745")
    assert order.total_fees == D("0.039617871194455875")
    assert exchange.balance("USD") == (D("9994.677999302878094125"), D(0))


def test_the_tape_shows_what_others_traded_beside_the_own_fill(exchange: Exchange) -> None:
    """A print through the order's price is wholly others'; of a print at its price the own part is told apart."""
    exchange.tick("100")
    exchange.limit(BUY, "2", "99.5")
    exchange.tick("99", size="4")
    newest = exchange.sim.trades("COIN-USD", 2)
    assert [(trade.price, trade.size) for trade in newest] == [(D(99), D(4)), (D("99.5"), D(2))]
    exchange.limit(BUY, "2", "97")
    exchange.tick("97", size="3")
    newest = exchange.sim.trades("COIN-USD", 2)
    assert [(trade.price, trade.size) for trade in newest] == [(D(97), D(1)), (D(97), D(2))]
