"""A role of the bot as a process: `webhook`, `sighook`, or both in one."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from enum import StrEnum

from bottrader.adapters.http.probes import Probes
from bottrader.adapters.http.server import bind
from bottrader.adapters.notify.sender import QueuedNotifier, targets_of
from bottrader.adapters.postgres.store import open_store
from bottrader.adapters.system.clock import SystemClock
from bottrader.adapters.system.library_log import libraries_told_to
from bottrader.adapters.system.log import StructuredLog, Tee, standard_stream
from bottrader.adapters.system.stalls import stall_watch
from bottrader.app.activity import Activity
from bottrader.app.check_health import Part
from bottrader.app.notify_people import NotifyingLog
from bottrader.bootstrap.database import data_dir_fault, open_database
from bottrader.bootstrap.observing import Heart, Observer, open_notifier, serve_probes
from bottrader.bootstrap.reporting import ReporterService
from bottrader.bootstrap.services import SighookService, WebhookService
from bottrader.bootstrap.strategies import decision_basis
from bottrader.bootstrap.venue import Venue, address_of, open_venue
from bottrader.config import Settings
from bottrader.domain.errors import BotTraderError, ConfigInvalid, StartupRefused
from bottrader.ports import EventLog, Store

WEBHOOK_PATH = "/webhook"


class Role(StrEnum):
    """What a process does; `both` is sighook and webhook without reports."""

    ALL = "all"
    BOTH = "both"
    SIGHOOK = "sighook"
    WEBHOOK = "webhook"
    REPORTER = "reporter"


def start_faults(settings: Settings, role: Role | None) -> list[str]:
    """Return what a start as `role` would be refused for, as far as it shows without the exchange and the database.

    Without a role it is what every command needs, and the API key only if there is one: paper trading has none.
    """
    checks: list[Callable[[], object]] = [
        lambda: decision_basis(settings),
        lambda: targets_of([url.get_secret_value() for url in settings.notify_urls]),
    ]
    if role is not None:
        checks.append(lambda: _check_secret(settings, role))
    if role is not None or settings.exchange_key_file is not None:
        checks.append(lambda: address_of(settings))
    faults = []
    for check in checks:
        try:
            check()
        except StartupRefused as error:
            faults.append(str(error))
    unwritable = data_dir_fault(settings.data_dir)
    return faults if unwritable is None else [*faults, unwritable]


async def run_role(settings: Settings, role: Role, stop: asyncio.Event) -> None:
    """Run `role` until `stop` is set; whatever was being written is finished first."""
    lines = StructuredLog(standard_stream(), settings.log_level, role)
    async with AsyncExitStack() as opened:
        opened.enter_context(libraries_told_to(lines))
        # What can be judged without starting anything comes first, so that a refusal leaves no trace.
        if faults := start_faults(settings, role):
            raise ConfigInvalid("\n".join(faults))
        notifier = await opened.enter_async_context(open_notifier(settings, lines))
        log = Tee([lines, NotifyingLog(notifier, SystemClock())])
        await opened.enter_async_context(stall_watch(lines, log))
        address = address_of(settings)
        dsn = await opened.enter_async_context(open_database(settings))
        store = await opened.enter_async_context(open_store(dsn))
        venue = await opened.enter_async_context(open_venue(address, settings.mode, log))
        await store.claim_venue(f"{settings.mode} portfolio {venue.permissions.portfolio_id}")
        log.info(
            "starting",
            mode=settings.mode,
            symbols=list(settings.symbols),
            config_hash=settings.config_hash(),
            git_sha=settings.git_sha,
        )
        try:
            await run_until(Process(settings, role, store, venue, log).run(notifier), stop)
        except (BotTraderError, OSError) as error:
            log.alarm("ended", cause=str(error))
            raise
        log.info("stopped")


class Process:
    """All services of one process, and what it shows of them."""

    def __init__(self, settings: Settings, role: Role, store: Store, venue: Venue, log: EventLog) -> None:
        self._settings = settings
        self._role = role
        self._venue = venue
        self._bot = None if role is Role.REPORTER else Bot(settings, store, venue, log)
        self._reporter = ReporterService(settings, store, venue, log) if role in (Role.ALL, Role.REPORTER) else None
        self._heart = Heart(settings, venue.clock, log)

    async def run(self, notifier: QueuedNotifier) -> None:
        """Run everything until cancelled."""
        settings, bot, reporter = self._settings, self._bot, self._reporter
        parts: list[Part] = [*(bot.parts(self._role) if bot else []), *([reporter] if reporter else [])]
        snapshot_hash = decision_basis(settings).snapshot.content_hash
        parts += [notifier, self._heart]
        observer = Observer(settings, self._role, self._venue.clock, snapshot_hash, parts)
        port, setting = self._probe_port()
        async with serve_probes(observer, settings.webhook_host, port, setting), asyncio.TaskGroup() as tasks:
            if reporter is not None:
                tasks.create_task(reporter.run())
            if bot is not None:
                tasks.create_task(bot.run(self._role, observer.probes()))
            tasks.create_task(self._heart.run(observer))

    def _probe_port(self) -> tuple[int, str]:
        """Return the port of a role that has none of its own, 0 for one that shows itself on the webhook's."""
        match self._role:
            case Role.SIGHOOK:
                return self._settings.sighook_port, "BOTTRADER_SIGHOOK_PORT"
            case Role.REPORTER:
                return self._settings.reporter_port, "BOTTRADER_REPORTER_PORT"
            case _:
                return 0, ""


