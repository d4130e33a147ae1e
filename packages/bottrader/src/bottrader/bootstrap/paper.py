"""A paper session: the bot and a simulated exchange in one process, in lock-step over real sockets.

The driver takes one tick, then waits until the bot has handled it and everything that came of it (signal, delivery,
order, fill), then takes the next. Any speed therefore gives the same decisions, and after every tick it is asserted
that each open position was protected on it. The session's database and the
exchange's state lie in the data folder under the session's identity, so the same command goes on where it stopped.
"""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bottrader.adapters.coinbase.auth import ApiKey
from bottrader.adapters.postgres.store import open_store
from bottrader.adapters.simulator.venue import Ground, SimulatedVenue, Step, VenueOptions, has_state, prepare_ground
from bottrader.adapters.simulator.venue import open_venue as open_simulated_venue
from bottrader.adapters.system.log import RecentEvents, StructuredLog, Tee, open_log_file
from bottrader.app.portfolio import Portfolio
from bottrader.app.write_reports import Report, build_report
from bottrader.bootstrap.database import open_database, prepare_data_dir
from bottrader.bootstrap.roles import Bot, Role, first_cause
from bottrader.bootstrap.strategies import decision_basis
from bottrader.bootstrap.venue import VenueAddress, open_venue
from bottrader.config import Mode, Settings
from bottrader.domain.errors import StartupRefused
from bottrader.domain.market import ProductId, quote_of
from bottrader.ports import Store

SESSIONS_DIR = "paper"
LAST_SESSION_FILE = "last_session.json"
# How long a stop waits for what is under way; Ctrl-C is to end a session within five seconds.
DRAIN_S_MAX = 3.0
SESSION_LEASE = "paper session"
# A process that was killed a moment ago may still be leaving the database.
OTHER_PROCESS_S_MAX = 3.0


@dataclass(frozen=True, slots=True)
class PaperOptions:
    """`speed` in venue seconds per second, None as fast as possible; `fresh` forgets an earlier session."""

    venue: VenueOptions
    speed: float | None = None
    fresh: bool = False


class PaperSession:
    """One open session; made by `open_paper_session`."""

    def __init__(self, venue: SimulatedVenue, bot: Bot, store: Store, events: RecentEvents, label: str) -> None:
        self._venue = venue
        self._bot = bot
        self._store = store
        self.events = events
        self.label = label
        self.has_ended = False

    @property
    def now(self) -> datetime:
        return self._venue.now

    @property
    def ticks_count(self) -> int:
        return self._venue.ticks_count

    @property
    def portfolio(self) -> Portfolio:
        return self._bot.webhook.portfolio

    async def drive(self, speed: float | None, stop: asyncio.Event, on_step: Callable[[Step], None]) -> None:
        """Take ticks until the market ends or `stop` is set; returns with nothing under way.

        Raises:
            InvariantBroken: when a position was held through a tick that nobody judged it by.
        """
        await self._connected()
        loop = asyncio.get_running_loop()
        started, venue_started = loop.time(), self._venue.now
        while not stop.is_set():
            step = await self._venue.step()
            if step is None:
                self.has_ended = True
                break
            await self._handled(step)
            on_step(step)
            if speed is not None:
                due = started + (step.at - venue_started).total_seconds() / speed
                await _wait_until(due, stop)
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S_MAX):
                await self._bot.activity.quiet()

    async def report(self) -> Report:
        """Return the report of the whole session, with our books held against the exchange's."""
        facts, quote_currency = await self._store.snapshot(), quote_of(self.portfolio.product_ids[0])
        return build_report(
            facts, self._venue.books(), self._venue.now, venue=self.label, quote_currency=quote_currency
        )

    async def _connected(self) -> None:
        await self._bot.webhook.is_acting.wait()
        start = self._venue.now
        await self._bot.webhook.watcher.progress.reached(start)
        await self._bot.sighook.watcher.progress.reached(start)
        await self._bot.webhook.desk.user_progress.reached(start)
        await self._bot.activity.quiet()

    async def _handled(self, step: Step) -> None:
        webhook = self._bot.webhook
        await webhook.watcher.progress.reached(step.at, step.product_id)
        if step.told_more:
            await webhook.watcher.progress.reached(step.at)
            await self._bot.sighook.watcher.progress.reached(step.at)
            await webhook.desk.user_progress.reached(step.at)
        await self._bot.activity.quiet()
        webhook.witness.saw_tick(ProductId(step.product_id), step.at)


