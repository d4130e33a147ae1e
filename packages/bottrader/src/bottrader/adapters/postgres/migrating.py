"""Run Alembic on a database: the part of `schema` that needs Alembic and SQLAlchemy.

They take longer to import than most commands take to run, so `schema` imports this module only to migrate.
"""

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from bottrader.adapters.postgres.connection import address_of, connect, translated
from bottrader.domain.errors import InvariantBroken, SchemaOutOfDate, StartupRefused, StoreUnreachable

MIGRATIONS = Path(__file__).parent / "migrations"

_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('bottrader schema', 0))")


async def upgrade(dsn: str, revision: str) -> None:
    """Apply what is missing up to `revision`."""
    await _migrate(dsn, command.upgrade, revision)


async def downgrade(dsn: str, revision: str) -> None:
    """Take back every revision after `revision`."""
    await _migrate(dsn, command.downgrade, revision)


async def _migrate(dsn: str, action: Callable[[Config, str], None], revision: str) -> None:
    config = _config()

    def step(connection: Connection) -> None:
        config.attributes["connection"] = connection
        action(config, revision)

    try:
        await _run(dsn, step)
    except CommandError as error:
        raise SchemaOutOfDate(f"the database at {address_of(dsn)} cannot go to revision {revision}: {error}") from error


async def _run(dsn: str, work: Callable[[Connection], None]) -> None:
    # The driver reads the URL itself, so one spelling of DATABASE_URL serves the pool and the migrations.
    engine = create_async_engine("postgresql+asyncpg://", async_creator=lambda: connect(dsn), poolclass=NullPool)
    try:
        with translated("changing its schema"):
            async with engine.begin() as connection:
                # Before Alembic starts: it keeps the running migration in module globals, so two may not overlap.
                await connection.execute(_ONE_AT_A_TIME)
                await connection.run_sync(work)
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
