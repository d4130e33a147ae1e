"""The database of a process: the one it is given, or an embedded one in its data folder."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryFile

from bottrader.adapters.postgres import schema
from bottrader.adapters.postgres.databases import drop_database, ensure_database
from bottrader.adapters.postgres.embedded import embedded_postgres
from bottrader.config import Settings
from bottrader.domain.errors import StartupRefused

EMBEDDED_DIR = "postgres"


@asynccontextmanager
async def open_database(settings: Settings, name: str = "bottrader", *, fresh: bool = False) -> AsyncIterator[str]:
    """Yield the URL of a database whose schema is this version's.

    Without `DATABASE_URL` a server from a wheel is started in the data folder, and `name` is the database on it; it is
    ours, so it is migrated here. A server that was given is only migrated by `bottrader db upgrade`, except when it is
    still empty. `fresh` drops an embedded database first.

    Raises:
        StartupRefused: when there is no usable server, or its schema is another version's.
    """
    if settings.database_url is not None:
        if fresh:
            raise StartupRefused(
                "--fresh never empties the database of DATABASE_URL; unset it or drop that one by hand"
            )
        dsn = settings.database_url.get_secret_value()
        if await schema.current(dsn) is None:
            await schema.upgrade(dsn)
        await schema.check(dsn)
        yield dsn
        return
    async with embedded_postgres(prepare_data_dir(settings.data_dir) / EMBEDDED_DIR) as server_dsn:
        if fresh:
            await drop_database(server_dsn, name)
        dsn = await ensure_database(server_dsn, name)
        await schema.upgrade(dsn)
        yield dsn


@asynccontextmanager
async def open_server(settings: Settings, name: str = "bottrader") -> AsyncIterator[str]:
    """Yield the URL of the same database as it is, whatever its schema; for looking at it and for migrating it."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    async with embedded_postgres(prepare_data_dir(settings.data_dir) / EMBEDDED_DIR) as server_dsn:
        yield await ensure_database(server_dsn, name)


def data_dir_fault(data_dir: Path) -> str | None:
    """Return why the data folder cannot be written (R31), or None; nothing is made and nothing stays behind."""
    existing = next(folder for folder in (data_dir, *data_dir.absolute().parents) if folder.exists())
    try:
        with TemporaryFile(dir=existing):
            return None
    except OSError as error:
        return _unwritable(data_dir, error)


def prepare_data_dir(data_dir: Path) -> Path:
    """Return the data folder, made and writable; raises `StartupRefused` naming it otherwise (R31)."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        probe = data_dir / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise StartupRefused(_unwritable(data_dir, error)) from None
    return data_dir


def _unwritable(data_dir: Path, error: OSError) -> str:
    return f"the data folder {data_dir} cannot be written: {error.strerror}; set BOTTRADER_DATA_DIR to one that can"
