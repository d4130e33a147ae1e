"""First in, first out: which buy a sell closes, and what that earned.

Problem. A position is bought in pieces and sold in pieces. What a sale earned depends on which purchase it is held
against, and the choice must be the same on every run, whatever order the facts arrived in.

Definitions. An *execution* is one fill: `size` in base currency, `price` in quote per base, `fee` in quote. A *lot* is
what is left of one buy execution. An *allocation* is the part of one sell execution that one lot covers.

Rule. Executions are put in the order (product, time, sequence, buys before sells, id); "buys before sells" only decides
when the venue gave no sequence. A sell consumes the oldest lots that precede it. For a row of size q:

    cost basis   = q x buy price + buy fee share
    proceeds     = q x sell price
    net proceeds = proceeds - sell fee share          (may be negative)
    pnl          = net proceeds - cost basis

Worked example. Two buys: 1.0 at 100 with fee 0.60, then 1.0 at 110 with fee 0.66. One sell: 1.5 at 120 with fee 1.08,
so 0.72 a unit. The sell takes 1.0 from the first lot and 0.5 from the second:

    1.0 x 120 - 0.72 - (1.0 x 100 + 0.60) = 18.68
    0.5 x 120 - 0.36 - (0.5 x 110 + 0.33) =  4.31        together 22.99

Check: gross 25.00 less fees 0.60 + 0.33 + 1.08 is 22.99. The second lot keeps 0.5 with a fee of 0.33.

Rounding. Sizes, costs and proceeds are exact products and never rounded. A fee share would be f x q / n, which need
not end; it is therefore telescoped. After c of n units the fee assigned so far is f x c / n rounded down to a quantum
of 1e-8 (or to the fee's own last digit where that is finer), and a row gets what was added since the row before. The
shares of a consumed execution add up to its fee exactly, whatever the number of rows: a fee of 0.10 over three equal
rows is 0.03333333, 0.03333333, 0.03333334 (B196). No row is dropped because it is small (R82).

Cases. A sell beyond the lots it may use becomes a row without a buy, with neither basis nor P&L: a basis of zero would
invent profit, a later buy would invent history, and an exception would hide every trade after it (R5). Executions of
size zero allocate nothing (B188).

Invariants, each a test in `test_lots_properties.py`: sizes, fees and money are conserved; rows do not depend on the
order of arrival; products do not touch each other; no lot serves a sell that precedes it.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from itertools import groupby

from bottrader.domain.errors import InvariantBroken
from bottrader.domain.market import ProductId
from bottrader.domain.money import EXACT, ZERO, Money, Price, Size, floor_to
from bottrader.domain.orders import ClientOrderId, Side


class LotMethod(StrEnum):
    """Which of the open lots that precede a sell it consumes first."""

    FIFO = "fifo"
    LIFO = "lifo"
    HIFO = "hifo"
    SPECIFIC = "specific"


@dataclass(frozen=True, slots=True)
class Execution:
    """One trade as the ledger sees it: `order_id` is ours (or the inserter's), `sequence` the venue's order within a
    moment (its trade id when it has no number). Fee in quote currency.

    A trade that the venue took back is not among the executions, and a corrected one has its right terms under its old
    id and time (`domain.amendments`), so a change in the past means matching the product again."""

    execution_id: str
    order_id: ClientOrderId
    product_id: ProductId
    side: Side
    price: Price
    size: Size
    fee: Money
    executed_at: datetime
    sequence: int


@dataclass(frozen=True, slots=True)
class Allocation:
    """The part of a sell that one buy covers; `buy_order_id` None is an unmatched sell with no basis and no P&L."""

    product_id: ProductId
    sell_order_id: ClientOrderId
    buy_order_id: ClientOrderId | None
    size: Size
    buy_price: Price | None
    sell_price: Price
    buy_fee: Money | None
    sell_fee: Money
    cost_basis: Money | None
    proceeds: Money
    net_proceeds: Money
    pnl: Money | None
    buy_time: datetime | None
    sell_time: datetime
    sell_execution_id: str
    buy_execution_id: str | None


@dataclass(frozen=True, slots=True)
class OpenLot:
    """What is left of one buy execution: `fee` is the part of its fee that no sell has taken yet."""

    product_id: ProductId
    order_id: ClientOrderId
    execution_id: str
    price: Price
    size: Size
    fee: Money
    opened_at: datetime

    @property
    def cost(self) -> Decimal:
        """Quote amount paid for what is left, fee included."""
        return EXACT.fma(self.size, self.price, self.fee)


@dataclass(frozen=True, slots=True)
class LotResult:
    """What came of a set of executions: allocations by product and sell, open lots by product, oldest first."""

    allocations: tuple[Allocation, ...]
    open_lots: tuple[OpenLot, ...]


LedgerKey = tuple[str, datetime, int, bool, str]
"""Product, time, sequence, whether it is a sell, id: the total order of executions."""


def ledger_key(execution: Execution) -> LedgerKey:
    """Return what executions are ordered by before they are matched (B192)."""
    return (
        execution.product_id,
        execution.executed_at,
        execution.sequence,
        execution.side is Side.SELL,
        execution.execution_id,
    )


def allocate(executions: Sequence[Execution]) -> LotResult:
    """Match all executions, of one or many products, given in any order; each execution once.

    Raises:
        InvariantBroken: when the same execution is given twice.
    """
    allocations: list[Allocation] = []
    open_lots: list[OpenLot] = []
    for _, of_product in groupby(sorted(executions, key=ledger_key), key=lambda execution: execution.product_id):
        queue = LotQueue()
        for execution in of_product:
            allocations.extend(queue.apply(execution))
        open_lots.extend(queue.open_lots())
    return LotResult(tuple(allocations), tuple(open_lots))


class LotQueue:
    """The open lots of one product; the one place where a sell meets its buys.

    Executions are applied in ledger order. One that does not come after the last is refused: its place is in the past,
    where it may change every later row, so the product must be matched again from its executions.
    """

    __slots__ = ("_last_key", "_lots")

    def __init__(self) -> None:
        self._lots: deque[_Lot] = deque()
        self._last_key: LedgerKey | None = None

    def apply(self, execution: Execution) -> list[Allocation]:
        """Take in one execution and return the rows it made: none for a buy, at least one for a sell.

        Raises:
            InvariantBroken: when the execution does not follow the last one, or belongs to another product.
        """
        key = ledger_key(execution)
        last_key = self._last_key
        if last_key is not None and (key[0] != last_key[0] or key <= last_key):
            raise InvariantBroken(
                f"executions of one product are applied once and in order: {execution.execution_id} of"
                f" {execution.product_id} does not follow {last_key[-1]} of {last_key[0]}"
            )
        self._last_key = key
        if execution.size == ZERO:
            return []
        if execution.side is Side.BUY:
            self._lots.append(_Lot(execution))
            return []
        return self._consume(execution)

    def open_lots(self) -> list[OpenLot]:
        """Return what is left of each buy, oldest first."""
        return [
            OpenLot(
                product_id=lot.execution.product_id,
                order_id=lot.execution.order_id,
                execution_id=lot.execution.execution_id,
                price=lot.execution.price,
                size=Size(lot.remaining),
                fee=Money(EXACT.subtract(lot.execution.fee, lot.fee_assigned)),
                opened_at=lot.execution.executed_at,
            )
            for lot in self._lots
        ]

    def _consume(self, sell: Execution) -> list[Allocation]:
        rows: list[Allocation] = []
        selling = _Lot(sell)
        while selling.remaining > ZERO and self._lots:
            buying = self._lots[0]
            size = min(selling.remaining, buying.remaining)
            rows.append(_matched_row(buying, selling, Size(size)))
            if buying.remaining == ZERO:
                self._lots.popleft()
        if selling.remaining > ZERO:
            rows.append(_unmatched_row(selling))
        return rows


class _Lot:
    """An execution on its way to being consumed, with the fee that its consumed part has taken along."""

    __slots__ = ("execution", "fee_assigned", "remaining")

    def __init__(self, execution: Execution) -> None:
        self.execution = execution
        self.remaining: Decimal = execution.size
        self.fee_assigned: Decimal = ZERO

    def take(self, size: Decimal) -> Money:
        """Consume `size` and return its share of the fee."""
        self.remaining = EXACT.subtract(self.remaining, size)
        assert self.remaining >= ZERO
        assigned = self._fee_of(EXACT.subtract(self.execution.size, self.remaining))
        share = EXACT.subtract(assigned, self.fee_assigned)
        self.fee_assigned = assigned
        return Money(share)

    def _fee_of(self, consumed: Decimal) -> Decimal:
        fee, size = self.execution.fee, self.execution.size
        quantum = min(_FEE_QUANTUM, Decimal((0, (1,), int(fee.as_tuple().exponent))))
        # Only whole quanta are divided, so the division leaves no remainder and nothing is rounded twice.
        return EXACT.divide(floor_to(EXACT.multiply(fee, consumed), EXACT.multiply(quantum, size)), size)


_FEE_QUANTUM = Decimal("1E-8")


def _matched_row(buying: _Lot, selling: _Lot, size: Size) -> Allocation:
    buy, sell = buying.execution, selling.execution
    buy_fee, sell_fee = buying.take(size), selling.take(size)
    cost_basis = EXACT.fma(size, buy.price, buy_fee)
    proceeds = EXACT.multiply(size, sell.price)
    net_proceeds = EXACT.subtract(proceeds, sell_fee)
    return Allocation(
        product_id=sell.product_id,
        sell_order_id=sell.order_id,
        buy_order_id=buy.order_id,
        size=size,
        buy_price=buy.price,
        sell_price=sell.price,
        buy_fee=buy_fee,
        sell_fee=sell_fee,
        cost_basis=Money(cost_basis),
        proceeds=Money(proceeds),
        net_proceeds=Money(net_proceeds),
        pnl=Money(EXACT.subtract(net_proceeds, cost_basis)),
        buy_time=buy.executed_at,
        sell_time=sell.executed_at,
        sell_execution_id=sell.execution_id,
        buy_execution_id=buy.execution_id,
    )


def _unmatched_row(selling: _Lot) -> Allocation:
    sell = selling.execution
    size = Size(selling.remaining)
    sell_fee = selling.take(size)
    proceeds = EXACT.multiply(size, sell.price)
    return Allocation(
        product_id=sell.product_id,
        sell_order_id=sell.order_id,
        buy_order_id=None,
        size=size,
        buy_price=None,
        sell_price=sell.price,
        buy_fee=None,
        sell_fee=sell_fee,
        cost_basis=None,
        proceeds=Money(proceeds),
        net_proceeds=Money(EXACT.subtract(proceeds, sell_fee)),
        pnl=None,
        buy_time=None,
        sell_time=sell.executed_at,
        sell_execution_id=sell.execution_id,
        buy_execution_id=None,
    )
