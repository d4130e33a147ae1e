"""Where the rows of a run go, and what came of it."""

from dataclasses import dataclass, replace
from decimal import Decimal

from bottrader.domain.lots import LotMethod

TABLE = "fifo_allocations"
COLUMNS = (
    "allocation_version",
    "symbol",
    "position",
    "allocation_batch_id",
    "sell_order_id",
    "buy_order_id",
    "sell_execution_id",
    "buy_execution_id",
    "allocated_size",
    "buy_price",
    "sell_price",
    "buy_fee",
    "sell_fee",
    "cost_basis_usd",
    "proceeds_usd",
    "net_proceeds_usd",
    "pnl_usd",
    "buy_time",
    "sell_time",
)


@dataclass(frozen=True, slots=True)
class Target:
    """The version that is written, by which method, and the run's number in the log."""

    version: int
    batch: int
    method: LotMethod


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one product: executions read, rows written, those without a buy among them, quote earned."""

    executions: int
    allocations: int
    unmatched: int
    pnl: Decimal

    def earning(self, pnl: Decimal) -> "Outcome":
        return replace(self, pnl=pnl)
