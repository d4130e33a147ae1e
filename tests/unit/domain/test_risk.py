"""Limits may be reached and never passed; only a loss that reaches its limit stops entries."""

import math
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bottrader.domain.errors import ConfigInvalid
from bottrader.domain.risk import (
    KillSwitch,
    RiskLimits,
    RiskView,
    check_kill_switch,
    check_risk,
    is_daily_loss_reached,
    losing_run,
)
from bottrader.domain.validation import Refusal
from tests.unit.domain.examples import at

LIMITS = RiskLimits(exposure_quote_max=Decimal(500))
CALM = RiskView(
    entry_quote=Decimal(15),
    position_quote=Decimal(0),
    open_order_quote=Decimal(0),
    exposure_quote=Decimal(0),
    equity_quote=Decimal(10_000),
    day_pnl_quote=Decimal(0),
    price_age_s=0,
    now=at(600),
)


def refusal(limits: RiskLimits, changes: dict[str, Any]) -> Refusal | None:
    exact: dict[str, Any] = {n: Decimal(value) if isinstance(value, str) else value for n, value in changes.items()}
    return check_risk(replace(CALM, **exact), limits)


def code(**changes: Any) -> str | None:
    return code_within(LIMITS, **changes)


def code_within(limits: RiskLimits, **changes: Any) -> str | None:
    found = refusal(limits, changes)
    return None if found is None else found.code


def message(**changes: Any) -> str:
    found = refusal(LIMITS, changes)
    assert found is not None
    return found.message


def test_the_position_limit_is_two_hundred_and_fifty_unless_set() -> None:
    """B52, R74."""
    assert LIMITS.position_quote_max == 250
    assert LIMITS.price_age_s_max == 60
    assert (LIMITS.position_equity_pct_max, LIMITS.exposure_equity_pct_max) == (Decimal("0.25"), Decimal("0.80"))
    assert LIMITS.daily_loss_quote_max == 50
    assert not LIMITS.daily_loss_flattens
    assert (LIMITS.losses_in_row_max, LIMITS.cool_off_s) == (5, 3600)
    assert (LIMITS.orders_per_minute_max, LIMITS.refusals_per_minute_max) == (30, 5)


@pytest.mark.parametrize(
    ("entry", "expected"), [("250", None), ("250.00000001", "POSITION_LIMIT")], ids=["reached", "passed"]
)
def test_one_position_is_limited(entry: str, expected: str | None) -> None:
    assert code(entry_quote=entry) == expected


@pytest.mark.parametrize(
    ("open_orders", "expected"), [("85", None), ("85.01", "POSITION_LIMIT")], ids=["reached", "passed"]
)
def test_an_order_of_unknown_outcome_counts_as_filled(open_orders: str, expected: str | None) -> None:
    """S3, R10: 15 + 150 + 85 = 250."""
    assert code(position_quote="150", open_order_quote=open_orders) == expected


@pytest.mark.parametrize(
    ("exposure", "expected"), [("475", None), ("475.01", "EXPOSURE_LIMIT")], ids=["reached", "passed"]
)
def test_all_positions_together_are_limited(exposure: str, expected: str | None) -> None:
    """15 + 10 + 475 = 500."""
    assert code(open_order_quote="10", exposure_quote=exposure) == expected


@pytest.mark.parametrize(("equity", "expected"), [("60", None), ("59.99", "POSITION_LIMIT")], ids=["reached", "passed"])
def test_one_position_is_a_share_of_equity(equity: str, expected: str | None) -> None:
    """A quarter of 60 is 15, of which 5 are held and 4 may have been spent."""
    assert code(entry_quote="6", position_quote="5", open_order_quote="4", equity_quote=equity) == expected


@pytest.mark.parametrize(
    ("equity", "expected"), [("100", None), ("99.99", "EXPOSURE_LIMIT")], ids=["reached", "passed"]
)
def test_all_positions_together_are_a_share_of_equity(equity: str, expected: str | None) -> None:
    """80 % of 100 are 80: 6 + 4 + 70."""
    assert code(entry_quote="6", open_order_quote="4", exposure_quote="70", equity_quote=equity) == expected


@pytest.mark.parametrize(
    ("age_s", "expected"),
    [(60, None), (60.001, "STALE_PRICE"), (math.inf, "STALE_PRICE"), (math.nan, "STALE_PRICE"), (-1, None)],
)
def test_an_entry_needs_a_fresh_price(age_s: float, expected: str | None) -> None:
    """S7, F35: what waited while the process stood still is as old as its own time says."""
    assert code(price_age_s=age_s) == expected


@pytest.mark.parametrize("figure", ["equity_quote", "day_pnl_quote"])
def test_what_cannot_be_reckoned_is_refused_and_not_taken_for_zero(figure: str) -> None:
    assert code(**{figure: None}) == "STALE_PRICE"
    what = "the equity" if figure == "equity_quote" else "the day's loss"
    assert message(**{figure: None}) == f"a position has no usable price, so {what} cannot be reckoned"


@pytest.mark.parametrize(
    ("pnl", "expected"), [("-49.99", None), ("-50", "DAILY_LOSS_LIMIT"), ("-51", "DAILY_LOSS_LIMIT"), ("50", None)]
)
def test_the_days_loss_stops_entries(pnl: str, expected: str | None) -> None:
    assert code(day_pnl_quote=pnl) == expected
    assert is_daily_loss_reached(Decimal(pnl), LIMITS) is (expected is not None)


