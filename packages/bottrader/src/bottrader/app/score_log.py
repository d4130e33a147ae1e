"""The score log: one line for each decision on a candle that could still be traded, holds included.

Fields: `ts` (close of the candle, venue time), `symbol`, `bar_idx` (number of the five-minute slot since 1970, so that
it never depends on how much was loaded), `price`, `action` (`buy`, `sell` or `hold`), `trigger`, `buy_score`,
`sell_score`, `target_buy`, `target_sell`, `last_side`, `cooldown_until`, the five components that contributed most to
each side, and in `raw` every other figure. Amounts are text.
"""

from collections.abc import Iterable
from decimal import Decimal

from bottrader.domain.market import Candle, Granularity
from bottrader.domain.signals import Action, Breakdown, Component, Trigger
from bottrader.domain.strategy import Decision, Hold
from bottrader.ports import EventLog

TOP_COMPONENTS = 5
_SCORES = ("buy_score", "sell_score", "target_buy", "target_sell")


def tell_score(log: EventLog, candle: Candle, decision: Decision | Hold) -> None:
    """Write the line of one decision."""
    if isinstance(decision, Hold):
        scores, breakdown = decision.explain()
        action, trigger = "hold", breakdown.reason
    else:
        scores, breakdown = decision.scores, decision.breakdown or Breakdown(reason="")
        action, trigger = decision.action.value, _trigger_text(decision.trigger)
    log.info(
        "score",
        ts=candle.opened_at + Granularity.FIVE_MINUTE.span,
        symbol=candle.product_id,
        bar_idx=int(candle.opened_at.timestamp()) // int(Granularity.FIVE_MINUTE),
        price=candle.close,
        action=action,
        trigger=trigger,
        **{name: scores.get(name) for name in _SCORES},
        last_side=breakdown.last_side,
        cooldown_until=breakdown.cooldown_until,
        top_buy_components=_top(breakdown.components, Action.BUY),
        top_sell_components=_top(breakdown.components, Action.SELL),
        raw={name: value for name, value in scores.items() if name not in _SCORES},
    )


def _top(components: Iterable[Component], side: Action) -> list[dict[str, str | bool | Decimal | None]]:
    of_side = [component for component in components if component.side is side]
    of_side.sort(key=lambda component: (-component.contribution, -component.weight))
    return [
        {
            "indicator": component.indicator,
            "decision": component.decision,
            "value": component.value,
            "threshold": component.threshold,
            "weight": component.weight,
            "contribution": component.contribution,
        }
        for component in of_side[:TOP_COMPONENTS]
    ]


def _trigger_text(trigger: Trigger) -> str:
    # The log calls a momentum decision by the name of its rule, so that it is told from a score's.
    return "roc_momo_override" if trigger is Trigger.ROC_MOMO else trigger.value.lower()
