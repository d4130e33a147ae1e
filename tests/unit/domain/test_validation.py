"""The order checks, each by its code and its sentence."""

from dataclasses import replace
from decimal import Decimal

import pytest

from bottrader.domain.market import ProductId
from bottrader.domain.orders import OrderKind, Side
from bottrader.domain.validation import (
    EntryCheck,
    EntryRules,
    OrderCheck,
    Refusal,
    ValidationRules,
    check_target,
    show_amount,
    validate_entry,
    validate_order,
)
from tests.unit.domain.examples import BTC, price, product

pytestmark = pytest.mark.component("order_manager")

RULES = ValidationRules(minimum=Decimal("1.00"), cap=Decimal(1000))
LISTED = {name: product(ProductId(name)) for name in ("BTC-USD", "ETH-USD", "SOL-USD")}
ORDER = OrderCheck(
    product=LISTED["BTC-USD"],
    side="buy",
    size=Decimal("0.001"),
    price=Decimal("40000.00"),
    available=Decimal(1000),
    fee_rate=Decimal("0.01"),
)
SELL = replace(ORDER, side="sell", available=Decimal("0.001"))


def notional(value: str) -> OrderCheck:
    """An order worth `value`: one tick of base is worth the price."""
    return replace(ORDER, size=Decimal(1), price=Decimal(value))


@pytest.mark.parametrize(
    ("order", "is_valid"),
    [
        pytest.param(notional("0.50"), False, id="B1"),
        pytest.param(notional("1.50"), True, id="B2"),
        pytest.param(notional("1.00"), True, id="B3"),
        pytest.param(ORDER, True, id="B4"),
        pytest.param(replace(ORDER, size=Decimal("0.00001")), False, id="B5"),
        pytest.param(replace(ORDER, size=Decimal("0.000")), False, id="B6"),
        pytest.param(replace(ORDER, size=Decimal("-0.001")), False, id="B7"),
        pytest.param(notional("500"), True, id="B10"),
        pytest.param(replace(notional("1500"), position_value=Decimal(0)), False, id="B11"),
        pytest.param(replace(notional("99.00"), available=Decimal("100.00")), True, id="B12"),
        pytest.param(replace(notional("99.50"), available=Decimal("100.00")), False, id="B13"),
        pytest.param(replace(notional("300"), position_value=Decimal(500)), True, id="B14"),
        pytest.param(replace(notional("300"), position_value=Decimal(800)), False, id="B15"),
        pytest.param(replace(notional("300"), position_value=Decimal(700)), True, id="B16 room 300"),
        pytest.param(replace(notional("300.01"), position_value=Decimal(700)), False, id="B16 no room for more"),
        pytest.param(replace(notional("1000"), available=Decimal(1010)), True, id="B17 room 1000"),
        pytest.param(replace(notional("1000.01"), available=Decimal(2000)), False, id="B17 no room for more"),
        pytest.param(replace(ORDER, price=Decimal("0.00")), False, id="B18"),
        pytest.param(replace(ORDER, price=Decimal("-100.00")), False, id="B19"),
        pytest.param(replace(ORDER, price=Decimal("40000.00")), True, id="B20"),
        pytest.param(SELL, True, id="B24 sell"),
        pytest.param(replace(ORDER, side="hold"), False, id="B25"),
        pytest.param(replace(ORDER, side="BUY"), False, id="B26"),
        pytest.param(replace(ORDER, available=Decimal("40.40")), True, id="B27 total cost 40.40"),
        pytest.param(replace(ORDER, available=Decimal("40.39")), False, id="B27 a cent short"),
        pytest.param(replace(ORDER, size=Decimal("0.000"), available=Decimal("40.40")), False, id="B28"),
    ],
)
def test_an_order_is_judged(order: OrderCheck, *, is_valid: bool) -> None:
    """B1, B2, B3, B4, B5, B6, B7, B10, B11, B12, B13, B14, B15, B16, B17, B18, B19, B20, B24, B25, B26, B27, B28"""
    verdict = validate_order(order, RULES)
    assert verdict.is_valid is is_valid
    assert (verdict.code == "SUCCESS") is is_valid
    assert (verdict.error_message == "") is is_valid


