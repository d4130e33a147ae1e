"""Lots followed fill by fill on a real database: the bytes of a rebuild, and no row touched that did not change."""

import asyncio
from collections.abc import Sequence
from random import Random

import pytest

from bottrader.adapters.postgres.connection import Connection
from bottrader.adapters.postgres.store import PostgresStore
from bottrader.app.live_lots import LiveLots
from bottrader.domain.errors import InvariantBroken
from bottrader.domain.lots import LotMethod, allocate
from bottrader.ports import AllocationRun
from tests.fixtures.facts import BTC, ETH, at, make_allocation, make_reversal
from tests.fixtures.venue_trades import FilledOrder, drawn_orders

LATER = at(900_000)
DUMP = """
    SELECT symbol, position, sell_order_id, buy_order_id, sell_execution_id, buy_execution_id, allocated_size::text,
        buy_price::text, sell_price::text, buy_fee::text, sell_fee::text, cost_basis_usd::text, proceeds_usd::text,
        net_proceeds_usd::text, pnl_usd::text, buy_time, sell_time, notes
    FROM fifo_allocations WHERE allocation_version = (SELECT allocation_version FROM allocation_pointer)
    ORDER BY symbol, position"""
WRITTEN = "SELECT position, xmin::text, ctid::text FROM fifo_allocations WHERE symbol = 'BTC-USD' ORDER BY position"


async def book(store: PostgresStore, lots: LiveLots, orders: Sequence[FilledOrder]) -> None:
    for order in orders:
        await order.announce(store)
        await store.record_fills(order.fills)
        await lots.take(order.fills)
        await lots.save(LATER)


async def dump(sql: Connection) -> list[tuple[object, ...]]:
    """Return the rows of the active version, amounts as they are spelled."""
    return [tuple(row.values()) for row in await sql.fetch(DUMP)]


async def rebuilt(store: PostgresStore, sql: Connection) -> list[tuple[object, ...]]:
    """Return what is there after the allocations were thrown away and made again."""
    await sql.execute("DELETE FROM fifo_allocations")
    fresh = LiveLots(store, BTC)
    await fresh.reload()
    await fresh.save(LATER)
    return await dump(sql)


@pytest.mark.parametrize("seed", range(3))
async def test_fill_by_fill_in_any_order_gives_the_bytes_of_a_rebuild(
    store: PostgresStore, sql: Connection, seed: int
) -> None:
    """B203, B206, B207, R7, R8, E3"""
    orders = drawn_orders(seed, 25)
    Random(seed).shuffle(orders)
    lots = LiveLots(store, BTC)
    await book(store, lots, orders)
    bought = next(fill for order in orders for fill in order.fills if fill.side.value == "buy")
    taken_back = [make_reversal(bought, seconds=800_000)]
    await store.record_fills(taken_back)
    await lots.take(taken_back)
    await lots.save(LATER)
    found = await dump(sql)
    assert found == await rebuilt(store, sql)
    assert found != []


async def test_a_new_fill_touches_no_row_that_is_there(store: PostgresStore, sql: Connection) -> None:
    """R8: rows of earlier sells stay the very same rows, and the log tells what was added."""
    orders = drawn_orders(1, 20)
    lots = LiveLots(store, BTC)
    await book(store, lots, orders[:-3])
    before = await sql.fetch(WRITTEN)
    await book(store, lots, orders[-3:])
    assert (await sql.fetch(WRITTEN))[: len(before)] == before
    log = await sql.fetch("SELECT mode, status, allocations, executions FROM fifo_computation_log ORDER BY batch_id")
    assert {row["mode"] for row in log} == {"incremental"}
    assert sum(row["allocations"] for row in log) == len(await dump(sql))
    assert log[-1]["executions"] <= len(await store.executions(BTC))


