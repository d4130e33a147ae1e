"""Trades with what they began with, and the groups that reports look at them in.

A round trip is one sell order with the buys it closes, reached through the allocations. Its entry is the buy whose
matched cost is the largest, the oldest of equals: score, trigger and source of the entry are those of the round trip
(R85), since the sell of a stop has no score of its own. Each round trip is in one group of each grouping, so the groups
add up to the whole.

Amounts are quote currency, scores dimensionless, hours those of the zone asked for.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal
from typing import TypeVar

from bottrader.domain import performance
from bottrader.domain.lots import Allocation
from bottrader.domain.money import EXACT, ZERO
from bottrader.domain.orders import ClientOrderId
from bottrader.domain.performance import Trade

Key = TypeVar("Key", bound=Hashable)

FAST_MAX = timedelta(seconds=60)
"""A round trip held no longer than this is a fast one."""

SCORE_BANDS = ((Decimal(4), "≥ 4.0"), (Decimal(3), "3.0-4.0"), (Decimal("2.5"), "2.5-3.0"))
LOWEST_BAND = "< 2.5"
UNSCORED = "no score"
"""The band of round trips whose entry nobody scored: unknown is not low (R85)."""

EXCLUDE_TOTAL, EXCLUDE_AVERAGE = Decimal("-0.50"), Decimal("-0.10")
STAR_TOTAL, STAR_WIN_RATE = Decimal("1.00"), Decimal("0.40")
BAND_LOSING, BAND_PROFITABLE = ZERO, Decimal("0.10")
WEAK_WIN_RATE, WEAK_TRADES_MIN = Decimal("0.45"), 10


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """A trade, and what it began with; `opened_at` and `entry_order_id` are None when no buy is known."""

    trade: Trade
    opened_at: datetime | None
    entry_order_id: ClientOrderId | None

    @property
    def held(self) -> timedelta | None:
        """From the first buy to the last sale; None when no buy is known."""
        return None if self.opened_at is None else self.trade.closed_at - self.opened_at


@dataclass(frozen=True, slots=True)
class Group:
    """Round trips with a known P&L that have something in common: how many, their sum, mean and win rate."""

    trades_count: int
    pnl: Decimal
    average: Decimal
    win_rate: Decimal | None


def round_trips_of(allocations: Iterable[Allocation]) -> list[RoundTrip]:
    """Return one round trip per sell order, in the order of `performance.trades_of`."""
    rows: dict[ClientOrderId, list[Allocation]] = {}
    for allocation in allocations:
        rows.setdefault(allocation.sell_order_id, []).append(allocation)
    trades = performance.trades_of(row for of_order in rows.values() for row in of_order)
    return [_round_trip(trade, rows[trade.sell_order_id]) for trade in trades]


def closed_within(allocations: Iterable[Allocation], since: datetime, until: datetime) -> list[Allocation]:
    """Return the rows of the sell orders whose last execution is in `[since, until)`, each order whole.

    Half of an order has another P&L, so an order is in the window it was completed in, and in no other.
    """
    rows = list(allocations)
    last: dict[ClientOrderId, datetime] = {}
    for row in rows:
        last[row.sell_order_id] = max(last.get(row.sell_order_id, row.sell_time), row.sell_time)
    return [row for row in rows if since <= last[row.sell_order_id] < until]


def grouped(trips: Iterable[RoundTrip], key_of: Callable[[RoundTrip], Key]) -> dict[Key, Group]:
    """Return the groups of round trips with a known P&L by `key_of`, in the order in which they first appear."""
    groups: dict[Key, list[Decimal]] = {}
    for trip in trips:
        if trip.trade.is_matched:
            groups.setdefault(key_of(trip), []).append(trip.trade.pnl)
    return {key: _group(pnls) for key, pnls in groups.items()}


def is_fast(trip: RoundTrip) -> bool:
    """Tell whether it was held for 60 s at most; one without a known buy is not known to be."""
    return trip.held is not None and trip.held <= FAST_MAX


def score_band(score: Decimal | None) -> str:
    """Return the band of an entry's score: from 4.0, 3.0 or 2.5 on, below, or none (B237)."""
    if score is None:
        return UNSCORED
    return next((name for low, name in SCORE_BANDS if score >= low), LOWEST_BAND)


def band_verdict(average: Decimal) -> str:
    """Return `losing` below 0, `profitable` above 0.10, else `marginal`."""
    if average < BAND_LOSING:
        return "losing"
    return "profitable" if average > BAND_PROFITABLE else "marginal"


def hour_in(zone: tzinfo, trip: RoundTrip) -> int:
    """Return the hour of day, 0 to 23, in which it closed by the clocks of `zone`.

    Where the clocks go back an hour occurs twice, and both count as that hour (F39).
    """
    return trip.trade.closed_at.astimezone(zone).hour


def symbol_verdict(group: Group) -> str:
    """Return what a week suggests for a symbol: `consider exclusion`, `star`, or nothing."""
    if group.pnl < EXCLUDE_TOTAL and group.average < EXCLUDE_AVERAGE:
        return "consider exclusion"
    is_star = group.pnl > STAR_TOTAL and group.win_rate is not None and group.win_rate > STAR_WIN_RATE
    return "star" if is_star else ""


def is_weak(group: Group) -> bool:
    """Tell whether ten trades or more were won less than 45 % of the time."""
    return group.trades_count >= WEAK_TRADES_MIN and group.win_rate is not None and group.win_rate < WEAK_WIN_RATE


def _group(pnls: Sequence[Decimal]) -> Group:
    total = ZERO
    for pnl in pnls:
        total = EXACT.add(total, pnl)
    return Group(len(pnls), total, performance.mean(pnls) or ZERO, performance.win_rate(pnls))


def _round_trip(trade: Trade, rows: Sequence[Allocation]) -> RoundTrip:
    costs: dict[ClientOrderId, Decimal] = {}
    times: list[datetime] = []
    for row in sorted(rows, key=lambda row: (row.buy_time or row.sell_time, row.buy_execution_id or "")):
        if row.buy_order_id is not None and row.buy_time is not None:
            costs[row.buy_order_id] = EXACT.add(costs.get(row.buy_order_id, ZERO), row.cost_basis or ZERO)
            times.append(row.buy_time)
    if not times:
        return RoundTrip(trade, None, None)
    # `max` keeps the first of equals, and the first is the oldest.
    return RoundTrip(trade, times[0], max(costs, key=lambda order_id: costs[order_id]))