@pytest.mark.parametrize(
    ("size", "expected"), [("0.001", "40.00"), ("0.00001", "0.40"), ("0.00012345", "4.938")], ids=["B4", "B5", "B8"]
)
def test_the_notional_is_exact_and_returned_with_the_verdict(size: str, expected: str) -> None:
    """B4, B5, B8"""
    assert validate_order(replace(ORDER, size=Decimal(size)), RULES).notional == Decimal(expected)


def test_an_order_below_the_minimum_is_refused_in_these_words() -> None:
    """B5."""
    verdict = validate_order(replace(ORDER, size=Decimal("0.00001")), RULES)
    assert verdict.code == "INSUFFICIENT_QUOTE"
    assert verdict.error_message == "order notional 0.40 is below minimum 1.00"


@pytest.mark.parametrize(
    ("fee_rate", "needed"), [("0", "400.00"), ("0.01", "404.00")], ids=["B9 without fee", "B9 with its fee"]
)
def test_an_order_beyond_the_balance_is_refused_in_these_words(fee_rate: str, needed: str) -> None:
    """B9"""
    order = replace(ORDER, size=Decimal("0.01"), available=Decimal("100.00"), fee_rate=Decimal(fee_rate))
    verdict = validate_order(order, RULES)
    assert verdict.code == "INSUFFICIENT_QUOTE"
    assert verdict.error_message == f"insufficient balance: {needed} needed, 100.00 available"


def test_the_fee_counts_to_the_last_digit() -> None:
    """B13: 99.50 + 0.995."""
    verdict = validate_order(replace(notional("99.50"), available=Decimal("100.00")), RULES)
    assert verdict.error_message == "insufficient balance: 100.495 needed, 100.00 available"


def test_a_position_beyond_the_cap_is_refused_with_both_figures() -> None:
    """B15, B52."""
    verdict = validate_order(replace(notional("300"), position_value=Decimal(800)), RULES)
    assert verdict.code == "ORDER_BUILD_FAILED"
    assert verdict.error_message == "position would be 1100.00, above the cap of 1000.00"


def test_nothing_is_bought_without_cash_whatever_else_is_open() -> None:
    """B47, R73."""
    assert validate_order(replace(ORDER, available=Decimal(0)), RULES).code == "INSUFFICIENT_QUOTE"


@pytest.mark.parametrize(
    ("symbol", "is_valid"), [("BTC-USD", True), ("INVALID-USD", False), ("", False)], ids=["B21", "B22", "B23"]
)
def test_only_a_listed_product_can_be_ordered(symbol: str, *, is_valid: bool) -> None:
    """B21, B22, B23"""
    verdict = validate_order(replace(ORDER, product=LISTED.get(symbol)), RULES)
    assert verdict.is_valid is is_valid
    assert verdict.code == ("SUCCESS" if is_valid else "PRECISION_ERROR")
    unlisted = "the venue lists no such product, so its increments are unknown"
    assert verdict.error_message == ("" if is_valid else unlisted)


@pytest.mark.parametrize("side", ["hold", "BUY"])
def test_a_side_that_is_none_is_told_back(side: str) -> None:
    """B25, B26"""
    verdict = validate_order(replace(ORDER, side=side), RULES)
    assert verdict.code == "ORDER_BUILD_FAILED"
    assert verdict.error_message == f"a side is 'buy' or 'sell', was '{side}'"


@pytest.mark.parametrize("name", ["size", "price"])
@pytest.mark.parametrize("value", [None, Decimal("NaN"), Decimal("Infinity"), Decimal(0)])
def test_a_missing_or_unusable_figure_is_a_refusal_and_no_exception(name: str, value: Decimal | None) -> None:
    """B50, R37."""
    order = replace(ORDER, size=value) if name == "size" else replace(ORDER, price=value)
    verdict = validate_order(order, RULES)
    assert verdict.code == "ORDER_BUILD_FAILED"
    assert verdict.error_message == f"an order's {name} is above zero, was {value}"
    assert verdict.notional == 0


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_a_size_between_increments_is_refused_and_not_resized(side: str) -> None:
    verdict = validate_order(replace(ORDER, side=side, size=Decimal("0.001000001")), RULES)
    assert verdict.code == "PRECISION_ERROR"
    assert "0.001000001 is not a multiple of the increment 1E-8" in verdict.error_message


