"""The connection pool, with every error translated."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

from bottrader.adapters.postgres.connection import Connection, Interrupted, Row, create_pool, translated

POOL_SIZE = 8
CLOSE_TIMEOUT_S = 5.0
WRITE_PAUSES_S = (0.02, 0.2)
"""Before each repeat of a write that was interrupted: the first for a single cut, the second for a fail-over."""

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


class Work(Protocol[T_co]):
    """What one transaction writes; told whether an earlier try may have been committed already."""

    async def __call__(self, connection: Connection, *, is_repeat: bool) -> T_co: ...


class Database:
    """Statements and transactions on a pool; `doing` names the work in error messages, as in "recording fills"."""

    def __init__(self, pool: Any, dsn: str) -> None:
        self._pool = pool
        self.dsn = dsn

    @asynccontextmanager
    async def transaction(self, doing: str) -> AsyncIterator[Connection]:
        """Run the block in one transaction: all of it is committed, or none.

        Raises `StoreUnreachable` when the outcome is not known, `InvariantBroken` when the database refused.
        """
        with translated(doing):
            async with self._pool.acquire() as connection, connection.transaction():
                yield connection

    async def write(self, doing: str, work: Work[T]) -> T:
        """Run `work` in one transaction, and again under the same keys when it is interrupted, since a commit whose
        acknowledgement did not come may have happened (F42); never more often than there are pauses.

        Raises `StoreUnreachable` when the repeats are interrupted as well or the database fails, `InvariantBroken` when
        it refused.
        """
        for pause_s in WRITE_PAUSES_S:
            try:
                async with self.transaction(doing) as connection:
                    return await work(connection, is_repeat=pause_s != WRITE_PAUSES_S[0])
            except Interrupted:
                await asyncio.sleep(pause_s)
        async with self.transaction(doing) as connection:
            return await work(connection, is_repeat=True)

    async def write_at_once(self, doing: str, query: str, *args: object) -> tuple[Sequence[Row], bool]:
        """Run one statement that is a transaction by itself, like `write`; return its rows, and whether it is a repeat.

        It costs one round trip where `write` costs three.
        """
        for pause_s in WRITE_PAUSES_S:
            try:
                return await self.fetch(doing, query, *args), pause_s != WRITE_PAUSES_S[0]
            except Interrupted:
                await asyncio.sleep(pause_s)
        return await self.fetch(doing, query, *args), True

    @asynccontextmanager
    async def snapshot(self, doing: str) -> AsyncIterator[Connection]:
        """Run the block in one transaction that only reads, and sees the database as its first query found it.

        Raises `StoreUnreachable` when the database does not answer.
        """
        with translated(doing):
            async with (
                self._pool.acquire() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                yield connection

    async def fetch(self, doing: str, query: str, *args: object) -> Sequence[Row]:
        with translated(doing):
            rows: Sequence[Row] = await self._pool.fetch(query, *args)
        return rows

    async def fetchrow(self, doing: str, query: str, *args: object) -> Row | None:
        with translated(doing):
            row: Row | None = await self._pool.fetchrow(query, *args)
        return row

    async def fetchval(self, doing: str, query: str, *args: object) -> Any:
        with translated(doing):
            return await self._pool.fetchval(query, *args)

    async def execute(self, doing: str, query: str, *args: object) -> str:
        """Run one statement and return the server's tag, for example `INSERT 0 1`."""
        with translated(doing):
            tag: str = await self._pool.execute(query, *args)
        return tag


@asynccontextmanager
async def open_database(dsn: str) -> AsyncIterator[Database]:
    """Open the pool for the length of the block. Raises `StartupRefused` when the database cannot be used."""
    pool = await create_pool(dsn, POOL_SIZE)
    try:
        yield Database(pool, dsn)
    finally:
        await _close(pool)


async def _close(pool: Any) -> None:
    """Close politely, but not for ever: a connection to a server that is gone never answers."""
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await pool.close()
    except TimeoutError:
        pool.terminate()
