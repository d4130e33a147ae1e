"""Lots followed fill by fill: the same rows as a run over everything, and nothing written that did not change."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from random import Random

import pytest

from bottrader.adapters.memory.store import MemoryStore
from bottrader.app.live_lots import ATTEMPTS_MAX, LiveLots
from bottrader.domain.errors import InvariantBroken, StoreUnreachable
from bottrader.domain.lots import Allocation, Execution, allocate
from bottrader.domain.market import ProductId
from bottrader.domain.money import Price, Size
from bottrader.domain.orders import Fill, Side
from bottrader.ports import AllocationRun, AllocationState
from tests.fixtures.facts import BTC, at, make_correction, make_reversal
from tests.fixtures.venue_trades import FilledOrder, drawn_orders

LATER = at(900_000)


class CountingStore(MemoryStore):
    """Counts how often all executions of a product are read."""

    full_reads = 0

    async def executions(self, product_id: ProductId | None = None) -> Sequence[Execution]:
        self.full_reads += 1
        return await super().executions(product_id)


class UnsureStore(MemoryStore):
    """Answers no write; `is_done` tells whether it happened all the same (F42)."""

    is_done: bool | None = None

    async def write_allocations(self, run: AllocationRun) -> AllocationState | None:
        if self.is_done is None:
            return await super().write_allocations(run)
        if self.is_done:
            await super().write_allocations(run)
        raise StoreUnreachable("the answer was lost")


class BusyStore(MemoryStore):
    """A store in which somebody else writes just before each run."""

    async def write_allocations(self, run: AllocationRun) -> AllocationState | None:
        await super().write_allocations(replace(run, expected=await self.allocation_state(BTC), position=0, rows=()))
        return await super().write_allocations(run)


async def book(store: MemoryStore, lots: LiveLots, *orders: FilledOrder) -> None:
    """Record these orders one after the other, each followed by the lots."""
    for order in orders:
        await order.announce(store)
        await take(store, lots, order.fills)


async def take(store: MemoryStore, lots: LiveLots, fills: Sequence[Fill]) -> None:
    await store.record_fills(fills)
    await lots.take(fills)
    await lots.save(LATER)


async def from_scratch(store: MemoryStore) -> list[Allocation]:
    return list(allocate(await store.executions(BTC)).allocations)


async def stored(store: MemoryStore) -> list[Allocation]:
    return list((await store.stored_allocations(BTC)).rows)


def sides(orders: Sequence[FilledOrder], side: Side) -> list[FilledOrder]:
    return [order for order in orders if order.intent.side is side]


async def test_a_fill_that_comes_last_adds_its_rows_and_changes_none() -> None:
    """B206, R8: every run begins where the one before ended; a buy writes nothing; nothing is read again."""
    store, orders = CountingStore(), drawn_orders(1, 30)
    lots = LiveLots(store, BTC)
    await book(store, lots, *orders)
    assert store.full_reads == 0
    assert await stored(store) == await from_scratch(store) != []
    assert len(store.runs) == len(sides(orders, Side.SELL))
    assert [run.position for run in store.runs] == [0, *(run.position + len(run.rows) for run in store.runs[:-1])]
    assert {run.mode for run in store.runs} == {"incremental"}
    assert store.runs[-1].executions_count == len(await store.executions(BTC))


@pytest.mark.parametrize("seed", range(8))
async def test_any_order_of_arrival_gives_the_rows_of_a_full_run(seed: int) -> None:
    """B203, B205, F21, F28, E3: what comes late changes no row of a sell before it."""
    store, orders = MemoryStore(), drawn_orders(seed, 12)
    lots = LiveLots(store, BTC)
    Random(seed).shuffle(orders)
    for order in orders:
        before = await stored(store)
        first_trade = min(fill.traded_at for fill in order.fills)
        await book(store, lots, order)
        rows = await stored(store)
        assert rows == await from_scratch(store)
        kept = [row for row in before if row.sell_time < first_trade]
        assert rows[: len(kept)] == kept
    assert lots.book.open_lots == allocate(await store.executions(BTC)).open_lots


async def test_a_late_fill_writes_from_the_first_row_that_changes() -> None:
    """P9 by hand: two sells of 1 unit close two buys; a buy dated between the sells changes nothing, one dated before
    the second buy gives the second sell another lot, and the first sell keeps its row."""
    store = MemoryStore()
    lots = LiveLots(store, BTC)
    template = drawn_orders(1, 1)[0]

    def order(name: int, side: Side, seconds: float, price: str) -> FilledOrder:
        (fill,) = replace(template, fills=template.fills[:1]).fills
        venue_order_id = fill.venue_order_id.__class__(f"v-{name}")
        fill = replace(
            fill,
            trade_id=str(name),
            venue_order_id=venue_order_id,
            side=side,
            size=Size(Decimal(1)),
            price=Price(Decimal(price)),
            traded_at=at(seconds),
        )
        other = drawn_orders(name, 1)[0].intent
        return FilledOrder(replace(other, side=side), venue_order_id, (fill,))

    await book(
        store,
        lots,
        order(10, Side.BUY, 0, "100"),
        order(11, Side.BUY, 20, "110"),
        order(12, Side.SELL, 30, "120"),
        order(13, Side.SELL, 40, "130"),
    )
    assert len(store.runs) == 2
    await book(store, lots, order(14, Side.BUY, 35, "90"))
    assert len(store.runs) == 2
    await book(store, lots, order(15, Side.BUY, 10, "105"))
    (late,) = store.runs[2:]
    assert (late.position, late.mode) == (1, "symbol")
    assert [row.buy_price for row in late.rows] == [105]
    assert [row.buy_price for row in await stored(store)] == [100, 105]


@pytest.mark.parametrize("is_corrected", [False, True])
async def test_what_the_exchange_took_back_or_corrected_is_matched_anew(is_corrected: bool) -> None:
    """F29"""
    store, orders = MemoryStore(), drawn_orders(2, 14)
    lots = LiveLots(store, BTC)
    await book(store, lots, *orders)
    before, runs = await stored(store), len(store.runs)
    amended = sides(orders, Side.BUY)[0].fills[0]
    rows = [make_reversal(amended, seconds=800_000)]
    if is_corrected:
        rows.append(make_correction(amended, "1.5", "0.2", seconds=800_001))
    await take(store, lots, rows)
    assert await stored(store) == await from_scratch(store) != before
    assert len(store.runs) == runs + 1


async def test_nothing_new_writes_nothing() -> None:
    """B206, B277, R86: the same fills again, a restart, and a reconciliation."""
    store, orders = MemoryStore(), drawn_orders(3, 14)
    lots = LiveLots(store, BTC)
    await book(store, lots, *orders)
    runs = len(store.runs)
    await book(store, lots, *orders)
    await lots.reload()
    await lots.save(LATER)
    restarted = LiveLots(store, BTC)
    await restarted.reload()
    await restarted.save(LATER)
    assert len(store.runs) == runs
    assert (restarted.allocations, restarted.realized) == (lots.allocations, lots.realized)


async def test_fills_that_turn_out_to_be_ours_later_count_from_then_on() -> None:
    store, (order, *others) = MemoryStore(), sides(drawn_orders(4, 30), Side.SELL)
    lots = LiveLots(store, BTC)
    await store.record_intent(order.intent, 0, None)
    await take(store, lots, order.fills)
    assert (store.runs, lots.filled) == ([], {})
    await order.attribute(store)
    await take(store, lots, order.fills)
    assert await stored(store) == await from_scratch(store) != []
    assert lots.filled == {order.intent.client_order_id: order.intent.size_base}
    await book(store, lots, *others)
    assert await stored(store) == await from_scratch(store)


async def test_rows_that_somebody_else_changed_are_noticed_and_put_right() -> None:
    """A run of another process, here one that left a row out, is found by the next run of ours."""
    store, orders = MemoryStore(), drawn_orders(5, 24)
    lots = LiveLots(store, BTC)
    await book(store, lots, *orders[:-6])
    rows = await stored(store)
    await store.replace_allocations(BTC, [*rows[:2], *rows[3:]], LATER)
    await book(store, lots, *orders[-6:])
    await lots.reload()
    await lots.save(LATER)
    assert await stored(store) == await from_scratch(store)
    repair = next(run for run in store.runs if run.mode == "symbol" and run.position > 0)
    assert repair.position == 2


@pytest.mark.parametrize("is_done", [False, True])
async def test_after_a_lost_answer_the_store_is_asked_what_it_holds(is_done: bool) -> None:
    """F42, F41: what was written is not written again, what was not is."""
    store, orders = UnsureStore(), drawn_orders(6, 20)
    lots = LiveLots(store, BTC)
    await book(store, lots, *orders[:-1])
    sell = replace(orders[-1])
    store.is_done = is_done
    await sell.announce(store)
    expected_runs = len(store.runs)
    if sell.intent.side is Side.SELL:
        with pytest.raises(StoreUnreachable, match="lost"):
            await take(store, lots, sell.fills)
        expected_runs += 1
    else:
        await take(store, lots, sell.fills)
    store.is_done = None
    await lots.save(LATER)
    assert await stored(store) == await from_scratch(store)
    assert len(store.runs) == expected_runs


async def test_rows_that_others_change_all_the_time_are_given_up_on() -> None:
    store, orders = BusyStore(), drawn_orders(7, 20)
    lots = LiveLots(store, BTC)
    sell = sides(orders, Side.SELL)[0]
    with pytest.raises(StoreUnreachable, match=f"{ATTEMPTS_MAX} times in a row"):
        await book(store, lots, sell)


async def test_a_refused_run_is_raised_and_the_next_one_compares_again() -> None:
    """R81"""

    class RefusingStore(MemoryStore):
        is_refusing = True

        async def write_allocations(self, run: AllocationRun) -> AllocationState | None:
            if self.is_refusing:
                raise InvariantBroken("a check of the database")
            return await super().write_allocations(run)

    store, sell = RefusingStore(), sides(drawn_orders(8, 20), Side.SELL)[0]
    lots = LiveLots(store, BTC)
    with pytest.raises(InvariantBroken):
        await book(store, lots, sell)
    assert await stored(store) == []
    store.is_refusing = False
    await lots.save(LATER)
    assert await stored(store) == await from_scratch(store) != []


async def test_the_entry_price_follows_the_open_lots() -> None:
    store, orders = MemoryStore(), sides(drawn_orders(9, 10), Side.BUY)
    lots = LiveLots(store, BTC)
    assert lots.entry_price is None
    await book(store, lots, orders[0])
    first = lots.entry_price
    assert first == lots.book.entry_price == lots.entry_price
    await book(store, lots, orders[1])
    assert lots.entry_price == lots.book.entry_price != first
