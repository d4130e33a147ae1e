"""A rebuild among others: what readers see of it, what arrives meanwhile, and what is left when it breaks."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal

import pytest

from bottrader.adapters.postgres import version_store
from bottrader.adapters.postgres.bulk import plain
from bottrader.adapters.postgres.bulk.target import Outcome, Target
from bottrader.adapters.postgres.connection import Connection
from bottrader.adapters.postgres.store import PostgresStore, open_store
from bottrader.domain.errors import InvariantBroken, StoreUnreachable, VersionRefused
from bottrader.domain.lots import LotMethod, allocate
from bottrader.domain.market import ProductId
from bottrader.ports import AllocationRun, VersionStatus
from tests.fixtures.facts import BTC, ETH, at
from tests.fixtures.lock_sessions import END_ADVISORY_HOLDERS, IS_ONE_WAITING
from tests.fixtures.venue_trades import drawn_orders
from tests.fixtures.worked_trades import TWO_BUYS_AND_A_SELL, Worked, store_trades

LATE_SELL = Worked("9", "sell", "0.25", "130", "0.10", 3)
LOG = """SELECT allocation_version, symbol, mode, status, executions, allocations, unmatched, pnl_usd, error
    FROM fifo_computation_log ORDER BY batch_id"""


@pytest.fixture
def during(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Awaitable[object]]], None]:
    """Have something done once while the rows of a version are written aside, after the snapshot was taken."""

    def arrange(act: Callable[[], Awaitable[object]]) -> None:
        write = plain.write
        done = False

        async def write_and_act(
            connection: Connection, target: Target, products: Sequence[ProductId] | None = None
        ) -> dict[ProductId, Outcome]:
            nonlocal done
            written = await write(connection, target, products)
            if not done:
                done = True
                await act()
            return written

        monkeypatch.setattr(plain, "write", write_and_act)

    return arrange


async def test_readers_see_the_version_before_until_the_new_one_is_complete(
    store: PostgresStore, during: Callable[[Callable[[], Awaitable[object]]], None]
) -> None:
    """B193, B211: the rows of a version never change, and a reader during the run sees the old one whole."""
    await store_trades(store, TWO_BUYS_AND_A_SELL)
    await store.rebuild_allocations(LotMethod.FIFO, at(900))
    before = await store.allocations()
    seen = []

    async def read() -> None:
        seen.append((await store.active_version(), await store.allocations()))
        seen.append((await store.active_version(), (await store.snapshot()).allocations))

    during(read)
    await store.rebuild_allocations(LotMethod.LIFO, at(901))

    assert [(version.number, list(rows)) for version, rows in seen] == [(2, before), (2, before)]
    assert await store.allocations() != before


async def test_what_arrives_meanwhile_is_in_the_new_version(
    store: PostgresStore, sql: Connection, during: Callable[[Callable[[], Awaitable[object]]], None]
) -> None:
    """A sell that is recorded and allocated after the snapshot: 0.25 x 130 - 0.10 - (0.25 x 100 + 0.15) = 7.25."""
    await store_trades(store, TWO_BUYS_AND_A_SELL)
    await store_trades(store, [Worked("8", "buy", "1", "50", "0", 0, ETH).order()])

    async def trade() -> None:
        await store_trades(store, [LATE_SELL.order()])
        await store.replace_allocations(BTC, allocate(await store.executions(BTC)).allocations, at(950))

    during(trade)
    result = await store.rebuild_allocations(LotMethod.LIFO, at(900))

    assert await store.allocations() == list(allocate(await store.executions(), LotMethod.LIFO).allocations)
    assert (result.executions_count, result.allocations_count, result.pnl) == (5, 3, Decimal("25.21"))
    positions = await sql.fetch("SELECT position FROM fifo_allocations WHERE allocation_version = 2 ORDER BY 1")
    assert [row["position"] for row in positions] == [0, 1, 2]


async def test_a_run_that_waited_for_the_switch_writes_nothing_for_the_version_before(
    store: PostgresStore, sql: Connection
) -> None:
    """It had looked at the old version; it has to look again, at the new one."""
    await store_trades(store, TWO_BUYS_AND_A_SELL)
    await store.replace_allocations(BTC, allocate(await store.executions(BTC)).allocations, at(900))
    state = await store.allocation_state(BTC)
    rows = allocate(await store.executions(BTC)).allocations
    await sql.execute("INSERT INTO allocation_versions VALUES (2, 'lifo', 'building')")

    async with sql.transaction():
        await sql.execute("SELECT * FROM allocation_pointer FOR UPDATE")
        waiting = asyncio.create_task(store.write_allocations(AllocationRun(BTC, state, 0, rows, 3, at(901))))
        await _until_somebody_waits(sql)
        await sql.execute("UPDATE allocation_versions SET status = 'complete' WHERE allocation_version = 2")
        await sql.execute("UPDATE allocation_pointer SET allocation_version = 2")

    assert await waiting is None
    assert await store.allocations() == []


async def test_a_rebuild_waits_for_a_run_that_is_under_way_and_takes_in_its_product(
    store: PostgresStore, sql: Connection
) -> None:
    await store_trades(store, TWO_BUYS_AND_A_SELL)
    async with sql.transaction():
        await sql.execute("SELECT * FROM allocation_pointer FOR SHARE")
        rebuilding = asyncio.create_task(store.rebuild_allocations(LotMethod.FIFO, at(900)))
        await _until_somebody_waits(sql)
        assert not rebuilding.done()
    assert (await rebuilding).allocations_count == 2


async def test_a_second_rebuild_at_the_same_time_is_refused(
    store: PostgresStore, during: Callable[[Callable[[], Awaitable[object]]], None]
) -> None:
    refusals = []

    async def rebuild() -> None:
        for attempt in (store.rebuild_allocations(LotMethod.LIFO, at(900)), store.drop_version(1)):
            with pytest.raises(VersionRefused) as refusal:
                await attempt
            refusals.append(str(refusal.value))

    during(rebuild)
    await store.rebuild_allocations(LotMethod.FIFO, at(900))

    assert refusals == ["allocations are being rebuilt by another process; wait until it is done"] * 2
    assert len(await store.allocation_versions()) == 2


async def test_each_run_is_logged_with_its_totals(store: PostgresStore, sql: Connection) -> None:
    await store_trades(store, TWO_BUYS_AND_A_SELL)
    await store_trades(store, [Worked("7", "sell", "2", "10", "0", 5, ETH).order()])
    await store.rebuild_allocations(LotMethod.FIFO, at(900))
    (row,) = await sql.fetch(LOG)
    assert tuple(row.values()) == (2, None, "full", "completed", 4, 3, 1, Decimal("22.99"), "")
    (times,) = await sql.fetch("SELECT computed_at, finished_at FROM fifo_computation_log")
    assert times["computed_at"] == at(900) <= times["finished_at"]


async def test_a_sell_without_a_buy_is_queued_for_review_once(store: PostgresStore, sql: Connection) -> None:
    """B189, R5"""
    order = Worked("7", "sell", "2", "10", "0", 5).order()
    await store_trades(store, [order])
    for seconds in (900, 901):
        await store.rebuild_allocations(LotMethod.FIFO, at(seconds))
    (row,) = await sql.fetch("SELECT issue, symbol, subject, detail, created_at FROM manual_review_queue")
    order_id = order.intent.client_order_id
    assert tuple(row.values()) == (
        "unmatched_sell",
        BTC,
        f"{order_id}/7",
        f"2 of the sell {order_id} has no earlier buy",
        at(900),
    )


async def test_a_run_that_fails_leaves_its_log_and_the_version_before(
    store: PostgresStore, sql: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R81, B210: the rows are written, then it breaks."""
    await store_trades(store, TWO_BUYS_AND_A_SELL)
    await store.rebuild_allocations(LotMethod.FIFO, at(900))
    before = await store.allocations()
    monkeypatch.setattr(version_store, "ACTIVATE", "UPDATE allocation_pointer SET allocation_version = -$1::integer")
    with pytest.raises(InvariantBroken):
        await store.rebuild_allocations(LotMethod.LIFO, at(901))
    assert await store.allocations() == before
    failed = (await store.allocation_versions())[-1]
    assert (failed.status, failed.allocations_count, failed.is_active) == (VersionStatus.FAILED, 0, False)
    _, row = await sql.fetch(LOG)
    assert (row["allocation_version"], row["status"]) == (3, "failed")
    assert "the database refused while rebuilding allocations" in row["error"]


