"""The last word on an entry: may anything be bought now, and this much of it?

It gathers what the limits are judged by and asks `domain/risk`. Nothing is awaited between the figures and the moment
the order counts among the open ones, so two products cannot both spend the same room (S3).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bottrader.app.kill_switch import KillSwitchBoard
from bottrader.app.portfolio import Portfolio
from bottrader.app.select_symbols import SymbolSelector
from bottrader.app.world import World
from bottrader.domain.market import ProductId, Ticker, quote_of
from bottrader.domain.money import EXACT, ZERO, exact
from bottrader.domain.risk import (
    RATE_WINDOW,
    RiskLimits,
    RiskView,
    check_kill_switch,
    check_risk,
    is_daily_loss_reached,
    losing_run,
)
from bottrader.domain.validation import Refusal
from bottrader.ports import Balance


@dataclass(frozen=True, slots=True)
class EntryRequest:
    """An entry that has its size: what it may cost, the price it is based on, and the account's balances."""

    product_id: ProductId
    granted_quote: Decimal
    ticker: Ticker
    balances: Sequence[Balance]


class EntryGuard:
    """Judges entries by the limits, and says when everything is to be sold."""

    def __init__(
        self,
        world: World,
        portfolio: Portfolio,
        limits: RiskLimits,
        switch: KillSwitchBoard,
        selector: SymbolSelector,
    ) -> None:
        self._clock = world.clock
        self._portfolio = portfolio
        self._limits = limits
        self._switch = switch
        self._selector = selector

    async def check_kill_switch(self) -> Refusal | None:
        """Return why nothing is bought at all; raises `StoreUnreachable` when that cannot be known."""
        return check_kill_switch(await self._switch.read())

    async def check_symbol(self, product_id: ProductId) -> Refusal | None:
        """Return why this product is not bought, by the lists or by its results."""
        return await self._selector.check(product_id)

    def check(self, entry: EntryRequest) -> Refusal | None:
        """Return the first limit the entry would break, or None."""
        portfolio, now = self._portfolio, self._clock.now()
        position = portfolio.position(entry.product_id)
        losses, last_loss_at = losing_run((trade.closed_at, trade.pnl) for trade in portfolio.closed_trades())
        view = RiskView(
            entry_quote=entry.granted_quote,
            position_quote=ZERO if position is None else position.cost,
            open_order_quote=portfolio.open_buys_quote(entry.product_id),
            exposure_quote=portfolio.exposure_quote(besides=entry.product_id),
            equity_quote=self._equity(entry),
            day_pnl_quote=self._day_pnl(now),
            price_age_s=(now - entry.ticker.at).total_seconds(),
            now=now,
            losses=losses,
            last_loss_at=last_loss_at,
            orders_last_minute=portfolio.orders_since(now - RATE_WINDOW),
            refusals_last_minute=portfolio.refusals_since(now - RATE_WINDOW),
        )
        return check_risk(view, self._limits)

    def stopped(self) -> Refusal | None:
        """Return why nothing is bought as far as is known without asking; for what rests at the venue already."""
        return check_kill_switch(self._switch.last)

    def why_flatten(self) -> str | None:
        """Return why every position is to be sold now, or None; asked on each price, so it waits for nothing."""
        switch = self._switch.last
        if switch is not None and switch.flattens:
            return f"kill switch ({switch.source}): {switch.reason}"
        if self._limits.daily_loss_flattens and is_daily_loss_reached(self._day_pnl(self._clock.now()), self._limits):
            return "the daily loss limit is reached"
        return None

    def _day_pnl(self, now: datetime) -> Decimal | None:
        unrealized = self._portfolio.unrealized_pnl()
        if unrealized is None:
            return None
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return EXACT.add(self._portfolio.realized_since(midnight), unrealized)

    def _equity(self, entry: EntryRequest) -> Decimal | None:
        holdings = self._portfolio.holdings_quote()
        if holdings is None:
            return None
        quote = quote_of(entry.product_id)
        with exact():
            return holdings + sum((each.total for each in entry.balances if each.currency == quote), ZERO)
