"""The report as a value: what `write_reports` computes, and what pages, tables and mails show.

Nothing here is rounded and nothing is computed twice; properties only combine figures that stand beside them.
"""

import decimal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from bottrader.domain.lots import OpenLot
from bottrader.domain.market import ProductId
from bottrader.domain.money import EXACT, ZERO, Money, Price, Size
from bottrader.domain.orders import ClientOrderId
from bottrader.domain.performance import Drawdown, Totals
from bottrader.domain.reconciliation import Books, Difference, figures_of

_QUOTIENT = decimal.Context(prec=28, rounding=decimal.ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Period:
    """The times of the oldest and the newest order, venue time."""

    first_order_at: datetime
    last_order_at: datetime


NO_MONEY = Money(ZERO)


@dataclass(frozen=True, slots=True)
class CashFlow:
    """How cash came to be what it is: opening + deposited - withdrawn + sold - bought - fees + other = closing.

    `opening` is None when no cash movement was ever recorded; it then counts as zero in `closing`.
    """

    currency: str
    opening: Money | None
    deposited: Money
    withdrawn: Money
    bought: Money
    sold: Money
    fees: Money
    closing: Money
    other: Money = NO_MONEY
    """Between own accounts, and by trades that are not the bot's; no deposit, and no result."""

    @property
    def net_deposits(self) -> Money | None:
        """The capital: opening + deposited - withdrawn; None when it is unknown."""
        if self.opening is None:
            return None
        return Money(EXACT.subtract(EXACT.add(self.opening, self.deposited), self.withdrawn))


@dataclass(frozen=True, slots=True)
class ClosedTrade:
    """The matched part of one sell order: `cost` includes the buys' fees, `net_proceeds` excludes the sell's.

    `buy_price` and `sell_price` are means without fees, to 28 digits, half-even; they are for display only.
    """

    product_id: ProductId
    sell_order_id: ClientOrderId
    parent_id: ClientOrderId | None
    bought_at: datetime
    sold_at: datetime
    size: Size
    buy_price: Price
    sell_price: Price
    cost: Money
    net_proceeds: Money
    pnl: Money
    exit_reason: str
    note: str

    @property
    def held(self) -> timedelta:
        """From the first buy to the last sale."""
        return self.sold_at - self.bought_at


@dataclass(frozen=True, slots=True)
class UnmatchedSell:
    """The part of one sell order that no buy covers: proceeds after fees, but no basis and no P&L."""

    product_id: ProductId
    sell_order_id: ClientOrderId
    sold_at: datetime
    size: Size
    net_proceeds: Money


@dataclass(frozen=True, slots=True)
class FeeLine:
    """Fees of one product and the quote amount they were paid on."""

    product_id: ProductId
    on_buys: Money
    on_sells: Money
    turnover: Money

    @property
    def total(self) -> Money:
        return Money(EXACT.add(self.on_buys, self.on_sells))

    @property
    def rate(self) -> Decimal | None:
        """Fees as a fraction of turnover, to 28 digits, half-even; None without turnover."""
        return _QUOTIENT.divide(self.total, self.turnover) if self.turnover else None


@dataclass(frozen=True, slots=True)
class LedgerVerdict:
    """Our books beside the exchange's; `differences` names what is not equal to the last digit."""

    ours: Books
    theirs: Books
    differences: tuple[Difference, ...]

    @property
    def equal(self) -> bool:
        return not self.differences

    @property
    def figures(self) -> tuple[Difference, ...]:
        """Every figure that was compared, equal ones included: cash, holdings, fees."""
        return tuple(figures_of(self.ours, self.theirs))


@dataclass(frozen=True, slots=True)
class Report:
    """One set of figures. Trades are oldest first; money is in `cash.currency` and not rounded.

    `period` is None before the first order. `drawdown` is None when the capital is unknown or nothing was sold: a
    made-up capital gives a made-up percentage (R51). `verdict` is None when the exchange was not asked.
    """

    generated_at: datetime
    venue: str
    period: Period | None
    cash: CashFlow
    cash_unexplained: Money
    holdings: Mapping[str, Decimal]
    realized_pnl: Money
    unmatched_proceeds: Money
    win_rate: Decimal | None
    profit_factor: Decimal | None
    expectancy: Decimal | None
    drawdown: Drawdown | None
    closed_trades: tuple[ClosedTrade, ...]
    unmatched_sells: tuple[UnmatchedSell, ...]
    open_lots: tuple[OpenLot, ...]
    equity_curve: tuple[tuple[datetime, Decimal], ...]
    pnl_by_exit_reason: Mapping[str, Totals]
    pnl_by_product: Mapping[str, Totals]
    fees_by_product: tuple[FeeLine, ...]
    orders_by_status: Mapping[str, int]
    signals_count: int
    verdict: LedgerVerdict | None

    @property
    def wins_count(self) -> int:
        return sum(totals.wins_count for totals in self.pnl_by_product.values())

    @property
    def open_cost(self) -> Money:
        """What the open lots cost, entry fees included."""
        return total(lot.cost for lot in self.open_lots)


def total(amounts: Iterable[Decimal]) -> Money:
    """Return the exact sum of amounts of quote currency, zero for none."""
    result = ZERO
    for amount in amounts:
        result = EXACT.add(result, amount)
    return Money(result)
