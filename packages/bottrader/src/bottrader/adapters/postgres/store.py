"""The `Store` on Postgres: everything durable behind one connection pool."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from bottrader.adapters.postgres.leaderboard_store import PostgresLeaderboard
from bottrader.adapters.postgres.lease import hold_lease
from bottrader.adapters.postgres.ledger_store import (
    ALLOCATIONS,
    SIGNALS_COUNT,
    TRADE_RECORDS,
    PostgresLedger,
    to_allocation,
)
from bottrader.adapters.postgres.order_store import EXECUTIONS, PostgresOrders, to_execution
from bottrader.adapters.postgres.pool import open_database
from bottrader.adapters.postgres.safety_store import PostgresSafety
from bottrader.adapters.postgres.signal_store import PostgresSignals
from bottrader.adapters.postgres.truth_store import CASH, PostgresTruth, to_movement
from bottrader.adapters.postgres.version_store import PostgresVersions
from bottrader.domain.signals import SignalId
from bottrader.ports import Lease, LedgerSnapshot, SignalHistory, TradeRecord

PING = "SELECT 1"


class PostgresStore(
    PostgresSignals,
    PostgresOrders,
    PostgresSafety,
    PostgresLedger,
    PostgresTruth,
    PostgresVersions,
    PostgresLeaderboard,
):
    """Keeps the contract of `ports.Store`; open it with `open_store`."""

    async def snapshot(self) -> LedgerSnapshot:
        async with self._database.snapshot("reading the ledger") as connection:
            return LedgerSnapshot(
                [to_execution(row) for row in await connection.fetch(EXECUTIONS, None)],
                [to_movement(row) for row in await connection.fetch(CASH)],
                [to_allocation(row) for row in await connection.fetch(ALLOCATIONS, None)],
                [TradeRecord(**row) for row in await connection.fetch(TRADE_RECORDS, None)],
                int(await connection.fetchval(SIGNALS_COUNT)),
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


@asynccontextmanager
async def open_store(dsn: str) -> AsyncIterator[PostgresStore]:
    """Open the store of an upgraded database for the length of the block (see `schema.check`).

    Raises `StartupRefused` with one sentence when the database cannot be used.
    """
    async with open_database(dsn) as database:
        yield PostgresStore(database)
