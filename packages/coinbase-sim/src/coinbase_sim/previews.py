"""What an order would do now, without doing it (`/orders/preview`, coinbase.md §4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from coinbase_sim.amounts import ZERO, share
from coinbase_sim.book import Plan
from coinbase_sim.model import Level, Order, OrderRejected, OrderRequest, OrderType, Side, TimeInForce

_RENAMED = {
    "UNSUPPORTED_ORDER_CONFIGURATION": "PREVIEW_INVALID_ORDER_CONFIG",
    "ORDER_ENTRY_DISABLED": "PREVIEW_NOT_ALLOWED_BY_MARKET_STATE",
}


@dataclass(frozen=True, slots=True)
class Preview:
    """What an order would do now; amounts in quote currency unless named otherwise, all zero with `errors`.

    `order_total` includes the fees of a buy and is net of those of a sell. A limit order's resting part counts at its
    limit with the maker fee.
    """

    preview_id: str
    errors: tuple[str, ...] = ()
    """Coinbase's codes; the first offence is the only one looked for."""
    message: str = ""
    order_total: Decimal = Decimal(0)
    commission_total: Decimal = Decimal(0)
    base_size: Decimal = Decimal(0)
    quote_size: Decimal = Decimal(0)
    """What would be traded, in quote units without fees."""
    best_bid: Decimal = Decimal(0)
    best_ask: Decimal = Decimal(0)
    average_filled_price: Decimal = Decimal(0)
    """Of the part that would fill at once; zero without one."""
    slippage: Decimal = Decimal(0)
    """Average price against the best one, as a share of it; never negative."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """The top of the book on both sides, and the id under which a preview goes out."""

    preview_id: str
    bids: Sequence[Level]
    asks: Sequence[Level]

    def refused(self, rejected: OrderRejected) -> Preview:
        """Return the preview of an order that would be refused."""
        return Preview(
            self.preview_id,
            errors=(preview_code(rejected.reason),),
            message=rejected.message,
            best_bid=_best(self.bids),
            best_ask=_best(self.asks),
        )

    def accepted(self, request: OrderRequest, plan: Plan, order: Order) -> Preview:
        """Return the preview of an order that would take `plan` now; `order` has its fee rates and what is filled."""
        value, size = plan.value, sum((take.size for take in plan.takes), ZERO)
        fees = value * order.taker_rate
        average = share(value, size)
        first = plan.takes[0].price if plan.takes else ZERO
        rests = request.time_in_force in {TimeInForce.GTC, TimeInForce.GTD} and not plan.is_complete
        if rests and request.base_size is not None and request.limit_price is not None:
            rest = request.base_size - order.filled_size - size
            # A stop-limit order takes when it triggers; until then nobody knows, and the dearer rate is the honest one.
            rate = order.taker_rate if request.order_type is OrderType.STOP_LIMIT else order.maker_rate
            size += rest
            value += rest * request.limit_price
            fees += rest * request.limit_price * rate
        return Preview(
            self.preview_id,
            order_total=value + fees if request.side is Side.BUY else value - fees,
            commission_total=fees,
            base_size=size,
            quote_size=value,
            best_bid=_best(self.bids),
            best_ask=_best(self.asks),
            average_filled_price=average,
            slippage=share(abs(average - first), first),
        )


def preview_code(reason: str) -> str:
    """Return the venue's preview code for a reason of refusal."""
    if reason.startswith("PREVIEW_"):
        return reason
    return _RENAMED.get(reason, f"PREVIEW_{reason}")


def _best(levels: Sequence[Level]) -> Decimal:
    return levels[0].price if levels else ZERO
