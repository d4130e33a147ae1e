"""A role of the bot as a process: `webhook`, `sighook`, or both in one."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from enum import StrEnum

from bottrader.adapters.http.server import bind
from bottrader.adapters.postgres.store import open_store
from bottrader.adapters.system.log import StructuredLog, standard_stream
from bottrader.app.activity import Activity
from bottrader.bootstrap.database import data_dir_fault, open_database
from bottrader.bootstrap.reporting import ReporterService
from bottrader.bootstrap.services import SighookService, WebhookService
from bottrader.bootstrap.strategies import decision_basis
from bottrader.bootstrap.venue import Venue, address_of, open_venue
from bottrader.config import Settings
from bottrader.domain.errors import ConfigInvalid, StartupRefused
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
    checks: list[Callable[[], object]] = [lambda: decision_basis(settings)]
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
    log = StructuredLog(standard_stream(), settings.log_level, role)
    async with AsyncExitStack() as opened:
        # What can be judged without starting anything comes first, so that a refusal leaves no trace.
        if faults := start_faults(settings, role):
            raise ConfigInvalid("\n".join(faults))
        address = address_of(settings)
        dsn = await opened.enter_async_context(open_database(settings))
        store = await opened.enter_async_context(open_store(dsn))
        venue = await opened.enter_async_context(open_venue(address, settings.mode, log))
        await store.claim_venue(f"{settings.mode} portfolio {venue.permissions.portfolio_id}")
        log.info("starting", mode=settings.mode, symbols=list(settings.symbols), config_hash=settings.config_hash())
        await run_until(_work(settings, role, store, venue, log), stop)
        log.info("stopped")


async def _work(settings: Settings, role: Role, store: Store, venue: Venue, log: EventLog) -> None:
    async with asyncio.TaskGroup() as tasks:
        if role in (Role.ALL, Role.REPORTER):
            tasks.create_task(ReporterService(settings, store, venue, log).run())
        if role is not Role.REPORTER:
            tasks.create_task(Bot(settings, store, venue, log).run(role))


class Bot:
    """The services of one process on one store and one venue."""

    def __init__(self, settings: Settings, store: Store, venue: Venue, log: EventLog) -> None:
        self._settings = settings
        self._venue = venue
        self.activity = Activity()
        self.webhook = WebhookService(settings, store, venue, log, self.activity)
        self.sighook = SighookService(settings, store, venue, log, self.activity)

    async def run(self, role: Role) -> None:
        """Run the services of `role` until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            if role is Role.SIGHOOK:
                tasks.create_task(self.sighook.run(self._webhook_url(self._settings.webhook_port), self._secret()))
                return
            secret = self._secret()
            listening = bind(self._settings.webhook_host, self._settings.webhook_port)
            tasks.create_task(self.webhook.run(listening, secret))
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