async def test_another_version_is_noticed_and_its_method_followed(store: PostgresStore, sql: Connection) -> None:
    """B211: the pointer is moved by another process to a version of another method."""
    orders = drawn_orders(2, 30)
    lots = LiveLots(store, BTC)
    await book(store, lots, orders[:20])
    by_fifo = await dump(sql)
    await sql.execute("INSERT INTO allocation_versions VALUES (2, 'lifo', 'complete')")
    await sql.execute("UPDATE allocation_pointer SET allocation_version = 2")
    await book(store, lots, orders[20:])
    await lots.reload()
    await lots.save(LATER)
    expected = allocate(await store.executions(BTC), LotMethod.LIFO)
    assert (await store.stored_allocations(BTC)).rows == list(expected.allocations)
    assert lots.book.open_lots == expected.open_lots
    await sql.execute("UPDATE allocation_pointer SET allocation_version = 1")
    assert await dump(sql) == by_fifo


async def test_a_run_over_all_products_is_another_run(store: PostgresStore, sql: Connection) -> None:
    """What a rebuild wrote to the active version under another process is read before anything is added."""
    before = await store.allocation_state(BTC)
    await sql.execute(
        """INSERT INTO fifo_computation_log (allocation_version, mode, status, computed_at, allocations, unmatched)
           VALUES (1, 'full', 'completed', now(), 0, 0)"""
    )
    assert await store.allocation_state(BTC) != before
    assert await store.write_allocations(AllocationRun(BTC, before, 0, [make_allocation()], 1, LATER)) is None


async def test_rows_removed_by_hand_are_put_back(store: PostgresStore, sql: Connection) -> None:
    """B207: one from the middle, so that the rows after it have no place to be in."""
    lots = LiveLots(store, BTC)
    await book(store, lots, drawn_orders(3, 20))
    before = await dump(sql)
    await sql.execute("DELETE FROM fifo_allocations WHERE position = 3")
    assert len((await store.stored_allocations(BTC)).rows) == 3
    restarted = LiveLots(store, BTC)
    await restarted.reload()
    await restarted.save(LATER)
    assert await dump(sql) == before


async def test_a_run_that_fails_midway_leaves_its_log_and_changes_nothing(
    store: PostgresStore, sql: Connection
) -> None:
    """B210, R81: a row is refused by the database in the middle of a suffix that was removed already."""
    lots = LiveLots(store, BTC)
    await book(store, lots, drawn_orders(4, 15))
    before, state = await dump(sql), await store.allocation_state(BTC)
    rows = [*(await store.stored_allocations(BTC)).rows[1:], make_allocation("other", product_id=ETH)]
    with pytest.raises(InvariantBroken, match="another product"):
        await store.write_allocations(AllocationRun(BTC, state, 1, rows, 9, LATER))
    assert await dump(sql) == before
    assert await store.allocation_state(BTC) == state
    log = await sql.fetch("SELECT status, error FROM fifo_computation_log ORDER BY batch_id")
    assert [row["status"] for row in log[-2:]] == ["completed", "failed"]
    assert "another product" in log[-1]["error"]


async def test_two_processes_that_follow_the_same_product_end_with_one_set_of_rows(
    store: PostgresStore, sql: Connection
) -> None:
    """F33: both write after each fill; whoever comes second looks at what is there."""
    one, two = LiveLots(store, BTC), LiveLots(store, BTC)
    for order in drawn_orders(5, 20):
        await order.announce(store)
        await store.record_fills(order.fills)
        await asyncio.gather(_follow(one, order), _follow(two, order))
    assert (await store.stored_allocations(BTC)).rows == list(allocate(await store.executions(BTC)).allocations)
    sells = await sql.fetchval("SELECT count(DISTINCT sell_order_id) FROM fifo_allocations")
    assert await sql.fetchval("SELECT count(*) FROM fifo_computation_log") == sells


async def _follow(lots: LiveLots, order: FilledOrder) -> None:
    await lots.take(order.fills)
    await lots.save(LATER)
