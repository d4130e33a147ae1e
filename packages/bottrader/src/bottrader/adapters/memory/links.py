"""The rows of `trade_strategy_link` in memory."""

from bottrader.domain.orders import OrderIntent
from bottrader.domain.signals import Signal
from bottrader.ports import StrategyLink


def link_of(
    intent: OrderIntent, snapshot_id: str | None, signal: Signal | None, parent: StrategyLink | None
) -> StrategyLink:
    """Return the link of an order; what its own signal does not say is taken from the entry it ends."""
    scores = {} if signal is None else signal.scores
    components = () if signal is None or signal.breakdown is None else signal.breakdown.components
    fired = tuple(each.indicator for each in components if each.decision and each.side.value == intent.side.value)
    return StrategyLink(
        order_id=intent.client_order_id,
        snapshot_id=snapshot_id,
        trigger_type=intent.trigger.value,
        buy_score=scores.get("buy_score", parent.buy_score if parent else None),
        sell_score=scores.get("sell_score", parent.sell_score if parent else None),
        indicators_fired=parent.indicators_fired if signal is None and parent else fired,
        components=parent.components if signal is None and parent else components,
    )