async def test_a_run_whose_connection_breaks_is_logged_on_another(
    store: PostgresStore, sql: Connection, during: Callable[[Callable[[], Awaitable[object]]], None]
) -> None:
    """R81"""

    async def break_it() -> None:
        await sql.execute(END_ADVISORY_HOLDERS)

    during(break_it)
    with pytest.raises(StoreUnreachable):
        await store.rebuild_allocations(LotMethod.FIFO, at(900))
    (row,) = await sql.fetch(LOG)
    assert (row["status"], row["error"] != "") == ("failed", True)
    assert (await store.rebuild_allocations(LotMethod.FIFO, at(901))).version.number == 3


async def test_what_a_killed_run_left_is_taken_away_by_the_next(store: PostgresStore, sql: Connection) -> None:
    """F50: nobody has seen the half that it wrote."""
    await store_trades(store, TWO_BUYS_AND_A_SELL)
    await store.rebuild_allocations(LotMethod.FIFO, at(900))
    await sql.execute("INSERT INTO allocation_versions VALUES (3, 'lifo', 'building')")
    await sql.execute(
        """INSERT INTO fifo_computation_log (allocation_version, mode, status, computed_at, allocations, unmatched)
        VALUES (3, 'full', 'running', now(), 0, 0)"""
    )
    await sql.execute("CREATE TEMP TABLE half AS SELECT * FROM fifo_allocations")
    await sql.execute("UPDATE half SET allocation_version = 3")
    await sql.execute("INSERT INTO fifo_allocations SELECT * FROM half")
    result = await store.rebuild_allocations(LotMethod.FIFO, at(901))
    assert result.version.number == 4
    statuses = [(each.status.value, each.allocations_count) for each in await store.allocation_versions()]
    assert statuses == [("complete", 0), ("complete", 2), ("failed", 0), ("complete", 2)]
    assert [row["error"] for row in await sql.fetch(LOG)] == ["", version_store.ABANDONED, ""]


