"""Amounts as people read them."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bottrader.adapters.report import figures

pytestmark = pytest.mark.component("report_generator")


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("1.18634523", "1.19"),
        ("0.125", "0.12"),
        ("0.135", "0.14"),
        ("1234567.5", "1,234,567.50"),
        ("-0.72", "−0.72"),
        ("-0.004", "0.00"),
    ],
)
def test_money_is_rounded_half_even_to_cents(amount: str, shown: str) -> None:
    """B227; and what rounds to nothing has no sign."""
    assert figures.money_text(Decimal(amount)) == shown


@pytest.mark.parametrize(
    ("amount", "shown", "sign"),
    [("8.156", "+8.16", "gain"), ("-3.388", "−3.39", "loss"), ("0", "0.00", "even"), ("-0.001", "0.00", "even")],
)
def test_a_gain_and_a_loss_are_told_by_their_sign(amount: str, shown: str, sign: str) -> None:
    assert figures.signed_money_text(Decimal(amount)) == shown
    assert figures.sign_of(Decimal(amount)) == sign


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("0.00000001", "0.00000001"),
        ("1E+3", "1000"),
        ("984.44800", "984.448"),
        ("0E-8", "0"),
        ("-3", "−3"),
        ("100", "100"),
    ],
)
def test_an_exact_amount_keeps_every_digit_and_no_exponent(amount: str, shown: str) -> None:
    assert figures.exact_text(Decimal(amount)) == shown


def test_an_exact_amount_of_forty_digits_is_not_rounded() -> None:
    digits = "12345678901234567890.12345678901234567891"
    assert figures.exact_text(Decimal(digits)) == digits


@pytest.mark.parametrize(
    ("price", "shown"),
    [
        ("42789.654321", "42,789.65"),
        ("101", "101.00"),
        ("26.40123", "26.4012"),
        ("0.1373", "0.1373"),
        ("0.00034761", "0.00034761"),
        ("0.00001234567", "0.0000123457"),
    ],
)
def test_a_price_keeps_the_digits_that_matter(price: str, shown: str) -> None:
    assert figures.price_text(Decimal(price)) == shown


def test_a_fraction_is_a_percentage_and_none_is_not_available() -> None:
    """B232: 150 of 3100 is 4.84 %; B233: without capital "n/a"."""
    assert figures.percent_text(Decimal(150) / Decimal(3100)) == "4.84 %"
    assert figures.percent_text(None) == "n/a"


def test_a_profit_factor_without_losses_says_so() -> None:
    """B224, B225."""
    assert figures.profit_factor_text(Decimal(205) / Decimal(70), 3) == "2.93"
    assert figures.profit_factor_text(None, 3) == "no losses"
    assert figures.profit_factor_text(None, 0) == "n/a"


@pytest.mark.parametrize(
    ("span", "shown"),
    [
        (timedelta(days=3, hours=4, minutes=5), "3 d 4 h"),
        (timedelta(hours=2, seconds=9), "2 h"),
        (timedelta(minutes=4, seconds=10), "4 min 10 s"),
        (timedelta(0), "0 s"),
    ],
)
def test_a_duration_shows_its_two_largest_units(span: timedelta, shown: str) -> None:
    assert figures.span_text(span) == shown


def test_orders_are_counted_in_words() -> None:
    assert figures.orders_text({}) == "no orders"
    assert figures.orders_text({"filled": 1}) == "1 order: 1 filled"
    assert figures.orders_text({"cancelled": 2, "filled": 10}) == "12 orders: 2 cancelled, 10 filled"
