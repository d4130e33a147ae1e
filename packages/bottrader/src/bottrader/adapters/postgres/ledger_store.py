"""Adoptions, allocations, and what reports read, in Postgres."""

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal

from bottrader.adapters.postgres.connection import Connection, Row
from bottrader.adapters.postgres.pool import Database
from bottrader.domain.adoption import Adoption
from bottrader.domain.dust import DUST_TAG, is_dust
from bottrader.domain.errors import InvariantBroken, LedgerMismatch
from bottrader.domain.lot_checks import review_subject
from bottrader.domain.lots import Allocation, LotMethod
from bottrader.domain.market import ProductId
from bottrader.domain.money import ZERO, exact
from bottrader.domain.signals import SignalId
from bottrader.ports import AllocationRun, AllocationState, AllocationVersion, StoredAllocations, TradeRecord

CLAIM_VENUE = "INSERT INTO venue_identity (venue) VALUES ($1) ON CONFLICT (singleton) DO NOTHING"
VENUE = "SELECT venue FROM venue_identity"
INSERT_ADOPTION = """
    INSERT INTO adoptions (order_id, product_id, size, price, acquired_at, recorded_at, booked_size)
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (order_id) DO NOTHING RETURNING order_id"""
# Two runs over one product take turns; runs over different products do not wait for each other. Whoever names another
# version waits until what is written to this one is committed.
LOCK_PRODUCT = """
    SELECT pg_advisory_xact_lock(hashtextextended('allocate ' || $1, 0)) FROM allocation_pointer FOR SHARE"""
ACTIVE_VERSION = "SELECT allocation_version FROM allocation_pointer FOR SHARE"
# What is read and what is logged of one product takes a few steps down two indexes, however many rows there are.
STATE = """
    SELECT allocation_version, method,
        coalesce((SELECT max(position) + 1 FROM fifo_allocations a
                  WHERE a.allocation_version = p.allocation_version AND symbol = $1), 0) AS rows_count,
        greatest(0, (SELECT max(batch_id) FROM fifo_computation_log l WHERE status = 'completed'
                     AND l.allocation_version = p.allocation_version AND symbol = $1),
                    (SELECT max(batch_id) FROM fifo_computation_log l WHERE status = 'completed'
                     AND l.allocation_version = p.allocation_version AND symbol IS NULL)) AS run
    FROM allocation_pointer p JOIN allocation_versions USING (allocation_version)"""
STORED = """
    SELECT fifo_allocations.* FROM fifo_allocations JOIN allocation_pointer USING (allocation_version)
    WHERE symbol = $1 ORDER BY position"""
VERSION = """
    SELECT allocation_version, method FROM allocation_pointer JOIN allocation_versions USING (allocation_version)"""
LOG_RUN = """
    INSERT INTO fifo_computation_log (allocation_version, symbol, mode, status, computed_at, executions, allocations,
        unmatched, pnl_usd, error)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING batch_id"""
DELETE_ALLOCATIONS = """
    DELETE FROM fifo_allocations WHERE allocation_version = $1 AND symbol = $2 AND position >= $3"""
INSERT_ALLOCATIONS = """
    INSERT INTO fifo_allocations (allocation_version, symbol, position, allocation_batch_id, sell_order_id,
        buy_order_id, sell_execution_id, buy_execution_id, allocated_size, buy_price, sell_price, buy_fee, sell_fee,
        cost_basis_usd, proceeds_usd, net_proceeds_usd, pnl_usd, buy_time, sell_time)
    SELECT $1, $2, $3 + number - 1, $4, sell_order, buy_order, sell, buy, size, buy_price, sell_price, buy_fee,
        sell_fee, basis, proceeds, net, pnl, buy_time, sell_time
    FROM unnest($5::text[], $6::text[], $7::text[], $8::text[], $9::numeric[], $10::numeric[], $11::numeric[],
        $12::numeric[], $13::numeric[], $14::numeric[], $15::numeric[], $16::numeric[], $17::numeric[],
        $18::timestamptz[], $19::timestamptz[]) WITH ORDINALITY AS made (sell_order, buy_order, sell, buy, size,
        buy_price, sell_price, buy_fee, sell_fee, basis, proceeds, net, pnl, buy_time, sell_time, number)"""
# One statement has a limit of time, which a first run over years of trades would exceed.
ROWS_PER_STATEMENT = 5_000
TAG = """
    UPDATE fifo_allocations SET notes = $4
    WHERE allocation_version = $1 AND symbol = $2 AND position = ANY($3::integer[])"""
