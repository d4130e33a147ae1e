"""Amounts enter exactly or not at all, and are rounded in the direction that was named."""

import decimal
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bottrader.domain.errors import AmountInvalid
from bottrader.domain.money import (
    EXACT,
    canonical,
    ceil_to,
    exact,
    floor_to,
    is_multiple,
    parse_amount,
    parse_money,
    parse_price,
    parse_size,
)

amounts = st.decimals(min_value=-(10**12), max_value=10**12, places=10)
increments = st.sampled_from([Decimal(t) for t in ("1E-8", "0.01", "0.25", "1", "5", "0.003", "10")])


@pytest.mark.parametrize(
    ("value", "digits"),
    [("0.00034761", "0.00034761"), (7, "7"), (Decimal("1.50"), "1.50"), ("-3", "-3"), ("1e-9", "1E-9")],
)
def test_an_amount_keeps_every_digit(value: str | int | Decimal, digits: str) -> None:
    """B201."""
    assert str(parse_amount(value)) == digits


@pytest.mark.parametrize("value", [0.00034761, True, None, b"1", "", "1,5", "abc", "NaN", "inf", Decimal("sNaN")])
def test_what_is_not_an_exact_finite_number_is_refused(value: object) -> None:
    """B201, R82: a float has lost its digits already."""
    with pytest.raises(AmountInvalid, match="an amount is"):
        parse_amount(value)  # type: ignore[arg-type]  # the point of the test


@pytest.mark.parametrize("value", ["0", "0.00", "-100.00"])
def test_a_price_is_above_zero(value: str) -> None:
    """B18, B19."""
    with pytest.raises(AmountInvalid, match="above zero"):
        parse_price(value)


def test_a_size_may_be_zero_but_not_negative() -> None:
    assert parse_size("0") == 0
    with pytest.raises(AmountInvalid, match="not negative"):
        parse_size("-0.001")


def test_money_may_be_negative() -> None:
    assert parse_money("-0.10") == Decimal("-0.10")
    assert parse_price("0.01") == Decimal("0.01")


def test_exact_arithmetic_keeps_what_the_default_context_would_round() -> None:
    """B195, and the worked example of the module."""
    with exact():
        assert Decimal("42789.654321") * Decimal("0.00012345") == Decimal("5.28238282592745")
        difference = Decimal("42789.654321") - Decimal("40123.456789")
        assert difference * Decimal("0.00012345") == Decimal("0.32914208532540")
        product = Decimal("123456789.123456789") * Decimal("987654321.987654321") * Decimal("1.000001")
        assert len(product.as_tuple().digits) > 28
        with pytest.raises(decimal.Inexact):
            Decimal(1) / Decimal(3)


def test_exact_arithmetic_refuses_a_float() -> None:
    with exact(), pytest.raises(decimal.FloatOperation):
        Decimal(0.1)  # noqa: RUF032 - the float is the point of the test


@pytest.mark.parametrize(
    ("value", "increment", "down", "up"),
    [
        ("1.234567891", "0.00000001", "1.23456789", "1.23456790"),
        ("99.955", "0.01", "99.95", "99.96"),
        ("12", "5", "10", "15"),
        ("0.9", "0.25", "0.75", "1.00"),
        ("-0.5", "1", "-1", "0"),
        ("7", "7", "7", "7"),
        ("0.004", "0.01", "0.00", "0.01"),
    ],
)
def test_rounding_goes_where_its_name_says(value: str, increment: str, down: str, up: str) -> None:
    """B48."""
    assert floor_to(Decimal(value), Decimal(increment)) == Decimal(down)
    assert ceil_to(Decimal(value), Decimal(increment)) == Decimal(up)


def test_a_rounded_amount_shows_the_digits_of_its_increment() -> None:
    assert str(floor_to(Decimal("0.004"), Decimal("0.01"))) == "0.00"
    assert str(floor_to(Decimal(3), Decimal("0.01"))) == "3.00"


@pytest.mark.parametrize("increment", ["0", "-0.01"])
def test_an_increment_is_above_zero(increment: str) -> None:
    with pytest.raises(AmountInvalid, match="increment is above zero"):
        floor_to(Decimal(1), Decimal(increment))


def test_rounding_keeps_more_digits_than_the_default_context_has() -> None:
    value = Decimal("123456789012345678901234567890.123456789")
    assert floor_to(value, Decimal("0.01")) == Decimal("123456789012345678901234567890.12")
    assert ceil_to(value, Decimal("0.01")) == Decimal("123456789012345678901234567890.13")
    assert floor_to(EXACT.minus(value), Decimal("0.01")) == Decimal("-123456789012345678901234567890.13")


def test_the_refusal_of_a_wrong_kind_says_what_it_was() -> None:
    with pytest.raises(AmountInvalid, match=r"^an amount is text, an integer or a Decimal, was float 0\.1$"):
        parse_amount(0.1)  # type: ignore[arg-type]  # the point of the test


@given(amounts, increments)
@settings(deadline=None, max_examples=60)
def test_rounding_lands_on_the_nearest_multiple_of_its_side(value: Decimal, increment: Decimal) -> None:
    down, up = floor_to(value, increment), ceil_to(value, increment)
    assert down <= value <= up
    assert EXACT.subtract(value, down) < increment
    assert EXACT.subtract(up, value) < increment
    for rounded in (down, up):
        assert EXACT.remainder(rounded, increment) == 0
        assert is_multiple(rounded, increment)
    assert is_multiple(value, increment) == (down == up)


@pytest.mark.parametrize(
    ("spelled", "plain"),
    [
        ("100", "100"),
        ("1E+2", "100"),
        ("0.10", "0.1"),
        ("-0.500", "-0.5"),
        ("0E-8", "0"),
        ("-0.0", "0"),
        ("1E-9", "1E-9"),
        ("1E+40", "1" + 40 * "0"),
    ],
)
def test_an_amount_has_one_spelling(spelled: str, plain: str) -> None:
    assert str(canonical(Decimal(spelled))) == plain
