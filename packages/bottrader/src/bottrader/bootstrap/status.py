"""How a bot stands, on one screen: from its services and its database, and without either of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from bottrader.adapters.http.metrics_reader import read_metrics
from bottrader.adapters.postgres.store import open_store
from bottrader.adapters.system.kill_file import KillFileOnDisk
from bottrader.app.portfolio import Portfolio
from bottrader.bootstrap.egress import session_to
from bottrader.bootstrap.smoking import SmokeOptions, existing_dsn, look, webhook_origin
from bottrader.config import Settings
from bottrader.domain.errors import AdapterError, StartupRefused
from bottrader.domain.market import ProductId
from bottrader.domain.orders import OpenOrder, OrderKind, OrderState
from bottrader.domain.positions import Position
from bottrader.domain.risk import KillSwitch
from bottrader.domain.smoke import (
    BooksSeen,
    Seen,
    SmokeCheck,
    Verdict,
    judge_allocations,
    judge_database,
    judge_health,
    judge_services,
)
from bottrader.ports import Store
from bottrader.ports.kill_file import KILL_FILE_NAME

MARKET_AGE = "bottrader_market_message_age_seconds"
ALLOCATION_AGE = "bottrader_allocation_age_seconds"


@dataclass(frozen=True, slots=True)
class Standing:
    """What the database tells of money; `day_pnl` is what sells since midnight UTC (venue time) earned, fees off."""

    positions: tuple[Position, ...]
    orders: tuple[OpenOrder, ...]
    switch: KillSwitch | None
    day_pnl: Decimal

    def bracketed(self, product_id: ProductId) -> list[OpenOrder]:
        """Return the brackets around a position."""
        return [
            each
            for each in self.orders
            if each.intent.product_id == product_id
            and each.intent.kind is OrderKind.BRACKET_GTC
            and each.state is OrderState.ACCEPTED
        ]


@dataclass(frozen=True, slots=True)
class Status:
    """All of it; `standing` is None when the database could not be read, ages when the webhook does not tell them."""

    mode: str
    seen: Seen
    checks: tuple[SmokeCheck, ...]
    standing: Standing | None
    kill_file: str | None
    market_age_s: float | None
    allocation_age_s: float | None

    @property
    def is_healthy(self) -> bool:
        return all(check.verdict is not Verdict.FAIL for check in self.checks)

    @property
    def is_watched(self) -> bool:
        """Tell whether a running webhook judges positions on each price."""
        return not self.seen.health.cause and "webhook" in self.leases

    @property
    def leases(self) -> frozenset[str]:
        """Return the roles whose lease somebody holds."""
        return self.seen.books.leases if isinstance(self.seen.books, BooksSeen) else frozenset()

    @property
    def newest_report(self) -> str | None:
        """Return the scheduled report that ended last, None when there is none of the last nine days."""
        made = self.seen.books.made if isinstance(self.seen.books, BooksSeen) else frozenset()
        newest = max(made, key=lambda period: period.until, default=None)
        return None if newest is None else f"{newest.kind} until {newest.until:%Y-%m-%d %H:%M} UTC"

    def protection(self, position: Position) -> str:
        """Return in words what stands between a position and a loss."""
        brackets = [] if self.standing is None else self.standing.bracketed(position.product_id)
        stops = ", ".join(f"{each.intent.stop_price:f}" for each in brackets if each.intent.stop_price is not None)
        if brackets:
            return f"bracket at the exchange, stop {stops}"
        return "watched by the bot on each price" if self.is_watched else "NONE: no bot watches it"


async def take_status(settings: Settings, addresses: Mapping[str, str]) -> Status:
    """Look once, changing nothing; `addresses` are the origins of services that are not on this host, by name."""
    options = SmokeOptions(addresses=addresses)
    seen = await look(settings, options)
    origin = webhook_origin(settings, options)
    async with session_to([origin]) as session:
        metrics = await read_metrics(session, origin)
    checks = [judge_services(seen.health, seen.services, seen.books), judge_health(seen.health)]
    checks += [judge_database(seen.books), judge_allocations(seen.books)]
    standing = None
    if isinstance(seen.books, BooksSeen):
        try:
            async with existing_dsn(settings, options) as dsn, open_store(dsn) as store:
                standing = await _standing(settings, store, seen.health.venue_time or datetime.now(UTC))
        except (AdapterError, StartupRefused) as error:
            checks.append(SmokeCheck("books", Verdict.FAIL, str(error), "mend the database first"))
    return Status(
        mode=settings.mode.value,
        seen=seen,
        checks=tuple(checks),
        standing=standing,
        kill_file=KillFileOnDisk(settings.data_dir / KILL_FILE_NAME).reason(),
        market_age_s=metrics.get(MARKET_AGE),
        allocation_age_s=metrics.get(ALLOCATION_AGE),
    )


async def _standing(settings: Settings, store: Store, now: datetime) -> Standing:
    portfolio = Portfolio(store, settings.symbols)
    await portfolio.load()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return Standing(
        positions=tuple(portfolio.positions()),
        orders=tuple(portfolio.open_orders()),
        switch=await store.kill_switch(),
        day_pnl=portfolio.realized_since(midnight),
    )
