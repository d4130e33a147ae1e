"""The lease: an advisory lock that dies with its connection, and a token that only grows (D6).

The lock says who may act now; Postgres releases it when the holder's connection ends, whatever ended it. The token is
for the moment in which an old holder has not noticed: `record_intent` refuses a token once its role has a newer one.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bottrader.adapters.postgres.connection import Connection, connect, translated
from bottrader.domain.errors import StartupRefused, StoreUnreachable

POLL_INTERVAL_S = 0.25
CLOSE_TIMEOUT_S = 2.0

TRY_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('lease ' || $1, 0))"
NEXT_HOLDER = """
    INSERT INTO leases (role, token) VALUES ($1, nextval('lease_tokens'))
    ON CONFLICT (role) DO UPDATE SET token = excluded.token, acquired_at = now() RETURNING token"""
CURRENT_HOLDER = "SELECT token FROM leases WHERE role = $1"


class PostgresLease:
    """A held lease; see `ports.Lease`."""

    def __init__(self, connection: Connection, role: str, token: int) -> None:
        self._connection = connection
        self._role = role
        self._token = token
        # A connection answers one question at a time.
        self._asking = asyncio.Lock()
        self._cut = asyncio.Event()
        connection.add_termination_listener(lambda _: self._cut.set())

    @property
    def token(self) -> int:
        return self._token

    async def is_held(self) -> bool:
        if self._connection.is_closed():
            return False
        try:
            async with self._asking:
                with translated("checking the lease"):
                    return bool(await self._connection.fetchval(CURRENT_HOLDER, self._role) == self._token)
        except StoreUnreachable:
            return False

    async def cut(self) -> None:
        if not self._connection.is_closed():
            await self._cut.wait()


@asynccontextmanager
async def hold_lease(dsn: str, role: str) -> AsyncIterator[PostgresLease]:
    """Wait for the lease of `role`, hold it for the block. Raises `StoreUnreachable` when the database goes away."""
    try:
        connection = await connect(dsn)
    except StartupRefused as error:
        raise StoreUnreachable(str(error)) from error
    try:
        with translated(f"waiting for the lease of {role}"):
            # The lock is in another process, where no event of ours can be set.
            while not await connection.fetchval(TRY_LOCK, role):  # noqa: ASYNC110
                await asyncio.sleep(POLL_INTERVAL_S)
            token = await connection.fetchval(NEXT_HOLDER, role)
        yield PostgresLease(connection, role, token)
    finally:
        await _release(connection)


async def _release(connection: Connection) -> None:
    try:
        with translated("releasing a lease"):
            await connection.close(timeout=CLOSE_TIMEOUT_S)
    except StoreUnreachable:
        # The connection is gone, and the lock with it.
        connection.terminate()
