"""What a person reads of a decision, on a console of a known width."""

import io
from dataclasses import replace
from decimal import Decimal

import pytest
from rich.console import Console, RenderableType

from bottrader.cli.explanation import components_table, history_table
from bottrader.domain.money import Money
from bottrader.domain.signals import Breakdown, OutcomeKind, SignalOutcome
from bottrader.ports import Delivery, DeliveryReport, SignalHistory, TradeRecord
from tests.fixtures.facts import BREAKDOWN, at, make_intent, make_signal

SIGNAL = replace(
    make_signal(),
    note="buy score 5.9 of 5.5: RSI [bold]",
    scores={
        "buy_score": Decimal("5.9"),
        "sell_score": Decimal("1.5"),
        "target_buy": Decimal("5.50"),
        "roc": Decimal("1.2500000000"),
    },
)
BORN = SignalHistory(SIGNAL, None, None, None, None)


def printed(renderable: RenderableType, width: int = 80) -> str:
    target = io.StringIO()
    Console(file=target, width=width, color_system=None).print(renderable)
    return target.getvalue()


def facts_of(history: SignalHistory) -> dict[str, str]:
    """Return the lines of the table by their first word or words."""
    lines = [line.rstrip() for line in printed(history_table(history), 300).splitlines()[1:]]
    width = max(len(line.split("  ")[0]) for line in lines) + 1
    return {line[:width].strip(): line[width:].strip() for line in lines}


def test_the_decision_is_told_with_scores_against_targets() -> None:
    facts = facts_of(BORN)
    assert printed(history_table(BORN)).startswith("BUY BTC-USD at 42789.654321")
    assert facts["signal"] == SIGNAL.signal_id
    assert facts["candle"] == "opened 2026-01-11 12:01 UTC, born 12:02:00"
    assert facts["note"] == "buy score 5.9 of 5.5: RSI [bold]"
    assert facts["buy score"] == "5.9, target 5.50"
    assert facts["sell score"] == "1.5"
    assert facts["figures"] == "roc 1.25"
    assert (facts["decided by"], facts["last side"]) == ("score", "sell")
    assert facts["cooldown"] == "of the other side until 2026-01-11 12:35 UTC"
    later = replace(SIGNAL, candle_opened_at=at(2100))
    assert facts_of(replace(BORN, signal=later))["cooldown"] == "of the other side ended 2026-01-11 12:35 UTC"


def test_a_signal_that_says_nothing_is_told_with_what_there_is() -> None:
    facts = facts_of(replace(BORN, signal=replace(SIGNAL, scores={}, breakdown=None)))
    assert not {"buy score", "figures", "decided by", "cooldown"} & set(facts)
    first = facts_of(replace(BORN, signal=replace(SIGNAL, breakdown=Breakdown("score"))))
    assert first["last side"] == "none yet"
    assert "cooldown" not in first


@pytest.mark.parametrize(
    ("kind", "code", "said"),
    [
        (OutcomeKind.REFUSED, "POSITION_EXISTS", "refused, POSITION_EXISTS: why"),
        (OutcomeKind.EXPIRED, "EXPIRED", "expired, EXPIRED: why"),
    ],
)
def test_a_signal_that_came_to_nothing_says_why(kind: OutcomeKind, code: str, said: str) -> None:
    outcome = SignalOutcome(SIGNAL.signal_id, kind, code, "why", at(100))
    facts = facts_of(replace(BORN, accepted_at=at(61), outcome=outcome))
    assert facts["accepted"] == "2026-01-11 12:01:01 UTC"
    assert facts["outcome"] == said
    assert "order" not in facts


def test_a_signal_that_nobody_took_says_so() -> None:
    facts = facts_of(replace(BORN, delivery=DeliveryReport(Delivery.REJECTED, "expired before it was delivered")))
    assert facts["delivery"] == "rejected: expired before it was delivered"
    assert (facts["accepted"], facts["outcome"]) == ("no", "none: it never reached the webhook")
    assert facts_of(replace(BORN, accepted_at=at(61)))["outcome"] == "none yet"


@pytest.mark.parametrize(("price", "said"), [("42789.65", "at 42789.65"), (None, "at the market")])
def test_an_ordered_signal_ends_with_its_order(price: str | None, said: str) -> None:
    intent = make_intent()
    order = TradeRecord(
        order_id=intent.client_order_id,
        symbol=intent.product_id,
        side="buy",
        size=intent.size_base,
        price=None if price is None else intent.limit_price,
        status="filled",
        order_time=at(120),
        filled_at=at(121),
        parent_id=None,
        trigger="ROC_MOMO",
        notes="",
        source="webhook",
        filled_size=intent.size_base,
        filled_value=Money(Decimal("20.00")),
        fees=Money(Decimal("0.16")),
    )
    facts = facts_of(replace(BORN, order=order))
    assert facts["order"] == (
        f"{intent.client_order_id}: buy 0.00046741 {said}, filled, filled 0.00046741 for 20.00, fees 0.16"
    )


def test_the_components_stand_in_a_table_that_fits_80_columns() -> None:
    lines = printed(components_table(BREAKDOWN)).splitlines()
    assert max(map(len, lines)) <= 80
    rows = [line.split() for line in lines]
    assert rows[1] == ["Indicator", "Says", "Value", "Threshold", "Weight", "Adds"]
    assert ["Buy", "RSI", "yes", "21.5", "25", "1.5", "1.5"] in rows
    assert ["Buy", "Swing", "no", "0", "4", "2.2", "0"] in rows
    assert ["Sell", "MACD", "unknown", "1.8", "0"] in rows
    assert ["buy", "score", "1.5"] in rows
    assert ["sell", "score", "1.5"] in rows
