"""See to it that each asset in the account has an owner, and each position its protection, or an alarm.

After every reconciliation three things are looked at. Coins: what the venue holds against our open lots
(`domain.custody`); coins that came without us and coins of ours that are gone are told once per change, and nothing is
ever traded because of them (F51, F52). Orders: one that is open at the venue under an id of our making but that our
books do not know is taken up when its intent exists, and cancelled otherwise, since nobody would watch it (R12); an
order that somebody else placed is never touched. Positions: each has a bracket at the venue, or a price young enough
that the monitor judges it, or an alarm (R10, R11); this is looked at between reconciliations too.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import timedelta
from decimal import Decimal

from bottrader.app.portfolio import Portfolio
from bottrader.app.protect_positions import ALARM_AFTER, PositionProtector, Protection
from bottrader.app.reconcile import Reconciliation
from bottrader.app.settle_orders import OrderSettler
from bottrader.app.trading_rules import TradingRules
from bottrader.app.world import World
from bottrader.domain.custody import Custody, CustodyRules, Holding, Quoted, Wallet, judge_holdings
from bottrader.domain.lots import OpenLot, ledger_key
from bottrader.domain.market import ProductId, base_of, quote_of
from bottrader.domain.money import EXACT, ZERO
from bottrader.domain.orders import CancelTaken, OpenOrder, OrderState, Side, VenueOrder, VenueOrderId, trigger_of
from bottrader.domain.positions import LotBook, Position
from bottrader.ports import Balance, Store

ProductLock = Callable[[ProductId], AbstractAsyncContextManager[object]]


class AssetGuard:
    """Looks after every asset, order and position; sells nothing itself."""

    def __init__(
        self,
        world: World,
        portfolio: Portfolio,
        settler: OrderSettler,
        protector: PositionProtector,
        rules: TradingRules,
    ) -> None:
        self._store = world.store
        self._exchange = world.exchange
        self._clock = world.clock
        self._log = world.log
        self._portfolio = portfolio
        self._settler = settler
        self._protector = protector
        self._custody_rules = custody_rules(portfolio.product_ids, rules)
        self._price_age_max = timedelta(seconds=rules.limits.price_age_s_max)
        self._started_at = world.clock.now()
        self._unwatched: list[OpenLot] | None = None
        self._told: dict[str, tuple[Decimal, Decimal]] = {}
        self._bare: set[ProductId] = set()
        self._others_orders: set[VenueOrderId] = set()
        self._orphans: set[VenueOrderId] = set()
        self.holdings: tuple[Holding, ...] = ()
        """What each asset was found to be when balances and books were last compared."""

    async def run(self, found: Reconciliation, lock: ProductLock) -> None:
        """Look at everything; called with a reconciliation that has just ended, before anything is waited for.

        Raises `ExchangeUnreachable`, `ExchangeRefused` or `StoreUnreachable` when orders could not be looked at.
        """
        if self._unwatched is None:
            # Before anything is traded; what this process does not trade does not change while it runs.
            self._unwatched = await lots_besides(self._store, self._portfolio.product_ids)
        # Without a wait before, so that the lots are those that these balances were compared with.
        self._judge_coins(found.balances)
        await self._resolve_orders(lock)
        self.look()

    def look(self) -> None:
        """Tell, once a stretch, of each position that nobody protects; waits for nothing."""
        bare = {position.product_id for position in self._portfolio.positions() if self._is_bare(position)}
        for product_id in sorted(bare - self._bare):
            self._log.alarm("position_without_protection", product_id=product_id)
        self._bare = bare

    def faults(self) -> list[str]:
        """Return what a person has to see to, in words."""
        faults = [f"the position in {product_id} has no protection" for product_id in sorted(self._bare)]
        faults += [
            f"{each.missing} {each.currency} of ours are not at the exchange" for each in self.holdings if each.missing
        ]
        unwatched = {lot.product_id for lot in self._unwatched or () if not self._is_hodl(lot.product_id)}
        faults += [f"the position in {each} is not watched: add it to BOTTRADER_SYMBOLS" for each in sorted(unwatched)]
        if self._orphans:
            faults.append(f"{len(self._orphans)} orders at the exchange bear our ids and are not in our books")
        return faults

    def _judge_coins(self, balances: Iterable[Balance]) -> None:
        wallets = wallets_of(balances, self._portfolio.open_orders(), self._portfolio.size_left)
        if not wallets:
            return
        tickers = self._portfolio.tickers
        quoted = [
            Quoted(product, tickers[product_id].price if product_id in tickers else None)
            for product_id, product in self._portfolio.products.items()
        ]
        lots = [*self._portfolio.open_lots(), *(self._unwatched or ())]
        self.holdings = tuple(judge_holdings(wallets, lots, quoted, self._custody_rules))
        told = {
            each.currency: (each.foreign, each.missing)
            for each in self.holdings
            if each.missing or (each.foreign and each.kind in _ALARMING)
        }
        for currency in sorted(told):
            foreign, missing = told[currency]
            if self._told.get(currency) == told[currency]:
                continue
            if missing:
                self._log.alarm("coins_missing", currency=currency, missing=missing)
            else:
                self._log.alarm("foreign_coins", currency=currency, size=foreign)
        self._told = told

    async def _resolve_orders(self, lock: ProductLock) -> None:
        others: set[VenueOrderId] = set()
        orphans: set[VenueOrderId] = set()
        for order in await self._exchange.open_orders():
            known = self._portfolio.order_with(order.venue_order_id, order.client_order_id)
            if known is not None and known.venue_order_id is not None:
                continue
            if trigger_of(order.client_order_id) is None:
                others.add(order.venue_order_id)
                self._tell_other(order)
                continue
            is_traded = order.product_id in self._portfolio.product_ids
            async with lock(order.product_id) if is_traded else nullcontext():
                if not await self._resolve(order):
                    orphans.add(order.venue_order_id)
        self._others_orders, self._orphans = others, orphans

    def _tell_other(self, order: VenueOrder) -> None:
        if order.venue_order_id not in self._others_orders:
            self._log.info("foreign_order_seen", venue_order_id=order.venue_order_id, product_id=order.product_id)

    async def _resolve(self, order: VenueOrder) -> bool:
        """Take up or cancel an order under an id of our making; False when it may stay open without us."""
        await self._portfolio.adopt_orders(order.product_id)
        known = self._portfolio.order_with(order.venue_order_id, order.client_order_id)
        if known is not None:
            if known.venue_order_id is None and known.state in (OrderState.SENT, OrderState.UNKNOWN):
                await self._settler.accept(known, order.venue_order_id)
                self._log.info("orphan_order_adopted", order_id=order.client_order_id)
            return True
        # It was in the books when it was listed and may have ended since: only the venue can tell now.
        now = await self._exchange.get_order(order.venue_order_id)
        if now is None or now.state.is_terminal:
            return True
        answer = (await self._exchange.cancel([order.venue_order_id]))[order.venue_order_id]
        self._log.alarm(
            "orphan_order_cancelled",
            order_id=order.client_order_id,
            venue_order_id=order.venue_order_id,
            product_id=order.product_id,
            answer=str(answer),
        )
        return isinstance(answer, CancelTaken)

    def _is_bare(self, position: Position) -> bool:
        """Tell whether nothing at the venue and no price that the monitor could judge guards this position."""
        product_id = position.product_id
        now = self._clock.now()
        if self._is_hodl(product_id) or now - max(position.opened_at, self._started_at) < ALARM_AFTER:
            return False
        if self._protector.protection(product_id) is Protection.VENUE:
            return False
        ticker = self._portfolio.tickers.get(product_id)
        return ticker is None or not ticker.is_sane or now - ticker.at > self._price_age_max

    def _is_hodl(self, product_id: ProductId) -> bool:
        return base_of(product_id) in self._custody_rules.hodl


_ALARMING = frozenset({Custody.OWNED, Custody.ADOPTED, Custody.FOREIGN, Custody.MISSING})


def custody_rules(product_ids: Iterable[ProductId], rules: TradingRules) -> CustodyRules:
    """Return what tells coins from cash and dust for a bot that trades these products."""
    return CustodyRules(rules.hodl, frozenset(quote_of(each) for each in product_ids), rules.sell_value_min)


def wallets_of(
    balances: Iterable[Balance], orders: Iterable[OpenOrder], size_left: Callable[[OpenOrder], Decimal]
) -> list[Wallet]:
    """Return the balances as wallets, with what our own open sells may hold back of each."""
    selling: dict[str, Decimal] = {}
    for order in orders:
        if order.intent.side is Side.SELL:
            base = base_of(order.intent.product_id)
            selling[base] = EXACT.add(selling.get(base, ZERO), size_left(order))
    return [Wallet(each.currency, each.total, each.hold, selling.get(each.currency, ZERO)) for each in balances]


async def lots_besides(store: Store, product_ids: Iterable[ProductId]) -> list[OpenLot]:
    """Return the open lots of every product but these: what an earlier configuration traded."""
    watched = frozenset(product_ids)
    books: dict[ProductId, LotBook] = {}
    for execution in sorted(await store.executions(), key=ledger_key):
        if execution.product_id not in watched:
            books.setdefault(execution.product_id, LotBook(execution.product_id)).apply(execution)
    return [lot for book in books.values() for lot in book.open_lots]