class Bot:
    """The services of one process on one store and one venue."""

    def __init__(self, settings: Settings, store: Store, venue: Venue, log: EventLog) -> None:
        self._settings = settings
        self._venue = venue
        self.activity = Activity()
        self.webhook = WebhookService(settings, store, venue, log, self.activity)
        self.sighook = SighookService(settings, store, venue, log, self.activity)

    def parts(self, role: Role) -> list[Part]:
        """Return the services of `role`, the one that others wait for first."""
        return [
            *([] if role is Role.SIGHOOK else [self.webhook]),
            *([] if role is Role.WEBHOOK else [self.sighook]),
        ]

    async def run(self, role: Role, probes: Probes | None = None) -> None:
        """Run the services of `role` until cancelled; without `probes` the webhook's port shows the webhook alone."""
        async with asyncio.TaskGroup() as tasks:
            if role is Role.SIGHOOK:
                tasks.create_task(self.sighook.run(self._webhook_url(self._settings.webhook_port), self._secret()))
                return
            secret = self._secret()
            listening = bind(self._settings.webhook_host, self._settings.webhook_port)
            tasks.create_task(self.webhook.run(listening, secret, probes))
            if role is not Role.WEBHOOK:
                tasks.create_task(self.sighook.run(self._webhook_url(listening.getsockname()[1]), secret))

    def _webhook_url(self, port: int) -> str:
        if self._settings.webhook_url is not None:
            return self._settings.webhook_url
        host = self._settings.webhook_host
        return f"http://{f'[{host}]' if ':' in host else host}:{port}{WEBHOOK_PATH}"

    def _secret(self) -> str:
        """Return the shared secret; a process that talks to itself may invent one for its lifetime."""
        if self._settings.webhook_secret is not None:
            return self._settings.webhook_secret.get_secret_value()
        return self._venue.entropy.secret()


def _check_secret(settings: Settings, role: Role) -> None:
    if role in (Role.SIGHOOK, Role.WEBHOOK) and settings.webhook_secret is None:
        raise ConfigInvalid(
            "sighook and webhook in two processes need a shared secret: set BOTTRADER_WEBHOOK_SECRET in both, at least"
            " 24 characters, for example from `openssl rand -hex 32`"
        )


async def run_until(work: Coroutine[object, object, None], stop: asyncio.Event) -> None:
    """Run `work` until `stop` is set, then cancel it; an error of `work` is raised as itself, not as a group."""
    worker = asyncio.create_task(work)
    stopper = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({worker, stopper}, return_when=asyncio.FIRST_COMPLETED)
        if worker.done():
            worker.result()
    except BaseExceptionGroup as group:
        raise first_cause(group) from group
    finally:
        for task in (worker, stopper):
            task.cancel()
        await asyncio.wait({worker, stopper})


def first_cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first error in a group of groups; the others were cancelled because of it."""
    cause: BaseException = group
    while isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[0]
    return cause
