"""The two trading services, put together from use cases and adapters."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from functools import partial

from bottrader.adapters.http.door import Door
from bottrader.adapters.http.kill import KillListener
from bottrader.adapters.http.listener import ListenerOptions, WebhookListener, build_app
from bottrader.adapters.http.probes import Probes
from bottrader.adapters.http.sender import HttpSignalSender
from bottrader.adapters.http.server import serve
from bottrader.adapters.system.kill_file import KillFileOnDisk
from bottrader.app.accept_signal import SignalAcceptor
from bottrader.app.act_on_signals import SignalActor
from bottrader.app.activity import Activity
from bottrader.app.cancel_orders import OrderCanceller
from bottrader.app.check_health import Health
from bottrader.app.deliver_signals import SignalDeliverer
from bottrader.app.figures import Figure, Reading
from bottrader.app.generate_signals import DecisionMakers, SignalGenerator
from bottrader.app.guard_assets import AssetGuard
from bottrader.app.guard_entries import EntryGuard
from bottrader.app.keep_prices import PriceKeeper
from bottrader.app.kill_switch import KillSwitchBoard
from bottrader.app.measure_desk import DeskMeter
from bottrader.app.monitor_positions import PositionMonitor
from bottrader.app.open_positions import EntryDecider
from bottrader.app.place_orders import OrderPlacer
from bottrader.app.portfolio import Portfolio
from bottrader.app.probe_channels import ChannelProbe
from bottrader.app.protect_positions import PositionProtector
from bottrader.app.quote_passively import PassiveQuoter, QuotingCrew
from bottrader.app.reconcile import Reconciler
from bottrader.app.record_fills import FillRecorder
from bottrader.app.run_webhook import DeskCrew, TradingDesk
from bottrader.app.select_symbols import SymbolSelector
from bottrader.app.sell_by_hand import ManualSeller
from bottrader.app.settle_orders import OrderSettler
from bottrader.app.tally import Answer
from bottrader.app.tasks import Pulse, TaskBoard
from bottrader.app.watch_key import KeyWatcher
from bottrader.app.watch_market import MarketWatcher, WatchOptions
from bottrader.app.witness_protection import ProtectionWitness
from bottrader.app.world import World
from bottrader.bootstrap.egress import session_to
from bottrader.bootstrap.observing import Observer
from bottrader.bootstrap.strategies import decision_basis
from bottrader.bootstrap.venue import Venue
from bottrader.config import Settings
from bottrader.domain.errors import StartupRefused, StoreUnreachable
from bottrader.domain.market import Candle, Granularity
from bottrader.domain.orders import OrderState
from bottrader.ports import EventLog, Lease, Store
from bottrader.ports.kill_file import KILL_FILE_NAME

SIGHOOK = "sighook"
WEBHOOK_LEASE = "webhook"
LEASE_CHECK_S = 5.0
# How often it is looked, in real time, for what the streams do not bring.
LOOK_S = 1.0
KILL_SWITCH_CHECK_S = 2.0
# These look every few seconds; a look asks for little, and takes so long only when it hangs.
LOOK_SILENCE_S_MAX = 60.0
# Wilder's means remember every candle a little: after this many a strategy that starts anew agrees with one that never
# stopped.
HISTORY_CANDLES = 200


class WebhookService:
    """Accepts signals, places orders, watches positions: the role that acts."""

    def __init__(self, settings: Settings, store: Store, venue: Venue, log: EventLog, activity: Activity) -> None:
        self._settings, self._venue, self._store, self._log = settings, venue, store, log
        world = World(store, venue.exchange, venue.clock, log)
        self.portfolio = Portfolio(store, settings.symbols)
        recorder = FillRecorder(world, self.portfolio)
        settler = OrderSettler(world, self.portfolio, recorder)
        self._placer = OrderPlacer(world, self.portfolio, settler)
        basis = decision_basis(settings)
        self._snapshot, rules = basis.snapshot, basis.rules
        self.kill_switch = KillSwitchBoard(world, KillFileOnDisk(settings.data_dir / KILL_FILE_NAME))
        self._key_watcher = KeyWatcher(world, self.kill_switch, venue.permissions.portfolio_id)
        self.selector = SymbolSelector(world, self.portfolio, rules.selection)
        guard = EntryGuard(world, self.portfolio, rules.limits, self.kill_switch, self.selector)
        canceller = OrderCanceller(world, self.portfolio, settler)
        monitor = PositionMonitor(world, self.portfolio, self._placer, canceller, rules, guard)
        self.witness = ProtectionWitness(self.portfolio, monitor)
        """For whoever drives the market and knows every tick; it takes no part in the work."""
        protector = PositionProtector(world, self.portfolio, self._placer, canceller, rules)
        self.asset_guard = AssetGuard(world, self.portfolio, settler, protector, rules)
        entries, seller = EntryDecider(world, self.portfolio, rules, guard), ManualSeller(world, self.portfolio, rules)
        crew = DeskCrew(
            monitor=monitor,
            actor=SignalActor(world, entries, monitor, self._placer, seller),
            settler=settler,
            reconciler=Reconciler(world, self.portfolio, settler, recorder),
            protector=protector,
            prices=PriceKeeper(world, self.portfolio, settings.price_jump_max_pct),
            selector=self.selector,
            guard=self.asset_guard,
            quoter=PassiveQuoter(world, self.portfolio, QuotingCrew(monitor, self._placer, canceller, guard), rules),
        )
        self.desk = TradingDesk(world, self.portfolio, crew, activity, timedelta(seconds=settings.reconcile_interval_s))
        # Candles as well as prices: without a range nothing is bought, and a trail is as wide as it may be.
        self.watcher, self.probe = _watch(settings, venue, log, HISTORY_CANDLES, ("ticker", "candles"))
        self.is_acting = asyncio.Event()
        """Set once the lease is held and the first reconciliation is done."""
        self.board = TaskBoard(venue.clock, "webhook")
        self.observer = Observer(settings, "webhook", venue.clock, self._snapshot.content_hash, [self])
        self._tally, self._answers = world.tally, dict.fromkeys(Answer, 0)
        self._meter, self._is_lease_held = DeskMeter(self.portfolio, monitor, venue.clock), False

    async def run(self, listening: socket.socket, secret: str, probes: Probes | None = None) -> None:
        """Serve, wait for the lease, reconcile, then act until cancelled.

        `probes` show the whole process; without them the webhook shows itself.
        """
        acceptor = SignalAcceptor(self._store, self._log, self.desk.take_signal, self.desk.has_room)
        old_secrets = self._settings.old_secrets()
        options = ListenerOptions(
            secret,
            self._settings.symbols,
            old_secrets=old_secrets,
            rate_per_s_max=self._settings.webhook_rate_per_s_max,
        )
        listener = WebhookListener(acceptor, self.health, self._venue.clock, options)
        self._answers = listener.answers
        kill = KillListener(self.kill_switch.throw, self._venue.clock, secret, old_secrets)
        app = build_app(listener, kill, probes or self.observer.probes())
        async with AsyncExitStack() as opened:
            await opened.enter_async_context(serve(Door(app, listener), listening))
            lease = await opened.enter_async_context(self._store.lease(WEBHOOK_LEASE))
            self._placer.hold(lease)
            self._is_lease_held = True
            # Not before the lease: a webhook that only waits has no part in what orders are decided by.
            await self._store.activate_snapshot(self._snapshot, WEBHOOK_LEASE, self._venue.clock.now())
            await self.desk.start()
            self.is_acting.set()
            async with asyncio.TaskGroup() as tasks:
                works: dict[str, Callable[[Pulse], Awaitable[None]]] = {
                    "lease": partial(self._guard, lease),
                    "look": self._look,
                    "probe": partial(_look_repeatedly, self.probe),
                    "kill_switch": self._watch_kill_switch,
                    "key": self._key_watcher.run,
                }
                for name, work in works.items():
                    tasks.create_task(self.board.keep(name, LOOK_SILENCE_S_MAX, work))
                tasks.create_task(self.desk.run(self.watcher, self._venue.user_feed(), self.board))

    def health(self) -> Health:
        """Return the health of this role alone."""
        return self.observer.health()

    def is_ready(self) -> bool:
        """Tell whether signals are accepted."""
        return self.desk.is_ready

    def readings(self) -> list[Reading]:
        """Return the numbers of the acting role, from memory."""
        unknown_count = sum(order.state is OrderState.UNKNOWN for order in self.portfolio.open_orders())
        return [
            *(Reading(Figure.SIGNALS, count, answer) for answer, count in self._answers.items()),
            *(Reading(Figure.SIGNAL_OUTCOMES, count, outcome) for outcome, count in self._tally.outcomes.items()),
            *(Reading(Figure.ORDERS, count, answer) for answer, count in self._tally.orders.items()),
            Reading(Figure.ORDERS_UNKNOWN_OPEN, unknown_count),
            Reading(Figure.MARKET_MESSAGE_AGE_S, self.watcher.message_age_s),
            Reading(Figure.POSITION_UNPROTECTED_S, self._meter.unprotected_s),
            Reading(Figure.POSITIONS_OPEN, len(self.portfolio.positions())),
            Reading(Figure.ALLOCATION_AGE_S, self._meter.allocation_age_s),
            Reading(Figure.LEASE_HELD, self._is_lease_held),
            Reading(Figure.KILL_SWITCH_ON, self.kill_switch.last is not None),
        ]

    def faults(self) -> list[str]:
        """Return what of trading does not work, in words."""
        faults = []
        switch = self.kill_switch.last
        if switch is not None:
            faults.append(f"the kill switch is on ({switch.source}): {switch.reason}")
        if not self.desk.is_ready:
            faults.append("not reconciled yet, or waiting for another webhook to end")
        if self.watcher.is_blind:
            faults.append("the market stream is down")
        if not self.desk.is_user_stream_live:
            faults.append("the user stream is down")
        elif not self.desk.is_user_gap_filled:
            faults.append("what the user stream missed is not known yet")
        if self.desk.reconciliation_fault is not None:
            faults.append(f"the last reconciliation did not finish: {self.desk.reconciliation_fault}")
        selection_fault = self.selector.health_fault()
        if selection_fault is not None:
            faults.append(selection_fault)
        unknown = [o for o in self.portfolio.open_orders() if o.state is OrderState.UNKNOWN]
        if unknown:
            faults.append(f"{len(unknown)} orders of unknown outcome")
        last = self.desk.last_reconciliation
        if last is not None and last.differences:
            faults.append(f"the books differ from the exchange's: {', '.join(d.what for d in last.differences)}")
        return [*faults, *self.asset_guard.faults()]

    async def _look(self, pulse: Pulse) -> None:
        while True:
            await pulse.sleep(LOOK_S)
            self.desk.look()
            self._meter.look()

    async def _watch_kill_switch(self, pulse: Pulse) -> None:
        """Read the switch again and again: another process may throw it, and a position may have to be sold for it."""
        while True:
            try:
                await self.kill_switch.read()
            except StoreUnreachable as error:
                self._log.alarm("kill_switch_not_read", cause=str(error))
            await pulse.sleep(KILL_SWITCH_CHECK_S)

    async def _guard(self, lease: Lease, pulse: Pulse) -> None:
        """End this process's acting when the lease is gone: another webhook may hold it by then (F33).

        A session that ends is known at once, so that nobody is told for seconds that a bot without its database is
        well; what else takes a lease away shows when it is asked for.
        """
        while await lease.is_held():
            pulse.beat()
            with suppress(TimeoutError):
                async with asyncio.timeout(LEASE_CHECK_S):
                    await lease.cut()
        self._is_lease_held = False
        self._log.alarm("lease_lost", lease=WEBHOOK_LEASE)
        raise StartupRefused("the lease is lost: another webhook may act, so this one ends; start it again")


class SighookService:
    """Watches the market, decides, delivers: the role that wishes."""

    def __init__(self, settings: Settings, store: Store, venue: Venue, log: EventLog, activity: Activity) -> None:
        self._settings = settings
        self._store = store
        self._venue = venue
        self._log = log
        self._activity = activity
        basis = decision_basis(settings)
        self._snapshot = basis.snapshot
        strategies = {product_id: basis.plan.make() for product_id in settings.symbols}
        makers = DecisionMakers(strategies, basis.snapshot.content_hash)
        time_to_live = timedelta(seconds=settings.signal_ttl_s)
        self._generator = SignalGenerator(store, venue.clock, log, makers, time_to_live)
        needed = max(strategy.warmup_candles for strategy in strategies.values())
        self.watcher, self.probe = _watch(settings, venue, log, max(needed, HISTORY_CANDLES), ("candles",))
        self.board = TaskBoard(venue.clock, SIGHOOK)

    def is_ready(self) -> bool:
        """Tell whether the market is seen, and so decided on."""
        return not self.watcher.is_blind

    def faults(self) -> list[str]:
        """Return what of deciding does not work, in words."""
        return ["sighook's market stream is down"] if self.watcher.is_blind else []

    def readings(self) -> list[Reading]:
        return [Reading(Figure.MARKET_MESSAGE_AGE_S, self.watcher.message_age_s)]

    async def run(self, webhook_url: str, secret: str) -> None:
        """Follow the market until cancelled."""
        await self._store.activate_snapshot(self._snapshot, SIGHOOK, self._venue.clock.now())
        async with session_to([webhook_url]) as session, asyncio.TaskGroup() as tasks:
            sender = HttpSignalSender(session, webhook_url, secret, self._venue.clock)
            deliverer = SignalDeliverer(
                self._store, sender, self._venue.clock, self._venue.entropy, self._log, self._activity
            )

            async def on_closed(candle: Candle) -> None:
                await self._generator.on_closed(candle, deliverer.deliver)

            tasks.create_task(deliverer.run(self.board))
            tasks.create_task(self.board.keep("probe", LOOK_SILENCE_S_MAX, partial(_look_repeatedly, self.probe)))
            tasks.create_task(self.watcher.run(on_closed=on_closed, board=self.board))


def _watch(
    settings: Settings, venue: Venue, log: EventLog, candles_count: int, channels: Sequence[str]
) -> tuple[MarketWatcher, ChannelProbe]:
    """Return who follows these channels, and who finds one of them dead; both begin with so many candles."""
    options = WatchOptions(settings.symbols, Granularity.FIVE_MINUTE, candles_count)
    watcher = MarketWatcher(venue.market_feed(*channels), venue.exchange, venue.clock, log, options)
    return watcher, ChannelProbe(watcher, venue.exchange, options)


async def _look_repeatedly(probe: ChannelProbe, pulse: Pulse) -> None:
    while True:
        await pulse.sleep(LOOK_S)
        await probe.look()
