"""The `Store` on Postgres: everything durable behind one connection pool."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime

from bottrader.adapters.postgres.connection import Connection
from bottrader.adapters.postgres.leaderboard_store import PostgresLeaderboard
from bottrader.adapters.postgres.lease import hold_lease
from bottrader.adapters.postgres.ledger_store import (
    ALLOCATIONS,
    SIGNALS_COUNT,
    TRADE_RECORDS,
    VERSION,
    PostgresLedger,
    to_allocation,
    to_version,
)
from bottrader.adapters.postgres.order_store import EXECUTIONS, LINKS, PostgresOrders, to_execution, to_link
from bottrader.adapters.postgres.pool import open_database
from bottrader.adapters.postgres.report_store import (
    BRACKETS_WITHIN,
    REVIEWS_COUNT,
    SIGNALS_WITHIN,
    PostgresReports,
    newest_run,
    to_bracket,
    totals_within,
)
from bottrader.adapters.postgres.safety_store import PostgresSafety
from bottrader.adapters.postgres.signal_rows import to_signal
from bottrader.adapters.postgres.signal_store import PostgresSignals
from bottrader.adapters.postgres.truth_store import CASH, PostgresTruth, to_movement
from bottrader.adapters.postgres.version_store import PostgresVersions
from bottrader.domain.signals import SignalId
from bottrader.ports import Lease, LedgerSnapshot, ReportFacts, SignalHistory, TradeRecord

PING = "SELECT 1"


class PostgresStore(
    PostgresSignals,
    PostgresOrders,
    PostgresSafety,
    PostgresLedger,
    PostgresTruth,
    PostgresVersions,
    PostgresLeaderboard,
    PostgresReports,
):
    """Keeps the contract of `ports.Store`; open it with `open_store`."""

    async def snapshot(self) -> LedgerSnapshot:
        async with self._database.snapshot("reading the ledger") as connection:
            return await _ledger(connection)

    async def report_facts(self, since: datetime, until: datetime) -> ReportFacts:
        async with self._database.snapshot("reading the facts of a report") as connection:
            version = await connection.fetchrow(VERSION)
            return ReportFacts(
                ledger=await _ledger(connection),
                links=[to_link(row) for row in await connection.fetch(LINKS)],
                signals=[to_signal(row) for row in await connection.fetch(SIGNALS_WITHIN, since, until)],
                brackets=[to_bracket(row) for row in await connection.fetch(BRACKETS_WITHIN, since, until)],
                version=to_version(version),
                totals=await totals_within(connection, since, until),
                newest_run=await newest_run(connection),
                reviews_count=int(await connection.fetchval(REVIEWS_COUNT)),
            )

    def lease(self, role: str) -> AbstractAsyncContextManager[Lease]:
        # On a connection of its own: the pool may hand a pooled one to somebody else, or close it.
        return hold_lease(self._database.dsn, role)

    async def signal_history(self, signal_id: SignalId) -> SignalHistory | None:
        known = await self.born_and_accepted(signal_id)
        if known is None:
            return None
        return SignalHistory(*known, await self.outcome_of(signal_id), await self.order_of_signal(signal_id))

    async def ping(self) -> None:
        await self._database.fetchval("answering a ping", PING)


async def _ledger(connection: Connection) -> LedgerSnapshot:
    return LedgerSnapshot(
        [to_execution(row) for row in await connection.fetch(EXECUTIONS, None)],
        [to_movement(row) for row in await connection.fetch(CASH)],
        [to_allocation(row) for row in await connection.fetch(ALLOCATIONS, None)],
        [TradeRecord(**row) for row in await connection.fetch(TRADE_RECORDS, None)],
        int(await connection.fetchval(SIGNALS_COUNT)),
    )


@asynccontextmanager
async def open_store(dsn: str) -> AsyncIterator[PostgresStore]:
    """Open the store of an upgraded database for the length of the block (see `schema.check`).

    Raises `StartupRefused` with one sentence when the database cannot be used.
    """
    async with open_database(dsn) as database:
        yield PostgresStore(database)
