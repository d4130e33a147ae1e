"""The validator on a real database: three routes agree, each kind of damage is named, and a rebuild mends all of it."""

from collections.abc import AsyncIterator

import pytest

from bottrader.adapters.postgres.connection import Connection
from bottrader.adapters.postgres.lots_audit import SETTINGS, PostgresLotsAuditor, open_auditor
from bottrader.adapters.postgres.lots_by_windows import ROWS
from bottrader.adapters.postgres.store import PostgresStore
from bottrader.app.check_lots import LotsCheck, check_lots
from bottrader.app.live_lots import LiveLots
from bottrader.domain.lots import LotMethod
from bottrader.domain.market import ProductId
from tests.fixtures.facts import BTC, ETH
from tests.fixtures.venue_trades import drawn_orders
from tests.integration.postgres.test_live_lots import LATER, dump

SYMBOLS = (BTC, ETH, ProductId("ETH-BTC"))


@pytest.fixture
async def auditor(database_url: str) -> AsyncIterator[PostgresLotsAuditor]:
    async with open_auditor(database_url) as opened:
        yield opened


async def trade(store: PostgresStore, seed: int, count: int) -> None:
    """Record orders of several products and allocate them."""
    for order in drawn_orders(seed, count, SYMBOLS):
        await order.announce(store)
        await store.record_fills(order.fills)
    for product_id in SYMBOLS:
        await allocate_anew(store, product_id)


async def allocate_anew(store: PostgresStore, product_id: ProductId) -> None:
    lots = LiveLots(store, product_id)
    await lots.reload()
    await lots.save(LATER)


async def damage_found(auditor: PostgresLotsAuditor) -> set[str]:
    """Return the names of the checks that found something."""
    result = await check_lots(auditor, None, "no exchange in this test")
    return {check.name for check in result.checks if check.findings}


def counted(result: LotsCheck) -> dict[str, int]:
    return {check.name: check.count for check in result.checks}


@pytest.mark.parametrize("seed", range(4))
async def test_three_routes_give_the_same_rows(store: PostgresStore, auditor: PostgresLotsAuditor, seed: int) -> None:
    """E3, P15: sells without a buy, equal moments, fees of nothing and of nine digits are among them."""
    await trade(store, seed, 60)
    result = await check_lots(auditor, None, "none")
    assert result.holds, [check.findings for check in result.checks]
    rows = len((await auditor.audit_lots()).rows)
    assert counted(result)["rows equal the plain computation"] == rows > 60
    assert counted(result)["rows equal the database's own computation"] == rows


async def test_rebates_are_split_alike(store: PostgresStore, sql: Connection, auditor: PostgresLotsAuditor) -> None:
    """A negative fee of 0.00000001 over three sells of a third each: rounded down is -0.00000001, then nothing."""
    await sql.execute(
        """INSERT INTO trade_records (order_id, symbol, side, size, price, status, order_time, fees)
           VALUES ('buy', 'BTC-USD', 'buy', 3, 100, 'filled', '2026-01-01 00:00Z', -0.00000001)"""
    )
    for number in range(3):
        await sql.execute(
            """INSERT INTO trade_records (order_id, symbol, side, size, price, status, order_time, fees)
               VALUES ($1, 'BTC-USD', 'sell', 1, 110, 'filled', $2, 0.10)""",
            f"sell-{number}",
            LATER,
        )
    await allocate_anew(store, BTC)
    assert await damage_found(auditor) == set()
    fees = await sql.fetch("SELECT buy_fee::text FROM fifo_allocations ORDER BY position")
    assert [row["buy_fee"] for row in fees] == ["-0.00000001", "0", "0"]


async def test_an_empty_ledger_holds(auditor: PostgresLotsAuditor) -> None:
    result = await check_lots(auditor, None, "none")
    assert result.holds
    assert set(counted(result).values()) == {0, 1}


