"""What an order was decided by."""

from dataclasses import dataclass
from decimal import Decimal

from bottrader.domain.orders import ClientOrderId
from bottrader.domain.signals import Component


@dataclass(frozen=True, slots=True)
class StrategyLink:
    """What one order was decided by: one row of `trade_strategy_link`, keyed by client order id (R49).

    An exit without a signal of its own has the scores and components of the entry it ends, and the snapshot that its
    process acts by. The scores are None when neither was scored, which only a sender that does not say brings about.
    """

    order_id: ClientOrderId
    snapshot_id: str | None
    trigger_type: str
    buy_score: Decimal | None
    sell_score: Decimal | None
    indicators_fired: tuple[str, ...]
    """Those that voted for the side of the signal."""
    components: tuple[Component, ...]
