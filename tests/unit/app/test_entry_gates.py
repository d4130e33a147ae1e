"""Each gate alone closes, with its code; with full sight none does."""

import pytest

from bottrader.app.entry_gates import Sight, closed_gate

GATES = [
    (Sight(is_reconciled=False), "NOT_RECONCILED"),
    (Sight(reconciliation_fault="the exchange is down"), "RECONCILIATION_FAILED"),
    (Sight(is_user_stream_live=False, is_user_gap_filled=False), "USER_STREAM_DOWN"),
    (Sight(is_user_gap_filled=False), "USER_GAP_OPEN"),
    (Sight(is_market_blind=True), "STALE_PRICE"),
    (Sight(is_price_doubted=True), "PRICE_DOUBTED"),
    (Sight(has_unknown_order=True), "SKIPPED_OPEN_ORDER"),
]


@pytest.mark.parametrize(("sight", "code"), GATES)
def test_each_gate_alone_closes_with_one_code_and_one_sentence(sight: Sight, code: str) -> None:
    """S7"""
    refusal = closed_gate(sight)
    assert refusal is not None
    assert refusal.code == code
    assert "\n" not in refusal.message


def test_with_full_sight_every_gate_is_open() -> None:
    assert closed_gate(Sight()) is None


def test_a_reconciliation_that_failed_says_why() -> None:
    refusal = closed_gate(Sight(reconciliation_fault="the exchange is down"))
    assert refusal is not None
    assert "the exchange is down" in refusal.message
