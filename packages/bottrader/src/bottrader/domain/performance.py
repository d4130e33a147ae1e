"""Figures about trades, each defined once and used everywhere, so that two sections cannot disagree (R53).

All amounts are quote currency, all rates fractions. A trade is a sell order with all its allocations, never a row.
Ratios are rounded to 28 digits, half to even; money is exact until `to_cents` shows it. A figure that has no meaning
for its input is None: no decisive trade has no win rate, no loss has no profit factor, no capital has no drawdown.

Worked example (B223, B224, B226): trades of 100, -50, 75, 30, -20. Wins average 205 / 3 = 68.33, losses 70 / 2 = 35,
the profit factor is 205 / 70 = 2.93, the expectancy (3/5) x 68.33 - (2/5) x 35 = 27.
"""

import decimal
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from bottrader.domain.lots import Allocation
from bottrader.domain.money import EXACT, ZERO, Price
from bottrader.domain.orders import ClientOrderId, trigger_of
from bottrader.domain.positions import Position

BREAK_EVEN_EPSILON = Decimal("1E-9")
"""A trade within this of zero is neither won nor lost."""

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Trade:
    """One sell order: `pnl` and `cost_basis` of its matched part, `unmatched_proceeds` of the rest, after fees."""

    sell_order_id: ClientOrderId
    product_id: str
    closed_at: datetime
    pnl: Decimal
    cost_basis: Decimal
    unmatched_proceeds: Decimal
    is_matched: bool
    """False when nothing of it has a basis, so that its P&L is unknown instead of zero."""


@dataclass(frozen=True, slots=True)
class Totals:
    """A group of trades: how many with a known P&L, how many of them won, and their sum."""

    trades_count: int
    wins_count: int
    pnl: Decimal


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The largest fall from a running peak of equity, as an amount and as a fraction of the peak (0 to 1)."""

    amount: Decimal
    fraction: Decimal


def trades_of(allocations: Iterable[Allocation]) -> list[Trade]:
    """Return one trade per sell order, by the time of its last execution, then by id."""
    rows: dict[ClientOrderId, list[Allocation]] = {}
    for allocation in allocations:
        rows.setdefault(allocation.sell_order_id, []).append(allocation)
    return sorted((_trade_of(of_order) for of_order in rows.values()), key=lambda t: (t.closed_at, t.sell_order_id))


def known_pnls(trades: Iterable[Trade]) -> list[Decimal]:
    """Return the P&L of every trade that has one; the input of the rates below."""
    return [trade.pnl for trade in trades if trade.is_matched]


def realized_pnl(allocations: Iterable[Allocation]) -> Decimal:
    """Sum of the allocations' P&L; unmatched sells add nothing and are shown beside it (B218-B220)."""
    return _total(allocation.pnl for allocation in allocations if allocation.pnl is not None)


def unmatched_proceeds(allocations: Iterable[Allocation]) -> Decimal:
    """Sum of the net proceeds of sells without a buy (R5)."""
    return _total(allocation.net_proceeds for allocation in allocations if allocation.pnl is None)


def unrealized_pnl(position: Position, price: Price) -> Decimal:
    """Value at `price` less the remaining cost with its entry fees; no exit fee is taken off (B212, B214)."""
    return EXACT.subtract(EXACT.multiply(position.size, price), position.cost)


def counts(pnls: Iterable[Decimal]) -> tuple[int, int, int]:
    """Return how many trades were won, lost and break-even (R53)."""
    known = list(pnls)
    wins, losses = _split(known)
    return len(wins), len(losses), len(known) - len(wins) - len(losses)


def return_fraction(gain: Decimal, cost: Decimal) -> Decimal | None:
    """Gain / cost (B213, B217); None without a cost."""
    return _RATIO.divide(gain, cost) if cost > ZERO else None


def win_rate(pnls: Iterable[Decimal]) -> Decimal | None:
    """Wins / (wins + losses); break-even trades are in neither; None without decisive trades (B221, B222)."""
    wins, losses = _split(pnls)
    decisive = len(wins) + len(losses)
    return _RATIO.divide(Decimal(len(wins)), Decimal(decisive)) if decisive else None


def average_win(pnls: Iterable[Decimal]) -> Decimal | None:
    """Mean P&L of the won trades; None without one (B223)."""
    return mean(_split(pnls)[0])


def average_loss(pnls: Iterable[Decimal]) -> Decimal | None:
    """Mean loss of the lost trades as a positive amount; None without one (B223)."""
    return mean(_split(pnls)[1])


def win_loss_ratio(pnls: Sequence[Decimal]) -> Decimal | None:
    """Average win / average loss; None when either is missing (B223)."""
    won, lost = average_win(pnls), average_loss(pnls)
    return None if won is None or lost is None else _RATIO.divide(won, lost)


def profit_factor(pnls: Iterable[Decimal]) -> Decimal | None:
    """Sum of wins / sum of losses; None without losses (B224, B225)."""
    wins, losses = _split(pnls)
    return _RATIO.divide(_total(wins), _total(losses)) if losses else None


def expectancy(pnls: Sequence[Decimal]) -> Decimal | None:
    """Win rate x average win - loss rate x average loss, the mean of the decisive trades; None without one (B226)."""
    wins, losses = _split(pnls)
    decisive = len(wins) + len(losses)
    if not decisive:
        return None
    return _RATIO.divide(EXACT.subtract(_total(wins), _total(losses)), Decimal(decisive))


