"""What a smoke test wants to know of the database, read as of one moment; nothing is written."""

from datetime import datetime, timedelta

from bottrader.adapters.postgres import schema
from bottrader.adapters.postgres.connection import Connection, connect, translated
from bottrader.domain.errors import InvariantBroken, SchemaOutOfDate, StartupRefused, StoreUnreachable
from bottrader.domain.report_schedule import ReportKind, ReportPeriod
from bottrader.domain.smoke import RECENT, Books, BooksSeen, BooksUnseen

# An advisory lock of one key shows its halves; the key is the one that `lease.py` locks.
LEASES = """
    SELECT role FROM leases WHERE EXISTS (
        SELECT 1 FROM pg_locks JOIN pg_database d ON d.oid = database
        WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND d.datname = current_database()
          AND (classid::bigint << 32) | objid::bigint = hashtextextended('lease ' || role, 0))"""
COUNTS = """
    SELECT
        (SELECT count(*) FROM trade_records WHERE order_time >= $1 AND filled_size > 0) AS trades_count,
        (SELECT count(DISTINCT order_id) FROM executions e WHERE side = 'sell' AND NOT EXISTS (
            SELECT 1 FROM fifo_allocations JOIN allocation_pointer USING (allocation_version)
            WHERE sell_order_id = e.order_id)) AS sells_unallocated_count,
        (SELECT allocation_version FROM allocation_pointer) AS allocation_version,
        (SELECT count(*) FROM trade_records JOIN order_intents i ON i.client_order_id = order_id
         WHERE order_time >= $1 AND filled_size > 0) AS linkable_count,
        (SELECT count(*) FROM trade_records JOIN trade_strategy_link USING (order_id)
         WHERE order_time >= $1 AND filled_size > 0) AS linked_count,
        (SELECT min(at) FROM cash_movements) AS opened_at"""
SNAPSHOTS = "SELECT role, snapshot_id FROM strategy_activations WHERE active_until IS NULL"
MADE = """
    SELECT kind, period_start, period_end FROM report_deliveries
    WHERE outcome IN ('sent', 'filed', 'refused') AND period_end >= $1"""
# A weekly report is the oldest that can be due.
MADE_WITHIN = timedelta(days=9)


async def inspect_books(dsn: str, as_of: datetime) -> Books:
    """Return what the database tells at `as_of`, or why it could not be read; raises nothing for a sick database."""
    try:
        await schema.check(dsn)
        connection = await connect(dsn)
        try:
            with translated("inspecting the books"):
                async with connection.transaction(isolation="repeatable_read", readonly=True):
                    return await _inspect(connection, as_of)
        finally:
            await connection.close()
    except SchemaOutOfDate as error:
        return BooksUnseen(str(error), "run `bottrader db upgrade`, or the version of the bot that this schema is of")
    except (StartupRefused, StoreUnreachable, InvariantBroken) as error:
        return BooksUnseen(str(error), "start the database, or correct DATABASE_URL or --dsn")


async def _inspect(connection: Connection, as_of: datetime) -> BooksSeen:
    counts = await connection.fetchrow(COUNTS, as_of - RECENT)
    assert counts is not None
    return BooksSeen(
        as_of=as_of,
        revision=schema.newest(),
        leases=frozenset(row["role"] for row in await connection.fetch(LEASES)),
        snapshots={row["role"]: row["snapshot_id"] for row in await connection.fetch(SNAPSHOTS)},
        made=frozenset(
            ReportPeriod(ReportKind(row["kind"]), row["period_start"], row["period_end"])
            for row in await connection.fetch(MADE, as_of - MADE_WITHIN)
        ),
        **counts,
    )
