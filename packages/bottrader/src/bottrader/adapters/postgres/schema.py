"""Bring a database to a revision, and tell where it stands.

Every function takes the database URL. A revision is applied in one transaction with its version row, and two processes
take turns, so a crash leaves the old revision or the new one.
"""

import re
from pathlib import Path
from typing import Literal

from bottrader.adapters.postgres.connection import address_of, connect, translated
from bottrader.domain.errors import InvariantBroken, SchemaOutOfDate, StartupRefused, StoreUnreachable

MIGRATIONS = Path(__file__).parent / "migrations"
HEAD = "head"

_REVISION_FILE = re.compile(r"r(\d{4})_\w+\.py")


async def upgrade(dsn: str, revision: str = HEAD) -> None:
    """Apply what is missing up to `revision`; nothing when it is there already. Raises `StartupRefused`."""
    if await current(dsn) != (newest() if revision == HEAD else revision):
        await _migrate("upgrade", dsn, revision)


async def downgrade(dsn: str, revision: str) -> None:
    """Take back every revision after `revision` (`base` empties the database). Raises `StartupRefused`."""
    await _migrate("downgrade", dsn, revision)


async def current(dsn: str) -> str | None:
    """Return the revision the database is at; None when it has no schema of ours. Raises `StartupRefused`."""
    try:
        connection = await connect(dsn)
        try:
            with translated("reading its revision"):
                if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
                    return None
                found: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
                return found
        finally:
            await connection.close()
    except (InvariantBroken, StoreUnreachable) as error:
        raise StartupRefused(f"{error}; nothing was changed") from error


def newest() -> str:
    """Return the revision this program needs: the highest of those whose files it brings."""
    found = (_REVISION_FILE.fullmatch(file.name) for file in (MIGRATIONS / "versions").iterdir())
    return max(match[1] for match in found if match)


async def check(dsn: str) -> None:
    """Raise `SchemaOutOfDate`, naming both revisions, unless the database is at the revision this program needs."""
    found, needed = await current(dsn), newest()
    if found != needed:
        raise SchemaOutOfDate(
            f"the database at {address_of(dsn)} is at revision {found or 'none'} and this program needs {needed};"
            " run `bottrader db upgrade`, or a newer bottrader if the database is ahead"
        )


async def _migrate(direction: Literal["upgrade", "downgrade"], dsn: str, revision: str) -> None:
    # Alembic takes longer to import than most commands take to run, and most starts have nothing to migrate.
    from bottrader.adapters.postgres import migrating  # noqa: PLC0415 - see above

    step = migrating.upgrade if direction == "upgrade" else migrating.downgrade
    try:
        await step(dsn, revision)
    except SchemaOutOfDate as error:
        raise SchemaOutOfDate(f"{error}; this program knows revisions up to {newest()}") from error
