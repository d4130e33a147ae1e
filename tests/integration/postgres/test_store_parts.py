"""A part of the store works without the others: whoever needs the ledger alone opens no whole store."""

import pytest

from bottrader.adapters.postgres.ledger_store import PostgresLedger
from bottrader.adapters.postgres.order_store import PostgresOrders
from bottrader.adapters.postgres.pool import open_database
from bottrader.domain.errors import StartupRefused


async def test_the_ledger_alone_keeps_its_venue(database_url: str) -> None:
    async with open_database(database_url) as database:
        ledger = PostgresLedger(database)
        await ledger.claim_venue("coinbase")
        with pytest.raises(StartupRefused, match="coinbase"):
            await ledger.claim_venue("simulator")


async def test_the_orders_alone_have_no_fill_in_an_empty_database(database_url: str) -> None:
    async with open_database(database_url) as database:
        assert list(await PostgresOrders(database).open_orders()) == []