QUEUE_UNMATCHED = """
    INSERT INTO manual_review_queue (issue, symbol, subject, detail, severity, created_at)
    VALUES ('unmatched_sell', $1, $2, $3, 'medium', $4) ON CONFLICT (issue, subject) DO NOTHING"""
ALLOCATIONS = """
    SELECT fifo_allocations.* FROM fifo_allocations JOIN allocation_pointer USING (allocation_version)
    WHERE $1::timestamptz IS NULL OR sell_order_id IN (
        SELECT sell_order_id FROM fifo_allocations JOIN allocation_pointer USING (allocation_version)
        WHERE sell_time >= $1)
    ORDER BY sell_time, symbol COLLATE "C", position"""
# A row that a person inserted as filled has no fills: its own size and price are the fact.
TRADE_RECORDS = """
    SELECT order_id, symbol, side, size, price, status, order_time, filled_at, parent_id, trigger, notes, source, fees,
        ingest_via, last_reconciled_at, last_reconciled_via,
        CASE WHEN direct THEN size ELSE filled_size END AS filled_size,
        CASE WHEN direct THEN size * price ELSE filled_value END AS filled_value
    FROM (SELECT *, ingest_via = 'direct' AND status = 'filled' AS direct FROM trade_records) r
    WHERE $1::text IS NULL OR order_id = (SELECT client_order_id FROM order_intents WHERE signal_id = $1)
    ORDER BY order_time, order_id COLLATE "C" """
# A signal born here and delivered here is in both tables and counts once.
SIGNALS_COUNT = "SELECT count(*) FROM (SELECT signal_id FROM signals UNION SELECT signal_id FROM inbound_signals) s"


