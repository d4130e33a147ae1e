"""The acting half of the bot: one desk per product, one thing at a time on each, no product waiting for another.

A price is noted and handed to its product's own task, so the stream runs on while an order is being sent. While a
product is busy only its newest price is kept: a stop is judged by what the market is now.

Within a product everything happens in turn (settle, judge, act), so a position is never judged while an order of it is
being sent. Across products nothing is shared but limits, so a slow answer on one never delays a stop on another.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from bottrader.app.act_on_signals import SignalActor
from bottrader.app.activity import Activity
from bottrader.app.monitor_positions import PositionMonitor
from bottrader.app.portfolio import Portfolio
from bottrader.app.progress import Progress
from bottrader.app.protect_positions import PositionProtector
from bottrader.app.reconcile import Reconciler, Reconciliation
from bottrader.app.settle_orders import OrderSettler
from bottrader.app.watch_market import MarketWatcher
from bottrader.app.world import World
from bottrader.domain.errors import AdapterError, ExchangeRefused, ExchangeUnreachable
from bottrader.domain.market import ProductId, Ticker
from bottrader.domain.orders import OpenOrder
from bottrader.domain.signals import Signal
from bottrader.ports import Heartbeat, OrderUpdate, StreamLive, StreamLost, UserEvent, UserFeed

# An order that is still open is asked about again at this pace, in venue time.
SETTLE_INTERVAL = timedelta(seconds=2)
# One that rests tells its changes on the user stream; it is asked about at this pace, so that silence is noticed.
RESTING_INTERVAL = timedelta(seconds=10)
# A reconciliation that could not be finished is tried again after this long, in venue time.
RECONCILE_RETRY = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class DeskCrew:
    """The use cases a desk works with."""

    monitor: PositionMonitor
    actor: SignalActor
    settler: OrderSettler
    reconciler: Reconciler
    protector: PositionProtector


class TradingDesk:
    """Queues what happens and works through it, one queue a product."""

    def __init__(
        self, world: World, portfolio: Portfolio, crew: DeskCrew, activity: Activity, reconcile_interval: timedelta
    ) -> None:
        self._store = world.store
        self._clock = world.clock
        self._log = world.log
        self._portfolio = portfolio
        self._monitor = crew.monitor
        self._actor = crew.actor
        self._settler = crew.settler
        self._reconciler = crew.reconciler
        self._protector = crew.protector
        self._activity = activity
        self._reconcile_interval = reconcile_interval
        self._locks = {product_id: asyncio.Lock() for product_id in portfolio.product_ids}
        self._queues: dict[ProductId, asyncio.Queue[Signal | OrderUpdate]] = {
            product_id: asyncio.Queue() for product_id in portfolio.product_ids
        }
        self._prices = {product_id: asyncio.Event() for product_id in portfolio.product_ids}
        self._is_sighted = {product_id: asyncio.Event() for product_id in portfolio.product_ids}
        self._last_settled: dict[ProductId, datetime] = {}
        self._reconcile_due = asyncio.Event()
        self._reconciled_at: datetime | None = None
        self.is_ready = False
        self.is_user_stream_live = False
        self.last_reconciliation: Reconciliation | None = None
        self.reconciliation_fault: str | None = None
        """Why the last attempt did not finish; None after one that did."""
        self.user_progress = Progress()

    @asynccontextmanager
    async def locked(self, product_id: ProductId) -> AsyncIterator[None]:
        """Hold one product still while the body looks at its orders."""
        async with self._locks[product_id]:
            yield

    async def start(self) -> None:
        """Reconcile, take up what an earlier life accepted, then be ready; nothing trades before this returns."""
        self.last_reconciliation = await self._reconciler.start(self.locked)
        self._reconciled_at = self._clock.now()
        self.is_ready = True
        await self._take_up_signals()
        self._log.info("ready", at=self._clock.now(), positions=len(self._portfolio.positions()))

    def take_signal(self, signal: Signal) -> None:
        """Queue an accepted signal; taking it up twice is harmless, since it gets one outcome."""
        self._enqueue(signal.product_id, signal)

    async def on_ticker(self, ticker: Ticker) -> None:
        """Note the price and have the position judged by it; never waits for an answer of the venue."""
        product_id = ticker.product_id
        if product_id not in self._prices:
            return
        self._portfolio.tickers[product_id] = ticker
        self._is_sighted[product_id].set()
        self._protector.watch(ticker)
        if self._portfolio.position(product_id) or self._portfolio.has_unsettled(product_id):
            self._demand(self._prices[product_id])
        self._request_reconciliation_when_due()

    async def run(self, market: MarketWatcher, user: UserFeed, *, follow_candles: bool) -> None:
        """Work until cancelled; raises `InvariantBroken` when money state contradicts itself."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(market.run(self._monitor.on_closed if follow_candles else None, self.on_ticker))
            tasks.create_task(self._follow_user(user))
            tasks.create_task(self._reconcile_repeatedly())
            for product_id in self._portfolio.product_ids:
                tasks.create_task(self._work(product_id, market))
                tasks.create_task(self._judge_repeatedly(product_id))

    async def _judge_repeatedly(self, product_id: ProductId) -> None:
        price = self._prices[product_id]
        while True:
            await price.wait()
            try:
                async with self._locks[product_id]:
                    price.clear()
                    await self._settle_when_due(product_id)
                    await self._monitor.on_ticker(self._portfolio.tickers[product_id])
                    await self._protect(product_id)
            except AdapterError as error:
                # The next price judges again; nothing about the position was assumed.
                self._log.alarm("position_not_judged", product_id=product_id, cause=str(error))
            finally:
                self._activity.end()

    async def _work(self, product_id: ProductId, market: MarketWatcher) -> None:
        while True:
            item = await self._queues[product_id].get()
            try:
                if isinstance(item, Signal):
                    # A signal that an earlier life accepted is not to be refused because this one has just begun.
                    await self._is_sighted[product_id].wait()
                async with self._locks[product_id]:
                    if isinstance(item, Signal):
                        await self._actor.act(item, is_blind=market.is_blind)
                    else:
                        await self._settle_updated(item)
                    await self._protect(product_id)
            except AdapterError as error:
                # A signal without outcome is taken up again by the next reconciliation, an order by the next price.
                self._log.alarm("work_postponed", product_id=product_id, cause=str(error))
            finally:
                self._activity.end()

    async def _protect(self, product_id: ProductId) -> None:
        await self._protector.protect(product_id, is_leaving=self._monitor.is_leaving(product_id))

    async def _settle_updated(self, update: OrderUpdate) -> None:
        order = self._portfolio.order_with(update.venue_order_id, update.client_order_id)
        if order is not None:
            await self._settler.settle(order)

    async def _settle_when_due(self, product_id: ProductId) -> None:
        now = self._clock.now()
        orders = [order for order in self._portfolio.open_orders(product_id) if not _is_known_to_rest(order, now)]
        if not orders:
            return
        last = self._last_settled.get(product_id)
        if last is not None and now - last < SETTLE_INTERVAL:
            return
        self._last_settled[product_id] = now
        for order in orders:
            try:
                await self._settler.settle(order)
            except (ExchangeUnreachable, ExchangeRefused) as error:
                # The order stays open and counts as live; a stop on the coins that are held does not wait for it.
                self._log.alarm("order_not_settled", order_id=order.intent.client_order_id, cause=str(error))

    async def _follow_user(self, user: UserFeed) -> None:
        async with aclosing(user.events()) as events:
            async for event in events:
                self._handle(event)

    def _handle(self, event: UserEvent) -> None:
        match event:
            case OrderUpdate():
                if event.product_id in self._queues:
                    self._enqueue(event.product_id, event)
            case Heartbeat():
                self.user_progress.reach(event.at)
            case StreamLive():
                # What happened while we were not connected is known by request only (R39).
                self._request_reconciliation()
                self.is_user_stream_live = True
                self.user_progress.reach(event.at)
                self._log.info("user_stream_live", at=event.at)
            case StreamLost():
                self.is_user_stream_live = False
                self._log.alarm("user_stream_lost", cause=event.cause)

    async def _reconcile_repeatedly(self) -> None:
        while True:
            await self._reconcile_due.wait()
            self._reconcile_due.clear()
            try:
                self.last_reconciliation = await self._reconciler.run(self.locked)
                await self._take_up_signals()
                self.reconciliation_fault = None
            except AdapterError as error:
                self.reconciliation_fault = str(error)
                self._log.alarm("not_reconciled", cause=str(error))
            finally:
                self._reconciled_at = self._clock.now()
                self._activity.end()

    async def _take_up_signals(self) -> None:
        for signal in await self._store.signals_without_outcome():
            if signal.product_id in self._queues:
                self.take_signal(signal)

    def _request_reconciliation_when_due(self) -> None:
        interval = self._reconcile_interval if self.reconciliation_fault is None else RECONCILE_RETRY
        if self._reconciled_at is not None and self._clock.now() - self._reconciled_at >= interval:
            self._request_reconciliation()

    def _request_reconciliation(self) -> None:
        if self.is_ready:
            self._demand(self._reconcile_due)

    def _demand(self, work: asyncio.Event) -> None:
        """Ask for `work` once, however often it is asked for before it begins."""
        if not work.is_set():
            self._activity.begin()
            work.set()

    def _enqueue(self, product_id: ProductId, item: Signal | OrderUpdate) -> None:
        self._activity.begin()
        self._queues[product_id].put_nowait(item)


def _is_known_to_rest(order: OpenOrder, now: datetime) -> bool:
    """Tell whether the venue has lately said that an order rests, so that there is nothing to ask it."""
    return order.intent.kind.rests and order.confirmed_at is not None and now - order.confirmed_at < RESTING_INTERVAL