@asynccontextmanager
async def open_paper_session(settings: Settings, options: PaperOptions) -> AsyncIterator[PaperSession]:
    """Start exchange, database and bot; all end with the body.

    Raises:
        StartupRefused: one sentence for whatever is missing or in the way.
    """
    # Before anything is started or written: a strategy that is not there, or a file that cannot be
    # replayed, must leave no trace.
    decision_basis(settings)
    ground = prepare_ground(options.venue)
    name = f"paper_{ground.identity}"
    directory = prepare_data_dir(settings.data_dir) / SESSIONS_DIR / name
    async with AsyncExitStack() as opened:
        # The database first: --fresh must not remove the exchange's state when the database cannot be emptied.
        dsn = await opened.enter_async_context(open_database(settings, name, fresh=options.fresh))
        if options.fresh:
            _forget(directory)
        store = await opened.enter_async_context(open_store(dsn))
        await store.claim_venue(name)
        await opened.enter_async_context(_only_one(store))
        simulated = await opened.enter_async_context(_open_exchange(ground, directory, store))
        events = RecentEvents()
        stream = opened.enter_context(open_log_file(directory / "bottrader.jsonl"))
        log = Tee([StructuredLog(stream, settings.log_level, "paper"), events])
        key = ApiKey(simulated.key_name, simulated.key_file.read_text())
        address = VenueAddress(simulated.rest_url, simulated.ws_url, simulated.ws_url, key)
        venue = await opened.enter_async_context(open_venue(address, Mode.PAPER, log))
        bot = Bot(settings, store, venue, log)
        _remember(settings.data_dir, name)
        session = PaperSession(simulated, bot, store, events, options.venue.label)
        async with _beside(bot.run(Role.ALL)):
            yield session


@asynccontextmanager
async def _open_exchange(ground: Ground, directory: Path, store: Store) -> AsyncIterator[SimulatedVenue]:
    """Run the session's exchange; refuses one whose state and our books are not of the same session."""
    has_books = bool(await store.cash_movements())
    # Before it is opened, because opening writes a state.
    if has_books and not has_state(directory):
        raise StartupRefused(
            f"the books of this session are in the database, but the exchange's state in {directory} is gone;"
            " start over with --fresh"
        )
    async with open_simulated_venue(ground, directory) as simulated:
        if simulated.has_traded and not has_books:
            raise StartupRefused(
                f"the exchange of this session in {directory} has traded, but this database has none of its books;"
                " give it the database it had, or another BOTTRADER_DATA_DIR"
            )
        yield simulated


@asynccontextmanager
async def _only_one(store: Store) -> AsyncIterator[None]:
    """Hold the session alone: a second process would trade at an exchange of its own, and the books could not agree."""
    async with AsyncExitStack() as held:
        try:
            async with asyncio.timeout(OTHER_PROCESS_S_MAX):
                await held.enter_async_context(store.lease(SESSION_LEASE))
        except TimeoutError:
            raise StartupRefused(
                "another process is running this very session: let it end first, or give another --seed or data folder"
            ) from None
        yield


@asynccontextmanager
async def _beside(work: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Run `work` while the body runs; when `work` fails, the body is cancelled and the failure raised as itself."""
    try:
        async with asyncio.TaskGroup() as tasks:
            worker = tasks.create_task(work)
            yield
            worker.cancel()
    except BaseExceptionGroup as group:
        raise first_cause(group) from group


async def _wait_until(due: float, stop: asyncio.Event) -> None:
    delay = due - asyncio.get_running_loop().time()
    if delay > 0:
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await stop.wait()


def _forget(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)


def _remember(data_dir: Path, name: str) -> None:
    """Note the newest session, so that `bottrader report` knows which books are meant."""
    (data_dir / LAST_SESSION_FILE).write_text(json.dumps({"database": name}))


def last_session(data_dir: Path) -> str | None:
    """Return the database of the newest paper session in this data folder."""
    file = data_dir / LAST_SESSION_FILE
    return str(json.loads(file.read_text())["database"]) if file.exists() else None
