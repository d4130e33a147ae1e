"""What the books say, in one value that every page, table and mail is made from.

Each total here follows from facts (executions, cash movements, orders) and the allocations of the active version, all
as of one moment: read one after the other, a fill in between would be in some figures and not in others. Nothing is
counted along the way and nothing is remembered between two reports, so two reports of the same facts are equal. Metrics
are defined in `domain.performance` and the books in `domain.reconciliation`; this module only asks for them, groups
what they need and checks that they agree:

* net proceeds less cost of the closed trades add up to the realized P&L, or `InvariantBroken`
* closing cash = net deposits + other movements + realized P&L + unmatched proceeds - cost of the open lots; what is
  left over is shown as `cash_unexplained`, because a sell that is not allocated yet is a state and not a contradiction
  (B234, B235)

Worked example: deposit 1000; buy 2 at 100 with fee 2; sell 1 at 110 with fee 1. Cash is 1000 - 202 + 109 = 907. The
sold half cost 100 + 1 = 101, so P&L is 109 - 101 = 8; the half that is left cost 101; 1000 + 8 + 0 - 101 = 907.

A trade is one sell order, however many buys it closes. The part of a sell that no buy covers has no basis and no P&L:
it is listed as an unmatched sell and stays out of every P&L figure (R5).
"""

import decimal
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from bottrader.app.report import (
    CashFlow,
    ClosedTrade,
    FeeLine,
    LedgerVerdict,
    Period,
    Report,
    UnmatchedSell,
    total,
)
from bottrader.domain import performance
from bottrader.domain.errors import InvariantBroken
from bottrader.domain.lots import Allocation, Execution, OpenLot
from bottrader.domain.market import quote_of
from bottrader.domain.money import EXACT, ZERO, Money, Price, Size
from bottrader.domain.orders import ClientOrderId, Side, trigger_of
from bottrader.domain.reconciliation import Books, compare_books
from bottrader.ports import CashKind, LedgerSnapshot, TradeRecord

__all__ = ["LedgerVerdict", "Report", "build_report", "compare_ledgers"]

UNKNOWN_REASON = "unknown"
"""The exit reason of a sell order that is not ours."""
_QUOTIENT = decimal.Context(prec=28, rounding=decimal.ROUND_HALF_EVEN)


def build_report(
    facts: LedgerSnapshot, exchange_books: Books | None, now: datetime, *, venue: str, quote_currency: str
) -> Report:
    """Return the report of these facts; `exchange_books` is what the venue says we own, None when unasked, and
    `quote_currency` the currency of an account that has not traded yet.

    Raises:
        InvariantBroken: when the closed trades do not add up to the realized P&L, when an allocation takes more of a
            buy than was bought, or when trades are quoted in more than one currency, which cannot be added.
    """
    report = _report(facts, exchange_books, now, venue, _traded_currency(facts) or quote_currency)
    _check_trades(report)
    return report


def compare_ledgers(ours: Books, theirs: Books) -> LedgerVerdict:
    """Return both books side by side with what differs; no tolerance."""
    return LedgerVerdict(ours, theirs, tuple(compare_books(ours, theirs)))


def _report(
    facts: LedgerSnapshot, exchange_books: Books | None, now: datetime, venue: str, quote_currency: str
) -> Report:
    ours = facts.books
    cash = _cash_flow(facts, ours, quote_currency)
    lots = _open_lots(facts)
    realized = Money(performance.realized_pnl(facts.allocations))
    unmatched = Money(performance.unmatched_proceeds(facts.allocations))
    pnls = performance.known_pnls(performance.trades_of(facts.allocations))
    curve = performance.equity_curve(cash.net_deposits, facts.allocations)
    return Report(
        generated_at=now,
        venue=venue,
        period=_period(facts.trade_records),
        cash=cash,
        cash_unexplained=_cash_unexplained(cash, realized, unmatched, lots),
        holdings=ours.holdings,
        realized_pnl=realized,
        unmatched_proceeds=unmatched,
        win_rate=performance.win_rate(pnls),
        profit_factor=performance.profit_factor(pnls),
        expectancy=performance.expectancy(pnls),
        drawdown=performance.max_drawdown(curve),
        closed_trades=_closed_trades(facts),
        unmatched_sells=_unmatched_sells(facts.allocations),
        open_lots=lots,
        equity_curve=tuple(curve),
        pnl_by_exit_reason=performance.by_exit_reason(facts.allocations),
        pnl_by_product=performance.by_product(facts.allocations),
        fees_by_product=_fees_by_product(facts.executions),
        orders_by_status=dict(sorted(Counter(record.status for record in facts.trade_records).items())),
        signals_count=facts.signals_count,
        verdict=None if exchange_books is None else compare_ledgers(ours, exchange_books),
    )


def _period(records: Sequence[TradeRecord]) -> Period | None:
    times = [record.order_time for record in records]
    return Period(min(times), max(times)) if times else None


def _traded_currency(facts: LedgerSnapshot) -> str | None:
    """Return what the trades are quoted in; money in other currencies may lie beside it, trades may not."""
    traded = sorted({quote_of(execution.product_id) for execution in facts.executions})
    if len(traded) > 1:
        raise InvariantBroken(f"a report adds up trades of one quote currency, was {' and '.join(traded)}")
    return traded[0] if traded else None