def test_an_unknown_loss_of_the_day_sells_nothing() -> None:
    assert not is_daily_loss_reached(None, LIMITS)


@pytest.mark.parametrize(
    ("losses", "minutes_ago", "expected"),
    [
        (4, 0, None),
        (5, 0, "LOSING_RUN"),
        (9, 59.999, "LOSING_RUN"),
        (5, 60, None),
        (0, 0, None),
    ],
)
def test_entries_rest_after_a_losing_run(losses: int, minutes_ago: float, expected: str | None) -> None:
    last = CALM.now - timedelta(minutes=minutes_ago)
    assert code(losses=losses, last_loss_at=last) == expected


def test_the_breaker_can_be_switched_off() -> None:
    limits = replace(LIMITS, losses_in_row_max=0)
    assert code_within(limits, losses=100, last_loss_at=CALM.now) is None
    assert code_within(replace(LIMITS, losses_in_row_max=1), losses=1, last_loss_at=CALM.now) == "LOSING_RUN"
    assert code(losses=5, last_loss_at=None) is None


@pytest.mark.parametrize(
    ("pnls", "expected"),
    [
        ([], (0, None)),
        (["-1"], (1, at(0))),
        (["-1", "1"], (0, None)),
        (["1", "-1", "-2"], (2, at(2))),
        (["-1", "0", "-1"], (1, at(2))),
        (["-1", "-1", "0"], (0, None)),
    ],
)
def test_a_losing_run_is_the_newest_trades_that_lost(pnls: list[str], expected: object) -> None:
    assert losing_run((at(number), Decimal(pnl)) for number, pnl in enumerate(pnls)) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"orders_last_minute": 29}, None),
        ({"orders_last_minute": 30}, "ORDER_RATE"),
        ({"refusals_last_minute": 4}, None),
        ({"refusals_last_minute": 5}, "REFUSAL_RATE"),
    ],
)
def test_the_rates_of_orders_and_refusals_are_capped(changes: dict[str, int], expected: str | None) -> None:
    """F8"""
    assert code(**changes) == expected


def test_a_refusal_names_what_was_found_and_what_is_allowed() -> None:
    assert message(position_quote="240") == "the position could reach 255.00, above the limit of 250.00"
    assert message(exposure_quote="490") == "all positions together could reach 505.00, above the limit of 500.00"
    assert message(equity_quote="30") == ("the position could reach 15.00, above the limit of 7.50, 25 % of equity")
    assert message(exposure_quote="70", equity_quote="100") == (
        "all positions together could reach 85.00, above the limit of 80.00, 80 % of equity"
    )
    assert message(price_age_s=75) == "the price is 75 s old, at most 60 s are allowed"
    assert message(orders_last_minute=31) == "31 orders went out within a minute, at most 30 are allowed"
    assert message(refusals_last_minute=6) == "the exchange refused 6 orders within a minute; entries wait"
    assert message(day_pnl_quote="-60.5") == ("60.50 are lost today, the limit is 50.00; entries wait for 00:00 UTC")
    assert message(losses=6, last_loss_at=at(590)) == (
        f"the last 6 trades lost; entries rest until {at(650).isoformat()}"
    )


@pytest.mark.parametrize(
    ("switch", "expected"),
    [
        (None, None),
        (KillSwitch(False, "calm again", "cli", at(0)), None),
        (KillSwitch(True, "fear", "http", at(0)), "KILL_SWITCH"),
    ],
)
def test_the_kill_switch_stops_entries(switch: KillSwitch | None, expected: str | None) -> None:
    found = check_kill_switch(switch)
    assert (None if found is None else found.code) == expected
    if found is not None:
        assert found.message == f"the kill switch is on since {at(0).isoformat()} (http): fear"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (name, Decimal(value))
        for name in ("exposure_quote_max", "position_quote_max", "daily_loss_quote_max")
        for value in ("0", "-1", "NaN", "Infinity")
    ]
    + [
        (name, Decimal(value))
        for name in ("position_equity_pct_max", "exposure_equity_pct_max")
        for value in ("0", "1.01", "NaN")
    ]
    + [(name, 0) for name in ("price_age_s_max", "orders_per_minute_max", "refusals_per_minute_max")]
    + [(name, -1) for name in ("losses_in_row_max", "cool_off_s")],
)
def test_a_limit_out_of_range_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ConfigInvalid, match=name):
        replace(LIMITS, **{name: value})


def test_all_limits_out_of_range_are_named_at_once() -> None:
    with pytest.raises(ConfigInvalid) as told:
        replace(LIMITS, exposure_quote_max=Decimal(0), position_equity_pct_max=Decimal(2), cool_off_s=-1)
    assert str(told.value) == (
        "exposure_quote_max is above 0, was 0; position_equity_pct_max is above 0 and at most 1, was 2;"
        " cool_off_s is at least 0, was -1"
    )


def test_limits_may_be_all_of_equity_and_as_low_as_one() -> None:
    loose = replace(
        LIMITS,
        position_equity_pct_max=Decimal(1),
        exposure_equity_pct_max=Decimal(1),
        price_age_s_max=1,
        orders_per_minute_max=1,
        refusals_per_minute_max=1,
        losses_in_row_max=0,
        cool_off_s=0,
    )
    assert loose.position_equity_pct_max == 1
