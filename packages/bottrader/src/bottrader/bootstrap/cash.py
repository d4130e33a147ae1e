"""The use cases of `bottrader cash`, on the database of `bottrader run`; the exchange is not asked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bottrader.adapters.postgres.store import PostgresStore, open_store
from bottrader.app.import_cash import CashImporter
from bottrader.bootstrap.database import open_database
from bottrader.config import Settings


@asynccontextmanager
async def open_books(settings: Settings) -> AsyncIterator[PostgresStore]:
    """Yield the store that the settings name; raises `StartupRefused` as a start of the bot does."""
    async with open_database(settings) as dsn, open_store(dsn) as store:
        yield store


@asynccontextmanager
async def open_importer(settings: Settings) -> AsyncIterator[CashImporter]:
    """Yield the importer of the books that the settings name."""
    async with open_books(settings) as store:
        yield CashImporter(store, settings.symbols)