def _cash_flow(facts: LedgerSnapshot, ours: Books, currency: str) -> CashFlow:
    movements = [movement for movement in facts.cash_movements if movement.currency == currency]

    def moved(*kinds: CashKind) -> Money:
        return total(movement.amount for movement in movements if movement.kind in kinds)

    def traded(side: Side) -> Money:
        return total(_value(execution) for execution in facts.executions if execution.side is side)

    return CashFlow(
        currency=currency,
        opening=moved(CashKind.OPENING_BALANCE) if movements else None,
        deposited=moved(CashKind.DEPOSIT, CashKind.ADOPTION),
        withdrawn=Money(EXACT.minus(moved(CashKind.WITHDRAWAL))),
        bought=traded(Side.BUY),
        sold=traded(Side.SELL),
        fees=Money(ours.fees),
        closing=Money(ours.cash.get(currency, ZERO)),
        other=moved(CashKind.INTERNAL_TRANSFER, CashKind.FOREIGN_TRADE),
    )


def _cash_unexplained(cash: CashFlow, realized: Money, unmatched: Money, lots: Iterable[OpenLot]) -> Money:
    explained = total((cash.net_deposits or ZERO, cash.other, realized, unmatched))
    tied_up = total(lot.cost for lot in lots)
    return Money(EXACT.subtract(cash.closing, EXACT.subtract(explained, tied_up)))


def _closed_trades(facts: LedgerSnapshot) -> tuple[ClosedTrade, ...]:
    records = {record.order_id: record for record in facts.trade_records}
    matched: dict[ClientOrderId, list[Allocation]] = {}
    for allocation in facts.allocations:
        if allocation.buy_order_id is not None:
            matched.setdefault(allocation.sell_order_id, []).append(allocation)
    trades = [_closed_trade(rows, records.get(order_id)) for order_id, rows in matched.items()]
    return tuple(sorted(trades, key=lambda trade: (trade.sold_at, trade.sell_order_id)))


def _closed_trade(rows: Sequence[Allocation], record: TradeRecord | None) -> ClosedTrade:
    sell = rows[0]
    size = total(row.size for row in rows)
    bought = total(EXACT.multiply(row.size, row.buy_price) for row in rows if row.buy_price is not None)
    cost = total(row.cost_basis for row in rows if row.cost_basis is not None)
    net_proceeds = total(row.net_proceeds for row in rows)
    return ClosedTrade(
        product_id=sell.product_id,
        sell_order_id=sell.sell_order_id,
        parent_id=record.parent_id if record else None,
        bought_at=min(row.buy_time for row in rows if row.buy_time is not None),
        sold_at=max(row.sell_time for row in rows),
        size=Size(size),
        buy_price=Price(_QUOTIENT.divide(bought, size)),
        sell_price=Price(_QUOTIENT.divide(total(row.proceeds for row in rows), size)),
        cost=cost,
        net_proceeds=net_proceeds,
        # Not the sum of the stored column: the two ways are compared with each other.
        pnl=Money(EXACT.subtract(net_proceeds, cost)),
        exit_reason=trigger_of(sell.sell_order_id) or UNKNOWN_REASON,
        note=record.notes if record else "",
    )


def _check_trades(report: Report) -> None:
    closed = total(trade.pnl for trade in report.closed_trades)
    if closed != report.realized_pnl:
        raise InvariantBroken(
            f"the closed trades add up to {closed}, the allocations to {report.realized_pnl}; rebuild the allocations"
        )


def _unmatched_sells(allocations: Iterable[Allocation]) -> tuple[UnmatchedSell, ...]:
    unmatched: dict[ClientOrderId, list[Allocation]] = {}
    for allocation in allocations:
        if allocation.buy_order_id is None:
            unmatched.setdefault(allocation.sell_order_id, []).append(allocation)
    sells = [
        UnmatchedSell(
            product_id=rows[0].product_id,
            sell_order_id=order_id,
            sold_at=max(row.sell_time for row in rows),
            size=Size(total(row.size for row in rows)),
            net_proceeds=total(row.net_proceeds for row in rows),
        )
        for order_id, rows in unmatched.items()
    ]
    return tuple(sorted(sells, key=lambda sell: (sell.sold_at, sell.sell_order_id)))


def _open_lots(facts: LedgerSnapshot) -> tuple[OpenLot, ...]:
    """Return each buy less what the active allocations took of it, in ledger order; matching anew could disagree."""
    taken: dict[str, list[Allocation]] = {}
    for allocation in facts.allocations:
        if allocation.buy_execution_id is not None:
            taken.setdefault(allocation.buy_execution_id, []).append(allocation)
    lots = [
        _rest_of(execution, taken.get(execution.execution_id, ()))
        for execution in facts.executions
        if execution.side is Side.BUY
    ]
    return tuple(lot for lot in lots if lot.size)


def _rest_of(buy: Execution, taken: Sequence[Allocation]) -> OpenLot:
    size = EXACT.subtract(buy.size, total(row.size for row in taken))
    if size < ZERO:
        raise InvariantBroken(
            f"the allocations take {EXACT.minus(size)} more of buy {buy.execution_id} than was bought"
        )
    return OpenLot(
        product_id=buy.product_id,
        order_id=buy.order_id,
        execution_id=buy.execution_id,
        price=buy.price,
        size=Size(size),
        fee=Money(EXACT.subtract(buy.fee, total(row.buy_fee for row in taken if row.buy_fee is not None))),
        opened_at=buy.executed_at,
    )


def _fees_by_product(executions: Sequence[Execution]) -> tuple[FeeLine, ...]:
    return tuple(
        FeeLine(
            product_id=product_id,
            on_buys=total(e.fee for e in executions if e.product_id == product_id and e.side is Side.BUY),
            on_sells=total(e.fee for e in executions if e.product_id == product_id and e.side is Side.SELL),
            turnover=total(_value(e) for e in executions if e.product_id == product_id),
        )
        for product_id in sorted({execution.product_id for execution in executions})
    )


def _value(execution: Execution) -> Decimal:
    return EXACT.multiply(execution.price, execution.size)
