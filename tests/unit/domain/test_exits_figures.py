"""The figures around an exit: net return, break-even, the limit price, and the rules a configuration may ask for."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from bottrader.domain.errors import ConfigInvalid
from bottrader.domain.exits import (
    ExitRules,
    break_even_price,
    entry_cost_per_unit,
    exit_limit_price,
    net_return,
)
from tests.unit.domain.examples import price, product

MAKER, TAKER = Decimal("0.004"), Decimal("0.008")
RULES = ExitRules()


@pytest.mark.parametrize(
    ("entry", "value", "maker", "taker", "percent"),
    [
        pytest.param("0.2010", "0.2014", "0.0025", "0.005", "-0.5506", id="B79"),
        pytest.param("100", "98", "0.004", "0.008", "-3.1713", id="B80"),
        pytest.param("100", "97.5", "0.004", "0.008", "-3.6653", id="B81"),
        pytest.param("100", "96.9", "0.004", "0.008", "-4.2582", id="B82"),
        pytest.param("100", "96.5", "0.004", "0.008", "-4.6534", id="B83"),
        pytest.param("100", "95", "0.004", "0.008", "-6.1355", id="B84"),
        pytest.param("100", "103.5", "0.004", "0.008", "2.2629", id="B85"),
        pytest.param("100", "110", "0.004", "0.008", "8.6853", id="B86"),
        pytest.param("100", "100", "0.004", "0.008", "-1.1952", id="B87"),
    ],
)
def test_the_net_return_counts_both_fees(entry: str, value: str, maker: str, taker: str, percent: str) -> None:
    """R21."""
    cost = entry_cost_per_unit(Decimal(entry), Decimal(maker))
    net = net_return(cost, Decimal(value), Decimal(taker))
    assert (net * 100).quantize(Decimal("0.0001")) == Decimal(percent)


@pytest.mark.parametrize(("rate", "expected"), [(TAKER, "101.209677"), (MAKER, "100.803213")], ids=["taker", "maker"])
def test_selling_at_break_even_loses_nothing(rate: Decimal, expected: str) -> None:
    """B88."""
    cost = entry_cost_per_unit(Decimal(100), MAKER)
    found = break_even_price(cost, rate)
    assert found.quantize(Decimal("0.000001")) == Decimal(expected)
    assert Fraction(found) * (1 - Fraction(rate)) >= Fraction(cost)
    assert abs(net_return(cost, found, rate)) < Decimal("1E-26")


@pytest.mark.parametrize(
    ("bid", "tick", "expected"),
    [
        pytest.param("100.00", "0.01", "99.95", id="B124"),
        pytest.param("100.01", "0.01", "99.95", id="rounded down"),
        pytest.param("0.099", "0.001", "0.098", id="one tick below"),
        pytest.param("0.01", "0.01", "0.01", id="never zero"),
    ],
)
def test_a_regular_exit_is_priced_just_below_the_bid(bid: str, tick: str, expected: str) -> None:
    """R18. 100.01 x 0.9995 = 99.959995."""
    limit = exit_limit_price(price(bid), product(price_increment=tick))
    assert limit == Decimal(expected)
    assert limit <= Decimal(bid)


def test_the_defaults_are_those_of_the_page_on_exits() -> None:
    assert Decimal("0.045") == RULES.hard_stop_pct
    assert Decimal("0.035") == RULES.take_profit_pct
    assert not RULES.trailing_enabled


@pytest.mark.parametrize(
    ("activation", "farthest", "starts"), [("0.035", "0.02", True), ("0.02", "0.02", False), ("0.25", "0.2", True)]
)
def test_a_trail_never_starts_below_break_even(activation: str, farthest: str, *, starts: bool) -> None:
    """B147: 1.0143 starts, 0.9996 does not, exactly 1 does."""
    changes = {"trailing_activation_pct": Decimal(activation), "trailing_distance_max_pct": Decimal(farthest)}
    if starts:
        assert ExitRules(**changes).trailing_activation_pct == Decimal(activation)  # type: ignore[arg-type]  # two names
    else:
        with pytest.raises(ConfigInvalid, match=r"at least 1, was 0\.9996; raise the activation"):
            ExitRules(**changes)  # type: ignore[arg-type]  # two names


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (name, Decimal(value))
        for name in (
            "hard_stop_pct",
            "take_profit_pct",
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