MATCHED = """symbol = 'BTC-USD' AND position = (
    SELECT min(position) FROM fifo_allocations WHERE symbol = 'BTC-USD' AND buy_order_id IS NOT NULL)"""
CHANGE = "UPDATE fifo_allocations SET {} WHERE " + MATCHED  # noqa: S608 - from the constants here
RESIZED = CHANGE.format(
    """allocated_size = {size}, cost_basis_usd = {size} * buy_price + buy_fee, proceeds_usd = {size} * sell_price,
    net_proceeds_usd = {size} * sell_price - sell_fee,
    pnl_usd = {size} * sell_price - sell_fee - {size} * buy_price - buy_fee"""
)
DEARER = (
    "buy_price = buy_price + 1, cost_basis_usd = cost_basis_usd + allocated_size, pnl_usd = pnl_usd - allocated_size"
)
BUY_FEE = "buy_fee = buy_fee + 1, cost_basis_usd = cost_basis_usd + 1, pnl_usd = pnl_usd - 1"
SELL_FEE = "sell_fee = sell_fee + 1, net_proceeds_usd = net_proceeds_usd - 1, pnl_usd = pnl_usd - 1"
COLUMNS = """allocation_batch_id, sell_order_id, buy_order_id, sell_execution_id, buy_execution_id, allocated_size,
    buy_price, sell_price, buy_fee, sell_fee, cost_basis_usd, proceeds_usd, net_proceeds_usd, pnl_usd, buy_time,
    sell_time"""
DOUBLED = """
    INSERT INTO fifo_allocations (allocation_version, symbol, position, {columns})
    SELECT allocation_version, symbol, (SELECT max(position) + 1 FROM fifo_allocations WHERE symbol = 'BTC-USD'),
        {columns} FROM fifo_allocations WHERE """
SELLS, BUYS = "each sell is allocated whole, matched or not", "no buy is sold more than once"
FACTS, FEES = "rows agree with their executions", "fee shares add up to the fee"
SPELLING, ORDER = (
    "amounts of a row follow from its sizes, prices and fees",
    "nothing is sold before it was bought, in ledger order",
)
DAMAGE = {
    "a row is gone": ("DELETE FROM fifo_allocations WHERE " + MATCHED, {SELLS}),  # noqa: S608 - as above
    "a row is smaller": (RESIZED.format(size="(allocated_size / 2)"), {SELLS}),
    "a row is larger": (RESIZED.format(size="(allocated_size + 100)"), {SELLS, BUYS}),
    "a fee of the buy": (CHANGE.format(BUY_FEE), {FEES}),
    "a fee of the sell": (CHANGE.format(SELL_FEE), {FEES}),
    "another buy": (CHANGE.format("buy_execution_id = 'invented'"), {FACTS}),
    "a price": (CHANGE.format(DEARER), {FACTS, "money is conserved"}),
    "a time": (CHANGE.format("sell_time = sell_time + interval '1 s'"), {FACTS}),
    "an order": (CHANGE.format("sell_order_id = 'x'"), {FACTS}),
    "a position": (CHANGE.format("position = position + 1000"), {"positions are contiguous from 0"}),
    "zeros at the end": (CHANGE.format("proceeds_usd = round(proceeds_usd, 20)"), {SPELLING}),
    "a row twice": (DOUBLED.format(columns=COLUMNS) + MATCHED, {SELLS, ORDER, FEES}),
    "a review": ("DELETE FROM manual_review_queue", {"each unmatched sell above dust is queued for review"}),
}


@pytest.mark.parametrize("kind", DAMAGE)
async def test_each_kind_of_damage_is_found_and_a_rebuild_mends_it(
    store: PostgresStore, sql: Connection, auditor: PostgresLotsAuditor, kind: str
) -> None:
    """B207, R3, R7"""
    statement, expected = DAMAGE[kind]
    await trade(store, 11, 40)
    before = await dump(sql)
    assert (await sql.execute(statement)).split()[-1] != "0"
    found = await damage_found(auditor)
    assert expected <= found
    if kind not in {"a review", "zeros at the end"}:
        assert {"rows equal the plain computation", "rows equal the database's own computation"} <= found

    await sql.execute("DELETE FROM fifo_allocations")
    for product_id in SYMBOLS:
        await allocate_anew(store, product_id)
    assert await damage_found(auditor) == set()
    assert await dump(sql) == before


