"""A server as in production: on a disk, with fsync and the server's own settings, unlike that of the other tests."""

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
        yield server.start()
    finally:
        server.stop()
        rmtree(folder, ignore_errors=True)


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
