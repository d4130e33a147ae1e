"""What goes into the lots and what comes out: executions, allocations, open lots, and the order of executions."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from bottrader.domain.market import ProductId
from bottrader.domain.money import EXACT, Money, Price, Size
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
    account: str = ""
    """Which of several accounts it took place in; lots of one never serve sells of another. A database holds one."""


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
    account: str = ""


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
    account: str = ""

    @property
    def cost(self) -> Decimal:
        """Quote amount paid for what is left, fee included."""
        return EXACT.fma(self.size, self.price, self.fee)


@dataclass(frozen=True, slots=True)
class LotResult:
    """What came of a set of executions: allocations by product, account and sell; open lots by product and account,
    oldest first."""

    allocations: tuple[Allocation, ...]
    open_lots: tuple[OpenLot, ...]


LedgerKey = tuple[str, str, datetime, int, bool, str]
"""Product, account, time, sequence, whether it is a sell, id: the total order of executions."""


def ledger_key(execution: Execution) -> LedgerKey:
    """Return what executions are ordered by before they are matched (B192)."""
    return (
        execution.product_id,
        execution.account,
        execution.executed_at,
        execution.sequence,
        execution.side is Side.SELL,
        execution.execution_id,
    )
