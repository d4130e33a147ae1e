"""Limits may be reached and never passed."""

import math
from decimal import Decimal

import pytest

from bottrader.domain.risk import RiskLimits, check_risk

LIMITS = RiskLimits(exposure_quote_max=Decimal(500))


def code(
    *, entry: str = "15", position: str = "0", open_orders: str = "0", exposure: str = "0", age_s: float = 0
) -> str | None:
    amounts = (Decimal(text) for text in (entry, position, open_orders, exposure))
    entry_quote, position_quote, open_order_quote, exposure_quote = amounts
    refusal = check_risk(entry_quote, position_quote, open_order_quote, exposure_quote, age_s, LIMITS)
    return None if refusal is None else refusal.code


def test_the_position_limit_is_two_hundred_and_fifty_unless_set() -> None:
    """B52, R74."""
    assert LIMITS.position_quote_max == 250
    assert LIMITS.price_age_s_max == 60


@pytest.mark.parametrize(
    ("entry", "expected"), [("250", None), ("250.00000001", "POSITION_LIMIT")], ids=["reached", "passed"]
)
def test_one_position_is_limited(entry: str, expected: str | None) -> None:
    assert code(entry=entry) == expected


@pytest.mark.parametrize(
    ("open_orders", "expected"), [("85", None), ("85.01", "POSITION_LIMIT")], ids=["reached", "passed"]
)
def test_an_order_of_unknown_outcome_counts_as_filled(open_orders: str, expected: str | None) -> None:
    """S3, R10: 15 + 150 + 85 = 250."""
    assert code(position="150", open_orders=open_orders) == expected


@pytest.mark.parametrize(
    ("exposure", "expected"), [("475", None), ("475.01", "EXPOSURE_LIMIT")], ids=["reached", "passed"]
)
def test_all_positions_together_are_limited(exposure: str, expected: str | None) -> None:
    """15 + 10 + 475 = 500."""
    assert code(open_orders="10", exposure=exposure) == expected


@pytest.mark.parametrize(
    ("age_s", "expected"),
    [(60, None), (60.001, "STALE_PRICE"), (math.inf, "STALE_PRICE"), (math.nan, "STALE_PRICE"), (-1, None)],
)
def test_an_entry_needs_a_fresh_price(age_s: float, expected: str | None) -> None:
    """S7."""
    assert code(age_s=age_s) == expected


def test_a_refusal_names_what_was_found_and_what_is_allowed() -> None:
    refusal = check_risk(Decimal(15), Decimal(240), Decimal(0), Decimal(240), 1, LIMITS)
    assert refusal is not None
    assert refusal.message == "the position could reach 255.00, above its limit of 250.00"
    refusal = check_risk(Decimal(15), Decimal(0), Decimal(0), Decimal(490), 1, LIMITS)
    assert refusal is not None
    assert refusal.message == "all positions together could reach 505.00, above their limit of 500.00"
    refusal = check_risk(Decimal(15), Decimal(0), Decimal(0), Decimal(0), 75, LIMITS)
    assert refusal is not None
    assert refusal.message == "the price is 75 s old, at most 60 s are allowed"
