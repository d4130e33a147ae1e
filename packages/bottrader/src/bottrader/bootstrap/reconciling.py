"""One reconciliation from the command line, on the database and the exchange of `bottrader run`.

It may run beside a bot: every fact has its key, so whoever comes second writes nothing. It sends no order and cancels
none.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from bottrader.adapters.postgres.store import open_store
from bottrader.adapters.system.log import RecentEvents
from bottrader.app.portfolio import Portfolio
from bottrader.app.reconcile import Reconciler, Reconciliation
from bottrader.app.record_fills import FillRecorder
from bottrader.app.settle_orders import OrderSettler
from bottrader.app.world import World
from bottrader.bootstrap.database import open_database
from bottrader.bootstrap.venue import address_of, open_venue
from bottrader.config import Settings
from bottrader.domain.cash import opened_at
from bottrader.domain.errors import StartupRefused
from bottrader.domain.market import ProductId


async def reconcile_once(settings: Settings) -> Reconciliation:
    """Reconcile the books that the settings name with their exchange.

    Raises `StartupRefused` as a start of the bot does, and when the books are not open yet; `AdapterError` when the
    database or the exchange does not answer: then nothing is known, and nothing was assumed.
    """
    async with AsyncExitStack() as opened:
        address = address_of(settings)
        store = await opened.enter_async_context(open_store(await opened.enter_async_context(open_database(settings))))
        if opened_at(await store.cash_movements()) is None:
            raise StartupRefused("the books are not open yet: start the bot once, then reconcile")
        log = RecentEvents()
        venue = await opened.enter_async_context(open_venue(address, settings.mode, log))
        await store.claim_venue(f"{settings.mode} portfolio {venue.permissions.portfolio_id}")
        world = World(store, venue.exchange, venue.clock, log)
        portfolio = Portfolio(store, settings.symbols)
        recorder = FillRecorder(world, portfolio)
        settler = OrderSettler(world, portfolio, recorder, may_send=False)
        await portfolio.load()
        return await Reconciler(world, portfolio, settler, recorder).run(_alone)


@asynccontextmanager
async def _alone(product_id: ProductId) -> AsyncIterator[None]:  # noqa: ARG001 - the lock of a process with one task
    yield
