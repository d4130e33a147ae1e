"""Bring a database to a revision, and tell where it stands.

Every function takes the database URL and may be awaited inside a running event loop. A revision is applied in one
transaction with its version row, and two processes take turns, so a crash leaves the old revision or the new one.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from bottrader.adapters.postgres.connection import address_of, connect, translated
from bottrader.domain.errors import InvariantBroken, SchemaOutOfDate, StartupRefused, StoreUnreachable

T = TypeVar("T")

_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('bottrader schema', 0))")

MIGRATIONS = Path(__file__).parent / "migrations"


async def upgrade(dsn: str, revision: str = "head") -> None:
    """Apply what is missing up to `revision`; nothing when it is there already. Raises `StartupRefused`."""
    await _migrate(dsn, command.upgrade, revision)


async def downgrade(dsn: str, revision: str) -> None:
    """Take back every revision after `revision` (`base` empties the database). Raises `StartupRefused`."""
    await _migrate(dsn, command.downgrade, revision)


async def current(dsn: str) -> str | None:
    """Return the revision the database is at; None when it has no schema of ours. Raises `StartupRefused`."""

    def read(connection: Connection) -> str | None:
        return MigrationContext.configure(connection).get_current_revision()

    return await _run(dsn, read)


def newest() -> str:
    """Return the revision this program needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None, "the migrations folder is part of the package"
    return head


async def check(dsn: str) -> None:
    """Raise `SchemaOutOfDate`, naming both revisions, unless the database is at the revision this program needs."""
    found, needed = await current(dsn), newest()
    if found != needed:
        raise SchemaOutOfDate(
            f"the database at {address_of(dsn)} is at revision {found or 'none'} and this program needs {needed};"
            " run `bottrader db upgrade`, or a newer bottrader if the database is ahead"
        )


async def _migrate(dsn: str, action: Callable[[Config, str], None], revision: str) -> None:
    config = _config()

    def step(connection: Connection) -> None:
        config.attributes["connection"] = connection
        action(config, revision)

    try:
        await _run(dsn, step)
    except CommandError as error:
        raise SchemaOutOfDate(
            f"the database at {address_of(dsn)} cannot go to revision {revision}: {error};"
            f" this program knows revisions up to {newest()}"
        ) from error


async def _run(dsn: str, work: Callable[[Connection], T]) -> T:
    # The driver reads the URL itself, so one spelling of DATABASE_URL serves the pool and the migrations.
    engine = create_async_engine("postgresql+asyncpg://", async_creator=lambda: connect(dsn), poolclass=NullPool)
    try:
        with translated("changing its schema"):
            async with engine.begin() as connection:
                # Before Alembic starts: it keeps the running migration in module globals, so two may not overlap.
                await connection.execute(_ONE_AT_A_TIME)
                return await connection.run_sync(work)
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise StartupRefused(f"the schema of the database at {address_of(dsn)} cannot be changed: {cause}") from error
    except (InvariantBroken, StoreUnreachable) as error:
        raise StartupRefused(f"{error}; nothing was changed") from error
    finally:
        await engine.dispose()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
