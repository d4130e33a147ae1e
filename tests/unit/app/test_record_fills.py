"""Fills: each counts once, and an order is over only when all of its fills are in."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bottrader.adapters.memory.exchange import FillParts, MemoryExchange, StayOpen
from bottrader.domain.errors import InvariantBroken
from bottrader.domain.money import Size
from bottrader.domain.orders import Fill, OrderState, Side, VenueOrderId
from tests.fixtures.facts import BTC
from tests.fixtures.trading_house import FEES, House, price


class LaggingExchange(MemoryExchange):
    """Lists an order's fills later than its status."""

    shown = 0

    async def fills_of(self, venue_order_id: VenueOrderId) -> list[Fill]:
        return list(await super().fills_of(venue_order_id))[: self.shown]


async def lagging_house() -> tuple[House, LaggingExchange]:
    plain = House()
    exchange = LaggingExchange(plain.clock, plain.products, plain.balances, FEES)
    return await House(clock=plain.clock, given_exchange=exchange).open(), exchange


async def settle_all(house: House) -> None:
    for order in house.portfolio.open_orders():
        await house.settler.settle(order)


async def test_lagging_fills_keep_the_order_open_until_they_add_up() -> None:
    """F18, F19: the venue says filled, one of two fills is listed; the end is recorded with the second."""
    house, exchange = await lagging_house()
    exchange.script(FillParts((Size(Decimal("0.004")), Size(Decimal("0.006")))))
    await house.buy("0.01")
    assert [order.state for order in house.portfolio.open_orders()] == [OrderState.ACCEPTED]
    assert house.portfolio.position(BTC) is None

    exchange.shown = 1
    await settle_all(house)
    position = house.portfolio.position(BTC)
    assert position is not None
    assert position.size == Decimal("0.004")
    assert len(house.portfolio.open_orders()) == 1

    exchange.shown = 2
    await settle_all(house)
    position = house.portfolio.position(BTC)
    assert position is not None
    assert position.size == Decimal("0.01")
    assert house.portfolio.open_orders() == []


async def test_a_partly_filled_order_that_was_cancelled_counts_with_what_it_filled() -> None:
    """B200"""
    house = await House().open()
    house.exchange.script(FillParts((Size(Decimal("0.003")),)))
    await house.buy("0.01")
    position = house.portfolio.position(BTC)
    assert position is not None
    assert position.size == Decimal("0.003")
    assert [record.status for record in await house.store.trade_records()] == ["cancelled"]


async def test_an_order_that_ends_unfilled_leaves_no_position() -> None:
    """B200"""
    house = await House().open()
    house.exchange.script(FillParts(()))
    await house.buy("0.01")
    assert house.portfolio.open_orders() == []
    assert house.portfolio.position(BTC) is None


async def test_fills_of_an_open_order_do_not_end_it() -> None:
    house = await House().open()
    house.exchange.script(StayOpen())
    await house.buy("0.01")
    venue_order_id = house.portfolio.open_orders()[0].venue_order_id
    assert venue_order_id is not None
    house.exchange.fill(venue_order_id, Size(Decimal("0.004")), price("40000"))
    await settle_all(house)
    assert len(house.portfolio.open_orders()) == 1
    assert len(house.told("fill_recorded")) == 1


async def test_a_known_fill_changes_nothing() -> None:
    """B268"""
    house = await House().open()
    await house.buy("0.01")
    before = house.portfolio.position(BTC)
    fills = list(await house.exchange.fills_since(house.clock.now()))
    assert await house.recorder.record(fills) == []
    assert house.portfolio.position(BTC) == before
    assert len(house.told("fill_recorded")) == 1


async def test_a_known_trade_with_other_content_is_a_contradiction() -> None:
    house = await House().open()
    await house.buy("0.01")
    fill = (await house.exchange.fills_since(house.clock.now()))[0]
    with pytest.raises(InvariantBroken, match=fill.trade_id):
        await house.recorder.record([replace(fill, size=Size(Decimal("0.02")))])


async def test_a_sell_makes_allocations() -> None:
    """Bought for 403.20; 0.01 at 38,000 bring 380 - 3.04 = 376.96: a loss of 26.24."""
    house = await House().open()
    buy = await house.buy("0.01")
    assert await house.store.allocations() == []
    await house.see("38000")
    rows = await house.store.allocations()
    assert [(row.buy_order_id, row.size, row.pnl) for row in rows] == [
        (buy.client_order_id, Decimal("0.01"), Decimal("-26.24"))
    ]


async def test_a_buy_that_comes_to_light_late_changes_the_allocations_of_the_sells_after_it() -> None:
    """B203, F28: an older buy at 30,000 is found after the sale; the sale closes it instead of the younger one."""
    house = await House().open()
    house.exchange.script(StayOpen())
    older = await house.buy("0.01", "older")
    venue_order_id = house.portfolio.open_orders()[0].venue_order_id
    assert venue_order_id is not None
    fill = house.exchange.fill(venue_order_id, Size(Decimal("0.01")), price("30000"))
    house.pass_time(1)
    await house.buy("0.01", "younger")
    house.pass_time(1)
    await house.see("38000")
    assert await house.store.allocations() != []
    await settle_all(house)
    rows = await house.store.allocations()
    assert {row.buy_order_id for row in rows if row.buy_price == Decimal(30_000)} == {older.client_order_id}
    assert fill.side is Side.BUY
