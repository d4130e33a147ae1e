"""The breakdown of a decision as JSON, both ways; amounts are text, because a JSON number would come back a float."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from bottrader.domain.signals import Action, Breakdown, Component


def breakdown_to_json(breakdown: Breakdown) -> str:
    until = breakdown.cooldown_until
    return json.dumps(
        {
            "reason": breakdown.reason,
            "last_side": breakdown.last_side,
            "cooldown_until": None if until is None else until.isoformat(),
            "components": [
                {
                    "indicator": component.indicator,
                    "side": component.side,
                    "decision": component.decision,
                    "value": _text(component.value),
                    "threshold": _text(component.threshold),
                    "weight": _text(component.weight),
                    "contribution": _text(component.contribution),
                }
                for component in breakdown.components
            ],
        }
    )


def breakdown_from_json(text: str) -> Breakdown:
    stored: dict[str, Any] = json.loads(text)
    until, last_side = stored["cooldown_until"], stored["last_side"]
    return Breakdown(
        reason=stored["reason"],
        components=tuple(_component(each) for each in stored["components"]),
        last_side=None if last_side is None else Action(last_side),
        cooldown_until=None if until is None else datetime.fromisoformat(until),
    )


def components_from_json(text: str) -> tuple[Component, ...]:
    """Return the components of a row of `trade_strategy_link`; none when its sender did not say."""
    return tuple(_component(each) for each in json.loads(text).get("components", ()))


def _component(stored: dict[str, Any]) -> Component:
    return Component(
        indicator=stored["indicator"],
        side=Action(stored["side"]),
        decision=stored["decision"],
        value=_amount(stored["value"]),
        threshold=_amount(stored["threshold"]),
        weight=Decimal(stored["weight"]),
        contribution=Decimal(stored["contribution"]),
    )


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else format(amount, "f")


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
