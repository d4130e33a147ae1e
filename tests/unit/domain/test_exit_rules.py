"""The settings of the exit rules: their defaults, and what may not be asked for."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bottrader.domain.errors import ConfigInvalid
from bottrader.domain.exit_rules import ExitRules


def test_the_defaults_are_those_of_the_page_on_exits() -> None:
    rules = ExitRules()
    stops = (rules.hard_stop_pct, rules.soft_stop_pct, rules.soft_stop_market_pct)
    assert stops == (Decimal("0.05"), Decimal("0.025"), Decimal("0.03"))
    assert (rules.take_profit_pct, rules.trailing_enabled, rules.peak_enabled) == (Decimal("0.035"), False, False)
    assert (rules.trailing_activation_pct, rules.trailing_atr_mult) == (Decimal("0.035"), Decimal(2))
    assert (rules.trailing_distance_min_pct, rules.trailing_distance_max_pct) == (Decimal("0.01"), Decimal("0.02"))
    assert (rules.signal_exit_enabled, rules.signal_exit_min_profit_pct) == (True, Decimal("0.01"))
    assert (rules.hold_s_min, rules.hold_s_max, rules.price_age_s_max) == (60, 0, 60)
    assert (rules.peak_activation_pct, rules.peak_drawdown_pct) == (Decimal("0.06"), Decimal("0.05"))
    assert (rules.peak_smoothing_s, rules.peak_hold_s_max) == (300, 1440 * 60)
    assert rules.peak_triggers == {"ROC_MOMO", "ROC_MOMO_OVERRIDE", "ROC"}


@pytest.mark.parametrize(
    ("activation", "farthest", "starts"), [("0.035", "0.02", True), ("0.02", "0.02", False), ("0.25", "0.2", True)]
)
def test_a_trail_never_starts_below_break_even(activation: str, farthest: str, *, starts: bool) -> None:
    """B147: 1.0143 starts, 0.9996 does not, exactly 1 does."""
    changes = {"trailing_activation_pct": Decimal(activation), "trailing_distance_max_pct": Decimal(farthest)}
    if starts:
        assert ExitRules(**changes).trailing_activation_pct == Decimal(activation)  # type: ignore[arg-type]  # two names
    else:
        with pytest.raises(ConfigInvalid, match=r"^a trail starts at break-even .* is at least 1, was 0\.9996; raise "):
            ExitRules(**changes)  # type: ignore[arg-type]  # two names


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (name, Decimal(value))
        for name in (
            "hard_stop_pct",
            "soft_stop_pct",
            "soft_stop_market_pct",
            "take_profit_pct",
            "peak_activation_pct",
            "peak_drawdown_pct",
            "trailing_activation_pct",
            "trailing_distance_min_pct",
            "trailing_distance_max_pct",
        )
        for value in ("0", "-0.01", "1", "NaN")
    ]
    + [
        ("trailing_atr_mult", Decimal(0)),
        ("trailing_atr_mult", Decimal("Infinity")),
        ("signal_exit_min_profit_pct", Decimal("-0.001")),
        ("signal_exit_min_profit_pct", Decimal(1)),
        ("signal_exit_min_profit_pct", Decimal("NaN")),
        ("hold_s_min", -1),
        ("hold_s_max", -1),
        ("peak_smoothing_s", -1),
        ("peak_hold_s_max", -1),
        ("price_age_s_max", 0),
        ("trailing_distance_min_pct", Decimal("0.021")),
    ],
)
def test_a_rule_out_of_range_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ConfigInvalid, match=name):
        ExitRules(**{name: value})


def test_all_rules_out_of_range_are_named_at_once() -> None:
    with pytest.raises(ConfigInvalid, match=r"hard_stop_pct .*; take_profit_pct .*; hold_s_min "):
        ExitRules(hard_stop_pct=Decimal(0), take_profit_pct=Decimal(2), hold_s_min=-1)


def test_a_signal_exit_may_be_allowed_from_break_even_on() -> None:
    assert ExitRules(signal_exit_min_profit_pct=Decimal(0)).signal_exit_min_profit_pct == 0


@pytest.mark.parametrize(
    ("hard", "market", "soft", "starts"),
    [
        ("0.05", "0.03", "0.025", True),
        ("0.05", "0.03", "0.03", True),
        ("0.05", "0.03", "0.031", False),
        ("0.03", "0.03", "0.025", False),
        ("0.0301", "0.03", "0.025", True),
    ],
)
def test_the_stops_follow_each_other(hard: str, market: str, soft: str, *, starts: bool) -> None:
    """R25"""
    changes = {
        "hard_stop_pct": Decimal(hard),
        "soft_stop_market_pct": Decimal(market),
        "soft_stop_pct": Decimal(soft),
    }
    if starts:
        assert ExitRules(**changes).hard_stop_pct == Decimal(hard)  # type: ignore[arg-type]  # three names
    else:
        with pytest.raises(
            ConfigInvalid, match=f"^the stops follow each other: .* soft_stop_pct, was {hard}, {market} and {soft}$"
        ):
            ExitRules(**changes)  # type: ignore[arg-type]  # three names


def test_a_price_may_be_allowed_to_be_one_second_old() -> None:
    assert ExitRules(price_age_s_max=1).price_age_s_max == 1


def test_the_distances_of_a_trail_may_be_one() -> None:
    assert ExitRules(trailing_distance_min_pct=Decimal("0.02")).trailing_distance_max_pct == Decimal("0.02")


def test_the_profit_that_an_entry_aims_at_is_that_of_its_manager() -> None:
    """R23"""
    rules = ExitRules(
        take_profit_pct=Decimal("0.04"), trailing_activation_pct=Decimal("0.05"), peak_activation_pct=Decimal("0.07")
    )
    assert rules.profit_pct("ROC") == Decimal("0.04")
    assert replace(rules, trailing_enabled=True).profit_pct("ROC") == Decimal("0.05")
    both = replace(rules, trailing_enabled=True, peak_enabled=True)
    assert (both.profit_pct("ROC"), both.profit_pct("SCORE")) == (Decimal("0.07"), Decimal("0.05"))
