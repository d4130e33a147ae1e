"""The books of the database for `bottrader lots export`; apart, since this is what loads a database."""

import asyncio
from collections.abc import Sequence

from bottrader.adapters.postgres.store import open_store
from bottrader.bootstrap.database import open_database
from bottrader.bootstrap.paper import last_session
from bottrader.cli.report_command import DEFAULT_DATABASE
from bottrader.config import load_settings
from bottrader.domain.disposals import uncovered_sells
from bottrader.domain.errors import StartupRefused
from bottrader.domain.lots import Allocation, Execution

NAMED_MAX = 5


def active_books() -> tuple[str, Sequence[Execution], Sequence[Allocation]]:
    """Return what they are called, the trades, and the allocations of the active version.

    Raises:
        StartupRefused: when there is no usable database, or its allocations are not those of its trades.
    """
    return asyncio.run(_active_books())


async def _active_books() -> tuple[str, Sequence[Execution], Sequence[Allocation]]:
    settings = load_settings()
    name = last_session(settings.data_dir) or DEFAULT_DATABASE
    async with open_database(settings, name) as dsn, open_store(dsn) as store:
        facts, version = await store.snapshot(), await store.active_version()
    if sells := uncovered_sells(facts.executions, facts.allocations):
        some = ", ".join(sells[:NAMED_MAX]) + (f" and {len(sells) - NAMED_MAX} more" if len(sells) > NAMED_MAX else "")
        raise StartupRefused(
            f"allocations of version {version.number} do not cover the sells {some}; run `bottrader lots rebuild`"
        )
    return f"database {name}, version {version.number} ({version.method})", facts.executions, facts.allocations
