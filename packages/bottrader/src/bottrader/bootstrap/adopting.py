"""The use case of `bottrader adopt`, on the database and the exchange of `bottrader run`."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from bottrader.adapters.postgres.store import open_store
from bottrader.adapters.system.log import RecentEvents
from bottrader.app.adopt_assets import AssetAdopter
from bottrader.app.world import World
from bottrader.bootstrap.database import open_database
from bottrader.bootstrap.strategies import decision_basis
from bottrader.bootstrap.venue import address_of, open_venue
from bottrader.config import Settings


@asynccontextmanager
async def open_adopter(settings: Settings) -> AsyncIterator[AssetAdopter]:
    """Yield the adopter of the account that the settings name; raises `StartupRefused` as a start of the bot does."""
    async with AsyncExitStack() as opened:
        address = address_of(settings)
        rules = decision_basis(settings).rules
        store = await opened.enter_async_context(open_store(await opened.enter_async_context(open_database(settings))))
        log = RecentEvents()
        venue = await opened.enter_async_context(open_venue(address, settings.mode, log))
        await store.claim_venue(f"{settings.mode} portfolio {venue.permissions.portfolio_id}")
        yield AssetAdopter(World(store, venue.exchange, venue.clock, log), settings.symbols, rules)