def test_a_limit_price_is_a_whole_number_of_ticks_but_a_market_order_has_no_limit() -> None:
    order = replace(ORDER, price=Decimal("40000.005"))
    verdict = validate_order(order, RULES)
    assert verdict.code == "PRECISION_ERROR"
    assert "price 40000.005 is not a multiple of the increment 0.01" in verdict.error_message
    assert validate_order(replace(order, kind=OrderKind.MARKET_IOC), RULES).is_valid


@pytest.mark.parametrize(
    ("mid", "is_valid"), [("1.00", False), ("1.01", True)], ids=["B46 worth 1.00", "B46 worth 1.01"]
)
def test_a_sell_has_its_own_minimum(mid: str, *, is_valid: bool) -> None:
    """B46"""
    order = replace(SELL, size=Decimal(1), available=Decimal(1), price=Decimal(mid))
    verdict = validate_order(order, RULES)
    assert verdict.is_valid is is_valid
    assert verdict.code == ("SUCCESS" if is_valid else "INSUFFICIENT_BASE")


def test_a_sell_needs_the_coins_and_not_the_cash() -> None:
    verdict = validate_order(replace(SELL, available=Decimal("0.0009")), RULES)
    assert verdict.code == "INSUFFICIENT_BASE"
    assert verdict.error_message == "insufficient balance: 0.001 needed, 0.0009 available"
    assert validate_order(SELL, RULES).is_valid


def test_a_sell_is_not_bound_by_the_cap() -> None:
    order = replace(SELL, size=Decimal(1), available=Decimal(1), position_value=Decimal(40_000))
    assert validate_order(order, RULES).is_valid


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_the_venues_minimum_binds_where_it_is_higher(side: str) -> None:
    pair = product(quote_size_min="50")
    verdict = validate_order(replace(ORDER, side=side, product=pair), RULES)
    assert verdict.error_message == "order notional 40.00 is below minimum 50.00"


@pytest.mark.parametrize(("side", "code"), [("buy", "INSUFFICIENT_QUOTE"), ("sell", "INSUFFICIENT_BASE")])
def test_the_venues_smallest_size_binds(side: str, code: str) -> None:
    pair = product(base_size_min="0.002")
    verdict = validate_order(replace(ORDER, side=side, product=pair), RULES)
    assert verdict.code == code
    assert verdict.error_message == "order size 0.001 is below minimum 0.002"
    assert validate_order(replace(ORDER, side=side, product=product(base_size_min="0.001")), RULES).is_valid


ENTRY = EntryCheck("ETH-USD", LISTED["ETH-USD"], Side.BUY, Decimal(0), has_open_order=False)
ENTRY_RULES = EntryRules(Decimal(10), hodl=frozenset({"ETH"}), shill=frozenset({"X"}))
PLAIN_RULES = EntryRules(Decimal(10))


def code_of(refusal: Refusal | None) -> str | None:
    return None if refusal is None else refusal.code


def names(refusal: Refusal | None, *facts: str) -> bool:
    """Tell whether the sentence of a refusal holds these facts."""
    return refusal is not None and all(fact in refusal.message for fact in facts)


@pytest.mark.parametrize("symbol", ["ETH-USD", "ETH/USD"])
def test_a_hodl_asset_is_never_sold_however_its_pair_is_written(symbol: str) -> None:
    """B40, R16, R73."""
    refusal = validate_entry(replace(ENTRY, symbol=symbol, side=Side.SELL), ENTRY_RULES)
    assert code_of(refusal) == "HODL_REJECT"
    assert names(refusal, "ETH", "never sold")


def test_a_hodl_asset_may_be_bought_on_top_of_a_position() -> None:
    """B43."""
    assert validate_entry(replace(ENTRY, position_value=Decimal(500)), ENTRY_RULES) is None