async def test_a_rebuild_during_trading_loses_nothing(store: PostgresStore, database_url: str) -> None:
    """One process records and allocates, another rebuilds again and again; the rows are those of all facts."""
    orders = drawn_orders(5, 60, (BTC, ETH))

    async def trade() -> None:
        async with open_store(database_url) as own:
            for order in orders:
                await store_trades(own, [order])
                product_id = order.intent.product_id
                while True:
                    state = await own.allocation_state(product_id)
                    executions = await own.executions(product_id)
                    rows = allocate(executions, state.version.method).allocations
                    run = AllocationRun(product_id, state, 0, rows, len(executions), at(950))
                    if await own.write_allocations(run) is not None:
                        break

    trading = asyncio.create_task(trade())
    methods = [LotMethod.LIFO, LotMethod.HIFO, LotMethod.FIFO]
    rebuilds = 0
    while not trading.done():
        await store.rebuild_allocations(methods[rebuilds % 3], at(900))
        rebuilds += 1
    await trading

    method = (await store.active_version()).method
    expected = allocate(await store.executions(), method).allocations
    assert sorted(await store.allocations(), key=repr) == sorted(expected, key=repr)
    assert rebuilds > 1


async def _until_somebody_waits(sql: Connection) -> None:
    async with asyncio.timeout(10):
        while not await sql.fetchval(IS_ONE_WAITING):
            # The question itself lets the others go on.
            continue