class PostgresLedger:
    """The `LedgerStore` of a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim_venue(self, venue: str) -> None:
        async def work(connection: Connection, *, is_repeat: bool) -> str:  # noqa: ARG001 - claimed once is claimed
            await connection.execute(CLAIM_VENUE, venue)
            held: str = await connection.fetchval(VENUE)
            return held

        held = await self._database.write("claiming the venue", work)
        if held != venue:
            raise LedgerMismatch(
                f"this database holds the books of {held}, not of {venue}; use another database or data folder"
            )

    async def record_adoption(self, adoption: Adoption) -> bool:
        values = (
            adoption.order_id,
            adoption.product_id,
            adoption.size,
            adoption.price,
            adoption.acquired_at,
            adoption.recorded_at,
            adoption.booked_size,
        )
        rows, is_repeat = await self._database.write_at_once("recording an adoption", INSERT_ADOPTION, *values)
        return bool(rows) or is_repeat

    async def active_version(self) -> AllocationVersion:
        row = await self._database.fetchrow("reading the active allocation version", VERSION)
        return to_version(row)

    async def replace_allocations(self, product_id: ProductId, allocations: Sequence[Allocation], at: datetime) -> None:
        async with self._allocating(product_id, at) as (connection, state):
            await _write(connection, AllocationRun(product_id, state, 0, allocations, 0, at))

    async def allocation_state(self, product_id: ProductId) -> AllocationState:
        return _state(await self._database.fetchrow("reading the state of allocations", STATE, product_id))

    async def stored_allocations(self, product_id: ProductId) -> StoredAllocations:
        async with self._database.snapshot("reading the allocations of a product") as connection:
            state = _state(await connection.fetchrow(STATE, product_id))
            rows = await connection.fetch(STORED, product_id)
        in_place = itertools.takewhile(lambda numbered: numbered[0] == numbered[1]["position"], enumerate(rows))
        return StoredAllocations(state, [to_allocation(row) for _, row in in_place])

    async def write_allocations(self, run: AllocationRun) -> AllocationState | None:
        async with self._allocating(run.product_id, run.at) as (connection, state):
            return await _write(connection, run) if state == run.expected else None

    async def allocations(self, since: datetime | None = None) -> Sequence[Allocation]:
        return [to_allocation(row) for row in await self._database.fetch("reading allocations", ALLOCATIONS, since)]

    async def trade_records(self) -> Sequence[TradeRecord]:
        rows = await self._database.fetch("reading trade records", TRADE_RECORDS, None)
        return [TradeRecord(**row) for row in rows]

    async def order_of_signal(self, signal_id: SignalId) -> TradeRecord | None:
        """Return the order that carried out this signal, None when there is none."""
        row = await self._database.fetchrow("reading the order of a signal", TRADE_RECORDS, signal_id)
        return None if row is None else TradeRecord(**row)

    async def signals_count(self) -> int:
        return int(await self._database.fetchval("counting signals", SIGNALS_COUNT))

    @asynccontextmanager
    async def _allocating(
        self, product_id: ProductId, at: datetime
    ) -> AsyncIterator[tuple[Connection, AllocationState]]:
        """Run the block in one transaction in which nobody else allocates this product; log it when it is refused."""
        try:
            async with self._database.transaction("writing allocations") as connection:
                await connection.execute(LOCK_PRODUCT, product_id)
                # After the locks, or it would be the state that the one before has just changed.
                yield connection, _state(await connection.fetchrow(STATE, product_id))
        except InvariantBroken as error:
            # In its own transaction, so that the log survives the rollback (R81).
            async with self._database.transaction("logging a failed allocation run") as connection:
                version = await connection.fetchval(ACTIVE_VERSION)
                counts = (None, 0, 0, None)
                await connection.fetchval(LOG_RUN, version, product_id, "symbol", "failed", at, *counts, str(error))
            raise


async def _write(connection: Connection, run: AllocationRun) -> AllocationState:
    product_id, version = run.product_id, run.expected.version
    if any(row.product_id != product_id for row in run.rows):
        raise InvariantBroken(f"allocations of {product_id} contain rows of another product")
    unmatched = [row for row in run.rows if row.buy_order_id is None]
    with exact():
        pnl = sum((row.pnl for row in run.rows if row.pnl is not None), start=ZERO)
    counts = (run.executions_count, len(run.rows), len(unmatched), pnl)
    batch = await connection.fetchval(LOG_RUN, version.number, product_id, run.mode, "completed", run.at, *counts, "")
    if run.position < run.expected.rows_count:
        await connection.execute(DELETE_ALLOCATIONS, version.number, product_id, run.position)
    for start in range(0, len(run.rows), ROWS_PER_STATEMENT):
        columns = zip(*map(row_values, run.rows[start : start + ROWS_PER_STATEMENT]), strict=True)
        await connection.execute(INSERT_ALLOCATIONS, version.number, product_id, run.position + start, batch, *columns)
    if dust := [run.position + number for number, row in enumerate(run.rows) if is_dust(row)]:
        await connection.execute(TAG, version.number, product_id, dust, DUST_TAG)
    if reviews := [(product_id, *_review(row), run.at) for row in unmatched if not is_dust(row)]:
        await connection.executemany(QUEUE_UNMATCHED, reviews)
    return AllocationState(version, run.position + len(run.rows), batch)


def _state(row: Row | None) -> AllocationState:
    assert row is not None, "the schema has one active version from the start"
    version = AllocationVersion(row["allocation_version"], LotMethod(row["method"]))
    return AllocationState(version, row["rows_count"], row["run"])


def _review(row: Allocation) -> tuple[str, str]:
    return review_subject(row), f"{row.size} of the sell {row.sell_order_id} has no earlier buy"


def row_values(row: Allocation) -> tuple[str | Decimal | datetime | None, ...]:
    return (
        row.sell_order_id,
        row.buy_order_id,
        row.sell_execution_id,
        row.buy_execution_id,
        row.size,
        row.buy_price,
        row.sell_price,
        row.buy_fee,
        row.sell_fee,
        row.cost_basis,
        row.proceeds,
        row.net_proceeds,
        row.pnl,
        row.buy_time,
        row.sell_time,
    )


def to_version(row: Row | None) -> AllocationVersion:
    """Return the version of the row of `VERSION`."""
    assert row is not None, "the schema has one active version from the start"
    return AllocationVersion(row["allocation_version"], LotMethod(row["method"]))


def to_allocation(row: Row) -> Allocation:
    """Return the allocation of a row of `ALLOCATIONS`."""
    return Allocation(
        product_id=row["symbol"],
        sell_order_id=row["sell_order_id"],
        buy_order_id=row["buy_order_id"],
        size=row["allocated_size"],
        buy_price=row["buy_price"],
        sell_price=row["sell_price"],
        buy_fee=row["buy_fee"],
        sell_fee=row["sell_fee"],
        cost_basis=row["cost_basis_usd"],
        proceeds=row["proceeds_usd"],
        net_proceeds=row["net_proceeds_usd"],
        pnl=row["pnl_usd"],
        buy_time=row["buy_time"],
        sell_time=row["sell_time"],
        sell_execution_id=row["sell_execution_id"],
        buy_execution_id=row["buy_execution_id"],
    )
