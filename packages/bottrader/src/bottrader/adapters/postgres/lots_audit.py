"""Everything a check of the lots needs, read from Postgres as of one moment."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bottrader.adapters.postgres.connection import Connection, Row, connect, translated
from bottrader.adapters.postgres.ledger_store import to_allocation
from bottrader.adapters.postgres.lots_by_windows import ROWS
from bottrader.adapters.postgres.order_store import EXECUTIONS, to_execution
from bottrader.adapters.postgres.truth_store import CASH, to_movement
from bottrader.domain.lot_checks import PlacedRow
from bottrader.domain.lots import LotMethod
from bottrader.ports import AllocationVersion
from bottrader.ports.audit import LotsAudit

# A million trades take the database tens of seconds.
STATEMENT_TIMEOUT_S = 900.0
VERSION = """
    SELECT allocation_version, method, v.status = 'complete' AS is_complete
    FROM allocation_pointer JOIN allocation_versions v USING (allocation_version)"""
STORED = """
    SELECT fifo_allocations.* FROM fifo_allocations WHERE allocation_version = $1
    ORDER BY symbol COLLATE "C", position"""
QUEUED = "SELECT subject FROM manual_review_queue WHERE issue = 'unmatched_sell'"
# The planner knows nothing of the sizes in between, and would compare every buy of a product with every sell of it.
SETTINGS = (
    "SET LOCAL enable_nestloop = off",
    "SET LOCAL enable_mergejoin = off",
    "SET LOCAL work_mem = '64MB'",
)


class PostgresLotsAuditor:
    """The `LotsAuditor` of one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def audit_lots(self) -> LotsAudit:
        connection = self._connection
        with translated("auditing the lots"):
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                version = await connection.fetchrow(VERSION)
                assert version is not None, "the schema has one active version from the start"
                active = AllocationVersion(version["allocation_version"], LotMethod(version["method"]))
                return LotsAudit(
                    active,
                    version["is_complete"],
                    [to_execution(row) for row in await connection.fetch(EXECUTIONS, None)],
                    [to_movement(row) for row in await connection.fetch(CASH)],
                    [_placed(row) for row in await connection.fetch(STORED, active.number)],
                    frozenset(row["subject"] for row in await connection.fetch(QUEUED)),
                    await self._by_sql() if active.method is LotMethod.FIFO else None,
                )

    async def _by_sql(self) -> list[PlacedRow]:
        for setting in SETTINGS:
            await self._connection.execute(setting)
        return [_placed(row) for row in await self._connection.fetch(ROWS)]


@asynccontextmanager
async def open_auditor(dsn: str) -> AsyncIterator[PostgresLotsAuditor]:
    """Open the auditor of an upgraded database; raises `StartupRefused` when it cannot be used."""
    connection = await connect(dsn, STATEMENT_TIMEOUT_S)
    try:
        yield PostgresLotsAuditor(connection)
    finally:
        await connection.close()


def _placed(row: Row) -> PlacedRow:
    return PlacedRow(row["position"], to_allocation(row))
