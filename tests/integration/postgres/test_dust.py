"""Sells without a buy that are too small to ask anybody about: tagged, by each way a row is written."""

import json
from decimal import Decimal
from typing import Any

import pytest

from bottrader.adapters.postgres import version_store
from bottrader.adapters.postgres.bulk import compiling
from bottrader.adapters.postgres.connection import Connection
from bottrader.adapters.postgres.store import PostgresStore
from bottrader.domain.lots import LotMethod, allocate
from tests.fixtures.facts import BTC, at
from tests.fixtures.large_ledger import fill_ledger
from tests.fixtures.worked_trades import Worked, store_trades

ROWS = "SELECT allocated_size, notes FROM fifo_allocations WHERE allocation_version = $1 ORDER BY position"
QUEUE = "SELECT detail FROM manual_review_queue ORDER BY detail"
# 1 is bought; 1.000009 sold, 0.000009 more than was held; then 0.00001 and 2.
TRADES = [
    Worked("1", "buy", "1", "100", "0", 0),
    Worked("2", "sell", "1.000009", "110", "0", 1),
    Worked("3", "sell", "0.00001", "110", "0", 2),
    Worked("4", "sell", "2", "110", "0", 3),
]
TAGGED = [("1", ""), ("0.000009", "dust"), ("0.00001", ""), ("2", "")]


async def rows_of(sql: Connection, version: int) -> list[tuple[str, str]]:
    return [(str(row["allocated_size"]), row["notes"]) for row in await sql.fetch(ROWS, version)]


async def test_rows_written_fill_by_fill(store: PostgresStore, sql: Connection) -> None:
    """B190, R82: the row is exact and tagged; from the coin's size of dust on somebody is asked."""
    await store_trades(store, [worked.order() for worked in TRADES])
    rows = allocate(await store.executions()).allocations
    await store.replace_allocations(BTC, rows, at(900))
    assert await rows_of(sql, 1) == TAGGED
    asked = [row["detail"].split(" ")[0] for row in await sql.fetch(QUEUE)]
    assert asked == ["0.00001", "2"]


@pytest.mark.parametrize("compiled_from", [0, 5_000], ids=["compiled", "plain"])
async def test_rows_of_a_rebuild(
    store: PostgresStore, sql: Connection, monkeypatch: pytest.MonkeyPatch, compiled_from: int
) -> None:
    """B190, R82."""
    monkeypatch.setattr(version_store, "COMPILED_FROM", compiled_from)
    assert compiling.is_available()
    await store_trades(store, [worked.order() for worked in TRADES])
    await store.rebuild_allocations(LotMethod.FIFO, at(900))
    assert await rows_of(sql, 2) == TAGGED
    asked = [row["detail"].split(" ")[0] for row in await sql.fetch(QUEUE)]
    assert asked == ["0.00001", "2"]


async def test_tagging_reads_a_version_once_though_the_statistics_do_not_know_it(
    store: PostgresStore, sql: Connection
) -> None:
    """A new version is in no statistics, so the planner takes it for empty: what is done for each of its sells without
    a buy must not read the version again, which took minutes after a million trades."""
    await fill_ledger(sql, 4_000, 40)
    await store.rebuild_allocations(LotMethod.FIFO, at(0))
    await sql.execute("ANALYZE")
    result = await store.rebuild_allocations(LotMethod.FIFO, at(1))
    everything_is_dust: tuple[Any, ...] = (result.version.number, at(1), [], [], Decimal(10**6), "dust")
    (plan,) = json.loads(
        await sql.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {version_store.SETTLE_UNMATCHED}", *everything_is_dust)
    )
    assert result.unmatched_count > 300
    # Each row read, found and written: rows that are filtered out were read for nothing.
    assert _rows_read(plan["Plan"]) < 8 * (result.allocations_count + result.unmatched_count)


def _rows_read(node: dict[str, Any]) -> float:
    """Return how many rows the nodes of a plan gave and filtered out, over all their loops."""
    own = node["Actual Rows"] + sum(node[key] for key in node if key.startswith("Rows Removed"))
    return float(own * node["Actual Loops"]) + sum(_rows_read(child) for child in node.get("Plans", ()))
