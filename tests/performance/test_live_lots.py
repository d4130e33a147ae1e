"""One new fill of a product with 100,000 trades, on a server that really waits for its disk."""

from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from time import perf_counter

import pytest

from bottrader.adapters.postgres import schema
from bottrader.adapters.postgres.connection import connect
from bottrader.adapters.postgres.embedded import EmbeddedPostgres
from bottrader.adapters.postgres.store import PostgresStore, open_store
from bottrader.app.live_lots import LiveLots
from bottrader.domain.money import Size
from bottrader.domain.orders import Side
from tests.fixtures.databases import with_database
from tests.fixtures.facts import BTC
from tests.fixtures.venue_trades import FilledOrder, drawn_orders
from tests.performance.measuring import Wire, counted, cpu_s_of, tell

TRADES = 100_000
NEW_FILLS = 40
START = datetime.fromisoformat("2026-01-01T00:00:00+00:00")

# 0.0001 to 0.0101 units a minute apart, every second one a sale, about 40,000 each; one fill an order.
TRADE = """
    WITH trade AS (
        SELECT n, 'ROC-BTC-' || md5(n::text) AS id, 'filled-' || n AS venue_id,
            CASE WHEN hashint4(n) % 2 = 0 THEN 'buy' ELSE 'sell' END AS side,
            (abs(hashint4(n * 7)::bigint) % 1000000 + 10000) * 1e-8 AS size,
            (3800000 + abs(hashint4(n * 13)::bigint) % 400000) / 100.0 AS price,
            timestamptz '2026-01-01 00:00Z' + n * interval '1 minute' AS at
        FROM generate_series(1, {count}) n),
    intent AS (
        INSERT INTO order_intents (client_order_id, product_id, side, kind, size_base, limit_price, trigger, note,
            created_at, parent_ids, fencing_token)
        SELECT id, 'BTC-USD', side, 'limit_ioc', size, price, 'ROC', '', at, '{{}}', 0 FROM trade),
    step AS (
        INSERT INTO order_transitions (client_order_id, step, state, at, venue_order_id, detail)
        SELECT id, step, (ARRAY['planned', 'sent', 'accepted', 'filled'])[step], at,
            CASE WHEN step > 2 THEN venue_id END, ''
        FROM trade, generate_series(1, 4) step),
    record AS (
        INSERT INTO trade_records (order_id, symbol, side, size, price, status, order_time, trigger, ingest_via, source)
        SELECT id, 'BTC-USD', side, size, price, 'filled', at, 'ROC', 'intent', 'webhook' FROM trade)
    INSERT INTO fills (trade_id, venue_order_id, product_id, side, price, size, fee, traded_at)
    SELECT n::text, venue_id, 'BTC-USD', side, price, size, trunc(price * size * 0.008, 8), at FROM trade"""
BARE_ROW = """
    INSERT INTO bare SELECT * FROM fifo_allocations WHERE allocation_version = 1 AND symbol = 'BTC-USD'
    ORDER BY position DESC LIMIT 1"""