@pytest.mark.parametrize("symbol", ["X-USD", "X/USD"])
def test_a_shill_coin_is_never_bought_but_may_be_sold(symbol: str) -> None:
    """B41."""
    entry = replace(ENTRY, symbol=symbol)
    refusal = validate_entry(entry, ENTRY_RULES)
    assert code_of(refusal) == "SHILL_REJECT"
    assert names(refusal, "X is", "never bought")
    assert validate_entry(replace(entry, side=Side.SELL), ENTRY_RULES) is None


@pytest.mark.parametrize(("value", "code"), [("10.00", "POSITION_EXISTS"), ("9.99", None)])
def test_a_position_stops_another_buy_from_its_minimum_on(value: str, code: str | None) -> None:
    """B42."""
    assert code_of(validate_entry(replace(ENTRY, position_value=Decimal(value)), PLAIN_RULES)) == code


def test_a_position_that_stops_a_buy_is_told_with_its_value() -> None:
    """B42."""
    refusal = validate_entry(replace(ENTRY, position_value=Decimal("12.5")), PLAIN_RULES)
    assert names(refusal, "a position of 12.50 in ETH-USD")


def test_a_position_does_not_stop_its_own_sale() -> None:
    assert validate_entry(replace(ENTRY, side=Side.SELL, position_value=Decimal(500)), PLAIN_RULES) is None


@pytest.mark.parametrize("side", list(Side))
def test_an_open_order_on_the_pair_stops_another(side: Side) -> None:
    """B44."""
    entry = replace(ENTRY, side=side, has_open_order=True)
    refusal = validate_entry(entry, PLAIN_RULES)
    assert code_of(refusal) == "SKIPPED_OPEN_ORDER"
    assert names(refusal, "ETH-USD", "still open")


def test_unknown_increments_are_a_refusal_and_no_exception() -> None:
    """B49, R36."""
    refusal = validate_entry(replace(ENTRY, product=None), PLAIN_RULES)
    assert refusal == Refusal("PRECISION_ERROR", "the increments of ETH-USD are unknown")


def test_a_product_that_is_closed_is_not_traded() -> None:
    refusal = validate_entry(replace(ENTRY, product=product(BTC, is_tradable=False)), PLAIN_RULES)
    assert code_of(refusal) == "ORDER_BUILD_FAILED"
    assert names(refusal, "ETH-USD", "not open for trading")


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0.4000000", "0.40"),
        ("4.93800000", "4.938"),
        ("400", "400.00"),
        ("1E+3", "1000.00"),
        ("0", "0.00"),
        ("1E-8", "0.00000001"),
        ("-2.5", "-2.50"),
        ("1.23", "1.23"),
        ("123456789012345678901234567890.5", "123456789012345678901234567890.50"),
    ],
)
def test_an_amount_is_shown_in_full(amount: str, text: str) -> None:
    assert show_amount(Decimal(amount)) == text


FOUR = Decimal("0.004")


@pytest.mark.parametrize(
    ("target", "is_refused"),
    [
        pytest.param("0.099", True, id="B54 0.099"),
        pytest.param("0.0999999", True, id="B54 rounded down to whole ticks"),
        pytest.param("0.100", False, id="B54 0.100"),
    ],
)
def test_an_entry_has_a_target_whose_whole_ticks_clear_the_fees(target: str, *, is_refused: bool) -> None:
    """B54, R23: 0.099 x 1.004 / 0.996 = 0.0997951..."""
    refusal = check_target(price("0.099"), Decimal(target), Decimal("0.001"), (FOUR, FOUR))
    assert (refusal is not None) is is_refused
    if refusal is not None:
        assert refusal.code == "ORDER_BUILD_FAILED"
        assert refusal.message == "bought at 0.099, the target of 0.099 would not clear the fees of both sides"


def test_a_target_at_break_even_is_no_target() -> None:
    """B54: 100 x 1.25 / 0.8 = 156.25 exactly; each side pays its own rate."""
    rates = (Decimal("0.25"), Decimal("0.2"))
    assert check_target(price("100"), Decimal("156.25"), Decimal("0.01"), rates) is not None
    assert check_target(price("100"), Decimal("156.26"), Decimal("0.01"), rates) is None
