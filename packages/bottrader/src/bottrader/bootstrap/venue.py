"""The exchange a process trades at: addresses, key, clock, and the adapters made of them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from bottrader.adapters.coinbase.auth import ApiKey, Signer, read_key_file
from bottrader.adapters.coinbase.rest import CoinbaseExchange
from bottrader.adapters.coinbase.stream import CoinbaseMarketFeed, CoinbaseUserFeed, StreamOptions
from bottrader.adapters.coinbase.transport import ClientOptions
from bottrader.adapters.system.clock import SystemClock, VenueClock
from bottrader.adapters.system.entropy import SystemEntropy
from bottrader.app.watch_key import key_fault
from bottrader.bootstrap.egress import session_to
from bottrader.config import Mode, Settings
from bottrader.domain.errors import AdapterError, ConfigInvalid, StartupRefused
from bottrader.domain.hosts import is_near
from bottrader.ports import Clock, EventLog, KeyPermissions

# A simulator on this machine has no request budget to spare; the live one is Coinbase's.
PAPER_REQUESTS_PER_S = 5000.0

SECRETS_MOUNT = Path("/run/secrets")
# Group may read, because a service's secrets are handed out by group; nobody else may do anything.
OTHERS_MAY = 0o027

CLOCK_ERROR_MAX = timedelta(seconds=5)
"""Further off, tokens expire early or count as not yet valid, and decisions are made on candles of another minute."""


@dataclass(frozen=True, slots=True)
class VenueAddress:
    """Where the exchange is and who we are there."""

    rest_url: str
    market_ws_url: str
    user_ws_url: str
    key: ApiKey


@dataclass(frozen=True, slots=True)
class Venue:
    """The exchange's adapters in one process.

    `on_time` takes a time that the exchange has shown, where its time is not ours; None in live trading.
    """

    address: VenueAddress
    session: aiohttp.ClientSession
    exchange: CoinbaseExchange
    clock: Clock
    entropy: SystemEntropy
    streams: StreamOptions
    signer: Signer
    permissions: KeyPermissions
    on_time: Callable[[datetime], None] | None = None

    def market_feed(self, *channels: str) -> CoinbaseMarketFeed:
        return CoinbaseMarketFeed(self.session, self.address.market_ws_url, self.streams, frozenset(channels))

    def user_feed(self) -> CoinbaseUserFeed:
        return CoinbaseUserFeed(self.session, self.address.user_ws_url, self.signer, self.streams)


def address_of(settings: Settings) -> VenueAddress:
    """Return the exchange that the settings name; raises `ConfigInvalid` when the key is missing or unreadable."""
    urls = (settings.exchange_rest_url, settings.exchange_market_ws_url, settings.exchange_user_ws_url)
    if settings.mode is Mode.PAPER:
        for url in urls:
            _check_is_near(url)
    if settings.exchange_key_file is None:
        raise ConfigInvalid(
            "no API key: set BOTTRADER_EXCHANGE_KEY_FILE (and BOTTRADER_EXCHANGE_KEY_NAME for a bare PEM file),"
            " or run `bottrader paper`, which needs none"
        )
    if settings.mode is Mode.LIVE:
        _check_is_private(settings.exchange_key_file)
    if settings.exchange_key_name is None:
        key = read_key_file(settings.exchange_key_file)
    else:
        try:
            key = ApiKey(settings.exchange_key_name, settings.exchange_key_file.read_text())
        except OSError as error:
            raise ConfigInvalid(f"the key file {settings.exchange_key_file} cannot be read: {error.strerror}") from None
    return VenueAddress(*urls, key)


def _check_is_private(file: Path) -> None:
    """Refuse the key to real money when other users of this machine may read or change it.

    What a container runtime mounts below `/run/secrets` has its own rights and no other users.
    """
    if SECRETS_MOUNT in file.parents or not file.exists():
        return
    if file.stat().st_mode & OTHERS_MAY:
        raise ConfigInvalid(f"the key file {file} is open to other users of this machine: chmod 600 {file}")


def _check_is_near(url: str) -> None:
    """Refuse an exchange out in the world: paper trading must never be able to spend real money."""
    if not is_near(urlsplit(url).hostname or ""):
        raise ConfigInvalid(
            f"BOTTRADER_MODE is paper, but {url} is no simulator on this machine or network: point the three"
            " BOTTRADER_EXCHANGE_ addresses at one (see `coinbase-sim serve`), run `bottrader paper`, which brings its"
            " own, or set BOTTRADER_MODE=live to trade real money"
        )


@asynccontextmanager
async def open_venue(address: VenueAddress, mode: Mode, log: EventLog) -> AsyncIterator[Venue]:
    """Connect to the exchange; refuses a key that could move funds away or cannot trade, and, live, a wrong clock.

    Raises:
        StartupRefused: when the exchange does not answer, the clock is off or the key must not be used.
    """
    wall_clock, entropy = SystemClock(), SystemEntropy()
    signer = Signer(address.key, wall_clock, entropy)
    async with session_to([address.rest_url, address.market_ws_url, address.user_ws_url]) as session:
        options = ClientOptions(wall_clock, entropy)
        if mode is Mode.PAPER:
            options = replace(options, requests_per_s=PAPER_REQUESTS_PER_S, burst=int(PAPER_REQUESTS_PER_S))
        exchange = CoinbaseExchange(session, address.rest_url, signer, options)
        try:
            # The time comes first: with a wrong clock every token is refused, and that would hide the cause.
            asked_at = wall_clock.wall()
            venue_time = await exchange.server_time()
            if mode is Mode.LIVE:
                _check_clock(asked_at, venue_time, wall_clock.wall())
            permissions = await exchange.permissions()
        except AdapterError as error:
            raise StartupRefused(f"the exchange at {address.rest_url} did not let us in: {error}") from None
        _check(permissions)
        # A replayed market has its own time, so paper trading dates everything by what the venue shows.
        venue_clock = VenueClock(venue_time) if mode is Mode.PAPER else None
        clock: Clock = venue_clock or wall_clock
        on_time = venue_clock.observe if venue_clock else None
        streams = StreamOptions(clock, entropy, log, on_time=on_time)
        yield Venue(address, session, exchange, clock, entropy, streams, signer, permissions, on_time)


def _check_clock(asked_at: datetime, venue_time: datetime, answered_at: datetime) -> None:
    """Refuse a clock that is certainly wrong: the venue read its own some time between our question and its answer."""
    if asked_at - CLOCK_ERROR_MAX <= venue_time <= answered_at + CLOCK_ERROR_MAX:
        return
    ours = answered_at if venue_time > answered_at else asked_at
    raise StartupRefused(
        f"this machine's clock shows {ours:%Y-%m-%d %H:%M:%S} UTC but the exchange's {venue_time:%Y-%m-%d %H:%M:%S}"
        f" UTC, more than {CLOCK_ERROR_MAX.total_seconds():g} s apart: set the clock (turn on NTP), then start again"
    )


def _check(permissions: KeyPermissions) -> None:
    fault = key_fault(permissions)
    if fault is not None:
        raise StartupRefused(fault)
