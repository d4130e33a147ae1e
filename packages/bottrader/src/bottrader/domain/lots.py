"""First in, first out: which buy a sell closes, and what that earned."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bottrader.domain.market import ProductId
from bottrader.domain.money import Money, Price, Size
from bottrader.domain.orders import ClientOrderId, Side


@dataclass(frozen=True, slots=True)
class Execution:
    """One fill as the ledger sees it: `order_id` is ours (or the inserter's), `sequence` the venue's order within a
    moment (its trade id when it has no number). Fee in quote currency."""

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
        raise NotImplementedError
