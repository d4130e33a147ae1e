"""A transaction that the database undoes so that another one can pass is run again as a whole, and not for ever."""

import asyncio

import pytest

from bottrader.adapters.postgres.connection import Connection, connect
from bottrader.adapters.postgres.pool import WRITE_PAUSES_S, open_database
from bottrader.adapters.postgres.store import open_store
from bottrader.domain.errors import StoreUnreachable

LOCK = "SELECT pg_advisory_xact_lock($1)"
PLACE = "INSERT INTO leases (role, token) VALUES ('webhook', 1)"
TOKEN = "SELECT token FROM leases"
RAISE = "UPDATE leases SET token = $1"


async def test_of_two_writes_that_wait_for_each_other_both_are_done(database_url: str) -> None:
    """F43: a deadlock; the one that is undone begins anew when the other has passed."""
    met, repeats = asyncio.Barrier(2), []
    async with open_database(database_url) as database:

        async def cross(first: int, second: int) -> None:
            async def work(connection: Connection, *, is_repeat: bool) -> None:
                await connection.execute("SET LOCAL deadlock_timeout = '10ms'")
                await connection.execute(LOCK, first)
                if is_repeat:
                    repeats.append(first)
                else:
                    await met.wait()
                await connection.execute(LOCK, second)

            await database.write("crossing", work)

        async with asyncio.timeout(30):
            await asyncio.gather(cross(1, 2), cross(2, 1))
    assert len(repeats) == 1


async def test_a_write_whose_ground_has_moved_is_repeated_on_the_new_one(database_url: str, sql: Connection) -> None:
    """F43, R2: a serialisation failure; what it read is read again, so nothing is overwritten that it did not see."""
    await sql.execute(PLACE)
    async with open_database(database_url) as database:

        async def work(connection: Connection, *, is_repeat: bool) -> None:
            await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            seen = await connection.fetchval(TOKEN)
            if not is_repeat:
                await sql.execute(RAISE, 100)
            await connection.execute(RAISE, seen + 1)

        await database.write("counting", work)
    assert await sql.fetchval(TOKEN) == 101


async def test_a_write_that_always_has_to_give_way_is_given_up_with_nothing_done(
    database_url: str, sql: Connection
) -> None:
    """F43: bounded; the caller may come again with the same keys."""
    await sql.execute(PLACE)
    tries = []
    async with open_database(database_url) as database:

        async def work(connection: Connection, *, is_repeat: bool) -> None:
            tries.append(is_repeat)
            await connection.execute(RAISE, 5)
            await connection.execute("DO $$ BEGIN RAISE EXCEPTION 'always' USING ERRCODE = '40001'; END $$")

        with pytest.raises(StoreUnreachable, match="the database failed while trying: always"):
            await database.write("trying", work)
    assert tries == [False, *[True] * len(WRITE_PAUSES_S)]
    assert await sql.fetchval(TOKEN) == 1


async def test_nobody_acts_on_a_database_that_cannot_be_written(own_database_url: str) -> None:
    """F43, S3: a replica shows books that may be old; what decides on orders first takes the lease, and that writes."""
    session = await connect(own_database_url)
    name = await session.fetchval("SELECT current_database()")
    await session.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    await session.close()
    async with open_store(own_database_url) as store:
        with pytest.raises(StoreUnreachable, match=r"waiting for the lease of webhook: .*read-only transaction"):
            async with store.lease("webhook"):
                pass