async def test_a_buy_that_was_swapped_for_a_later_one_is_out_of_order(
    store: PostgresStore, sql: Connection, auditor: PostgresLotsAuditor
) -> None:
    """P5: two sells of one unit each exchange the units they were matched with; every sum stays right."""
    for name, side, minute in (("b1", "buy", 1), ("b2", "buy", 2), ("s1", "sell", 3), ("s2", "sell", 4)):
        await sql.execute(
            """INSERT INTO trade_records (order_id, symbol, side, size, price, status, order_time)
               VALUES ($1, 'BTC-USD', $2, 1, 100, 'filled', timestamptz '2026-01-01 00:00Z' + $3 * interval '1 min')""",
            *(name, side, minute),
        )
    await allocate_anew(store, BTC)
    assert await damage_found(auditor) == set()
    await sql.execute(
        """UPDATE fifo_allocations a SET buy_order_id = b.buy_order_id, buy_execution_id = b.buy_execution_id,
           buy_time = b.buy_time FROM fifo_allocations b WHERE b.position = 1 - a.position"""
    )
    assert await damage_found(auditor) == {
        "nothing is sold before it was bought, in ledger order",
        "rows equal the plain computation",
        "rows equal the database's own computation",
    }
    result = await check_lots(auditor, None, "none")
    plain = next(check for check in result.checks if check.name == "rows equal the plain computation")
    first = plain.findings[0]
    assert (first.symbol, first.position) == ("BTC-USD", 0)
    assert first.expected.startswith("buy_order_id b1")
    assert first.found.startswith("buy_order_id b2")


@pytest.mark.parametrize("method", ["lifo", "hifo", "specific"])
async def test_other_methods_are_checked_as_far_as_they_can_be(
    store: PostgresStore, sql: Connection, auditor: PostgresLotsAuditor, method: str
) -> None:
    """The plain route knows the method; SQL does not, and says so."""
    await trade(store, 3, 40)
    await sql.execute("INSERT INTO allocation_versions VALUES (2, $1, 'complete')", method)
    await sql.execute("UPDATE allocation_pointer SET allocation_version = 2")
    for product_id in SYMBOLS:
        await allocate_anew(store, product_id)
    result = await check_lots(auditor, None, "none")
    assert result.holds
    assert result.version.method is LotMethod(method)
    left_out = {check.name for check in result.checks if check.left_out}
    assert "rows equal the database's own computation" in left_out
    assert ("rows equal the plain computation" in left_out) == (method == "specific")


async def test_the_database_looks_only_at_pieces_that_belong_together(store: PostgresStore, sql: Connection) -> None:
    """A plan that joins by the product alone compares every buy with every sell: hours for 100,000 trades."""
    await trade(store, 22, 40)
    async with sql.transaction():
        for setting in SETTINGS:
            await sql.execute(setting)
        plan = "\n".join(row[0] for row in await sql.fetch(f"EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) {ROWS}"))  # type: ignore[index]
    assert "Hash Join" in plan
    assert "Merge Join" not in plan
    assert "Nested Loop" not in plan
    assert "Removed by Join Filter" not in plan


async def test_nothing_is_written(store: PostgresStore, sql: Connection, auditor: PostgresLotsAuditor) -> None:
    await trade(store, 21, 20)
    runs = "SELECT count(*) FROM fifo_computation_log"
    before = await dump(sql), await sql.fetchval(runs)
    await check_lots(auditor, None, "none")
    assert (await dump(sql), await sql.fetchval(runs)) == before
