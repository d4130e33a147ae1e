"""What one process shows of itself, put together from the roles in it; and how it reaches people."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import version

from bottrader.adapters.http.heartbeat import HttpPinger
from bottrader.adapters.http.probes import Probes, build_probe_app
from bottrader.adapters.http.server import bind, serve
from bottrader.adapters.notify.sender import QueuedNotifier, targets_of
from bottrader.adapters.postgres import schema
from bottrader.adapters.system.clock import SystemClock
from bottrader.app.check_health import Health, Part, faults_of, readings_of, tasks_of
from bottrader.app.figures import Reading
from bottrader.app.send_heartbeats import SILENCE_S_MAX, HeartbeatSender
from bottrader.app.tasks import TaskBoard
from bottrader.bootstrap.egress import session_to
from bottrader.config import Settings
from bottrader.ports import Clock, EventLog


class Observer:
    """Reads health and numbers of the parts of one process, the one that decides about readiness first."""

    def __init__(self, settings: Settings, role: str, clock: Clock, snapshot_hash: str, parts: Sequence[Part]) -> None:
        self._role = role
        self._clock = clock
        self._snapshot_hash = snapshot_hash
        self._parts = parts
        # Asked with every signal, and none of it changes.
        self._config_hash = settings.config_hash()
        self._git_sha = settings.git_sha
        self._version = version("bottrader")
        self._revision = schema.newest()

    def health(self) -> Health:
        """Return what works and what does not, from memory: a probe never waits for the database or the exchange."""
        return Health(
            role=self._role,
            is_ready=self._parts[0].is_ready(),
            faults=faults_of(self._parts),
            config_hash=self._config_hash,
            schema_revision=self._revision,
            snapshot_hash=self._snapshot_hash,
            venue_time=self._clock.now(),
            version=self._version,
            git_sha=self._git_sha,
            tasks=tasks_of(self._parts),
        )

    def readings(self) -> list[Reading]:
        return readings_of(self._parts)

    def probes(self) -> Probes:
        return Probes(self.health, self.readings)


class Heart:
    """Sends heartbeats for a process while all of it is healthy."""

    def __init__(self, settings: Settings, clock: Clock, log: EventLog) -> None:
        self._url = settings.heartbeat_url
        self._log = log
        self.board = TaskBoard(clock, "heartbeat")

    async def run(self, observer: Observer) -> None:
        """Beat until cancelled; without an address there is nothing to do."""
        if self._url is None:
            return
        # A session of its own: what hangs there takes no connection from the exchange.
        url = self._url.get_secret_value()
        async with session_to([url]) as session:
            pinger = HttpPinger(session, url)
            sender = HeartbeatSender(pinger, lambda: observer.health().is_ok, self._log)
            await self.board.keep("send", SILENCE_S_MAX, sender.run)

    def is_ready(self) -> bool:
        return True

    def faults(self) -> list[str]:
        return []

    def readings(self) -> list[Reading]:
        return []


@asynccontextmanager
async def open_notifier(settings: Settings, log: EventLog) -> AsyncIterator[QueuedNotifier]:
    """Send notifications while the body runs, and what is left of them for some seconds after it."""
    targets = targets_of([url.get_secret_value() for url in settings.notify_urls])
    notifier = QueuedNotifier(targets, SystemClock(), log)
    if not targets:
        yield notifier
        return
    sending = asyncio.create_task(notifier.run())
    try:
        yield notifier
    finally:
        try:
            await notifier.drain()
        finally:
            sending.cancel()
            await asyncio.wait({sending})


@asynccontextmanager
async def serve_probes(observer: Observer, host: str, port: int, setting: str) -> AsyncIterator[None]:
    """Answer probes of a role that has no port of its own; port 0 means none."""
    async with AsyncExitStack() as opened:
        if port != 0:
            listening = bind(host, port, setting)
            await opened.enter_async_context(serve(build_probe_app(observer.probes()), listening))
        yield
