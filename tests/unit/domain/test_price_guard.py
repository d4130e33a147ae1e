"""The price guard: a move that lasts is acted on at its second tick, a tick that stands alone never is."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bottrader.domain.market import ProductId, Ticker
from bottrader.domain.money import Price
from bottrader.domain.price_guard import Belief, weigh_price

START = datetime(2026, 1, 1, tzinfo=UTC)
RATE = Decimal("0.1")
FACTORS = st.sampled_from(["0.01", "0.1", "0.5", "0.8", "1.2", "2", "10", "100"]).map(Decimal)
# Within 4 % of each other at the farthest, so that each agrees with each within 10 %.
STEADY = st.lists(st.decimals(Decimal(98), Decimal(102), places=2), min_size=2, max_size=20)


def tick(price: Decimal | str, second: float = 0, bid: str | None = None, ask: str | None = None) -> Ticker:
    amount = Decimal(price)
    return Ticker(
        ProductId("BTC-USD"),
        Price(amount),
        Price(amount if bid is None else Decimal(bid)),
        Price(amount if ask is None else Decimal(ask)),
        START + timedelta(seconds=second),
    )


def believed_after(*ticks: Ticker) -> list[Decimal | None]:
    """Return what is believed after each tick, None where the tick itself is not acted on."""
    belief = Belief()
    acted: list[Decimal | None] = []
    for each in ticks:
        belief = weigh_price(belief, each, RATE)
        acted.append(each.price if belief.believed is each else None)
    return acted


def at_40000() -> Belief:
    return Belief(tick("40000"))


def test_the_first_price_of_all_waits_for_a_second() -> None:
    assert believed_after(tick("100", 0), tick("101", 1)) == [None, Decimal(101)]


@pytest.mark.parametrize(("price", "is_believed"), [("44000", True), ("44000.01", False), ("36000", True)])
def test_a_move_up_to_the_limit_is_believed_at_once_and_no_further(price: str, is_believed: bool) -> None:
    """10 % of 40,000 are 4,000."""
    later = tick(price, 1)
    assert (weigh_price(at_40000(), later, RATE).believed is later) is is_believed
    below = tick("35999.99", 1)
    assert weigh_price(at_40000(), below, RATE) == Belief(tick("40000"), below)


@pytest.mark.parametrize(
    "figures", [("40000", "10", "40001"), ("40000", "39999", "400000"), ("400000", "40000", "400001")]
)
def test_each_of_bid_ask_and_mark_is_compared(figures: tuple[str, str, str]) -> None:
    """A bid that vanishes would price an exit at nothing, an ask that jumps would size an entry."""
    price, bid, ask = figures
    assert weigh_price(at_40000(), tick(price, 1, bid, ask), RATE).doubted is not None


def test_a_last_trade_outside_the_book_counts_as_the_nearer_side() -> None:
    odd = tick("400000", 1, "39999", "40001")
    assert weigh_price(at_40000(), odd, RATE).believed is odd


def test_a_message_told_twice_does_not_confirm_itself() -> None:
    """F20, F30"""
    belief = weigh_price(at_40000(), tick("400000", 1), RATE)
    assert weigh_price(belief, tick("400000", 1), RATE).believed == tick("40000")
    confirmed = tick("400000", 2)
    assert weigh_price(belief, confirmed, RATE).believed is confirmed


def test_a_quote_confirms_whatever_its_time() -> None:
    belief = weigh_price(at_40000(), tick("30000", 1), RATE)
    quote = tick("30100", 1)
    assert weigh_price(belief, quote, RATE, is_requested=True) == Belief(quote)


def test_a_quote_that_agrees_with_the_old_price_ends_the_doubt() -> None:
    """F30: the next wrong tick stands alone again."""
    belief = weigh_price(at_40000(), tick("400000", 1), RATE)
    belief = weigh_price(belief, tick("40010", 1), RATE, is_requested=True)
    assert belief.doubted is None
    assert weigh_price(belief, tick("400000", 2), RATE).believed == tick("40010", 1)


def test_a_quote_alone_is_no_proof_either() -> None:
    far = tick("30000", 1)
    assert weigh_price(at_40000(), far, RATE, is_requested=True) == Belief(tick("40000"), far)


@pytest.mark.parametrize(
    "odd", [tick("0", 1), tick("NaN", 1), tick("-1", 1), tick("100", 1, "101", "99"), tick("100", 1, "NaN", "100")]
)
def test_a_price_that_cannot_be_judged_changes_nothing(odd: Ticker) -> None:
    """F30"""
    belief = Belief(tick("100"), tick("200"))
    assert weigh_price(belief, odd, RATE) is belief


@given(STEADY, FACTORS)
def test_a_move_that_lasts_is_acted_on_from_its_second_tick_on(prices: list[Decimal], factor: Decimal) -> None:
    """F30: wherever the market goes, and stays, the stop is judged there one tick later."""
    calm = [tick(price, n) for n, price in enumerate(prices)]
    moved = [tick(price * factor, len(prices) + n) for n, price in enumerate(prices)]
    acted = believed_after(*calm, *moved)[len(calm) :]
    assert acted == [None, *(each.price for each in moved[1:])]


@given(STEADY, FACTORS, st.data())
def test_a_tick_that_stands_alone_is_never_acted_on_and_holds_nothing_up(
    prices: list[Decimal], factor: Decimal, data: st.DataObject
) -> None:
    """F30: S6, S7"""
    calm = [tick(price, n) for n, price in enumerate(prices)]
    place = data.draw(st.integers(2, len(calm)))
    lonely = tick(prices[0] * factor, place - 0.5)
    acted = believed_after(*calm[:place], lonely, *calm[place:])
    assert acted[place] is None
    assert [*acted[1:place], *acted[place + 1 :]] == [each.price for each in calm[1:]]


@given(st.lists(st.decimals(Decimal("0.01"), Decimal(1000), places=2), max_size=30))
def test_on_any_tape_each_price_acted_on_agrees_with_one_of_the_two_before_it(prices: list[Decimal]) -> None:
    """An oracle that knows no state: what is acted on was seen before, within 10 %, as last believed or last told."""
    acted = believed_after(*(tick(price, n) for n, price in enumerate(prices)))
    last: Decimal | None = None
    for n, price in enumerate(prices):
        if acted[n] is None:
            continue
        references = [reference for reference in (last, prices[n - 1]) if reference is not None]
        assert any(abs(price - reference) <= reference * RATE for reference in references)
        last = price
