"""The figures around an exit: net return, break-even and the limit price."""

from decimal import Decimal
from fractions import Fraction

import pytest

from bottrader.domain.exit_prices import (
    break_even_price,
    entry_cost_per_unit,
    exit_limit_price,
    net_return,
    price_of_proceeds,
)
from tests.unit.domain.examples import price, product

MAKER, TAKER = Decimal("0.004"), Decimal("0.008")


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
    """B79, B80, B81, B82, B83, B84, B85, B86, B87, R21."""
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
    """B124, R18: 100.01 x 0.9995 = 99.959995."""
    limit = exit_limit_price(price(bid), product(price_increment=tick))
    assert limit == Decimal(expected)
    assert limit <= Decimal(bid)


@pytest.mark.parametrize(
    ("rate", "round_trip"), [("0.0055", "0.0110"), ("0.003", "0.0060")], ids=["B89 taker", "B89 maker"]
)
def test_a_round_trip_costs_both_fees(rate: str, round_trip: str) -> None:
    """B89: to the digits that are displayed, selling at the entry price loses both fees."""
    both = entry_cost_per_unit(Decimal(100), Decimal(rate)), Decimal(rate)
    assert abs(net_return(both[0], Decimal(100), both[1]) + Decimal(round_trip)) < Decimal("0.0001")


def test_the_price_of_proceeds_is_rounded_down_to_where_they_are_not_passed() -> None:
    """0.3 units at 0.8 % bring 29.1648 at 98; 100 / (0.3 x 0.992) = 336.021505..."""
    assert price_of_proceeds(Decimal("29.1648"), Decimal("0.3"), TAKER) == 98
    found = price_of_proceeds(Decimal(100), Decimal("0.3"), TAKER)
    assert found == Decimal("336.0215053763440860215053763")
    assert Fraction(found) * Fraction("0.2976") <= 100
