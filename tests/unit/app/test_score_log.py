"""One line a decision, as machines read it later."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO

from bottrader.adapters.system.log import RecentEvents, StructuredLog
from bottrader.app.score_log import tell_score
from bottrader.domain.signals import Action, Breakdown, Component, Trigger
from bottrader.domain.strategy import Decision, Hold
from tests.unit.domain.examples import at, candle

WEIGHTS = ("1.2", "1.5", "2.0", "1.5", "2.0", "1.8", "2.2")
FIRED = {("buy", 1), ("buy", 5), ("sell", 6)}
COMPONENTS = tuple(
    Component(
        f"{side.value} {index}",
        side,
        (side.value, index) in FIRED,
        Decimal(index),
        None,
        Decimal(weight),
        Decimal(weight) if (side.value, index) in FIRED else Decimal(0),
    )
    for side in (Action.BUY, Action.SELL)
    for index, weight in enumerate(WEIGHTS)
)
SCORES = {
    "buy_score": Decimal("3.3"),
    "sell_score": Decimal("2.2"),
    "target_buy": Decimal("2.5"),
    "target_sell": Decimal("2.75"),
    "roc": Decimal("1.25"),
    "rsi": Decimal(50),
}
WHY = Breakdown("score", COMPONENTS, Action.BUY, at(35))


def test_a_decision_is_told_in_full() -> None:
    """Candle 12 opened an hour after 2026-01-01, so it is slot (1767225600 + 3600) / 300 since 1970."""
    log = RecentEvents()
    tell_score(log, candle(12, "101.50"), Decision(Action.BUY, Trigger.SCORE, "note", SCORES, WHY))
    (event,) = log.newest
    assert (event.event, event.is_alarm) == ("score", False)
    top_buy, top_sell = event.fields.pop("top_buy_components"), event.fields.pop("top_sell_components")
    assert event.fields == {
        "ts": datetime(2026, 1, 1, 1, 5, tzinfo=UTC),
        "symbol": "BTC-USD",
        "bar_idx": 5890764,
        "price": Decimal("101.50"),
        "action": "buy",
        "trigger": "score",
        "buy_score": Decimal("3.3"),
        "sell_score": Decimal("2.2"),
        "target_buy": Decimal("2.5"),
        "target_sell": Decimal("2.75"),
        "last_side": Action.BUY,
        "cooldown_until": at(35),
        "raw": {"roc": Decimal("1.25"), "rsi": Decimal(50)},
    }
    assert isinstance(top_buy, list)
    assert isinstance(top_sell, list)
    assert [each["indicator"] for each in top_buy] == ["buy 5", "buy 1", "buy 6", "buy 2", "buy 4"]
    assert [each["indicator"] for each in top_sell] == ["sell 6", "sell 2", "sell 4", "sell 5", "sell 1"]
    assert top_buy[0] == {
        "indicator": "buy 5",
        "decision": True,
        "value": Decimal(5),
        "threshold": None,
        "weight": Decimal("1.8"),
        "contribution": Decimal("1.8"),
    }


def test_a_hold_says_which_rule_held_it() -> None:
    log = RecentEvents()
    hold = Hold(lambda: (SCORES, Breakdown("buy_suppressed_insufficient_indicators_2_of_3", COMPONENTS)))
    tell_score(log, candle(0, "100"), hold)
    (event,) = log.newest
    assert (event.fields["action"], event.fields["last_side"], event.fields["cooldown_until"]) == ("hold", None, None)
    assert event.fields["trigger"] == "buy_suppressed_insufficient_indicators_2_of_3"


def test_a_momentum_decision_bears_the_name_of_its_rule() -> None:
    log = RecentEvents()
    tell_score(log, candle(0, "100"), Decision(Action.SELL, Trigger.ROC_MOMO, "note"))
    (event,) = log.newest
    assert (event.fields["action"], event.fields["trigger"]) == ("sell", "roc_momo_override")
    assert (event.fields["buy_score"], event.fields["top_buy_components"]) == (None, [])


def test_the_line_is_json_with_amounts_as_text() -> None:
    stream = StringIO()
    log = StructuredLog(stream, "INFO", "sighook")
    tell_score(log, candle(12, "101.50"), Decision(Action.BUY, Trigger.SCORE, "note", SCORES, WHY))
    line = json.loads(stream.getvalue())
    assert (line["event"], line["price"], line["raw"]["roc"]) == ("score", "101.50", "1.25")
    assert line["top_buy_components"][0]["contribution"] == "1.8"
