"""Passive quotes: what is quoted, at which price, and how what it bought is left. Figures by hand."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bottrader.domain.errors import ConfigInvalid
from bottrader.domain.market import Candle, Ticker
from bottrader.domain.money import Price, Size, is_multiple
from bottrader.domain.passive import (
    PassiveRules,
    PassiveStanding,
    QuoteView,
    buy_quote,
    candle_range,
    closed_gate,
    inventory_bias,
    judge_held,
    maker_break_even,
    profit_price,
    required_move,
    required_spread,
    sell_quote,
)
from bottrader.domain.signals import Trigger
from tests.fixtures.facts import BTC, NOON

RULES = PassiveRules()
M = Decimal("0.004")
TICK = Decimal("0.01")
GOOD = PassiveStanding(is_profitable=True, quote_volume=Decimal(1_000_000), is_active=True)


def book(bid: str, ask: str) -> Ticker:
    return Ticker(BTC, Price(Decimal(bid)), Price(Decimal(bid)), Price(Decimal(ask)), NOON)


def candles(count: int = 5, high: str = "100.805", low: str = "100") -> list[Candle]:
    made = []
    for number in range(count):
        top, bottom = Price(Decimal(high)), Price(Decimal(low))
        opened_at = NOON + number * timedelta(minutes=5)
        made.append(Candle(BTC, opened_at, bottom, top, bottom, top, Size(Decimal(1))))
    return made


# mid 100, so 0.805 is required; the book leaves 0.83, and 0.81 between quotes one tick inside.
OPEN = QuoteView(
    is_no_buy=False,
    standing=GOOD,
    ticker=book("99.585", "100.415"),
    candles=candles(),
    tick=TICK,
    maker_rate=M,
)


def test_the_required_spread_covers_two_fees_the_floor_and_two_ticks() -> None:
    """B250: 2 x 0.004 + 0.00005; without fees 0.00025; two ticks of 0.5 at 100 are 1 %."""
    mid = Decimal(100)
    assert required_spread(mid, TICK, M, RULES) == Decimal("0.00805")
    assert required_spread(mid, TICK, M, PassiveRules(ignore_fees=True)) == Decimal("0.00025")
    assert required_spread(mid, Decimal("0.5"), M, RULES) == Decimal("0.01")
    assert required_move(mid, TICK, M, RULES) == Decimal("0.805")


def test_with_every_gate_open_it_is_quoted() -> None:
    assert closed_gate(OPEN, RULES) is None


@pytest.mark.parametrize(
    ("view", "code"),
    [
        (replace(OPEN, is_no_buy=True, standing=PassiveStanding()), "SHILL_REJECT"),
        (replace(OPEN, standing=replace(GOOD, is_profitable=False, exclusion="bad")), "PASSIVE_NOT_PROFITABLE"),
        (replace(OPEN, standing=replace(GOOD, is_profitable=None)), "PASSIVE_NOT_PROFITABLE"),
        (replace(OPEN, standing=replace(GOOD, quote_volume=Decimal("999999.99"))), "PASSIVE_NOT_PROFITABLE"),
        (replace(OPEN, standing=replace(GOOD, quote_volume=None)), "PASSIVE_NOT_PROFITABLE"),
        (replace(OPEN, standing=replace(GOOD, exclusion="bad", is_active=False)), "PASSIVE_EXCLUDED"),
        (replace(OPEN, standing=replace(GOOD, is_active=False), ticker=None), "PASSIVE_NOT_ACTIVE"),
        (replace(OPEN, standing=replace(GOOD, is_active=None)), "PASSIVE_NOT_ACTIVE"),
        (replace(OPEN, ticker=None, candles=[]), "PASSIVE_NO_BOOK"),
        (replace(OPEN, ticker=book("100.41", "99.59")), "PASSIVE_NO_BOOK"),
        (replace(OPEN, ticker=book("NaN", "100")), "PASSIVE_NO_BOOK"),
        (replace(OPEN, ticker=book("99.598", "100.402"), candles=[]), "PASSIVE_SPREAD"),
        (replace(OPEN, candles=candles(4)), "PASSIVE_RANGE"),
        (replace(OPEN, candles=candles(high="100.804"), ticker=book("99.5975", "100.4025")), "PASSIVE_RANGE"),
        (replace(OPEN, ticker=book("99.588", "100.412")), "PASSIVE_INNER_SPREAD"),
    ],
)
def test_the_first_closed_gate_is_the_reason(view: QuoteView, code: str) -> None:
    """B251, R77: in the decided order, and a gate whose data is missing is closed."""
    refusal = closed_gate(view, RULES)
    assert refusal is not None
    assert refusal.code == code


def test_without_history_a_new_account_is_quoted_but_bad_results_still_exclude() -> None:
    rules = PassiveRules(needs_history=False)
    assert closed_gate(replace(OPEN, standing=PassiveStanding()), rules) is None
    refusal = closed_gate(replace(OPEN, standing=PassiveStanding(exclusion="lost")), rules)
    assert refusal is not None
    assert (refusal.code, refusal.message) == ("PASSIVE_EXCLUDED", "lost")


def test_a_gate_opens_exactly_at_what_is_required() -> None:
    """The spread inside is 0.805 at a mid of 100, and so is the range."""
    view = replace(OPEN, ticker=book("99.5875", "100.4125"), candles=candles(high="100.805"))
    assert closed_gate(view, RULES) is None


def test_the_range_is_of_the_newest_five_candles_and_unknown_with_four() -> None:
    """B251"""
    assert candle_range(candles(4)) is None
    assert candle_range([*candles(1, "200", "1"), *candles(5, "103", "100")]) == Decimal(3)
    rising = [*candles(1, "101", "99"), *candles(4, "104", "102")]
    assert candle_range(rising) == Decimal(5)


@pytest.mark.parametrize(
    ("usd", "asset", "bias"),
    [("800", "200", "0.0012"), ("200", "800", "-0.0012"), ("500", "500", "0"), ("0", "0", "0"), ("0", "10", "-0.002")],
)
def test_the_bias_follows_the_inventory(usd: str, asset: str, bias: str) -> None:
    """B253"""
    assert inventory_bias(Decimal(usd), Decimal(asset), Decimal("0.02"), RULES) == Decimal(bias)


def test_quotes_lie_one_tick_inside_and_shift_by_whole_ticks_of_the_bias() -> None:
    """A bias of 0.029 is two ticks of 0.01, towards zero on both sides."""
    ticker = book("100.00", "100.40")
    least = Decimal(1)
    assert buy_quote(ticker, TICK, Decimal(0)) == Decimal("100.01")
    assert sell_quote(ticker, TICK, Decimal(0), least) == Decimal("100.39")
    assert buy_quote(ticker, TICK, Decimal("0.029")) == Decimal("100.03")
    assert sell_quote(ticker, TICK, Decimal("-0.029"), least) == Decimal("100.37")
    assert buy_quote(ticker, TICK, Decimal("-0.029")) == Decimal("99.99")
    assert sell_quote(ticker, TICK, Decimal("0.029"), least) == Decimal("100.41")


def test_a_bias_never_goes_through_the_touch_and_a_sell_never_below_its_least() -> None:
    ticker = book("100.00", "100.40")
    assert buy_quote(ticker, TICK, Decimal(5)) == Decimal("100.39")
    assert sell_quote(ticker, TICK, Decimal(-5), Decimal(1)) == Decimal("100.01")
    assert sell_quote(ticker, TICK, Decimal(0), Decimal("101.0032")) == Decimal("101.01")
    assert buy_quote(book("0.01", "0.02"), TICK, Decimal(-1)) is None


amounts = st.decimals(min_value="0.01", max_value="100000", places=2)
ticks = st.sampled_from([Decimal("0.01"), Decimal("0.05"), Decimal("0.25"), Decimal(1)])
biases = st.decimals(min_value=-500, max_value=500, places=6)


@given(bid=amounts, spread=st.integers(1, 500), tick=ticks, bias=biases, least=amounts)
def test_no_bias_and_no_book_makes_a_quote_take(
    bid: Decimal, spread: int, tick: Decimal, bias: Decimal, least: Decimal
) -> None:
    """B74, R20: a buy is below the ask, a sell above the bid and at least what it has to bring, both on the tick."""
    ticker = Ticker(BTC, Price(bid), Price(bid), Price(bid + spread * tick), NOON)
    buy, sell = buy_quote(ticker, tick, bias), sell_quote(ticker, tick, bias, least)
    assert sell > ticker.bid
    assert sell >= least
    assert is_multiple(sell, tick)
    if buy is not None:
        assert 0 < buy < ticker.ask
        assert is_multiple(buy, tick)


@given(usd=amounts, asset=amounts, spread=amounts)
def test_the_bias_is_at_most_a_tenth_of_the_spread(usd: Decimal, asset: Decimal, spread: Decimal) -> None:
    assert abs(inventory_bias(usd, asset, spread, RULES)) * 10 <= spread


@pytest.mark.parametrize(
    ("age_s", "price", "expected"),
    [
        (601, "100.90", Trigger.PASSIVE_EXIT),
        (601, "100.8033", Trigger.PASSIVE_EXIT),
        (601, "100.8032", Trigger.PASSIVE_LOSS),
        (601, "100.50", Trigger.PASSIVE_LOSS),
        (601, "101.50", Trigger.PASSIVE_EXIT),
        (600, "100.50", Trigger.PASSIVE_SELL),
        (0, "101.01", Trigger.PASSIVE_PROFIT),
        (0, "101.00", Trigger.PASSIVE_SELL),
        (600, "101.0033", Trigger.PASSIVE_PROFIT),
    ],
)
def test_what_a_quote_bought_is_left_by_age_and_price(age_s: float, price: str, expected: Trigger) -> None:
    """B254, B255: break-even 100.4 / 0.996 = 100.80321..., the profit from 101.00321... on."""
    assert judge_held(Decimal(100), Decimal(price), age_s, M, RULES) is expected


def test_break_even_and_profit_price_pay_two_maker_fees() -> None:
    """B254, B255"""
    assert maker_break_even(Decimal(100), M).quantize(Decimal("1E-8")) == Decimal("100.80321285")
    assert profit_price(Decimal(100), M).quantize(Decimal("1E-8")) == Decimal("101.00321285")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("spread_min_pct", Decimal("-0.1")),
        ("spread_min_pct", Decimal(1)),
        ("edge_buffer_pct", Decimal("NaN")),
        ("bias_factor", Decimal("1.1")),
        ("bias_factor", Decimal("-0.1")),
        ("quote_volume_min", Decimal(-1)),
        ("quote_volume_min", Decimal("Infinity")),
        ("lifetime_s", 0),
    ],
)
def test_a_rule_out_of_range_is_named(name: str, value: Decimal) -> None:
    with pytest.raises(ConfigInvalid, match=name):
        PassiveRules(**{name: value})  # type: ignore[arg-type]  # the point of the test
