"""A look at a deployed bot, from wherever one stands: at its services, database, log and disk."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from bottrader.adapters.http.health_reader import ask_service, read_health
from bottrader.adapters.postgres.databases import at_database
from bottrader.adapters.postgres.embedded import embedded_postgres
from bottrader.adapters.postgres.inspection import inspect_books
from bottrader.adapters.system.containers import Compose, see_log_lines
from bottrader.adapters.system.machine import see_disk, see_log
from bottrader.bootstrap.database import EMBEDDED_DIR
from bottrader.config import Settings
from bottrader.domain.errors import StartupRefused
from bottrader.domain.report_schedule import ReportKind
from bottrader.domain.smoke import SERVICES, Books, BooksUnseen, DiskSeen, LogSeen, Seen, ServiceSeen

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
LISTENED = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound here
DATABASE = "bottrader"


@dataclass(frozen=True, slots=True)
class SmokeOptions:
    """Where to look; `addresses` are the origins of services by name, `compose` the project of its containers.

    `log_lines` are the end of the log, each with its time in front, where the bot's log cannot be read from here.
    """

    url: str | None = None
    dsn: str | None = None
    addresses: Mapping[str, str] | None = None
    logs: Path | None = None
    compose: str | None = None
    log_lines: Sequence[str] | None = None


async def look(settings: Settings, options: SmokeOptions) -> Seen:
    """Look at everything once, changing nothing; raises `StartupRefused` when it cannot be known where to look."""
    origin = webhook_origin(settings, options)
    now = datetime.now(UTC)
    async with aiohttp.ClientSession() as session:
        health, (services, log) = await asyncio.gather(
            read_health(session, origin), _processes(session, settings, options, now)
        )
    # On paper the bot lives in the time of its market, which may be hours ahead of ours.
    as_of = health.venue_time or now
    books = await _books(settings, options, as_of)
    schedule = settings.report_schedule()
    return Seen(
        health=health,
        services=services,
        books=books,
        due=tuple(period for kind in ReportKind if (period := schedule.latest(kind, as_of)) is not None),
        log=log,
        disk=_disk(settings, origin),
    )


def webhook_origin(settings: Settings, options: SmokeOptions) -> str:
    """Return where the webhook answers, `http://host:port`; raises `StartupRefused` for what is no address."""
    # An address that stands for all of a machine's is listened on, not called.
    host = LISTENED.get(settings.webhook_host, settings.webhook_host)
    url = options.url or f"http://{f'[{host}]' if ':' in host else host}:{settings.webhook_port}"
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable:
        raise StartupRefused(f"{url} is no address of a webhook; --url looks like http://127.0.0.1:5003")
    return url


async def _processes(
    session: aiohttp.ClientSession, settings: Settings, options: SmokeOptions, now: datetime
) -> tuple[tuple[ServiceSeen, ...], LogSeen]:
    if options.compose is None:
        return await _services(session, settings, options), _log(settings, options, now)
    # The log of the database says nothing of the bot.
    services, log = await Compose(options.compose).look(SERVICES, now)
    is_elsewhere = options.logs is not None or options.log_lines is not None
    return services, _log(settings, options, now) if is_elsewhere else log


async def _services(
    session: aiohttp.ClientSession, settings: Settings, options: SmokeOptions
) -> tuple[ServiceSeen, ...]:
    origin = webhook_origin(settings, options)
    parts = urlsplit(origin)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    ports = {"sighook": settings.sighook_port, "reporter": settings.reporter_port}
    addresses = {"webhook": origin, **{name: f"{parts.scheme}://{host}:{port}" for name, port in ports.items()}}
    addresses |= options.addresses or {}
    return tuple(await asyncio.gather(*(ask_service(session, name, addresses[name]) for name in SERVICES)))


async def _books(settings: Settings, options: SmokeOptions, as_of: datetime) -> Books:
    try:
        async with existing_dsn(settings, options) as dsn:
            return await inspect_books(dsn, as_of)
    except StartupRefused as error:
        return BooksUnseen(str(error), "start the bot with its embedded database, or give DATABASE_URL or --dsn")


@asynccontextmanager
async def existing_dsn(settings: Settings, options: SmokeOptions) -> AsyncIterator[str]:
    if options.dsn is not None:
        yield options.dsn
        return
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    # A look must not make what it looks for.
    if not (settings.data_dir / EMBEDDED_DIR).exists():
        raise StartupRefused(f"there is no database: DATABASE_URL is not set and {settings.data_dir} has none")
    async with embedded_postgres(settings.data_dir / EMBEDDED_DIR) as server_dsn:
        yield at_database(server_dsn, DATABASE)


def _log(settings: Settings, options: SmokeOptions, now: datetime) -> LogSeen:
    if options.log_lines is not None:
        return see_log_lines(options.log_lines, now)
    if options.logs is not None:
        return see_log(options.logs, now, is_named=True)
    origin = webhook_origin(settings, options)
    if not _is_here(origin):
        return LogSeen(f"{urlsplit(origin).hostname}, another machine", None, is_named=False)
    return see_log(settings.data_dir, now, is_named=False, left_out=settings.data_dir / EMBEDDED_DIR)


def _disk(settings: Settings, origin: str) -> DiskSeen:
    if _is_here(origin):
        return see_disk(settings.data_dir)
    return DiskSeen(f"the disk of {urlsplit(origin).hostname}", None, "it is another machine")


def _is_here(origin: str) -> bool:
    return urlsplit(origin).hostname in LOOPBACK