def trade_sharpe(pnls: Sequence[Decimal]) -> Decimal | None:
    """Mean / population deviation of trade P&L, not annualised; None when there is no deviation (B226)."""
    average = mean(pnls)
    if average is None:
        return None
    deviations = [_RATIO.subtract(pnl, average) for pnl in pnls]
    variance = mean([_RATIO.multiply(deviation, deviation) for deviation in deviations])
    return _RATIO.divide(average, _RATIO.sqrt(variance)) if variance else None


def equity_curve(
    opening_cash: Decimal | None, allocations: Sequence[Allocation], since: datetime | None = None
) -> list[tuple[datetime, Decimal]]:
    """Opening cash plus realized P&L after each trade, led by the opening at `since`, else at the earliest time known.

    Empty when the opening cash is unknown or nothing was sold: a made-up capital would make every return wrong (R51).
    """
    if opening_cash is None or not allocations:
        return []
    opened_at = since or min(allocation.buy_time or allocation.sell_time for allocation in allocations)
    equity = opening_cash
    points = [(opened_at, equity)]
    for trade in trades_of(allocations):
        equity = EXACT.add(equity, trade.pnl)
        points.append((trade.closed_at, equity))
    return points


def max_drawdown(points: Sequence[tuple[datetime, Decimal]]) -> Drawdown | None:
    """Return the largest fall from the running peak, amount and fraction each; None without capital (B232, B233)."""
    if not points or points[0][1] <= ZERO:
        return None
    peak = points[0][1]
    amount = fraction = ZERO
    for _, equity in points:
        peak = max(peak, equity)
        fall = EXACT.subtract(peak, equity)
        amount = max(amount, fall)
        fraction = max(fraction, _RATIO.divide(fall, peak))
    return Drawdown(amount, min(fraction, _ALL))


def drawdown_curve(points: Sequence[tuple[datetime, Decimal]]) -> list[tuple[datetime, Decimal]]:
    """Return how far equity is below its running peak at each point, as a fraction from 0 to -1; the lowest is the
    maximum drawdown. Empty without capital (R51)."""
    if not points or points[0][1] <= ZERO:
        return []
    peak = points[0][1]
    curve = []
    for at, equity in points:
        peak = max(peak, equity)
        curve.append((at, max(_RATIO.divide(EXACT.subtract(equity, peak), peak), _RATIO.minus(_ALL))))
    return curve


def by_exit_reason(allocations: Iterable[Allocation]) -> dict[str, Totals]:
    """Return the totals per trigger of the sell order, `unknown` for orders not ours, in order of name."""
    return _totals_by(allocations, lambda trade: trigger_of(trade.sell_order_id) or "unknown")


def by_product(allocations: Iterable[Allocation]) -> dict[str, Totals]:
    """Return the totals per product, in order of name (B220)."""
    return _totals_by(allocations, lambda trade: trade.product_id)


def is_long_term(acquired_on: date, disposed_on: date) -> bool:
    """Tell whether the disposal is later than the first anniversary by calendar date (B229-B231)."""
    try:
        anniversary = acquired_on.replace(year=acquired_on.year + 1)
    except ValueError:
        # The 29th of February has its anniversary on the 28th.
        anniversary = acquired_on.replace(year=acquired_on.year + 1, day=28)
    return disposed_on > anniversary


def mean(amounts: Sequence[Decimal]) -> Decimal | None:
    """Sum / count, for example of P&L, whose break-even trades count here; None of nothing."""
    return _RATIO.divide(_total(amounts), Decimal(len(amounts))) if amounts else None


def to_cents(amount: Decimal) -> Decimal:
    """Round half to even to two decimals, for display and nothing else (B227)."""
    return amount.quantize(CENT, context=_RATIO)


_ALL = Decimal(1)
_RATIO = decimal.Context(prec=28, rounding=decimal.ROUND_HALF_EVEN)


def _trade_of(rows: list[Allocation]) -> Trade:
    matched = [row for row in rows if row.pnl is not None]
    return Trade(
        sell_order_id=rows[0].sell_order_id,
        product_id=rows[0].product_id,
        closed_at=max(row.sell_time for row in rows),
        pnl=realized_pnl(matched),
        cost_basis=_total(row.cost_basis for row in matched if row.cost_basis is not None),
        unmatched_proceeds=unmatched_proceeds(rows),
        is_matched=bool(matched),
    )


def _totals_by(allocations: Iterable[Allocation], name_of: Callable[[Trade], str]) -> dict[str, Totals]:
    groups: dict[str, list[Decimal]] = {}
    for trade in trades_of(allocations):
        if trade.is_matched:
            groups.setdefault(str(name_of(trade)), []).append(trade.pnl)
    return {name: Totals(len(pnls), len(_split(pnls)[0]), _total(pnls)) for name, pnls in sorted(groups.items())}


def _split(pnls: Iterable[Decimal]) -> tuple[list[Decimal], list[Decimal]]:
    """Return wins and losses, both as positive amounts."""
    wins: list[Decimal] = []
    losses: list[Decimal] = []
    for pnl in pnls:
        if pnl > BREAK_EVEN_EPSILON:
            wins.append(pnl)
        elif EXACT.minus(pnl) > BREAK_EVEN_EPSILON:
            losses.append(EXACT.minus(pnl))
    return wins, losses


def _total(amounts: Iterable[Decimal]) -> Decimal:
    total = ZERO
    for amount in amounts:
        total = EXACT.add(total, amount)
    return total
