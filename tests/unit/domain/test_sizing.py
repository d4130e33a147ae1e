"""How much an entry may spend: by trigger, by cash, with room for its fee."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bottrader.domain.money import EXACT, Money, is_multiple
from bottrader.domain.signals import Trigger
from bottrader.domain.sizing import Grant, SizingRules, base_size_for, size_entry
from bottrader.domain.validation import Refusal
from tests.unit.domain.examples import price, product

pytestmark = pytest.mark.component("order_manager")

RULES = SizingRules(
    order_size_roc=Decimal(20),
    order_size_signal=Decimal(15),
    order_size_webhook=Decimal(25),
    order_size_fiat=Decimal(35),
    order_size_passive=Decimal(32),
    order_size_min=Decimal(10),
)
TAKER = Decimal("0.008")


def size(
    trigger: Trigger, *, explicit: str | None = None, available: str = "1000", rate: Decimal = TAKER
) -> Grant | Refusal:
    return size_entry(trigger, None if explicit is None else Decimal(explicit), Decimal(available), rate, RULES)


def granted(requested: str, amount: str) -> Grant:
    return Grant(Money(Decimal(requested)), Money(Decimal(amount)))


@pytest.mark.parametrize(
    ("trigger", "amount"),
    [
        pytest.param("ROC", "20", id="B29 ROC"),
        pytest.param("ROC_MOMO", "20", id="B29 ROC_MOMO"),
        pytest.param("ROC_MOMO_OVERRIDE", "20", id="B29 ROC_MOMO_OVERRIDE"),
        pytest.param("roc_momo", "20", id="B29 roc_momo"),
        pytest.param("PASSIVE_BUY", "32", id="B30 buy"),
        pytest.param("PASSIVE_SELL", "32", id="B30 sell"),
        pytest.param("PASSIVE_EXIT", "32", id="B30 exit"),
        pytest.param("PASSIVE_PROFIT", "32", id="B30 profit"),
        pytest.param("PASSIVE_LOSS", "32", id="B30 loss"),
        pytest.param("SIGNAL", "15", id="B31 SIGNAL"),
        pytest.param("SCORE", "15", id="B31 SCORE"),
        pytest.param("RSI_OVERSOLD", "15", id="B32 RSI_OVERSOLD"),
        pytest.param("MACD_CROSS", "15", id="B32 MACD_CROSS"),
        pytest.param("WEBHOOK", "25", id="B33"),
        pytest.param("MANUAL", "35", id="manual orders only"),
    ],
)
def test_the_trigger_decides_the_size(trigger: str, amount: str) -> None:
    assert size(Trigger(trigger)) == granted(amount, amount)


def test_a_passive_quote_binds_at_most_95_percent_of_what_is_there() -> None:
    """B252, R77: and no other order is bound by it: 20 / 1.008 = 19.841..."""
    assert size(Trigger.PASSIVE_BUY, available="1000") == granted("32", "32")
    assert size(Trigger.PASSIVE_BUY, available="20") == granted("32", "19.00")
    assert size(Trigger.MANUAL, available="20") == granted("35", "19.84")
    assert isinstance(size(Trigger.PASSIVE_BUY, available="10.5"), Refusal)


@pytest.mark.parametrize("trigger", [None, {}, "my alert 7"])
def test_an_order_without_a_known_trigger_gets_nothing(trigger: object) -> None:
    """B34: it once got the largest size."""
    refusal = size(trigger)  # type: ignore[arg-type]  # the point of the test
    assert isinstance(refusal, Refusal)
    assert refusal.code == "ORDER_BUILD_FAILED"
    assert "known trigger" in refusal.message


def test_an_explicit_amount_wins_over_the_trigger() -> None:
    """B35, R44."""
    assert size(Trigger.ROC, explicit="12.50") == granted("12.50", "12.50")


def test_a_grant_leaves_room_for_its_fee() -> None:
    """B36: 12 / 1.008 = 11.904..."""
    assert size(Trigger.SCORE, available="12.00") == granted("15", "11.90")


def test_a_grant_below_the_minimum_is_refused() -> None:
    """B37."""
    refusal = size(Trigger.SCORE, available="9.00")
    assert refusal == Refusal(
        "INSUFFICIENT_QUOTE", "8.92 of 15.00 can be spent with 9.00 available, below minimum 10.00"
    )


@pytest.mark.parametrize(("available", "is_granted"), [("10.08", True), ("10.07999999", False)])
def test_the_minimum_itself_is_granted(available: str, *, is_granted: bool) -> None:
    """10.00 needs 10.08 at 0.8 %."""
    assert isinstance(size(Trigger.SCORE, available=available), Grant) is is_granted


def test_an_explicit_amount_below_the_minimum_is_refused_and_not_raised() -> None:
    refusal = size(Trigger.ROC, explicit="9.99")
    assert isinstance(refusal, Refusal)
    assert refusal.code == "INSUFFICIENT_QUOTE"


def test_an_explicit_amount_is_granted_in_whole_cents() -> None:
    assert size(Trigger.ROC, explicit="12.509") == granted("12.509", "12.50")


@pytest.mark.parametrize("explicit", ["0", "-5", "NaN", "Infinity"])
def test_an_explicit_amount_is_above_zero(explicit: str) -> None:
    refusal = size(Trigger.ROC, explicit=explicit)
    assert refusal == Refusal("ORDER_BUILD_FAILED", f"an order amount is above zero, was {explicit}")


def test_without_cash_nothing_is_granted() -> None:
    assert isinstance(size(Trigger.ROC, available="0"), Refusal)
    assert isinstance(size(Trigger.ROC, available="-3"), Refusal)


def test_the_defaults_are_those_of_the_page_on_sizes() -> None:
    rules = SizingRules()
    assert rules == SizingRules(*(Decimal(amount) for amount in (15, 15, 15, 35, 32, 10)))
    assert rules.order_size_fiat == 35
    assert rules.order_size_min == 10


def test_the_worked_example_of_the_module() -> None:
    assert base_size_for(Money(Decimal("11.90")), price("40000"), product()) == Decimal("0.0002975")


@pytest.mark.parametrize(
    ("amount", "at_price", "increment", "expected"),
    [
        ("10", "3", "0.01", "3.33"),
        ("10", "3", "1", "3"),
        ("2", "3", "1", "0"),
        ("10", "0.3", "5", "30"),
        ("9", "3", "1", "3"),
    ],
)
def test_a_base_size_is_rounded_down_to_the_increment(
    amount: str, at_price: str, increment: str, expected: str
) -> None:
    found = base_size_for(Money(Decimal(amount)), price(at_price), product(base_increment=increment))
    assert found == Decimal(expected)


@given(
    st.decimals("0.01", "100000", places=2),
    st.decimals("0.00000001", "100000", places=8),
    st.sampled_from(["0.00000001", "0.001", "0.25", "1", "5"]),
)
@settings(deadline=None, max_examples=60)
def test_a_size_never_costs_more_than_was_granted_and_one_more_increment_would(
    amount: Decimal, at_price: Decimal, increment: str
) -> None:
    pair = product(base_increment=increment)
    found = base_size_for(Money(amount), price(str(at_price)), pair)
    assert is_multiple(found, pair.base_increment)
    assert EXACT.multiply(found, at_price) <= amount
    assert EXACT.multiply(EXACT.add(found, pair.base_increment), at_price) > amount


@given(st.decimals("0", "100000", places=8), st.decimals("0", "0.02", places=6), st.decimals("10", "5000", places=2))
@settings(deadline=None, max_examples=60)
def test_a_grant_and_its_fee_are_covered_and_one_more_cent_would_not_be(
    available: Decimal, rate: Decimal, wanted: Decimal
) -> None:
    sized = size(Trigger.ROC, explicit=str(wanted), available=str(available), rate=rate)
    spendable = sized.granted if isinstance(sized, Grant) else Decimal(0)
    with_fee = EXACT.add(Decimal(1), rate)
    assert EXACT.multiply(spendable, with_fee) <= available
    if spendable < wanted and available > 20:
        assert EXACT.multiply(EXACT.add(spendable, Decimal("0.01")), with_fee) > available
