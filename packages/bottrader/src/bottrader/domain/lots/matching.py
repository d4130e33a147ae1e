"""Matching: the one place where a sell meets its buys; the rule is told in `bottrader.domain.lots`."""

from collections.abc import Sequence
from itertools import groupby

from bottrader.domain.errors import InvariantBroken, SelectionInvalid
from bottrader.domain.lots.choice import NamedLots, choice_for
from bottrader.domain.lots.consuming import Lot
from bottrader.domain.lots.limits import check_amounts
from bottrader.domain.lots.rows import Allocation, Execution, LedgerKey, LotMethod, LotResult, OpenLot, ledger_key
from bottrader.domain.lots.selection import Selection
from bottrader.domain.money import EXACT, ZERO, Money, Price, Size, canonical
from bottrader.domain.orders import Side


def allocate(
    executions: Sequence[Execution], method: LotMethod = LotMethod.FIFO, selection: Selection | None = None
) -> LotResult:
    """Match all executions, of one or many products and accounts, given in any order; each execution once.

    Raises:
        AmountInvalid: when an amount is beyond what is computed exactly (`limits`).
        InvariantBroken: when the same execution is given twice.
        SelectionInvalid: when lots are named that cannot cover their sell, or with another method than `SPECIFIC`.
    """
    if selection is not None:
        selection.refuse_strangers(each.execution_id for each in executions if each.side is Side.SELL)
    allocations: list[Allocation] = []
    open_lots: list[OpenLot] = []
    for _, of_product in groupby(sorted(executions, key=ledger_key), key=lambda each: (each.product_id, each.account)):
        queue = LotQueue(method, selection)
        for execution in of_product:
            allocations.extend(queue.apply(execution))
        open_lots.extend(queue.open_lots())
    return LotResult(tuple(allocations), tuple(open_lots))


class LotQueue:
    """The open lots of one product in one account.

    Executions are applied in ledger order. One that does not come after the last is refused: its place is in the past,
    where it may change every later row, so the product must be matched again from its executions.
    """

    __slots__ = ("_choice", "_last_key", "_named")

    def __init__(self, method: LotMethod = LotMethod.FIFO, selection: Selection | None = None) -> None:
        if selection is not None and method is not LotMethod.SPECIFIC:
            raise SelectionInvalid(f"lots can be named with the method {LotMethod.SPECIFIC}, not with {method}")
        self._choice = choice_for(method)
        self._named = None if selection is None else NamedLots(selection)
        self._last_key: LedgerKey | None = None

    def apply(self, execution: Execution) -> list[Allocation]:
        """Take in one execution and return the rows it made: none for a buy, at least one for a sell of a size.

        Raises:
            AmountInvalid: when an amount is beyond what is computed exactly.
            InvariantBroken: when the execution does not follow the last one, or belongs to another product or account.
            SelectionInvalid: when lots are named that cannot cover this sell; nothing is consumed then.
        """
        check_amounts(execution)
        self._advance(execution)
        lot = Lot(execution)
        if execution.side is Side.SELL:
            return self._consume(lot)
        if execution.size > ZERO:
            self._choice.add(lot)
            if self._named is not None:
                self._named.add(lot)
        return []

    def open_lots(self) -> list[OpenLot]:
        """Return what is left of each buy, oldest first."""
        return [_open_lot(lot) for lot in self._choice.lots() if lot.remaining > ZERO]

    def _advance(self, execution: Execution) -> None:
        key = ledger_key(execution)
        last_key = self._last_key
        if last_key is not None and (key[:2] != last_key[:2] or key <= last_key):
            raise InvariantBroken(
                f"executions of one product and account are applied once and in order: {execution.execution_id} of"
                f" {' '.join(filter(None, key[:2]))} does not follow {last_key[-1]} of"
                f" {' '.join(filter(None, last_key[:2]))}"
            )
        self._last_key = key

    def _consume(self, selling: Lot) -> list[Allocation]:
        named = [] if self._named is None else self._named.of(selling)
        rows = [_matched_row(buying, selling, part.size) for buying, part in named]
        while selling.remaining > ZERO and (buying := self._choice.next()) is not None:
            rows.append(_matched_row(buying, selling, Size(min(selling.remaining, buying.remaining))))
        if selling.remaining > ZERO:
            rows.append(_unmatched_row(selling))
        return rows


def _matched_row(buying: Lot, selling: Lot, size: Size) -> Allocation:
    buy, sell = buying.execution, selling.execution
    buy_fee, sell_fee = buying.take(size), selling.take(size)
    cost_basis = EXACT.fma(size, buy.price, buy_fee)
    proceeds = EXACT.multiply(size, sell.price)
    net_proceeds = EXACT.subtract(proceeds, sell_fee)
    return Allocation(
        product_id=sell.product_id,
        sell_order_id=sell.order_id,
        buy_order_id=buy.order_id,
        size=Size(canonical(size)),
        buy_price=Price(canonical(buy.price)),
        sell_price=Price(canonical(sell.price)),
        buy_fee=Money(canonical(buy_fee)),
        sell_fee=Money(canonical(sell_fee)),
        cost_basis=Money(canonical(cost_basis)),
        proceeds=Money(canonical(proceeds)),
        net_proceeds=Money(canonical(net_proceeds)),
        pnl=Money(canonical(EXACT.subtract(net_proceeds, cost_basis))),
        buy_time=buy.executed_at,
        sell_time=sell.executed_at,
        sell_execution_id=sell.execution_id,
        buy_execution_id=buy.execution_id,
        account=sell.account,
    )


def _unmatched_row(selling: Lot) -> Allocation:
    sell = selling.execution
    size = Size(selling.remaining)
    sell_fee = selling.take(size)
    proceeds = EXACT.multiply(size, sell.price)
    return Allocation(
        product_id=sell.product_id,
        sell_order_id=sell.order_id,
        buy_order_id=None,
        size=Size(canonical(size)),
        buy_price=None,
        sell_price=Price(canonical(sell.price)),
        buy_fee=None,
        sell_fee=Money(canonical(sell_fee)),
        cost_basis=None,
        proceeds=Money(canonical(proceeds)),
        net_proceeds=Money(canonical(EXACT.subtract(proceeds, sell_fee))),
        pnl=None,
        buy_time=None,
        sell_time=sell.executed_at,
        sell_execution_id=sell.execution_id,
        buy_execution_id=None,
        account=sell.account,
    )


def _open_lot(lot: Lot) -> OpenLot:
    buy = lot.execution
    return OpenLot(
        product_id=buy.product_id,
        order_id=buy.order_id,
        execution_id=buy.execution_id,
        price=Price(canonical(buy.price)),
        size=Size(canonical(lot.remaining)),
        fee=Money(canonical(EXACT.subtract(buy.fee, lot.fee_assigned))),
        opened_at=buy.executed_at,
        account=buy.account,
    )
