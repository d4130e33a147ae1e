"""An order by hand, beside a running bot: what it would become, and the way to the webhook that carries it out."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import aiohttp

from bottrader.adapters.http.health_reader import read_health
from bottrader.adapters.http.sender import HttpSignalSender
from bottrader.adapters.postgres.store import open_store
from bottrader.adapters.system.kill_file import KillFileOnDisk
from bottrader.adapters.system.log import RecentEvents
from bottrader.app.guard_entries import EntryGuard
from bottrader.app.kill_switch import KillSwitchBoard
from bottrader.app.open_positions import EntryDecider
from bottrader.app.order_by_hand import Fate, FateKind, OrderErrand
from bottrader.app.portfolio import Portfolio
from bottrader.app.select_symbols import SymbolSelector
from bottrader.app.sell_by_hand import ManualSeller
from bottrader.app.world import World
from bottrader.bootstrap.database import open_database
from bottrader.bootstrap.egress import session_to
from bottrader.bootstrap.roles import WEBHOOK_PATH
from bottrader.bootstrap.smoking import SmokeOptions, webhook_origin
from bottrader.bootstrap.strategies import DecisionBasis, decision_basis
from bottrader.bootstrap.venue import Venue, address_of, open_venue
from bottrader.config import Settings
from bottrader.domain.errors import ConfigInvalid, StartupRefused
from bottrader.domain.market import FeeRates, ProductId, Ticker
from bottrader.domain.money import Price, Size
from bottrader.domain.orders import OrderIntent
from bottrader.domain.signals import Action, Signal, SignalId, Trigger
from bottrader.domain.validation import Refusal
from bottrader.ports import Store
from bottrader.ports.kill_file import KILL_FILE_NAME

NOTE = "manual: sent by bottrader order"


@dataclass(frozen=True, slots=True)
class ManualOrder:
    """What a person asks for: so much base currency, or, of a buy, for so much quote currency."""

    product_id: ProductId
    side: Action
    size_base: Size | None
    quote_size: Decimal | None

    def __post_init__(self) -> None:
        if (self.size_base is None) == (self.quote_size is None):
            raise ConfigInvalid("an order needs --size (coins) or --quote (money), and not both")
        if self.side is Action.SELL and self.size_base is None:
            raise ConfigInvalid("a sell needs --size, the number of coins; --quote is for buys")


@dataclass(frozen=True, slots=True)
class Preview:
    """What an order would become now; the running bot decides anew when it gets it."""

    order: ManualOrder
    mode: str
    ticker: Ticker
    fee_rates: FeeRates
    decided: OrderIntent | Refusal


class OrderDesk:
    """Shows, sends and follows one order."""

    def __init__(self, settings: Settings, store: Store, venue: Venue, session: aiohttp.ClientSession) -> None:
        self._settings, self._store, self._venue, self._session = settings, store, venue, session
        self._basis: DecisionBasis = decision_basis(settings)
        assert settings.webhook_secret is not None, "asked for before anything is opened"
        url = webhook_url_of(settings)
        secret = settings.webhook_secret.get_secret_value()
        self._errand = OrderErrand(store, HttpSignalSender(session, url, secret, venue.clock), venue.clock)
        self._origin = url.removesuffix(WEBHOOK_PATH)

    async def check_webhook(self) -> None:
        """Raise `StartupRefused` when no webhook answers: then there is nobody who may send an order."""
        health = await read_health(self._session, self._origin)
        if health.cause:
            raise StartupRefused(
                f"no webhook answers at {health.url} ({health.cause}), and only a running bot sends orders: start"
                " `bottrader run`, or correct BOTTRADER_WEBHOOK_URL"
            )

    async def preview(self, order: ManualOrder) -> Preview:
        """Return what the order would become, by the rules, the books and the prices of now; nothing is sent."""
        exchange, rules = self._venue.exchange, self._basis.rules
        world = World(self._store, exchange, self._venue.clock, RecentEvents())
        portfolio = Portfolio(self._store, self._settings.symbols)
        await portfolio.load()
        portfolio.products = {each.product_id: each for each in await exchange.products(portfolio.product_ids)}
        portfolio.fee_rates = await exchange.fee_rates()
        portfolio.tickers = {each.product_id: each for each in await exchange.tickers(portfolio.product_ids)}
        switch = KillSwitchBoard(world, KillFileOnDisk(self._settings.data_dir / KILL_FILE_NAME))
        guard = EntryGuard(world, portfolio, rules.limits, switch, SymbolSelector(world, portfolio, rules.selection))
        ticker = portfolio.tickers[order.product_id]
        signal = await self._signal(order, new_signal_id(), ticker.price)
        if order.side is Action.SELL:
            decided = await ManualSeller(world, portfolio, rules).decide(signal)
        else:
            decided = await EntryDecider(world, portfolio, rules, guard).decide(signal)
        return Preview(order, self._settings.mode.value, ticker, portfolio.fee_rates, decided)

    async def knows(self, signal_id: SignalId) -> bool:
        """Tell whether an order with this id was taken before."""
        return await self._store.signal_history(signal_id) is not None

    async def send(
        self, preview: Preview, signal_id: SignalId, patience_s: float, on_unknown: Callable[[Fate], None]
    ) -> Fate:
        """Have the webhook carry the order out, at most once for this id, and return what became of it."""
        history = await self._store.signal_history(signal_id)
        if history is None:
            refusal = await self._errand.send(await self._signal(preview.order, signal_id, preview.ticker.price))
            # Refused as known already, an earlier try has arrived in the meantime: that one is followed.
            if refusal is not None and not await self.knows(signal_id):
                return Fate(signal_id, FateKind.REFUSED, refusal.code, refusal.message, is_final=True)
        elif _content(history.signal) != _content_of(preview.order):
            raise ConfigInvalid(f"{signal_id} is the id of another order; leave --id out for a new one")
        return await self._errand.follow(signal_id, patience_s, on_unknown)

    async def _signal(self, order: ManualOrder, signal_id: SignalId, price: Price) -> Signal:
        now = await self._venue.exchange.server_time()
        return Signal(
            signal_id=signal_id,
            product_id=order.product_id,
            action=order.side,
            trigger=Trigger.MANUAL,
            note=NOTE,
            price=price,
            candle_opened_at=now,
            born_at=now,
            expires_at=now + timedelta(seconds=self._settings.signal_ttl_s),
            snapshot_hash=self._basis.snapshot.content_hash,
            quote_size=order.quote_size,
            size_base=order.size_base,
        )


@asynccontextmanager
async def open_order_desk(settings: Settings, order: ManualOrder) -> AsyncIterator[OrderDesk]:
    """Open the books and the exchange of `bottrader run`; raises `StartupRefused` when one of them is not there."""
    if order.product_id not in settings.symbols:
        raise ConfigInvalid(f"{order.product_id} is not traded here: choose one of {', '.join(settings.symbols)}")
    if settings.webhook_secret is None:
        raise ConfigInvalid("orders are signed: set BOTTRADER_WEBHOOK_SECRET to the secret of the running bot")
    async with AsyncExitStack() as opened:
        address = address_of(settings)
        store = await opened.enter_async_context(open_store(await opened.enter_async_context(open_database(settings))))
        venue = await opened.enter_async_context(open_venue(address, settings.mode, RecentEvents()))
        await store.claim_venue(f"{settings.mode} portfolio {venue.permissions.portfolio_id}")
        session = await opened.enter_async_context(session_to([webhook_url_of(settings)]))
        desk = OrderDesk(settings, store, venue, session)
        await desk.check_webhook()
        yield desk


def webhook_url_of(settings: Settings) -> str:
    """Return where signals are posted; raises `StartupRefused` for what is no address."""
    return settings.webhook_url or webhook_origin(settings, SmokeOptions()) + WEBHOOK_PATH


def new_signal_id() -> SignalId:
    """Return an id that no order has."""
    return SignalId(str(uuid4()))


def signal_id_of(text: str) -> SignalId:
    """Return the id that a person typed; raises `ConfigInvalid` for what is none."""
    try:
        return SignalId(str(UUID(text)))
    except ValueError:
        raise ConfigInvalid(f"--id {text} is none: it is the id that the first try printed") from None


def _content(signal: Signal) -> tuple[object, ...]:
    return signal.product_id, signal.action, signal.trigger, signal.size_base, signal.quote_size


def _content_of(order: ManualOrder) -> tuple[object, ...]:
    return order.product_id, order.side, Trigger.MANUAL, order.size_base, order.quote_size
