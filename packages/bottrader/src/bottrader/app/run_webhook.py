"""The acting half of the bot: one desk per product, one thing at a time on each, no product waiting for another.

A price is noted and handed to its product's own task, so the stream runs on while an order is being sent. While a
product is busy only its newest price is kept: a stop is judged by what the market is now.

Within a product everything happens in turn (settle, judge, act), so a position is never judged while an order of it is
being sent. Across products nothing is shared but limits, so a slow answer on one never delays a stop on another.

Once a second of real time the desk looks around: a position whose price the stream does not renew is judged by a price
that is asked for, so that it is judged every three seconds although no tick comes.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from bottrader.app.act_on_signals import SignalActor
from bottrader.app.activity import Activity
from bottrader.app.entry_gates import Sight, closed_gate
from bottrader.app.follow_user import UserFollower
from bottrader.app.guard_assets import AssetGuard
from bottrader.app.keep_prices import PriceKeeper, Trust
from bottrader.app.monitor_positions import PositionMonitor
from bottrader.app.portfolio import Portfolio
from bottrader.app.progress import Progress
from bottrader.app.protect_positions import PositionProtector
from bottrader.app.queue_signals import SignalQueue
from bottrader.app.quote_passively import PassiveQuoter
from bottrader.app.reconcile import Reconciler, Reconciliation
from bottrader.app.select_symbols import SymbolSelector
from bottrader.app.settle_orders import OrderSettler
from bottrader.app.tasks import Pulse, TaskBoard
from bottrader.app.watch_market import STREAM_SILENCE_S_MAX, MarketWatcher
from bottrader.app.world import World
from bottrader.domain.errors import AdapterError, ExchangeRefused, ExchangeUnreachable
from bottrader.domain.market import ProductId, Ticker
from bottrader.domain.orders import OpenOrder, OrderState
from bottrader.domain.signals import Action, Signal
from bottrader.ports import OrderUpdate, UserFeed

# An order that is still open is asked about again at this pace, in venue time.
SETTLE_INTERVAL = timedelta(seconds=2)
# One that rests tells its changes on the user stream; it is asked about at this pace, so that silence is noticed.
RESTING_INTERVAL = timedelta(seconds=10)
# A reconciliation that could not be finished is tried again after this long, in venue time.
RECONCILE_RETRY = timedelta(seconds=10)
# A look comes once a second of real time: so many of them without a price make the desk ask for one, and so many in all
# raise an alarm. Open orders are asked about every other look, should venue time stand still.
PRICE_LOOKS = 2
ALARM_LOOKS = 6
SETTLE_LOOKS = 2
# One piece of work on a product takes a few requests at most, and so long only when it hangs.
WORK_S_MAX = 120.0
# A reconciliation may have years of fills to ask for.
RECONCILING_S_MAX = 900.0


@dataclass(frozen=True, slots=True)
class DeskCrew:
    """The use cases a desk works with."""

    monitor: PositionMonitor
    actor: SignalActor
    settler: OrderSettler
    reconciler: Reconciler
    protector: PositionProtector
    prices: PriceKeeper
    selector: SymbolSelector
    guard: AssetGuard
    quoter: PassiveQuoter


class _Bench:
    """What waits to be done for one product."""

    __slots__ = ("is_sighted", "lock", "looks", "price", "quote", "settled_at", "updates", "updates_due")

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.updates: dict[str, OrderUpdate] = {}
        """The newest report of each order that is to be asked about."""
        self.updates_due = asyncio.Event()
        self.price = asyncio.Event()
        """A position or order is to be looked at."""
        self.quote = asyncio.Event()
        """A price is to be asked for."""
        self.is_sighted = asyncio.Event()
        self.looks = 0
        """How often the desk has looked since a price was believed."""
        self.settled_at: datetime | None = None


class TradingDesk:
    """Queues what happens and works through it, one queue a product."""

    def __init__(
        self, world: World, portfolio: Portfolio, crew: DeskCrew, activity: Activity, reconcile_interval: timedelta
    ) -> None:
        self._clock = world.clock
        self._log = world.log
        self._portfolio = portfolio
        self._monitor = crew.monitor
        self._actor = crew.actor
        self._settler = crew.settler
        self._reconciler = crew.reconciler
        self._protector = crew.protector
        self._prices = crew.prices
        self._selector = crew.selector
        self._guard = crew.guard
        self._quoter = crew.quoter
        self._activity = activity
        self._reconcile_interval = reconcile_interval
        self._benches = {product_id: _Bench() for product_id in portfolio.product_ids}
        self._signals = SignalQueue(portfolio.product_ids, world.store, world.log, activity)
        self._reconcile_due = asyncio.Event()
        self._reconciled_at: datetime | None = None
        self._user = UserFollower(portfolio, world.log, self._note_update, self._request_reconciliation)
        self.is_ready = False
        self.last_reconciliation: Reconciliation | None = None
        self.reconciliation_fault: str | None = None
        """Why the last attempt did not finish; None after one that did."""

    @property
    def is_user_stream_live(self) -> bool:
        return self._user.is_live

    @property
    def is_user_gap_filled(self) -> bool:
        """Tell whether everything that the user stream missed has been asked for."""
        return self._user.is_gap_filled

    @property
    def user_progress(self) -> Progress:
        return self._user.progress

    @asynccontextmanager
    async def locked(self, product_id: ProductId) -> AsyncIterator[None]:
        """Hold one product still while the body looks at its orders."""
        async with self._benches[product_id].lock:
            yield

    async def start(self) -> None:
        """Reconcile, take up what an earlier life accepted, then be ready; nothing trades before this returns."""
        self.last_reconciliation = await self._reconciler.start(self.locked)
        await self._selector.follow_reconciliation()
        await self._guard.run(self.last_reconciliation, self.locked)
        self._reconciled_at = self._clock.now()
        await self._signals.fetch_all()
        self.is_ready = True
        self._log.info("ready", at=self._clock.now(), positions=len(self._portfolio.positions()))

    def has_room(self, product_id: ProductId) -> bool:
        """Tell whether one more signal of this product may wait for its turn."""
        return self._signals.has_room(product_id)

    def take_signal(self, signal: Signal) -> None:
        """Queue an accepted signal; taking it up twice is harmless, since it gets one outcome."""
        self._signals.put(signal)

    async def on_ticker(self, ticker: Ticker) -> None:
        """Note the price and have the position judged by it; never waits for an answer of the venue."""
        bench = self._benches.get(ticker.product_id)
        if bench is None:
            return
        match self._prices.take(ticker):
            case Trust.BELIEVED:
                self._note_price(ticker.product_id)
            case Trust.IN_DOUBT:
                self._demand(bench.quote)
        self._request_reconciliation_when_due()

    def look(self) -> None:
        """Ask for what the streams do not bring; called once a second of real time.

        Only positions and open orders need it: entries have their own limit on the age of a price.
        """
        for product_id, bench in self._benches.items():
            has_position = self._portfolio.position(product_id) is not None
            has_order = self._portfolio.has_unsettled(product_id)
            if not has_position and not has_order:
                bench.looks = 0
                continue
            bench.looks += 1
            if bench.looks % PRICE_LOOKS == 0 or self._prices.is_doubted(product_id):
                self._demand(bench.quote)
            if has_order and bench.looks % SETTLE_LOOKS == 0:
                bench.settled_at = None
                self._demand(bench.price)
            if has_position and bench.looks == ALARM_LOOKS:
                self._log.alarm("position_without_price", product_id=product_id, looks=bench.looks)
        self._guard.look()
        self._signals.look()
        self._request_reconciliation_when_due()

    async def run(self, market: MarketWatcher, user: UserFeed, board: TaskBoard | None = None) -> None:
        """Work until cancelled; raises `InvariantBroken` when money state contradicts itself."""
        board = board or TaskBoard(self._clock)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(market.run(self._monitor.on_closed, self.on_ticker, board))
            tasks.create_task(board.keep("user_stream", STREAM_SILENCE_S_MAX, partial(self._user.run, user)))
            tasks.create_task(board.keep("reconcile", RECONCILING_S_MAX, self._reconcile_repeatedly))
            tasks.create_task(board.keep("signals", WORK_S_MAX, self._signals.fetch_repeatedly))
            tasks.create_task(self._stop_waiting_when_lost(market))
            for product_id, bench in self._benches.items():
                works = {
                    "act": partial(self._act_repeatedly, product_id, bench, market),
                    "settle": partial(self._settle_repeatedly, product_id, bench, market),
                    "judge": partial(self._judge_repeatedly, product_id, bench, market),
                    "ask": partial(self._ask_repeatedly, product_id, bench),
                }
                for name, work in works.items():
                    tasks.create_task(board.keep(f"{name}.{product_id}", WORK_S_MAX, work))

    async def _stop_waiting_when_lost(self, market: MarketWatcher) -> None:
        """Let signals that wait for the first price go on to their refusal: there is no market to see."""
        await market.lost.wait()
        for bench in self._benches.values():
            bench.is_sighted.set()

    async def _judge_repeatedly(
        self, product_id: ProductId, bench: _Bench, market: MarketWatcher, pulse: Pulse
    ) -> None:
        while True:
            pulse.rest()
            await bench.price.wait()
            pulse.beat()
            try:
                async with bench.lock:
                    bench.price.clear()
                    await self._settle_when_due(product_id, bench)
                    ticker = self._portfolio.tickers.get(product_id)
                    if ticker is not None:
                        await self._monitor.on_ticker(ticker)
                        await self._tend(product_id, market)
            except AdapterError as error:
                # The next price judges again; nothing about the position was assumed.
                self._log.alarm("position_not_judged", product_id=product_id, cause=str(error))
            finally:
                self._activity.end()

    async def _ask_repeatedly(self, product_id: ProductId, bench: _Bench, pulse: Pulse) -> None:
        while True:
            pulse.rest()
            await bench.quote.wait()
            pulse.beat()
            bench.quote.clear()
            try:
                if await self._prices.request(product_id):
                    self._note_price(product_id)
            finally:
                self._activity.end()

    async def _act_repeatedly(self, product_id: ProductId, bench: _Bench, market: MarketWatcher, pulse: Pulse) -> None:
        while True:
            pulse.rest()
            signal = await self._signals.next(product_id)
            has_outcome = False
            try:
                # A signal that an earlier life accepted is not to be refused because this one has just begun.
                await bench.is_sighted.wait()
                if signal.action is Action.BUY:
                    # A gap that is being filled is worth waiting for; one that cannot be filled is a closed gate.
                    await self._user.judged()
                pulse.beat()
                async with bench.lock:
                    await self._actor.act(signal, gate=closed_gate(self._sight(product_id, market)))
                    has_outcome = True
                    await self._tend(product_id, market)
            except AdapterError as error:
                # Without an outcome it is taken up again, by a look or by the next reconciliation.
                self._log.alarm("work_postponed", product_id=product_id, cause=str(error))
            finally:
                self._signals.end(signal, has_outcome=has_outcome)

    async def _settle_repeatedly(
        self, product_id: ProductId, bench: _Bench, market: MarketWatcher, pulse: Pulse
    ) -> None:
        while True:
            pulse.rest()
            await bench.updates_due.wait()
            pulse.beat()
            bench.updates_due.clear()
            updates = list(bench.updates.values())
            bench.updates.clear()
            try:
                async with bench.lock:
                    for update in updates:
                        order = self._portfolio.order_with(update.venue_order_id, update.client_order_id)
                        if order is not None:
                            await self._settle(order)
                    await self._tend(product_id, market)
            except AdapterError as error:
                # The next price asks again.
                self._log.alarm("work_postponed", product_id=product_id, cause=str(error))
            finally:
                self._activity.end()

    async def _tend(self, product_id: ProductId, market: MarketWatcher) -> None:
        """Bring what rests at the venue in line with the position: brackets first, then quotes."""
        await self._protector.protect(product_id, is_leaving=self._monitor.is_leaving(product_id))
        await self._quoter.tend(product_id, closed_gate(self._sight(product_id, market)))

    def _sight(self, product_id: ProductId, market: MarketWatcher) -> Sight:
        return Sight(
            is_reconciled=self.is_ready,
            reconciliation_fault=self.reconciliation_fault,
            is_user_stream_live=self._user.is_live,
            is_user_gap_filled=self._user.is_gap_filled,
            is_market_blind=market.is_blind,
            is_price_doubted=self._prices.is_doubted(product_id),
            has_unknown_order=any(o.state is OrderState.UNKNOWN for o in self._portfolio.open_orders(product_id)),
        )

    def _note_price(self, product_id: ProductId) -> None:
        """Have the product judged by the price that was just believed."""
        bench = self._benches[product_id]
        bench.looks = 0
        bench.is_sighted.set()
        self._protector.watch(self._portfolio.tickers[product_id])
        if self._portfolio.position(product_id) or self._portfolio.has_unsettled(product_id):
            self._demand(bench.price)

    def _note_update(self, update: OrderUpdate) -> None:
        bench = self._benches.get(update.product_id)
        if bench is not None:
            bench.updates[update.venue_order_id] = update
            self._demand(bench.updates_due)

    async def _settle_when_due(self, product_id: ProductId, bench: _Bench) -> None:
        now = self._clock.now()
        orders = [order for order in self._portfolio.open_orders(product_id) if not _is_known_to_rest(order, now)]
        if not orders or (bench.settled_at is not None and now - bench.settled_at < SETTLE_INTERVAL):
            return
        bench.settled_at = now
        for order in orders:
            await self._settle(order)

    async def _settle(self, order: OpenOrder) -> None:
        try:
            await self._settler.settle(order)
        except (ExchangeUnreachable, ExchangeRefused) as error:
            # The order stays open and counts as live; a stop on the coins that are held does not wait for it.
            self._log.alarm("order_not_settled", order_id=order.intent.client_order_id, cause=str(error))

    async def _reconcile_repeatedly(self, pulse: Pulse) -> None:
        while True:
            pulse.rest()
            await self._reconcile_due.wait()
            pulse.beat()
            self._reconcile_due.clear()
            connections_count = self._user.connections_count
            try:
                self.last_reconciliation = await self._reconciler.run(self.locked)
                await self._guard.run(self.last_reconciliation, self.locked)
                self.reconciliation_fault = None
                await self._selector.follow_reconciliation()
                await self._signals.fetch_all()
            except AdapterError as error:
                self.reconciliation_fault = str(error)
                self._log.alarm("not_reconciled", cause=str(error))
            finally:
                self._reconciled_at = self._clock.now()
                self._user.end_gap(connections_count, is_filled=self.reconciliation_fault is None)
                self._activity.end()

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


def _is_known_to_rest(order: OpenOrder, now: datetime) -> bool:
    """Tell whether the venue has lately said that an order rests, so that there is nothing to ask it."""
    return order.intent.kind.rests and order.confirmed_at is not None and now - order.confirmed_at < RESTING_INTERVAL
