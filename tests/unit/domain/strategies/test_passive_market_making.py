"""When candles ask for a passive quote. Mid 100 and a maker fee of 0.4 % ask for a range of 0.805."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bottrader.domain.errors import ConfigInvalid, InvariantBroken
from bottrader.domain.market import Candle
from bottrader.domain.money import Price, Size
from bottrader.domain.signals import Action, LastSide, Trigger
from bottrader.domain.strategies import make_strategy
from bottrader.domain.strategy import Decision, Hold, Strategy
from tests.fixtures.facts import BTC, NOON


def candle(number: int, high: str = "100.805") -> Candle:
    low, close = Price(Decimal(100)), Price(Decimal(100))
    opened_at = NOON + number * timedelta(minutes=5)
    return Candle(BTC, opened_at, low, Price(Decimal(high)), low, close, Size(Decimal(1)))


def made(**given: str) -> Strategy:
    return make_strategy("passive_market_making", {"maker_rate": "0.004"} | given)


def test_four_candles_ask_for_nothing_and_the_fifth_for_a_quote() -> None:
    """B251, R77"""
    strategy = made()
    for number in range(4):
        held = strategy.on_candle(candle(number), None)
        assert isinstance(held, Hold)
        scores, breakdown = held.explain()
        assert "range_pct" not in scores
        assert breakdown.components[0].decision is None
        assert breakdown.reason == "candles"
    decision = strategy.on_candle(candle(4), None)
    assert isinstance(decision, Decision)
    assert (decision.action, decision.trigger) == (Action.BUY, Trigger.PASSIVE_BUY)
    assert decision.scores == {
        "buy_score": Decimal(1),
        "sell_score": Decimal(0),
        "target_buy": Decimal(1),
        "required_pct": Decimal("0.805"),
        "range_pct": Decimal("0.805"),
    }
    assert decision.breakdown is not None
    (component,) = decision.breakdown.components
    assert (component.value, component.threshold, component.contribution) == (
        Decimal("0.805"),
        Decimal("0.805"),
        Decimal(1),
    )
    assert strategy.warmup_candles == 5


def test_a_flat_market_is_held_with_its_reason() -> None:
    strategy = made()
    last = LastSide(Action.BUY, NOON, NOON)
    for number in range(5):
        held = strategy.on_candle(candle(number, "100.804"), last)
    assert isinstance(held, Hold)
    scores, breakdown = held.explain()
    assert (scores["buy_score"], breakdown.reason, breakdown.last_side) == (Decimal(0), "flat", Action.BUY)


def test_its_rules_are_parameters() -> None:
    strategy = made(**{"rules.ignore_fees": "true", "rules.spread_min_pct": "0.001"})
    for number in range(5):
        answer = strategy.on_candle(candle(number, "100.1"), None)
    assert isinstance(answer, Decision)
    with pytest.raises(ConfigInvalid, match="maker_rate"):
        made(maker_rate="1")


def test_a_candle_that_comes_twice_is_an_error() -> None:
    strategy = made()
    strategy.on_candle(candle(0), None)
    with pytest.raises(InvariantBroken):
        strategy.on_candle(candle(0), None)
