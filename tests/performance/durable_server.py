"""A server as in production: on a disk, with fsync and the server's own settings, unlike that of the other tests.

Two things are set. Room for the write-ahead log of a whole run, so that each run pays for its own checkpoint (the tests
ask for one before) and none for that of another, which would fall into some and not into others; its files are used
again, as by a server that has run for a while, where a new one would fill each with zeros first. And a gigabyte of
buffers, a quarter of the memory of a small server, as PostgreSQL's manual says (19.4.1): its default of 128 MB is for a
machine that is shared, and there the indexes of a million rows are read from the disk again for each row.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from bottrader.adapters.postgres import schema
from bottrader.adapters.postgres.connection import Connection, connect
from bottrader.adapters.postgres.databases import drop_database, ensure_database
from bottrader.adapters.postgres.embedded import EmbeddedPostgres


@contextmanager
def durable_server() -> Iterator[str]:
    """Yield the URL of an administrator. The folder is under `/var/tmp`, which is a disk where `/tmp` may be memory."""
    folder = Path(mkdtemp(prefix="bottrader-durable-", dir="/var/tmp"))
    server = EmbeddedPostgres(folder / "data")
    try:
        asyncio.run(_make_room(server.start()))
        server.stop()
        yield server.start()
    finally:
        server.stop()
        rmtree(folder, ignore_errors=True)


async def _make_room(url: str) -> None:
    sql = await connect(url)
    try:
        await sql.execute("ALTER SYSTEM SET max_wal_size = '8GB'")
        await sql.execute("ALTER SYSTEM SET min_wal_size = '4GB'")
        # Taken up by the next start.
        await sql.execute("ALTER SYSTEM SET shared_buffers = '1GB'")
    finally:
        await sql.close()


@asynccontextmanager
async def ledger_database(server_url: str, name: str) -> AsyncIterator[tuple[str, Connection]]:
    """Yield the URL of an empty, migrated database and a session on it; it is dropped in the end."""
    url = await ensure_database(server_url, name)
    await schema.upgrade(url)
    sql = await connect(url, None)
    try:
        yield url, sql
    finally:
        await sql.close()
        await drop_database(server_url, name)