@pytest.fixture(scope="module")
def durable_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with its data on the disk, as it comes: a commit returns when it is there."""
    server = EmbeddedPostgres(Path(tmp_path_factory.mktemp("durable")) / "data")
    yield server.start()
    server.stop()


@asynccontextmanager
async def traded(server_url: str, count: int) -> AsyncIterator[str]:
    """Yield the URL of a database in which `count` trades took place; what followed from them is not there yet."""
    admin = await connect(server_url)
    try:
        assert await admin.fetchval("SHOW fsync") == "on"
        assert await admin.fetchval("SHOW synchronous_commit") == "on"
        await admin.execute(f"CREATE DATABASE traded_{count}")
        url = with_database(server_url, f"traded_{count}")
        await schema.upgrade(url)
        connection = await connect(url)
        await connection.execute(TRADE.format(count=count), timeout=300)  # type: ignore[call-arg]
        await connection.execute("VACUUM ANALYZE", timeout=300)  # type: ignore[call-arg]
        await connection.close()
        yield url
    finally:
        await admin.execute(f"DROP DATABASE traded_{count} WITH (FORCE)")
        await admin.close()


def new_orders(count: int, after: int) -> list[FilledOrder]:
    """Return small orders of one fill each, filled after `after` trades, every second one a sale."""
    orders = []
    for number, order in enumerate(drawn_orders(9, count)):
        moment = START + timedelta(minutes=after + 1 + number)
        side = Side.SELL if number % 2 else Side.BUY
        fill = replace(
            order.fills[0],
            trade_id=str(10_000_000 + number),
            side=side,
            size=Size(order.fills[0].size.scaleb(-2).quantize(order.fills[0].size)),
            traded_at=moment,
        )
        intent = replace(order.intent, side=side, size_base=fill.size, created_at=moment)
        orders.append(FilledOrder(intent, order.venue_order_id, (fill,)))
    return orders


async def follow(lots: LiveLots, order: FilledOrder) -> None:
    await lots.take(order.fills)
    await lots.save(order.intent.created_at)


async def recorded(store: PostgresStore, orders: Sequence[FilledOrder]) -> None:
    for order in orders:
        await order.announce(store)
        await store.record_fills(order.fills)


async def test_a_new_fill_costs_the_same_after_any_number_of_trades(durable_server: str) -> None:
    """B206: the round trips and the rows of one fill, and the time beside a bare commit of such a row."""
    counts = {}
    for trades in (1_000, TRADES):
        async with traded(durable_server, trades) as url, counted(url) as wire, open_store(wire.url) as store:
            lots = LiveLots(store, BTC)
            await lots.reload()
            await lots.save(START)
            counts[trades] = await _round_trips(store, wire, lots, new_orders(6, trades))
            if trades == TRADES:
                await _measure(url, lots)
    # Both ask for their executions; sales also begin, write the lock, the state, the log and the rows, and commit.
    assert counts[1_000] == counts[TRADES] == [1, 7, 1, 7]


async def _round_trips(store: PostgresStore, wire: Wire, lots: LiveLots, orders: Sequence[FilledOrder]) -> list[int]:
    found = []
    await recorded(store, orders)
    for order in orders[:2]:
        # Afterwards every statement is prepared.
        await follow(lots, order)
    for order in orders[2:]:
        before, rows = len(lots.allocations), (await store.allocation_state(BTC)).rows_count
        found.append(await wire.count(follow(lots, order)))
        added = len(lots.allocations) - before
        assert (await store.allocation_state(BTC)).rows_count == rows + added
        assert 0 <= added < 20
    return found


async def _measure(url: str, lots: LiveLots) -> None:
    """Print how long a fill takes, beside a bare commit of one row; assert what it costs beside a rebuild."""
    orders = [order for order in new_orders(2 * NEW_FILLS + 6, TRADES)[6:] if order.intent.side is Side.SELL]
    connection = await connect(url)
    await connection.execute("CREATE TABLE bare (LIKE fifo_allocations INCLUDING ALL)")
    await connection.execute("ALTER TABLE bare DROP CONSTRAINT bare_pkey")
    ours, bare = [], []
    async with open_store(url) as direct:
        lots._store = direct  # noqa: SLF001 - without the proxy that counts
        await recorded(direct, orders)
        for order in orders:
            ours.append(await _seconds(follow(lots, order)))
            bare.append(await _seconds(connection.execute(BARE_ROW)))
        await connection.close()
        more = new_orders(2 * NEW_FILLS + 26, TRADES)[2 * NEW_FILLS + 6 :]
        await recorded(direct, more)
        rest = iter(more)
        fill_s = await cpu_s_of(lambda: follow(lots, next(rest)), runs=10)
        full_s = await cpu_s_of(lots.reload, runs=1)
    ratio = full_s / fill_s
    tell(
        f"one new fill after {TRADES:,} trades:",
        f"{median(ours) * 1e3:.1f} ms with its commit (bar 10), a bare commit of one row {median(bare) * 1e3:.1f} ms:"
        f" {median(ours) / median(bare):.1f} times; CPU 1/{ratio:,.0f} of a rebuild",
    )
    assert ratio >= 100


async def _seconds(work: Coroutine[object, object, object]) -> float:
    started = perf_counter()
    await work
    return perf_counter() - started
