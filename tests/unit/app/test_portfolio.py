"""The view that decisions read: every figure follows from the store's facts."""

from dataclasses import replace
from decimal import Decimal

from bottrader.adapters.memory.exchange import Lose, StayOpen
from bottrader.app.portfolio import Portfolio
from bottrader.domain.orders import ClientOrderId, OpenOrder, OrderState, Side, VenueOrderId
from tests.fixtures.facts import BTC, ETH
from tests.fixtures.trading_house import House, btc_entry, money


async def test_exposure_is_what_positions_cost_and_what_other_open_buys_may_cost() -> None:
    """403.20 held in BTC; on their way 50 to BTC and 70 to ETH, with fees of 0.8 % 50.40 and 70.56."""
    house = await House().open()
    await house.buy("0.01")
    for product_id, granted in ((BTC, "50"), (ETH, "70")):
        intent = replace(btc_entry(house, name=granted), product_id=product_id, granted_quote=money(granted))
        house.portfolio.note_order(OpenOrder(intent, OrderState.UNKNOWN, None, house.clock.now()))
    assert house.portfolio.exposure_quote(besides=BTC) == Decimal("473.76")
    assert house.portfolio.exposure_quote(besides=ETH) == Decimal("453.60")
    assert house.portfolio.open_buys_quote(BTC) == Decimal("50.40")
    assert house.portfolio.open_buys_quote() == Decimal("120.96")


async def test_an_order_is_known_by_either_id() -> None:
    house = await House().open()
    house.exchange.script(StayOpen())
    intent = await house.buy("0.01")
    (order,) = house.portfolio.open_orders(BTC)
    assert order.venue_order_id is not None
    assert house.portfolio.order_with(VenueOrderId("?"), intent.client_order_id) == order
    assert house.portfolio.order_with(order.venue_order_id, ClientOrderId("?")) == order
    assert house.portfolio.order_with(VenueOrderId("?"), ClientOrderId("?")) is None
    assert house.portfolio.open_orders(ETH) == []


async def test_unsettled_orders_are_told_by_product_and_side() -> None:
    house = await House().open()
    house.exchange.script(Lose(is_placed=False))
    await house.buy("0.01")
    assert house.portfolio.has_unsettled(BTC)
    assert house.portfolio.has_unsettled(BTC, Side.BUY)
    assert not house.portfolio.has_unsettled(BTC, Side.SELL)
    assert not house.portfolio.has_unsettled(ETH)


async def test_a_new_process_sees_what_the_old_one_saw() -> None:
    house = await House().open()
    await house.buy("0.01")
    house.exchange.script(Lose(is_placed=False))
    await house.buy("0.02", "lost")
    fresh = house.restarted().portfolio
    await fresh.load()
    assert fresh.positions() == house.portfolio.positions()
    assert fresh.open_orders() == house.portfolio.open_orders()


async def test_what_closed_trades_earned_is_known_fees_deducted() -> None:
    """0.01 BTC cost 403.20; sold at 38,000 they bring 380 less 3.04; ETH is only bought."""
    house = await House().open()
    await house.buy("0.01")
    await house.buy("0.1", "eth", ETH)
    assert house.portfolio.realized_pnl() == 0
    await house.see("38000")
    assert house.portfolio.realized_pnl() == Decimal("-26.24")


async def test_a_fill_of_a_product_that_is_not_traded_any_more_is_followed_all_the_same() -> None:
    house = await House().open()
    await house.buy("0.01")
    narrowed = Portfolio(house.store, [ETH])
    await narrowed.load()
    assert narrowed.position(BTC) is None
    await narrowed.take(BTC, [], house.clock.now())
    assert narrowed.position(BTC) == house.portfolio.position(BTC)
    assert narrowed.position(BTC) is not None
