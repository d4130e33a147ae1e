"""Fills: each counts once, and an order is over only when all of its fills are in."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bottrader.adapters.memory.exchange import FillParts, MemoryExchange, StayOpen
from bottrader.app.reconcile import exchange_books, our_books
from bottrader.domain.errors import InvariantBroken
from bottrader.domain.money import Size
from bottrader.domain.orders import Fill, FillKind, OrderState, Side, VenueOrder, VenueOrderId
from bottrader.domain.reconciliation import compare_books
from tests.fixtures.facts import BTC, NOON
from tests.fixtures.trading_house import FEES, House, money, price, unlocked

pytestmark = pytest.mark.component("trade_recorder")


class LaggingExchange(MemoryExchange):
    """Lists an order's fills later than its status."""

    shown = 0

    async def fills_of(self, venue_order_id: VenueOrderId) -> list[Fill]:
        return list(await super().fills_of(venue_order_id))[: self.shown]


class AmendingExchange(MemoryExchange):
    """May take what was reversed off the order's own total."""

    is_amending = False

    async def get_order(self, venue_order_id: VenueOrderId) -> VenueOrder | None:
        order = await super().get_order(venue_order_id)
        if order is None or not self.is_amending:
            return order
        fills = await self.fills_of(venue_order_id)
        taken_back = sum((fill.size for fill in fills if fill.kind is FillKind.REVERSAL), Decimal(0))
        return replace(order, filled_size=Size(order.filled_size - taken_back))


async def amending_house() -> tuple[House, AmendingExchange]:
    plain = House()
    exchange = AmendingExchange(plain.clock, plain.products, plain.balances, FEES)
    return await House(clock=plain.clock, given_exchange=exchange).open(), exchange


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
    """B200, R81"""
    house = await House().open()
    house.exchange.script(FillParts((Size(Decimal("0.003")),)))
    await house.buy("0.01")
    position = house.portfolio.position(BTC)
    assert position is not None
    assert position.size == Decimal("0.003")
    assert [record.status for record in await house.store.trade_records()] == ["cancelled"]


async def test_an_order_that_ends_unfilled_leaves_no_position() -> None:
    """B200, R81"""
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


async def test_a_late_look_at_an_order_that_is_over_does_not_open_it_again() -> None:
    """B200: it was asked for before its end was known, and the answer says nothing of it."""
    house = await House().open()
    house.exchange.script(StayOpen())
    await house.buy("0.01")
    (order,) = house.portfolio.open_orders()
    assert order.venue_order_id is not None
    house.exchange.end(order.venue_order_id, OrderState.CANCELLED)
    await settle_all(house)
    assert house.portfolio.open_orders() == []
    house.exchange.hidden_lookups = 1
    await house.recorder.settle(order, order.venue_order_id)
    assert house.portfolio.open_orders() == []


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


async def traded() -> tuple[House, Fill, Fill]:
    """Return a house that bought 0.01 at 40,000 (403.20) and was stopped out at 38,000 (376.96), with both fills."""
    house = await House().open()
    await house.buy("0.01")
    house.pass_time(1)
    await house.see("38000")
    buy, sell = await house.exchange.fills_since(NOON)
    house.pass_time(60)
    return house, buy, sell


async def in_step(house: House) -> None:
    """Take in what the exchange amended; afterwards the books are equal, and a restart finds nothing to change."""
    assert (await house.reconciler.run(unlocked)).differences == ()
    before = await ledger(house)
    again = house.restarted()
    assert (await again.reconciler.start(unlocked)).differences == ()
    assert await ledger(again) == before
    assert again.told("fill_amended") == []


async def ledger(house: House) -> tuple[object, ...]:
    store = house.store
    return (
        await store.executions(),
        await store.allocations(),
        await store.trade_records(),
        house.portfolio.position(BTC),
        house.portfolio.realized_pnl(),
    )


async def test_a_buy_that_is_taken_back_is_held_no_more() -> None:
    """F29, E2: nothing is left to protect, and nothing is sold."""
    house = await House().open()
    await house.buy("0.01")
    (fill,) = await house.exchange.fills_since(NOON)
    house.pass_time(60)
    house.exchange.reverse(fill.trade_id)
    await in_step(house)
    assert house.portfolio.position(BTC) is None
    assert [told.fields["kind"] for told in house.told("fill_amended")] == [FillKind.REVERSAL]
    await house.see("30000")
    assert house.sells == []


async def test_a_corrected_buy_changes_what_its_sale_earned() -> None:
    """F29, E6: at 39,000 with a fee of 3.12 it cost 393.12, so the sale for 376.96 lost 16.16 and not 26.24."""
    house, buy, _ = await traded()
    assert house.portfolio.realized_pnl() == Decimal("-26.24")
    house.exchange.correct(buy.trade_id, price("39000"), money("3.12"))
    await in_step(house)
    assert house.portfolio.realized_pnl() == Decimal("-16.16")
    assert [(row.cost_basis, row.pnl) for row in await house.store.allocations()] == [
        (Decimal("393.12"), Decimal("-16.16"))
    ]
    assert house.portfolio.position(BTC) is None


async def test_a_corrected_fee_changes_cash_and_cost() -> None:
    """F29: 0.01 at 40,000 with a fee of 2.00 cost 402.00 a position that is still open."""
    house = await House().open()
    await house.buy("0.01")
    (fill,) = await house.exchange.fills_since(NOON)
    house.pass_time(60)
    house.exchange.correct(fill.trade_id, price("40000"), money("2.00"))
    await in_step(house)
    position = house.portfolio.position(BTC)
    assert position is not None
    assert (position.size, position.cost) == (Decimal("0.01"), Decimal("402.00"))
    assert (await our_books(house.store)).fees == Decimal("2.00")
    assert (await our_books(house.store)).cash == {"USD": Decimal("9598.00")}


