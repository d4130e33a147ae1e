"""What periodic reports read from Postgres, and the log of what was sent."""

from collections.abc import Sequence
from datetime import datetime

from bottrader.adapters.postgres.connection import Connection, Row
from bottrader.adapters.postgres.pool import Database
from bottrader.domain.report_schedule import ReportKind, ReportPeriod
from bottrader.ports import LedgerTotals, LoggedRun, PlacedBracket, ReportDelivery, ReportOutcome

SIGNALS_WITHIN = """
    SELECT * FROM inbound_signals WHERE born_at >= $1 AND born_at < $2 ORDER BY born_at, signal_id COLLATE "C" """
BRACKETS_WITHIN = """
    SELECT client_order_id, product_id, limit_price, stop_price, parent_ids, created_at FROM order_intents
    WHERE kind = 'bracket_gtc' AND created_at >= $1 AND created_at < $2
    ORDER BY created_at, client_order_id COLLATE "C" """
# The sums are those of the database, which does not know how the report adds up.
ALLOCATION_TOTALS = """
    WITH active AS (SELECT a.* FROM fifo_allocations a JOIN allocation_pointer USING (allocation_version)),
         completed AS (SELECT sell_order_id FROM active WHERE sell_time >= $1
                       GROUP BY sell_order_id HAVING max(sell_time) < $2)
    SELECT count(pnl_usd) AS allocations_count, coalesce(sum(pnl_usd), 0) AS realized_pnl,
        count(*) FILTER (WHERE pnl_usd IS NULL) AS unmatched_count,
        coalesce(sum(net_proceeds_usd) FILTER (WHERE pnl_usd IS NULL), 0) AS unmatched_proceeds
    FROM active JOIN completed USING (sell_order_id)"""
EXECUTION_TOTALS = """
    SELECT count(*) AS executions_count, coalesce(sum(fee), 0) AS fees FROM executions
    WHERE executed_at >= $1 AND executed_at < $2"""
NEWEST_RUN = """
    SELECT symbol, mode, status, computed_at AS at, allocations AS allocations_count, error FROM fifo_computation_log
    ORDER BY batch_id DESC LIMIT 1"""
REVIEWS_COUNT = "SELECT count(*) FROM manual_review_queue WHERE status IN ('pending', 'in_progress')"
# A period is settled by one process at a time; the index would refuse a second settlement, not a step after it.
LOCK_DELIVERIES = "SELECT pg_advisory_xact_lock(hashtextextended('report deliveries', 0))"
INSERT_DELIVERY = """
    INSERT INTO report_deliveries (kind, period_start, period_end, outcome, at, message_id, detail)
    SELECT $1, $2, $3, $4, $5, $6, $7 WHERE NOT EXISTS (
        SELECT 1 FROM report_deliveries
        WHERE kind = $1 AND period_end = $3 AND outcome IN ('sent', 'filed', 'refused')) RETURNING step"""
DELIVERIES = """
    SELECT kind, period_start, period_end, outcome, at, message_id, detail FROM report_deliveries
    WHERE kind = $1 AND period_end = $2 ORDER BY step"""


class PostgresReports:
    """The log of reports of a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record_report_delivery(self, delivery: ReportDelivery) -> bool:
        period = delivery.period
        async with self._database.transaction("recording a report delivery") as connection:
            await connection.execute(LOCK_DELIVERIES)
            step = await connection.fetchval(
                INSERT_DELIVERY,
                period.kind.value,
                period.since,
                period.until,
                delivery.outcome.value,
                delivery.at,
                delivery.message_id,
                delivery.detail,
            )
        return step is not None

    async def report_deliveries(self, period: ReportPeriod) -> Sequence[ReportDelivery]:
        rows = await self._database.fetch("reading report deliveries", DELIVERIES, period.kind.value, period.until)
        return [
            ReportDelivery(
                ReportPeriod(ReportKind(row["kind"]), row["period_start"], row["period_end"]),
                ReportOutcome(row["outcome"]),
                row["at"],
                row["message_id"],
                row["detail"],
            )
            for row in rows
        ]


async def totals_within(connection: Connection, since: datetime, until: datetime) -> LedgerTotals:
    """Return what the database adds up over the window, in the transaction of the caller."""
    allocations = await connection.fetchrow(ALLOCATION_TOTALS, since, until)
    executions = await connection.fetchrow(EXECUTION_TOTALS, since, until)
    assert allocations is not None
    assert executions is not None
    return LedgerTotals(**allocations, **executions)


async def newest_run(connection: Connection) -> LoggedRun | None:
    """Return the newest run of the allocation, None before the first."""
    row = await connection.fetchrow(NEWEST_RUN)
    return None if row is None else LoggedRun(**row)


def to_bracket(row: Row) -> PlacedBracket:
    """Return the bracket of a row of `BRACKETS_WITHIN`."""
    return PlacedBracket(
        order_id=row["client_order_id"],
        product_id=row["product_id"],
        target=row["limit_price"],
        stop=row["stop_price"],
        parent_ids=tuple(row["parent_ids"]),
        placed_at=row["created_at"],
    )