async def test_a_sale_that_is_taken_back_leaves_its_coins_to_be_sold_again() -> None:
    """F29: the last allocation goes too, and the next exit has an id of its own."""
    house, _, sell = await traded()
    house.exchange.reverse(sell.trade_id)
    await in_step(house)
    assert await house.store.allocations() == []
    assert house.portfolio.realized_pnl() == 0
    position = house.portfolio.position(BTC)
    assert position is not None
    assert (position.size, position.cost) == (Decimal("0.01"), Decimal("403.20"))
    await house.see("38000")
    assert len({intent.client_order_id for intent in house.sells}) == 2
    assert house.portfolio.position(BTC) is None


async def test_a_buy_that_is_taken_back_after_its_sale_leaves_an_unmatched_sell() -> None:
    """F29, R5: proceeds without basis or P&L, to be looked at by a person."""
    house, buy, sell = await traded()
    # The exchange takes 0.01 BTC back that are sold already, so it lends them.
    house.exchange.take("BTC", Decimal("-0.01"))
    house.exchange.reverse(buy.trade_id)
    await house.reconciler.run(unlocked)
    (row,) = await house.store.allocations()
    assert (row.buy_order_id, row.net_proceeds, row.pnl) == (None, Decimal("376.96"), None)
    (item,) = await house.store.review_items()
    assert item.subject.partition("/")[2] == sell.trade_id
    assert house.portfolio.position(BTC) is None
    assert house.portfolio.realized_pnl() == 0


async def test_an_ended_order_stays_what_it_was_with_the_totals_that_stand() -> None:
    """F29: an end is not undone, and no second one is recorded."""
    house, buy, sell = await traded()
    house.exchange.correct(buy.trade_id, price("39000"), money("3.12"))
    house.exchange.reverse(sell.trade_id)
    await in_step(house)
    first, second = await house.store.trade_records()
    assert (first.status, first.filled_size, first.filled_value, first.fees) == (
        "filled",
        Decimal("0.01"),
        Decimal(390),
        Decimal("3.12"),
    )
    assert (second.status, second.filled_size + second.filled_value + second.fees) == ("filled", Decimal(0))
    assert len(house.told("order_ended")) == 2


@pytest.mark.parametrize("venue_amends_totals", [False, True])
async def test_an_order_ends_although_a_fill_of_it_was_taken_back(venue_amends_totals: bool) -> None:
    """F29: whether the venue's total is the executed 0.004 + 0.006 or the 0.006 that stands, every fill is in."""
    house, exchange = await amending_house()
    exchange.script(StayOpen())
    await house.buy("0.01")
    (order,) = house.portfolio.open_orders()
    assert order.venue_order_id is not None
    first = exchange.fill(order.venue_order_id, Size(Decimal("0.004")), price("40000"))
    exchange.fill(order.venue_order_id, Size(Decimal("0.006")), price("40000"))
    exchange.reverse(first.trade_id)
    exchange.is_amending = venue_amends_totals
    await settle_all(house)
    assert house.portfolio.open_orders() == []
    position = house.portfolio.position(BTC)
    assert position is not None
    assert position.size == Decimal("0.006")


async def test_an_order_stays_open_while_a_fill_is_missing_beside_an_amendment() -> None:
    """F19, F29: 0.004 are listed and taken back, and the 0.006 that were filled too are not listed yet."""
    house, exchange = await lagging_house()
    exchange.script(StayOpen())
    await house.buy("0.01")
    (order,) = house.portfolio.open_orders()
    assert order.venue_order_id is not None
    first = exchange.fill(order.venue_order_id, Size(Decimal("0.004")), price("40000"))
    exchange.reverse(first.trade_id)
    exchange.fill(order.venue_order_id, Size(Decimal("0.006")), price("40000"))
    exchange.shown = 2
    await settle_all(house)
    assert len(house.portfolio.open_orders()) == 1
    exchange.shown = 3
    await settle_all(house)
    assert house.portfolio.open_orders() == []


async def test_an_amendment_that_fits_nothing_is_told_by_the_books() -> None:
    """F29, E2: the exchange moved 403.20 USD and 0.01 BTC; the row says other terms, so nothing is guessed."""
    house = await House().open()
    await house.buy("0.01")
    (fill,) = await house.exchange.fills_since(NOON)
    house.exchange.reverse(fill.trade_id)
    listed = [replace(row, fee=money("1")) for row in await house.exchange.fills_since(NOON) if row != fill]
    await house.recorder.record(listed)
    assert house.portfolio.position(BTC) is not None
    ours = await our_books(house.store)
    differences = compare_books(ours, exchange_books(await house.exchange.balances(), ours))
    assert [(found.what, found.ours, found.theirs) for found in differences] == [
        ("cash USD", Decimal("9596.80"), Decimal(10_000)),
        ("holding BTC", Decimal("0.01"), Decimal(0)),
    ]


async def test_allocations_follow_an_amendment_as_soon_as_it_is_recorded() -> None:
    """F29: it is dated after every sale, and of the only sale it leaves no row at all."""
    house, _, sell = await traded()
    row = house.exchange.reverse(sell.trade_id)
    assert await house.recorder.record([row]) == [row]
    assert await house.store.allocations() == []
